//! Terminals started per second, by a small server and by one that holds much memory.
//!
//! It must not count the time of ending them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use mosaic_client::proto::terminal::v1::{WriteRequest, WriteResponse, write_request};
use tokio::{task::JoinSet, time};
use tonic::{Code, Response, Status};

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
/// Calls that are held: as many as may wait.
pub(crate) const HELD_CALLS: usize = 540;
/// A connection takes fewer than these.
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

/// Starts beside those of a bare loop. Both servers are as old and have started as many before: the first ones of a
/// new database cost more. And neither is removed between two rounds: ext4 passes by the inodes of files that were
/// deleted lately, one by one, whenever it makes a file.
pub(crate) async fn measure(small: &Mosaic, large: &Mosaic, table: &mut Table) -> Result<()> {
    let bare = floor::per_second(TERMINALS as usize).await?;
    table.add(SMALL, bare, per_second(small).await?);
    let mut held = hold(large).await?;
    table.add(LARGE, bare, per_second(large).await?);
    ensure!(held.try_join_next().is_none(), "a call was answered before the end");
    Ok(())
}

async fn per_second(mosaic: &Mosaic) -> Result<f64> {
    let began = Instant::now();
    let terminals = mosaic.start_idle(TERMINALS as usize).await?;
    let rate = f64::from(TERMINALS) / began.elapsed().as_secs_f64();
    mosaic::close(&terminals).await?;
    Ok(rate)
}

/// Makes the server hold memory as its users can: each call types a mebibyte as its writer's second input, and
/// waits for the first one, which never comes. There is one call more than may wait: when it is refused, the server
/// has received all others.
async fn hold(mosaic: &Mosaic) -> Result<JoinSet<Result<WriteResponse, Status>>> {
    let terminal = mosaic.start_idle(1).await?.pop().context("one terminal")?;
    let data = Bytes::from(vec![b'x'; CALL_BYTES]);
    let request = || WriteRequest {
        terminal_id: terminal.id().to_owned(),
        writer_id: NEVER_FIRST.to_owned(),
        sequence: Some(2),
        input: Some(write_request::Input::Data(data.clone())),
    };
    let clients: Vec<_> = (0..CONNECTIONS).map(|_| mosaic.another_client()).collect::<Result<_>>()?;
    let mut calls = JoinSet::new();
    for client in clients.iter().cycle().take(HELD_CALLS + 1) {
        let (mut raw, request) = (client.raw()?, request());
        calls.spawn(async move { raw.terminals.write(request).await.map(Response::into_inner) });
    }
    let first =
        time::timeout(PATIENCE, calls.join_next()).await.context("the server does not hold the calls")?;
    let answer = first.context("no call was made")??;
    ensure!(answer.is_err_and(|status| status.code() == Code::ResourceExhausted), "a call did not wait");
    let held = machine::memory_kib(mosaic.pid()?)?;
    ensure!(held >= f64::from(HELD_MIB) * 1024.0, "the server holds {held} KiB");
    Ok(calls)
}

/// A writer that has typed nothing.
const NEVER_FIRST: &str = "018f0000-0000-7000-8000-000000000001";
