//! Bad input for terminals: what is typed out of order, in the wrong form, or too late.
//!
//! It must not test that good input arrives; the survival tests do.

use anyhow::Result;
use mosaic_proto::terminal::v1::{
    AttachRequest, Input, Keys, Open, WaitTerminalRequest, WindowSize, WriteRequest, attach_request,
    write_request,
};
use test_support::Server;
use tonic::Code;

use crate::shells::{attach, bad_field, error_of, idle, open, refused, run, unharmed};

fn text(text: &str) -> Option<write_request::Input> {
    Some(write_request::Input::Text(text.to_owned()))
}

#[tokio::test]
async fn write_refuses_what_it_cannot_type() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let request = || WriteRequest { terminal_id: terminal.id.clone(), ..Default::default() };
    bad_field(client.write(request()).await, "");
    for name in ["", "NoSuchKey", "C-", "M-", "ab"] {
        let input = Some(write_request::Input::Keys(Keys { names: vec![name.to_owned()] }));
        bad_field(client.write(WriteRequest { input, ..request() }).await, "keys");
    }
    let names = vec!["a".to_owned(); 1025];
    let input = Some(write_request::Input::Keys(Keys { names }));
    bad_field(client.write(WriteRequest { input, ..request() }).await, "keys");
    let input = Some(write_request::Input::Data(vec![b'x'; (1 << 20) + 1].into()));
    bad_field(client.write(WriteRequest { input, ..request() }).await, "data");
    for writer_id in ["x", "00000000-0000-0000-0000-000000000000", "\0"] {
        let writer_id = writer_id.to_owned();
        let request = WriteRequest { input: text("x"), writer_id, sequence: Some(1), ..request() };
        bad_field(client.write(request).await, "writer_id");
    }
    let writer_id = uuid::Uuid::now_v7().to_string();
    let no_sequence = WriteRequest { input: text("x"), writer_id: writer_id.clone(), ..request() };
    bad_field(client.write(no_sequence).await, "sequence");
    let zero = WriteRequest { input: text("x"), writer_id, sequence: Some(0), ..request() };
    bad_field(client.write(zero).await, "sequence");
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn a_sequence_that_skips_is_refused_and_the_writer_goes_on() -> Result<()> {
    let server = Server::builder().config("terminal.reorder_wait_ms", 50).start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let writer_id = uuid::Uuid::now_v7().to_string();
    let request = |sequence: u64| WriteRequest {
        terminal_id: terminal.id.clone(),
        input: text("x"),
        writer_id: writer_id.clone(),
        sequence: Some(sequence),
    };
    let unknown = WriteRequest { writer_id: uuid::Uuid::now_v7().to_string(), ..request(5) };
    let status = client.write(unknown).await.unwrap_err();
    assert!(
        ["WRITER_UNKNOWN", "SEQUENCE_GAP"].contains(&test_support::reason(&status).as_str()),
        "{status:?}"
    );
    assert_eq!(client.write(request(1)).await?.into_inner().highest_accepted_sequence, 1);
    refused(client.write(request(3)).await, Code::FailedPrecondition, "SEQUENCE_GAP");
    assert_eq!(
        client.write(request(1)).await?.into_inner().highest_accepted_sequence,
        1,
        "a repeat is an answer"
    );
    assert_eq!(client.write(request(2)).await?.into_inner().highest_accepted_sequence, 2);
    assert_eq!(client.write(request(3)).await?.into_inner().highest_accepted_sequence, 3);
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn an_attachment_refuses_what_is_out_of_turn() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let input = |sequence| attach_request::Request::Input(Input { sequence, data: "x".into() });
    // The first message must open.
    let status = error_of(attach(&mut client, input(1)).await).await?;
    bad_field(Err::<(), _>(status), "");
    // A size that no window has.
    for (cols, rows) in [(Some(0), Some(24)), (Some(80), Some(100_000)), (Some(80), None)] {
        let first = Open { terminal_id: terminal.id.clone(), cols, rows, ..Default::default() };
        let status = error_of(attach(&mut client, attach_request::Request::Open(first)).await).await?;
        bad_field(Err::<(), _>(status), "");
    }
    let writer_id = "not a uuid".to_owned();
    let first = Open { terminal_id: terminal.id.clone(), writer_id, ..Default::default() };
    let status = error_of(attach(&mut client, attach_request::Request::Open(first)).await).await?;
    bad_field(Err::<(), _>(status), "");
    // After a good beginning: what comes next decides.
    let after = [
        (input(2), Code::FailedPrecondition, "WRITER_UNKNOWN"),
        (open(&terminal.id), Code::InvalidArgument, "BAD_REQUEST"),
        (
            attach_request::Request::Resize(WindowSize { cols: 0, rows: 24 }),
            Code::InvalidArgument,
            "BAD_REQUEST",
        ),
        (
            attach_request::Request::Resize(WindowSize { cols: 80, rows: 100_000 }),
            Code::InvalidArgument,
            "BAD_REQUEST",
        ),
    ];
    for (request, code, reason) in after {
        println!("{request:?}");
        let attached = attach(&mut client, open(&terminal.id)).await?;
        attached.say.send(AttachRequest { request: Some(request) }).await?;
        let status = error_of(Ok(attached)).await?;
        refused(Err::<(), _>(status), code, reason);
    }
    // A writer that is known and skips.
    let attached = attach(&mut client, open(&terminal.id)).await?;
    for request in [input(1), input(3)] {
        attached.say.send(AttachRequest { request: Some(request) }).await?;
    }
    let status = error_of(Ok(attached)).await?;
    refused(Err::<(), _>(status), Code::FailedPrecondition, "SEQUENCE_GAP");
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn an_ended_terminal_takes_nothing() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let witness = idle(&mut client).await?;
    let ended = run(&mut client, "exit 3").await?;
    let waited =
        client.wait_terminal(WaitTerminalRequest { terminal_id: ended.id.clone(), timeout: None }).await?;
    assert_eq!(waited.into_inner().exit.and_then(|exit| exit.code), Some(3));
    let request = WriteRequest { terminal_id: ended.id.clone(), input: text("x"), ..Default::default() };
    refused(client.write(request).await, Code::FailedPrecondition, "TERMINAL_ENDED");
    unharmed(&mut client, &witness).await
}
