//! From the commit of a change to whoever watches the workspace's events.
//!
//! It must not have two changes on their way.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use mosaic_client::{
    proto::workspace::v1::{Event, Resource},
    workspace::{Events, WorkspaceEvent},
};

use crate::{
    mosaic::Mosaic,
    report::{Aim, Row, Table},
};

const JOBS: u32 = 200;

const WATCHER: Row = Row {
    what: "from a change's last statement, its commit included, to a watcher of events, p50",
    unit: "ms",
    digits: 2,
    aim: Aim::AtMost(5.0),
};

/// Jobs that only wait: each makes one event, and its time is that of the statement before the commit.
pub(super) async fn measure(mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    let orchestrator = mosaic.client().orchestrator();
    orchestrator.pause("measured").await?;
    let watch = mosaic.another_client()?.workspace().watch_events().resource(Resource::Job);
    let mut events = watch.open().await?;
    let mut times = Vec::new();
    for _ in 0..JOBS {
        let spawn = orchestrator.spawn("hello").profile("echo");
        let (made, seen) = tokio::join!(spawn.send(), next(&mut events));
        made?;
        times.push(seen?);
    }
    table.add(WATCHER, None, super::median_ms(times)?);
    drop(events);
    orchestrator.kill_all().send().await?;
    orchestrator.resume().await?;
    Ok(())
}

/// How old the next event is when it comes.
async fn next(events: &mut Events) -> Result<Duration> {
    loop {
        if let WorkspaceEvent::Event(event) = events.next().await.context("the events ended")?? {
            return age(&event);
        }
    }
}

fn age(event: &Event) -> Result<Duration> {
    let now = SystemTime::now();
    let made = event.time.context("an event without a time")?;
    ensure!(made.seconds > 0, "an event of 1970");
    Ok(now.duration_since(SystemTime::try_from(made)?)?)
}
