//! The event log: history and live without a gap, cursors, heartbeats, and the last word.
//!
//! It must not test what the events say about terminals.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use mosaic_proto::{
    terminal::v1::{CreateTerminalRequest, ListTerminalsRequest},
    workspace::v1::{
        CreateTokenRequest, Event, EventsOpened, Resource, WatchEventsRequest, WatchEventsResponse,
        events_ended, terminal_changed::Kind, watch_events_response,
    },
};
use test_support::{Role, Server, WorkspaceClient};
use tonic::{Code, Status, Streaming};

use crate::{
    shells::{bad_field, close, idle, refused},
    workspace::{make, revoke, token_of, wish},
};

/// Longer than anything here takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reader of the log.
struct Reader(Streaming<WatchEventsResponse>);

impl Reader {
    async fn open(client: &mut WorkspaceClient, after: Option<u64>) -> Result<Self, Status> {
        let request = WatchEventsRequest { after_sequence: after, ..Default::default() };
        Ok(Self(client.watch_events(request).await?.into_inner()))
    }

    async fn next(&mut self) -> Result<Option<watch_events_response::Response>, Status> {
        let message = tokio::time::timeout(PATIENCE, self.0.message()).await;
        let message = message.map_err(|_| Status::internal("the stream says nothing"))??;
        Ok(message.and_then(|message| message.response))
    }

    async fn opened(&mut self) -> Result<EventsOpened> {
        match self.next().await? {
            Some(watch_events_response::Response::Opened(opened)) => Ok(opened),
            other => bail!("not opened first: {other:?}"),
        }
    }

    /// The next event, heartbeats aside.
    async fn event(&mut self) -> Result<Event, Status> {
        loop {
            match self.next().await? {
                Some(watch_events_response::Response::Event(event)) => return Ok(event),
                Some(watch_events_response::Response::Heartbeat(_)) => {}
                other => return Err(Status::internal(format!("no event: {other:?}"))),
            }
        }
    }

    /// Why and where the stream ends, whatever comes before.
    async fn ended(&mut self) -> Result<(events_ended::Reason, u64), Status> {
        let end = async {
            loop {
                match self.next().await? {
                    Some(watch_events_response::Response::Ended(ended)) => {
                        let after = self.next().await?;
                        assert!(after.is_none(), "after the last word: {after:?}");
                        return Ok((ended.reason(), ended.sequence));
                    }
                    Some(_) => {}
                    None => return Err(Status::internal("no last word")),
                }
            }
        };
        // Heartbeats alone would go on for ever.
        tokio::time::timeout(PATIENCE, end).await.map_err(|_| Status::internal("the stream does not end"))?
    }
}

fn kind_and_terminal(event: &Event) -> Result<(Kind, String)> {
    match &event.payload {
        Some(mosaic_proto::workspace::v1::event::Payload::Terminal(changed)) => {
            let terminal = changed.terminal.as_ref().context("an event without its terminal")?;
            Ok((changed.kind(), terminal.id.clone()))
        }
        _ => bail!("not about a terminal: {event:?}"),
    }
}

