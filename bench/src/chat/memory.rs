//! Many answers under way in which nothing happens: what each of them costs.
//!
//! It must not count the model server's side, nor the reader's.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use mosaic_client::proto::chat::v1::message_event::Event;

use super::{fake::Fake, through::Through};
use crate::{
    machine,
    report::{Aim, Row, Table},
};

const STREAMS: u32 = 500;
/// Calls at once.
const CALLERS: usize = 16;
/// How long the last ones may still be busy with their start.
const SETTLING: Duration = Duration::from_secs(2);

const SERVER: Row =
    Row { what: "an open stream in the server, RssAnon", unit: "KiB", digits: 1, aim: Aim::None };

/// The growth of a fresh server, which has answered some before.
pub(super) async fn measure(fake: &Fake, table: &mut Table) -> Result<()> {
    let through = Through::start(&fake.address, STREAMS as usize).await?;
    for _ in 0..CALLERS {
        through.ask("first", "", |_| {}).await?;
    }
    let held = || machine::memory_kib(through.pid()?);
    let before = held()?;
    let open = |_| async {
        let mut stream = through.say("open", "").await?;
        while let Some(event) = super::through::next(&mut stream).await? {
            if matches!(event, Event::TextDelta(_)) {
                return Ok(stream);
            }
        }
        anyhow::bail!("an answer ended")
    };
    let streams: Vec<_> =
        stream::iter(0..STREAMS).map(open).buffer_unordered(CALLERS).try_collect().await.context("open")?;
    tokio::time::sleep(SETTLING).await;
    table.add(SERVER, None, (held()? - before) / f64::from(STREAMS));
    drop(streams);
    through.stop().await
}
