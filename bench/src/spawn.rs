//! Terminals started per second, by a small server and by one that holds much memory.
//!
//! It must not count the time of ending them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use mosaic_client::{
    proto::terminal::v1::{WriteRequest, write_request},
    terminal::Terminal,
};
use tokio::{task::JoinSet, time};

use crate::{
    floor, machine,
    mosaic::{self, Mosaic},
    report::{Aim, Row, Table},
};

const TERMINALS: u32 = 200;
/// What the large server holds at least.
const HELD_MIB: u32 = 512;
/// Bytes of one call that is held, the most that one may have.
const CALL_BYTES: usize = 1024 * 1024;
/// Calls held on one connection.
const CALLS: usize = 180;
const CONNECTIONS: usize = 3;
/// How long the server may take to receive them.
const PATIENCE: Duration = Duration::from_secs(60);

const SMALL: Row = Row {
    what: "CreateTerminal, 16 callers, beside bare PTY spawns of a small process",
    unit: "/s",
    digits: 0,
    aim: Aim::RatioAtLeast(0.5),
};
const LARGE: Row = Row { what: "the same while the server holds 512 MiB", ..SMALL };

/// Starts beside those of a bare loop. The large server is a fresh one: what another has given back and kept for
/// later would not count.
pub(crate) async fn measure(mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    let bare = floor::per_second(TERMINALS as usize).await?;
    let (terminals, small) = per_second(mosaic).await?;
    mosaic::close(&terminals).await?;
    table.add(SMALL, bare, small);
    let large = Mosaic::start().await?;
    let held = hold(&large).await?;
    let (_, rate) = per_second(&large).await?;
    table.add(LARGE, bare, rate);
    drop(held);
    large.stop().await
}

async fn per_second(mosaic: &Mosaic) -> Result<(Vec<Terminal>, f64)> {
    let began = Instant::now();
    let terminals = mosaic.start_idle(TERMINALS as usize).await?;
    Ok((terminals, f64::from(TERMINALS) / began.elapsed().as_secs_f64()))
}

/// Makes the server hold memory as its users can: each call types a mebibyte as its writer's second input, and
/// waits for the first one, which never comes.
async fn hold(mosaic: &Mosaic) -> Result<JoinSet<()>> {
    let terminal = mosaic.start_idle(1).await?.pop().context("one terminal")?;
    let before = machine::memory_kib(mosaic.pid()?)?;
    let data = Bytes::from(vec![b'x'; CALL_BYTES]);
    let mut calls = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = mosaic.another_client()?;
        for _ in 0..CALLS {
            let request = WriteRequest {
                terminal_id: terminal.id().to_owned(),
                writer_id: NEVER_FIRST.to_owned(),
                sequence: Some(2),
                input: Some(write_request::Input::Data(data.clone())),
            };
            let mut raw = client.raw()?;
            calls.spawn(async move {
                // It ends when it is dropped.
                let _ = raw.terminals.write(request).await;
            });
        }
    }
    let grown = async {
        while machine::memory_kib(mosaic.pid()?)? - before < f64::from(HELD_MIB) * 1024.0 {
            time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    time::timeout(PATIENCE, grown).await.context("the server does not hold the calls")??;
    Ok(calls)
}

/// A writer that has typed nothing.
const NEVER_FIRST: &str = "018f0000-0000-7000-8000-000000000001";
