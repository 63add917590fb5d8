//! Many terminals in which nothing happens: what each of them costs.
//!
//! It must not count the programs in them.

use std::time::Duration;

use anyhow::Result;

use crate::{
    machine,
    mosaic::Mosaic,
    report::{Aim, Row, Table},
};

const TERMINALS: u32 = 500;
/// How long the last ones may still be busy with their start.
const SETTLING: Duration = Duration::from_secs(2);

const SERVER: Row =
    Row { what: "an idle terminal in the server, RssAnon", unit: "KiB", digits: 1, aim: Aim::AtMost(40.0) };
const KEEPER: Row =
    Row { what: "an idle terminal in the keeper, RssAnon", unit: "KiB", digits: 1, aim: Aim::None };

/// The growth of a fresh server, which has run one terminal before.
pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let mosaic = Mosaic::start().await?;
    crate::mosaic::close(&mosaic.start_idle(1).await?).await?;
    let held =
        || anyhow::Ok((machine::memory_kib(mosaic.pid()?)?, machine::memory_kib(mosaic.keeper_pid()?)?));
    let (server, keeper) = held()?;
    let terminals = mosaic.start_idle(TERMINALS as usize).await?;
    tokio::time::sleep(SETTLING).await;
    let (server_after, keeper_after) = held()?;
    table.add(SERVER, None, (server_after - server) / f64::from(TERMINALS));
    table.add(KEEPER, None, (keeper_after - keeper) / f64::from(TERMINALS));
    drop(terminals);
    mosaic.stop().await
}
