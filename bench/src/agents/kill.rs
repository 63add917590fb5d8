//! The kill switch on a hundred agents.
//!
//! It must not count their start.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    mosaic::Mosaic,
    report::{Aim, Row, Table},
};

const AGENTS: u32 = 100;
const GRACE: Duration = Duration::from_secs(1);

const STUBBORN: Row = Row {
    what: "KillAll of 100 agents that ignore SIGTERM and SIGHUP, grace 1 s",
    unit: "ms",
    digits: 0,
    aim: Aim::AtMost(1100.0),
};
const OBEDIENT: Row = Row { what: "the same of 100 that end at once", unit: "ms", digits: 0, aim: Aim::None };

pub(super) async fn measure(mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    table.add(STUBBORN, None, kill(mosaic, "stubborn").await?);
    table.add(OBEDIENT, None, kill(mosaic, "sleep").await?);
    Ok(())
}

/// From the call to its answer, which says that all are gone, in milliseconds.
async fn kill(mosaic: &Mosaic, profile: &str) -> Result<f64> {
    super::sleepers(mosaic, profile, AGENTS).await?;
    let began = Instant::now();
    let answer = mosaic.client().orchestrator().kill_all().grace(GRACE).send().await?;
    let time = began.elapsed();
    let proven = answer.agents.iter().filter(|agent| agent.end_time.is_some()).count();
    ensure!(proven == AGENTS as usize, "{proven} agents are over");
    Ok(time.as_secs_f64() * 1e3)
}
