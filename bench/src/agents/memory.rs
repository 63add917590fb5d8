//! A thousand agents that are over and a hundred that run: what they cost.
//!
//! It must not count their programs.

use anyhow::Result;

use super::SETTINGS;
use crate::{
    machine,
    mosaic::{CALLERS, Mosaic},
    report::{Aim, Row, Table},
};

const OVER: u32 = 1000;
const RUNNING: u32 = 100;

const OVER_SERVER: Row =
    Row { what: "1,000 finished agents in the server, RssAnon", unit: "MiB", digits: 1, aim: Aim::None };
const OVER_KEEPER: Row = Row { what: "1,000 finished agents in the keeper, RssAnon", ..OVER_SERVER };
const RUNNING_SERVER: Row = Row { what: "100 running agents more in the server, RssAnon", ..OVER_SERVER };
const RUNNING_KEEPER: Row = Row { what: "100 running agents more in the keeper, RssAnon", ..OVER_SERVER };

/// The growth of a fresh server, which has run some agents before.
pub(super) async fn measure(table: &mut Table) -> Result<()> {
    let mosaic = Mosaic::start_with(SETTINGS).await?;
    let held = || {
        let mib = |pid| anyhow::Ok(machine::memory_kib(pid)? / 1024.0);
        anyhow::Ok((mib(mosaic.pid()?)?, mib(mosaic.keeper_pid()?)?))
    };
    super::spawn(&mosaic, "echo", "hello", u32::try_from(CALLERS)?).await?;
    super::until_idle(&mosaic).await?;
    let (server, keeper) = held()?;
    super::spawn(&mosaic, "echo", "hello", OVER).await?;
    super::until_idle(&mosaic).await?;
    tokio::time::sleep(super::SETTLING).await;
    let (server_over, keeper_over) = held()?;
    super::sleepers(&mosaic, "sleep", RUNNING).await?;
    let (server_running, keeper_running) = held()?;
    table.add(OVER_SERVER, None, server_over - server);
    table.add(OVER_KEEPER, None, keeper_over - keeper);
    table.add(RUNNING_SERVER, None, server_running - server_over);
    table.add(RUNNING_KEEPER, None, keeper_running - keeper_over);
    mosaic.stop().await
}
