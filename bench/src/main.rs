//! Measures Mosaic beside the least that could do the same: arguments, one core for all, and the rounds.
//!
//! It must not know how anything is measured.

mod agents;
mod chat;
mod echo;
mod floor;
mod idle;
mod machine;
mod mosaic;
mod report;
mod slow_reader;
mod spawn;
mod text;
mod throughput;
mod web;

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};

use self::{floor::Floor, mosaic::Mosaic, report::Table, text::Text};

/// Set in the process that is bound to its core.
const BOUND: &str = "MOSAIC_BENCH_BOUND";

/// What Mosaic costs beside the least that could do the same.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Terminals: echo, throughput, memory, starts, and a reader that stops reading
    Terminal(TerminalArgs),
    /// Answers of a model: the first token, throughput, pace, memory
    Chat(chat::ChatArgs),
    /// Agents: starts, the queue's throughput, the kill switch, memory
    Orchestrator(agents::AgentsArgs),
    /// The page in a headless Chromium: a key's echo, much output, the first load, memory
    Web(web::WebArgs),
    /// Serves the bare stream over a bare PTY; started by the benchmark itself
    #[command(hide = true)]
    Floor,
    /// Starts programs in bare PTYs, prints the seconds; started by the benchmark itself
    #[command(hide = true)]
    FloorSpawn {
        /// How many.
        count: usize,
    },
    /// Runs `/bin/echo` in bare PTYs, prints the microseconds of each; started by the benchmark itself
    #[command(hide = true)]
    FloorEcho {
        /// How many.
        count: usize,
    },
}

#[derive(Args)]
struct TerminalArgs {
    /// How often each measurement is taken
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// The core that everything runs on [default: the last one]
    #[arg(long)]
    core: Option<usize>,
    /// Only these measurements, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    Echo,
    Throughput,
    Idle,
    Spawn,
    SlowReader,
}

/// Starts come first: a file system that has just deleted many files is slower at making new ones.
const ORDER: [Measure; 5] =
    [Measure::Spawn, Measure::Echo, Measure::Throughput, Measure::SlowReader, Measure::Idle];

fn main() -> Result<()> {
    match Cli::parse().command {
        What::Floor => runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(floor::serve()),
        What::FloorSpawn { count } => floor::spawn_many(count),
        What::FloorEcho { count } => floor::echo_many(count),
        What::Web(_) if std::env::var_os(BOUND).is_none() => again("any core"),
        What::Web(args) => runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(web::run(&args)),
        What::Terminal(args) if std::env::var_os(BOUND).is_none() => bind(args.core),
        What::Terminal(args) => {
            runtime(tokio::runtime::Builder::new_current_thread())?.block_on(terminal(&args))
        }
        What::Chat(args) if std::env::var_os(BOUND).is_none() => bind(args.core),
        What::Chat(args) => {
            runtime(tokio::runtime::Builder::new_current_thread())?.block_on(chat::run(&args))
        }
        What::Orchestrator(args) if std::env::var_os(BOUND).is_none() => bind(args.core),
        What::Orchestrator(args) => {
            runtime(tokio::runtime::Builder::new_current_thread())?.block_on(agents::run(&args))
        }
    }
}

fn runtime(mut builder: tokio::runtime::Builder) -> Result<tokio::runtime::Runtime> {
    builder.enable_all().build().context("start the runtime")
}

/// Becomes the same program on one core. All that it starts stays there, and every runtime sees one core from its
/// first moment.
fn bind(core: Option<usize>) -> Result<()> {
    again(&machine::bind_to(core)?.to_string())
}

/// Becomes the same program, with the server beside it as the one to measure.
fn again(bound: &str) -> Result<()> {
    let program = std::env::current_exe()?;
    let mut again = Command::new(&program);
    again.args(std::env::args_os().skip(1)).env(BOUND, bound);
    if std::env::var_os("MOSAIC_TEST_SERVER_BIN").is_none() {
        again.env("MOSAIC_TEST_SERVER_BIN", program.with_file_name("mosaic-server"));
    }
    Err(again.exec()).context("start the benchmark on its core")
}

async fn terminal(args: &TerminalArgs) -> Result<()> {
    println!("{}", machine::describe()?);
    let mut table = Table::default();
    let text = Text::write()?;
    let mosaic = Mosaic::start().await?;
    // The one that will hold memory.
    let large = Mosaic::start().await?;
    let floor = Floor::start().await?;
    for measure in ORDER.iter().filter(|one| args.only.is_empty() || args.only.contains(one)) {
        for round in 1..=args.rounds {
            eprintln!("round {round} of {}; load {}", args.rounds, machine::load()?);
            match measure {
                Measure::Spawn => {
                    spawn::measure(&mosaic, &large, &mut table).await.context("spawn")?;
                }
                Measure::Echo => echo::measure(&floor, &mosaic, &mut table).await.context("echo")?,
                Measure::Throughput => {
                    throughput::measure(&floor, &mosaic, &text, &mut table).await.context("throughput")?;
                }
                Measure::SlowReader => {
                    slow_reader::measure(&mosaic, &text, &mut table).await.context("slow reader")?;
                }
                Measure::Idle => idle::measure(&mut table).await.context("idle")?,
            }
        }
    }
    println!("{table}");
    println!("Load at the end: {}.", machine::load()?);
    large.stop().await?;
    mosaic.stop().await
}
