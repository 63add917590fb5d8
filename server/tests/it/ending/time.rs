//! Terminals that end because their time is over: what was recorded of it, and that a restart changes nothing.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{CreateTerminalRequest, Terminal, exit::Reason, tree_end};
use prost_types::Duration;
use test_support::TerminalClient;

use super::by_table;
use crate::{
    shells::bad_field,
    survive::{get, gone, wait},
};

async fn limited(client: &mut TerminalClient, seconds: i64) -> Result<Terminal> {
    let request = CreateTerminalRequest {
        shell: "trap '' HUP; while :; do echo busy; sleep 0.2; done".to_owned(),
        time_limit: Some(Duration { seconds, nanos: 0 }),
        ..Default::default()
    };
    client.create_terminal(request).await?.into_inner().terminal.context("no terminal in the answer")
}

/// Waits for its end, which must be that of a time limit, proven and recorded.
async fn ended(client: &mut TerminalClient, terminal: &Terminal) -> Result<()> {
    let exit = wait(client, &terminal.id).await?.exit.context("it runs on")?;
    assert_eq!(exit.reason(), Reason::TimeLimit);
    let now = get(client, &terminal.id).await?;
    assert_eq!(now.tree_end.context("not recorded")?.result(), tree_end::Result::Proven);
    assert_eq!(now.time_limit, terminal.time_limit);
    assert!(gone(&terminal.pid.to_string()));
    Ok(())
}

#[tokio::test]
async fn a_terminal_ends_at_its_time_limit_however_busy_it_is() -> Result<()> {
    let server = by_table().await?;
    let mut client = server.terminals()?;
    let terminal = limited(&mut client, 1).await?;
    let other = limited(&mut client, 3600).await?;
    ended(&mut client, &terminal).await?;
    assert!(get(&mut client, &other.id).await?.exit.is_none(), "the other's time is not over");
    let request =
        CreateTerminalRequest { time_limit: Some(Duration { seconds: 0, nanos: 5 }), ..Default::default() };
    bad_field(client.create_terminal(request).await, "time_limit");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_passes_while_no_server_runs_counts() -> Result<()> {
    let server = by_table().await?;
    let terminal = limited(&mut server.terminals()?, 4).await?;
    server.kill9().await?;
    server.restart().await?;
    ended(&mut server.terminals()?, &terminal).await?;
    let ended = get(&mut server.terminals()?, &terminal.id).await?.end_time.context("no end")?;
    let created = terminal.create_time.context("no beginning")?;
    let ran = ended.seconds - created.seconds;
    assert!((4..12).contains(&ran), "it ran for {ran} s");
    Ok(())
}

#[tokio::test]
async fn the_end_of_an_idle_terminal_is_recorded_with_its_proof() -> Result<()> {
    let server = by_table().await?;
    let mut client = server.terminals()?;
    let request = CreateTerminalRequest {
        shell: "exec sleep 3600".to_owned(),
        idle_timeout: Some(Duration { seconds: 1, nanos: 0 }),
        ..Default::default()
    };
    let terminal = client.create_terminal(request).await?.into_inner().terminal.context("no terminal")?;
    let exit = wait(&mut client, &terminal.id).await?.exit.unwrap_or_default();
    assert_eq!(exit.reason(), Reason::IdleTimeout);
    let end = get(&mut client, &terminal.id).await?.tree_end.context("not recorded")?;
    assert_eq!(end.result(), tree_end::Result::Proven);
    Ok(())
}
