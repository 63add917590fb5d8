//! PostgreSQL goes away in the middle of making a terminal: what it says afterwards is what has become of it.
//!
//! It must not test what terminals that run do meanwhile; `server` does.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use mosaic_proto::{
    terminal::v1::{CreateTerminalRequest, Terminal, terminal::State},
    workspace::v1::{
        Event, WatchEventsRequest, WatchEventsResponse, event::Payload, terminal_changed::Kind,
        watch_events_response::Response,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use test_support::{Postgres, Server, reason};
use tokio::task::JoinHandle;
use tonic::Streaming;

use super::get;
use crate::shells::{read_until, write};

/// Longer than anything here takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the first event of a kind in the workspace's whole log.
async fn event(server: &Server, kind: Kind) -> Result<Terminal> {
    let found = async {
        loop {
            let request = WatchEventsRequest { after_sequence: Some(0), ..Default::default() };
            match server.workspace()?.watch_events(request).await {
                Ok(events) => return find(events.into_inner(), kind).await,
                // It may not have noticed yet that the database is back.
                Err(status) if reason(&status) == "DATABASE_UNAVAILABLE" => {}
                Err(status) => bail!(status),
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.with_context(|| format!("no event {kind:?}"))?
}

async fn find(mut events: Streaming<WatchEventsResponse>, kind: Kind) -> Result<Terminal> {
    while let Some(message) = events.message().await? {
        if let Some(Response::Event(Event { payload: Some(Payload::Terminal(changed)), .. })) =
            message.response
            && changed.kind() == kind
        {
            return changed.terminal.context("an event without its terminal");
        }
    }
    bail!("the events end before {kind:?}")
}

fn tell_keeper(server: &Server, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(server.keeper_pid()?)?).context("no keeper")?;
    Ok(kill_process(pid, signal)?)
}

type Making = JoinHandle<Result<Terminal, tonic::Status>>;

/// Asks for a terminal and takes PostgreSQL away between its row and its child: a keeper that stands still waits there.
async fn make_without_database(server: &Server, postgres: &Postgres, command: &[&str]) -> Result<Making> {
    let mut client = server.terminals()?;
    tell_keeper(server, Signal::STOP)?;
    let command = command.iter().map(|&word| word.to_owned()).collect();
    let making = tokio::spawn(async move {
        let request = CreateTerminalRequest { name: "made".to_owned(), command, ..Default::default() };
        let made = client.create_terminal(request).await?.into_inner();
        made.terminal.ok_or_else(|| tonic::Status::internal("no terminal in the answer"))
    });
    event(server, Kind::Created).await?;
    postgres.stop().await?;
    tell_keeper(server, Signal::CONT)?;
    Ok(making)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_starts_while_postgresql_is_away_is_recorded_as_running() -> Result<()> {
    let postgres = Postgres::start().await?;
    let server = Server::builder().database_url(postgres.url()).start().await?;
    let made = make_without_database(&server, &postgres, &["cat"]).await?.await??;
    let mut client = server.terminals()?;
    write(&mut client, &made.id, "here\r").await?;
    read_until(&mut client, &made.id, "here\r\nhere\r\n").await?;
    postgres.start_again().await?;
    let recorded = event(&server, Kind::Started).await?;
    assert_eq!((&recorded.id, recorded.state()), (&made.id, State::Running));
    server.kill9().await?;
    server.restart().await?;
    let terminal = get(&mut server.terminals()?, &made.id).await?;
    assert_eq!((terminal.state(), terminal.pid), (State::Running, made.pid));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_cannot_be_started_while_postgresql_is_away_is_forgotten() -> Result<()> {
    let postgres = Postgres::start().await?;
    let server = Server::builder().database_url(postgres.url()).start().await?;
    let refused = make_without_database(&server, &postgres, &["/does/not/exist"]).await?.await?;
    assert_eq!(reason(&refused.unwrap_err()), "COMMAND_NOT_FOUND");
    postgres.start_again().await?;
    assert_eq!(event(&server, Kind::Deleted).await?.name, "made");
    Ok(())
}
