//! Agents: programs run as jobs through Mosaic beside bare spawns, and the queue that they come from.
//!
//! It must not know how any of it is measured.

mod kill;
mod memory;
mod queue;
mod start;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use futures_util::{StreamExt, TryStreamExt, stream};
use mosaic_client::proto::orchestrator::v1::Queue;

use crate::{
    machine,
    mosaic::{CALLERS, Mosaic},
    report::Table,
};

/// Programs to run, and room for what is measured.
const SETTINGS: &str = r#"
[orchestrator]
running_max = 1000
running_per_workspace_max = 1000
[profile.echo]
kind = "command"
command = ["/bin/echo", "{prompt}"]
[profile.sleep]
kind = "command"
command = ["/bin/sleep", "{prompt}"]
[profile.stubborn]
kind = "command"
command = ["/bin/sh", "-c", "trap '' TERM HUP; exec /bin/sleep \"$1\"", "sh", "{prompt}"]
"#;
/// How long agents may take to end, and how long they sleep at least.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks at what still runs.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the last ones may still be busy with their start.
const SETTLING: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct AgentsArgs {
    /// How often each measurement is taken
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// The core that everything runs on [default: the last one]
    #[arg(long)]
    pub(crate) core: Option<usize>,
    /// Only these measurements, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    Start,
    Watch,
    Queue,
    Kill,
    Memory,
}

const ORDER: [Measure; 5] = [Measure::Start, Measure::Watch, Measure::Queue, Measure::Kill, Measure::Memory];

/// Takes all measurements and prints the table.
pub(crate) async fn run(args: &AgentsArgs) -> Result<()> {
    println!("{}", machine::describe()?);
    let mut table = Table::default();
    let mosaic = Mosaic::start_with(SETTINGS).await?;
    for measure in ORDER.iter().filter(|one| args.only.is_empty() || args.only.contains(one)) {
        for round in 1..=args.rounds {
            eprintln!("round {round} of {}; load {}", args.rounds, machine::load()?);
            match measure {
                Measure::Start => start::measure(&mosaic, &mut table).await.context("start")?,
                Measure::Watch => watch::measure(&mosaic, &mut table).await.context("watch")?,
                Measure::Queue => queue::measure(&mut table).await.context("queue")?,
                Measure::Kill => kill::measure(&mosaic, &mut table).await.context("kill")?,
                Measure::Memory => memory::measure(&mut table).await.context("memory")?,
            }
        }
    }
    println!("{table}");
    println!("Load at the end: {}.", machine::load()?);
    mosaic.stop().await
}

/// Spawns so many, with [`CALLERS`] calls at once.
async fn spawn(mosaic: &Mosaic, profile: &str, prompt: &str, count: u32) -> Result<()> {
    let spawn = |_| async {
        mosaic.client().orchestrator().spawn(prompt).profile(profile).send().await?;
        anyhow::Ok(())
    };
    stream::iter(0..count).map(spawn).buffer_unordered(CALLERS).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Waits until nothing waits and nothing runs.
async fn until_idle(mosaic: &Mosaic) -> Result<()> {
    let busy = |queue: &Queue| queue.ready + queue.running > 0;
    let idle = async {
        while busy(&mosaic.client().orchestrator().queue().await?) {
            tokio::time::sleep(PAUSE).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, idle).await.context("agents do not end")?
}

/// Spawns so many that sleep, and waits until their programs are what they are to be.
async fn sleepers(mosaic: &Mosaic, profile: &str, count: u32) -> Result<()> {
    spawn(mosaic, profile, &PATIENCE.as_secs().to_string(), count).await?;
    tokio::time::sleep(SETTLING).await;
    let running = mosaic.client().orchestrator().queue().await?.running;
    ensure!(i64::from(running) == i64::from(count), "{running} agents run, not {count}");
    Ok(())
}

/// The time in the middle, in milliseconds.
fn median_ms(mut times: Vec<Duration>) -> Result<f64> {
    times.sort();
    Ok(times.get(times.len() / 2).context("nothing was measured")?.as_secs_f64() * 1e3)
}
