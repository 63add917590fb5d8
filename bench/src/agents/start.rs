//! From SpawnAgent to the first output of `/bin/echo`, one at a time; and as many as go through in a second.
//!
//! It must not start a second agent before the first one is over where single ones are timed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mosaic_client::{
    proto::orchestrator::v1::SpawnAgentRequest,
    terminal::{Event, Start},
};

use crate::{
    floor,
    mosaic::Mosaic,
    report::{Aim, Row, Table},
};

/// Each side runs so many in turn: what else the machine does meets both.
const BLOCKS: usize = 5;
const AGENTS: usize = 20;
/// Agents of the row that counts those that end in a second.
const MANY: u32 = 400;

const FIRST: Row = Row {
    what: "SpawnAgent of /bin/echo to its first output, p50, beside a bare PTY spawn of a small process",
    unit: "ms",
    digits: 2,
    aim: Aim::RatioAtMost(3.0),
};
const ANSWER: Row = Row { what: "SpawnAgent's answer alone, p50", unit: "ms", digits: 2, aim: Aim::None };
const RATE: Row = Row {
    what: "agents run to their recorded end, 16 callers, beside bare spawns one by one",
    unit: "/s",
    digits: 0,
    aim: Aim::None,
};

pub(super) async fn measure(mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    let (mut bare, mut answers, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        bare.extend(floor::echoes(AGENTS).await?);
        for _ in 0..AGENTS {
            let (answer, first) = one(mosaic).await?;
            answers.push(answer);
            firsts.push(first);
        }
    }
    let began = Instant::now();
    super::spawn(mosaic, "echo", "hello", MANY).await?;
    super::until_idle(mosaic).await?;
    let rate = f64::from(MANY) / began.elapsed().as_secs_f64();
    let bare_rate = f64::from(u32::try_from(bare.len())?) / bare.iter().sum::<Duration>().as_secs_f64();
    let floor = super::median_ms(bare)?;
    table.add(FIRST, floor, super::median_ms(firsts)?);
    table.add(ANSWER, floor, super::median_ms(answers)?);
    table.add(RATE, bare_rate, rate);
    Ok(())
}

/// The times until the answer and until the first output; then waits until it is recorded that it is over.
async fn one(mosaic: &Mosaic) -> Result<(Duration, Duration)> {
    let request = SpawnAgentRequest {
        prompt: "hello".to_owned(),
        profile: "echo".to_owned(),
        ..SpawnAgentRequest::default()
    };
    let orchestrator = mosaic.client().orchestrator();
    let began = Instant::now();
    let answer = mosaic.client().raw()?.orchestrator.spawn_agent(request).await?.into_inner();
    let answered = began.elapsed();
    let agent = answer.agent.context("the agent was not started at once")?;
    let mut log = orchestrator.agent(&agent.id).log().start(Start::Oldest).open().await?;
    while let Some(event) = log.next().await {
        if matches!(event?, Event::Output(_)) {
            let first = began.elapsed();
            orchestrator.job(&agent.job_id).wait().await?;
            return Ok((answered, first));
        }
    }
    bail!("echo printed nothing")
}
