//! Answers of a model: straight from a fake model server, and through Mosaic, which stores them.
//!
//! It must not know how any of it is measured.

mod direct;
mod fake;
mod fast;
mod first;
mod memory;
mod paced;
mod through;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use self::{direct::Direct, fake::Fake, through::Through};
use crate::{machine, report::Table};

/// What is asked every time.
const QUESTION: &str = "Say a word, and say it again.";

#[derive(Args)]
pub(crate) struct ChatArgs {
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
    First,
    Fast,
    Paced,
    Memory,
}

const ORDER: [Measure; 4] = [Measure::First, Measure::Fast, Measure::Paced, Measure::Memory];

/// Takes all measurements and prints the table.
pub(crate) async fn run(args: &ChatArgs) -> Result<()> {
    println!("{}", machine::describe()?);
    let mut table = Table::default();
    let fake = Fake::start(&fast::STREAMS).await?;
    let direct = Direct::new(&fake.address);
    let through = Through::start(&fake.address, fast::STREAMS_MAX).await?;
    let unflushed = Through::start_unflushed(&fake.address, 1).await?;
    for measure in ORDER.iter().filter(|one| args.only.is_empty() || args.only.contains(one)) {
        for round in 1..=args.rounds {
            eprintln!("round {round} of {}; load {}", args.rounds, machine::load()?);
            match measure {
                Measure::First => {
                    let measured = first::measure(&direct, &through, &unflushed, &mut table);
                    measured.await.context("first")?;
                }
                Measure::Fast => {
                    fast::measure(&direct, &through, &mut table).await.context("fast")?;
                }
                Measure::Paced => paced::measure(&direct, &through, &mut table).await.context("paced")?,
                Measure::Memory => memory::measure(&fake, &mut table).await.context("memory")?,
            }
        }
    }
    println!("{table}");
    println!("Load at the end: {}.", machine::load()?);
    unflushed.stop().await?;
    through.stop().await
}
