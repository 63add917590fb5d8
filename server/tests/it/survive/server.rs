//! The server stopped, restarted, frozen, and cut off from its database.

use std::time::Duration;

use anyhow::Result;
use mosaic_proto::terminal::v1::{
    AttachRequest, Input, attach_request, attach_response::Response, exit::Reason, stream_ended,
    terminal_event::Event,
};
use test_support::{Postgres, Server, reason};

use super::{Cursor, get, gone, wait};
use crate::shells::{attach, open, read_until, run, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_says_a_last_word_and_goes_on_with_the_same_shell() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, "while read line; do echo \"got $line\"; done; exit 5").await?;
    write(&mut client, &shell.id, "one\r").await?;
    read_until(&mut client, &shell.id, "got one\r\n").await?;
    let mut attached = attach(&mut client, open(&shell.id)).await?;
    let stopping = tokio::spawn(async move {
        let mut last = None;
        while let Ok(Some(message)) = attached.hear.message().await {
            last = message.response;
        }
        last
    });
    server.sigterm().await?;
    let Some(Response::Event(event)) = stopping.await? else { panic!("no last word") };
    let Some(Event::StreamEnded(ended)) = event.event else { panic!("{event:?} is not a last word") };
    assert_eq!(ended.reason(), stream_ended::Reason::ServerStopping);
    server.restart().await?;
    let mut client = server.terminals()?;
    write(&mut client, &shell.id, "two\r").await?;
    read_until(&mut client, &shell.id, "got two\r\n").await?;
    write(&mut client, &shell.id, "\u{4}").await?;
    let exit = wait(&mut client, &shell.id).await?.exit.unwrap_or_default();
    assert_eq!((exit.reason(), exit.code), (Reason::Exited, Some(5)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_while_no_server_runs_is_told_of() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, "read line; echo \"got $line\"; exit 9").await?;
    write(&mut client, &shell.id, "last words\r").await?;
    server.kill9().await?;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !gone(&shell.pid.to_string()) && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    server.restart().await?;
    let mut client = server.terminals()?;
    let exit = wait(&mut client, &shell.id).await?.exit.unwrap_or_default();
    assert_eq!((exit.reason(), exit.code), (Reason::Exited, Some(9)));
    let mut cursor = Cursor::default();
    cursor.finish(&mut client, &shell.id).await?;
    assert!(cursor.text().contains("got last words\r\n"), "{}", cursor.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_keeps_its_terminals_from_a_successor_and_goes_on() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, "while read line; do echo \"got $line\"; done").await?;
    server.stop_signal()?;
    let successor = server.command("serve")?.arg("--listen").arg("127.0.0.1:0").output()?;
    assert!(!successor.status.success());
    let said = String::from_utf8_lossy(&successor.stderr);
    assert!(said.contains(&format!("process {}", server.pid()?)), "{said}");
    server.cont()?;
    write(&mut client, &shell.id, "still here\r").await?;
    read_until(&mut client, &shell.id, "got still here\r\n").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn open_terminals_go_on_while_postgresql_is_away() -> Result<()> {
    let postgres = Postgres::start().await?;
    let server = Server::builder().database_url(postgres.url()).start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, "while read line; do echo \"got $line\"; done; exit 6").await?;
    let ending = run(&mut client, "read line; exit 8").await?;
    let attached = attach(&mut client, open(&shell.id)).await?;
    postgres.stop().await?;

    // Longer than tokens are cached, where the full run is asked for.
    let away = Duration::from_secs(if test_support::long() { 90 } else { 3 });
    let until = tokio::time::Instant::now() + away;
    let mut sequence = 0;
    while tokio::time::Instant::now() < until {
        sequence += 1;
        let input = Input { sequence, data: format!("{sequence}\r").into_bytes().into() };
        attached.say.send(AttachRequest { request: Some(attach_request::Request::Input(input)) }).await?;
        write(&mut client, &shell.id, "by call\r").await?;
        read_until(&mut client, &shell.id, &format!("got {sequence}\r\n")).await?;
    }
    let refused = run(&mut client, "true").await.unwrap_err();
    let status = refused.downcast_ref::<tonic::Status>().cloned().unwrap_or_else(|| panic!("{refused}"));
    assert_eq!((status.code(), reason(&status).as_str()), (tonic::Code::Unavailable, "DATABASE_UNAVAILABLE"));
    write(&mut client, &ending.id, "\r").await?;
    let exit = wait(&mut client, &ending.id).await?.exit.unwrap_or_default();
    assert_eq!(exit.code, Some(8), "the end is known before it is recorded");

    postgres.start_again().await?;
    let new = loop {
        match run(&mut client, "exit 0").await {
            Ok(new) => break new,
            Err(error) => assert!(error.to_string().contains("database"), "{error}"),
        }
    };
    wait(&mut client, &new.id).await?;
    server.kill9().await?;
    server.restart().await?;
    let mut client = server.terminals()?;
    assert_eq!(get(&mut client, &ending.id).await?.exit.unwrap_or_default().code, Some(8));
    write(&mut client, &shell.id, "\u{4}").await?;
    assert_eq!(wait(&mut client, &shell.id).await?.exit.unwrap_or_default().code, Some(6));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_all_ends_the_shells_too_and_the_next_start_says_so() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, &test_support::programs::leaves_a_daemon()).await?;
    let daemon = read_until(&mut client, &shell.id, "\r\n").await?;
    // It sheds session, mark and parent.
    let hidden =
        run(&mut client, "(setsid env -i sh -c 'echo $$; exec sleep 3600' &); exec sleep 3600").await?;
    let hidden = read_until(&mut client, &hidden.id, "\r\n").await?;
    let stopped = server.command("stop")?.arg("--all").output()?;
    let said = String::from_utf8_lossy(&stopped.stdout);
    assert!(stopped.status.success(), "{said}{}", String::from_utf8_lossy(&stopped.stderr));
    assert!(said.contains("nothing of them is left"), "{said}");
    for pid in [shell.pid.to_string(), daemon, hidden] {
        assert!(gone(&pid), "process {pid} lives on");
    }
    server.ended().await?;
    server.restart().await?;
    let exit = get(&mut server.terminals()?, &shell.id).await?.exit.unwrap_or_default();
    assert_eq!(exit.reason(), Reason::Killed);
    Ok(())
}
