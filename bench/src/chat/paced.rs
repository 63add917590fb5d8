//! Many answers at the pace of a fast model, each token in a frame of its own: whether a reader falls behind.
//!
//! It must not count the time before an answer's first token.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use super::{
    direct::Direct,
    fake::{PACE, PACED_TOKENS, WORD_BYTES},
    through::Through,
};
use crate::{
    machine,
    report::{Aim, Row, Table},
};

const STREAMS: u32 = 64;

const RATE: Row = Row {
    what: "64 streams at 100 tokens/s each, together",
    unit: "tokens/s",
    digits: 0,
    aim: Aim::RatioAtLeast(0.99),
};
const LATE: Row = Row { what: "how late one of these tokens is, p99", unit: "ms", digits: 2, aim: Aim::None };
const SERVER: Row = Row {
    what: "the server's processor time for a million of these tokens, one at a time",
    unit: "s",
    digits: 2,
    aim: Aim::None,
};
const DATABASE: Row = Row { what: "PostgreSQL's for them", ..SERVER };

/// When the tokens of one answer came.
struct Arrivals {
    began: Instant,
    at: Vec<Duration>,
}

impl Arrivals {
    fn new() -> Self {
        Self { began: Instant::now(), at: Vec::with_capacity(PACED_TOKENS as usize) }
    }

    fn text(&mut self, bytes: usize) {
        let now = self.began.elapsed();
        self.at.extend(std::iter::repeat_n(now, bytes / WORD_BYTES));
    }
}

/// What a reader sees of the pace, straight and through Mosaic.
pub(super) async fn measure(direct: &Direct, through: &Through, table: &mut Table) -> Result<()> {
    let straight = try_join_all((0..STREAMS).map(async |_| {
        let mut arrivals = Arrivals::new();
        direct.ask("paced", |bytes| arrivals.text(bytes)).await?;
        anyhow::Ok(arrivals)
    }));
    let straight = straight.await?;
    let (server, database) = (machine::processor_time(through.pid()?)?, through.database_time()?);
    let stored = try_join_all((0..STREAMS).map(async |_| {
        let mut arrivals = Arrivals::new();
        through.ask("paced", "", |bytes| arrivals.text(bytes)).await?;
        anyhow::Ok(arrivals)
    }));
    let stored = stored.await?;
    let tokens = f64::from(STREAMS * PACED_TOKENS);
    let (server, database) = (
        machine::processor_time(through.pid()?)? - server,
        through.database_time()?.saturating_sub(database),
    );
    table.add(RATE, rate(&straight)?, rate(&stored)?);
    table.add(LATE, late(&straight)?, late(&stored)?);
    table.add(SERVER, None, server.as_secs_f64() * 1e6 / tokens);
    table.add(DATABASE, None, database.as_secs_f64() * 1e6 / tokens);
    Ok(())
}

/// Tokens in a second of all answers together, from the first to the last token of each.
fn rate(answers: &[Arrivals]) -> Result<f64> {
    let mut sum = 0.0;
    for Arrivals { at, .. } in answers {
        ensure!(at.len() == PACED_TOKENS as usize, "{} tokens came", at.len());
        let (first, last) = at.first().zip(at.last()).context("an answer without text")?;
        sum += f64::from(PACED_TOKENS - 1) / (*last - *first).as_secs_f64();
    }
    Ok(sum)
}

/// Milliseconds beyond the pace of the token of its answer that was the least late.
fn late(answers: &[Arrivals]) -> Result<f64> {
    let mut all = Vec::new();
    for Arrivals { at, .. } in answers {
        let due = (0..PACED_TOKENS).map(|token| f64::from(token) * 1e3 / f64::from(PACE));
        let late: Vec<_> = at.iter().zip(due).map(|(at, due)| at.as_secs_f64() * 1e3 - due).collect();
        let least = late.iter().copied().fold(f64::INFINITY, f64::min);
        all.extend(late.iter().map(|late| late - least));
    }
    all.sort_by(f64::total_cmp);
    all.get(all.len() * 99 / 100).copied().context("nothing was measured")
}
