//! Terminals as tests need them: made, typed into, read and ended in one line each.
//!
//! It must not check anything that a test is about.

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    AttachRequest, AttachResponse, CloseTerminalRequest, CreateTerminalRequest, GetTerminalRequest, Open,
    Terminal, WatchRequest, WriteRequest, attach_request, terminal_event, write_request,
};
use test_support::{TerminalClient, reason};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// How long a test waits for a program's word.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal that runs a command line.
pub(crate) async fn run(client: &mut TerminalClient, shell: &str) -> Result<Terminal> {
    let request = CreateTerminalRequest { shell: shell.to_owned(), ..Default::default() };
    client.create_terminal(request).await?.into_inner().terminal.context("no terminal in the answer")
}

/// A terminal that does nothing and stays.
pub(crate) async fn idle(client: &mut TerminalClient) -> Result<Terminal> {
    run(client, "exec sleep 3600").await
}

/// Types text.
pub(crate) async fn write(client: &mut TerminalClient, id: &str, text: &str) -> Result<()> {
    let input = Some(write_request::Input::Text(text.to_owned()));
    client.write(WriteRequest { terminal_id: id.to_owned(), input, ..Default::default() }).await?;
    Ok(())
}

/// Reads from the oldest byte until `wanted` was printed.
pub(crate) async fn read_until(client: &mut TerminalClient, id: &str, wanted: &str) -> Result<String> {
    let request = WatchRequest { terminal_id: id.to_owned(), ..Default::default() };
    let mut events = client.watch(request).await?.into_inner();
    let mut printed = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    // A test that waits for what never comes has to say so.
    while let Ok(message) = timeout_at(deadline, events.message()).await {
        let Some(message) = message? else { break };
        if let Some(terminal_event::Event::Output(output)) = message.event.and_then(|event| event.event) {
            printed.extend_from_slice(&output.data);
            let text = String::from_utf8_lossy(&printed);
            if text.contains(wanted) {
                return Ok(text.into_owned());
            }
        }
    }
    anyhow::bail!("{wanted:?} was not printed: {:?}", String::from_utf8_lossy(&printed))
}

/// Ends a terminal; an error if something of it is left.
pub(crate) async fn close(client: &mut TerminalClient, id: &str) -> Result<()> {
    let closed =
        client.close_terminal(CloseTerminalRequest { terminal_id: id.to_owned(), ..Default::default() });
    let closed = closed.await?.into_inner();
    anyhow::ensure!(closed.proven, "survivors: {:?}", closed.survivors);
    Ok(())
}

/// An attachment and what to say to it.
pub(crate) struct Attached {
    pub(crate) say: mpsc::Sender<AttachRequest>,
    pub(crate) hear: Streaming<AttachResponse>,
}

/// Attaches with this first message.
pub(crate) async fn attach(
    client: &mut TerminalClient,
    first: attach_request::Request,
) -> Result<Attached, Status> {
    let (say, said) = mpsc::channel(64);
    say.send(AttachRequest { request: Some(first) }).await.unwrap();
    let hear = client.attach(ReceiverStream::new(said)).await?.into_inner();
    Ok(Attached { say, hear })
}

/// The first message of an attachment that only names its terminal.
pub(crate) fn open(id: &str) -> attach_request::Request {
    attach_request::Request::Open(Open { terminal_id: id.to_owned(), ..Default::default() })
}

/// The error that an attachment ends with, whatever comes before.
pub(crate) async fn error_of(attached: Result<Attached, Status>) -> Result<Status> {
    let mut attached = match attached {
        Ok(attached) => attached,
        Err(status) => return Ok(status),
    };
    loop {
        match attached.hear.message().await {
            Ok(Some(_)) => {}
            Ok(None) => anyhow::bail!("the attachment ended without an error"),
            Err(status) => return Ok(status),
        }
    }
}

/// Checks code and reason of what must have failed.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, wanted: &str) {
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, wanted), "{status:?}");
    assert!(!status.message().is_empty(), "an error without a word: {status:?}");
}

/// Checks that a bad value was refused, and that the error names its field.
#[track_caller]
pub(crate) fn bad_field<T: std::fmt::Debug>(result: Result<T, Status>, field: &str) {
    use tonic_types::StatusExt;
    let status = result.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::InvalidArgument, "BAD_REQUEST"),
        "{status:?}"
    );
    let named: Vec<_> = status
        .get_details_bad_request()
        .map(|details| details.field_violations.into_iter().map(|violation| violation.field).collect())
        .unwrap_or_default();
    assert!(named.iter().any(|name| name.starts_with(field)), "{field} is not among {named:?}: {status:?}");
}

/// Checks that the server still answers for a terminal that runs.
pub(crate) async fn unharmed(client: &mut TerminalClient, terminal: &Terminal) -> Result<()> {
    let request = GetTerminalRequest { terminal_id: terminal.id.clone() };
    let now =
        client.get_terminal(request).await?.into_inner().terminal.context("no terminal in the answer")?;
    assert_eq!(now.state(), mosaic_proto::terminal::v1::terminal::State::Running, "{now:?}");
    Ok(())
}