#[tokio::test]
async fn list_then_watch_misses_nothing() -> Result<()> {
    let server = Server::builder().config("terminal.running_per_workspace_max", 100).start().await?;
    let terminals = server.terminals()?;
    let mut workspace = server.workspace()?;
    let mut making = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = terminals.clone();
        making.spawn(async move {
            for _ in 0..5 {
                let terminal = idle(&mut client).await?;
                close(&mut client, &terminal.id).await?;
            }
            anyhow::Ok(())
        });
    }
    // Readers that come while it happens, each from what its own list says.
    let mut readers = Vec::new();
    for _ in 0..3 {
        let listed = terminals.clone().list_terminals(ListTerminalsRequest::default()).await?.into_inner();
        let mut reader = Reader::open(&mut workspace, Some(listed.sequence)).await?;
        assert_eq!(reader.opened().await?.after_sequence, listed.sequence);
        readers.push((listed.sequence, reader));
        making.join_next().await.context("no maker")???;
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    // CREATED, STARTED and EXITED of each; the last of them may still be on its way.
    let last = 4 * 5 * 3;
    let mut from_the_start = Vec::new();
    let mut reader = Reader::open(&mut workspace, Some(0)).await?;
    reader.opened().await?;
    for sequence in 1..=last {
        let event = reader.event().await?;
        assert_eq!(event.sequence, sequence);
        assert_eq!(event.principal.as_ref().map(|who| who.name.is_empty()), Some(false));
        from_the_start.push(event);
    }
    for (start, mut reader) in readers {
        for expected in &from_the_start[usize::try_from(start)?..] {
            assert_eq!(reader.event().await?, *expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_opens_beats_and_ends_with_a_word() -> Result<()> {
    let server = Server::builder().config("streams.heartbeat_ms", 200).start().await?;
    let mut terminals = server.terminals()?;
    let mut workspace = server.workspace()?;
    let terminal = idle(&mut terminals).await?;
    let mut reader = Reader::open(&mut workspace, None).await?;
    let opened = reader.opened().await?;
    assert_eq!((opened.after_sequence, opened.newest_sequence), (2, 2), "from now on");
    match reader.next().await? {
        Some(watch_events_response::Response::Heartbeat(beat)) => assert_eq!(beat.sequence, 2),
        other => bail!("no heartbeat: {other:?}"),
    }
    close(&mut terminals, &terminal.id).await?;
    let event = reader.event().await?;
    assert_eq!((event.sequence, kind_and_terminal(&event)?), (3, (Kind::Exited, terminal.id)));

    let request = WatchEventsRequest { after_sequence: Some(1), follow: Some(false), ..Default::default() };
    let mut finite = Reader(workspace.watch_events(request).await?.into_inner());
    assert_eq!(finite.ended().await?, (events_ended::Reason::CaughtUp, 3));

    server.sigterm().await?;
    assert_eq!(reader.ended().await?, (events_ended::Reason::ServerStopping, 3));
    Ok(())
}

#[tokio::test]
async fn cursors_outside_the_log_are_answered() -> Result<()> {
    use tonic_types::StatusExt;
    let server = Server::start().await?;
    let mut terminals = server.terminals()?;
    let mut workspace = server.workspace()?;
    for _ in 0..2 {
        let terminal = idle(&mut terminals).await?;
        close(&mut terminals, &terminal.id).await?;
    }
    // The last event may come after the answer that the terminal is closed.
    let mut all = Reader::open(&mut workspace, Some(0)).await?;
    all.opened().await?;
    while all.event().await?.sequence < 6 {}
    let metadata = |status: &Status, key: &str| {
        status.get_details_error_info().and_then(|info| info.metadata.get(key).cloned())
    };
    for ahead in [7, u64::MAX] {
        let status = Reader::open(&mut workspace, Some(ahead)).await.err().context("it opened")?;
        assert_eq!(metadata(&status, "end").as_deref(), Some("6"));
        refused(Err::<(), _>(status), Code::OutOfRange, "CURSOR_AHEAD");
    }
    server.sql("DELETE FROM events WHERE sequence <= 3").await?;
    let status = Reader::open(&mut workspace, Some(2)).await.err().context("it opened")?;
    assert_eq!(metadata(&status, "oldest").as_deref(), Some("3"));
    refused(Err::<(), _>(status), Code::OutOfRange, "CURSOR_EXPIRED");
    for start in [0, 3] {
        let mut reader = Reader::open(&mut workspace, Some(start)).await?;
        assert_eq!(reader.opened().await?.after_sequence, 3);
        assert_eq!(reader.event().await?.sequence, 4);
    }
    let request = WatchEventsRequest { resources: vec![Resource::Unspecified.into()], ..Default::default() };
    bad_field(workspace.watch_events(request).await, "resources");
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_with_its_token() -> Result<()> {
    let server = Server::builder().config("auth.token_cache_s", 1).start().await?;
    let mut operator = server.workspace()?;
    let open = async |lifetime: Option<i64>| -> Result<(String, Reader)> {
        let lifetime = lifetime.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        let request = CreateTokenRequest { lifetime, ..wish("short") };
        let made = make(&mut server.workspace()?, request).await?;
        let mut reader = Reader::open(&mut server.workspace_as(&made.secret)?, None).await?;
        reader.opened().await?;
        Ok((token_of(&made)?.id.clone(), reader))
    };
    let (id, mut reader) = open(None).await?;
    revoke(&mut operator, &id).await?;
    refused(reader.ended().await, Code::Unauthenticated, "TOKEN_UNKNOWN");

    // Revoked by another server on the same database.
    let (id, mut reader) = open(None).await?;
    server.sql(&format!("UPDATE tokens SET revoke_time = now() WHERE id = '{id}'")).await?;
    refused(reader.ended().await, Code::Unauthenticated, "TOKEN_UNKNOWN");

    let (_, mut reader) = open(Some(1)).await?;
    refused(reader.ended().await, Code::Unauthenticated, "TOKEN_EXPIRED");
    Ok(())
}

#[tokio::test]
async fn a_reader_sees_its_workspace_and_its_terminal_only() -> Result<()> {
    let server = Server::start().await?;
    let mut terminals = server.terminals()?;
    let mut workspace = server.workspace()?;
    let seen = idle(&mut terminals).await?;
    let hidden = idle(&mut terminals).await?;
    let limited =
        CreateTokenRequest { role: Role::Viewer.into(), terminal_id: seen.id.clone(), ..wish("limited") };
    let limited = make(&mut workspace, limited).await?.secret;
    close(&mut terminals, &hidden.id).await?;
    close(&mut terminals, &seen.id).await?;
    let mut reader = Reader::open(&mut server.workspace_as(&limited)?, Some(0)).await?;
    reader.opened().await?;
    for kind in [Kind::Created, Kind::Started, Kind::Exited] {
        assert_eq!(kind_and_terminal(&reader.event().await?)?, (kind, seen.id.clone()));
    }
    let mut other = server.workspace_as(&server.other_workspace_token().await?)?;
    let mut reader = Reader::open(&mut other, Some(0)).await?;
    assert_eq!(reader.opened().await?.newest_sequence, 0);
    server
        .terminals()?
        .create_terminal(CreateTerminalRequest { shell: "true".into(), ..Default::default() })
        .await?;
    let request = WatchEventsRequest { after_sequence: Some(0), follow: Some(false), ..Default::default() };
    let mut finite = Reader(other.watch_events(request).await?.into_inner());
    assert_eq!(finite.ended().await?, (events_ended::Reason::CaughtUp, 0));
    Ok(())
}
