//! The event log: list, then watch, and nothing is missed.
//!
//! It must not test which events there are.

use anyhow::{Context, Result};
use mosaic_client::{
    ErrorKind,
    proto::workspace::v1::{event::Payload, terminal_changed::Kind},
    workspace::{Events, WorkspaceEvent},
};
use test_support::Server;

use crate::{client, within};

/// Reads until the terminal with this name has started: the sequences on the way.
async fn until_started(events: &mut Events, name: &str) -> Result<Vec<u64>> {
    let mut sequences = Vec::new();
    loop {
        if let WorkspaceEvent::Event(event) = events.next().await.context("an end")?? {
            sequences.push(event.sequence);
            let Some(Payload::Terminal(change)) = event.payload else { continue };
            if change.kind() == Kind::Started && change.terminal.is_some_and(|t| t.name == name) {
                return Ok(sequences);
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_missed_or_doubled_over_a_killed_server() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let create = |name: &'static str| client.terminals().create().name(name).command(["cat"]);
        create("one").send().await?;
        let (_, sequence) = client.terminals().list().all().await?;
        let mut events = client.workspace().watch_events().after(sequence).open().await?;
        create("two").send().await?;
        let mut seen = until_started(&mut events, "two").await?;
        server.kill9().await?;
        server.restart().await?;
        let three = create("three");
        while let Err(error) = three.send().await {
            assert!(error.is_retryable(), "{error}");
        }
        seen.extend(until_started(&mut events, "three").await?);
        let expected: Vec<_> = (sequence + 1..).take(seen.len()).collect();
        assert_eq!(seen, expected);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn history_ends_where_it_is_asked_to_and_the_future_is_an_error() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        client.terminals().create().command(["cat"]).send().await?;
        let mut events = client.workspace().watch_events().after(0).follow(false).open().await?;
        let newest = events.opened().newest_sequence;
        let mut last = 0;
        let end = loop {
            match events.next().await.context("the last word")?? {
                WorkspaceEvent::Event(event) => last = event.sequence,
                WorkspaceEvent::CaughtUp { sequence } => break sequence,
                _ => {}
            }
        };
        assert!(last >= newest && end == last, "{newest} {last} {end}");
        assert!(events.next().await.is_none());

        let beyond = client.workspace().watch_events().after(end + 1000).open().await;
        let error = beyond.expect_err("there is no such event");
        assert!(matches!(error.kind(), ErrorKind::CursorAhead { end: Some(_) }), "{error:?}");
        Ok(())
    })
    .await
}
