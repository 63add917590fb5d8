//! The time to the first token: from the request to the first piece of text, one request at a time.
//!
//! It must not have two requests on their way.

use std::{
    io::{Seek, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{direct::Direct, through::Through};
use crate::report::{Aim, Row, Table};

/// Each side is asked so often in turn: what else the machine does meets all of them.
const BLOCKS: usize = 10;
/// Requests of a block before the first that counts.
const WARM_UP: usize = 3;
const REQUESTS: usize = 30;
/// A page of PostgreSQL's log.
const FLUSHED_BYTES: usize = 8192;

const P50: Row = Row { what: "time to the first token, p50", unit: "ms", digits: 2, aim: Aim::None };
const P99: Row = Row { what: "time to the first token, p99", ..P50 };
const NEXT: Row = Row { what: "the same of a conversation's next answer, p50", ..P50 };
const ADDED: Row = Row {
    what: "added to the first token, p50; floor: one flush of this disk, which comes before it",
    aim: Aim::AtMost(0.5),
    ..P50
};
const ADDED_P99: Row = Row { what: "the same, p99", ..P50 };
const UNFLUSHED: Row = Row {
    what: "added to the first token, p50, on a PostgreSQL that does not flush",
    aim: Aim::AtMost(0.5),
    ..P50
};
const UNFLUSHED_P99: Row = Row { what: "added, p99, on one that does not flush", ..P50 };
const UNFLUSHED_NEXT: Row = Row { what: "added, p50, of a conversation's next answer, on it", ..P50 };

/// Times of single requests.
#[derive(Default)]
struct Times(Vec<Duration>);

/// Requests straight to the model server beside those through Mosaic: new conversations, and old ones; with a
/// database that is as durable as it comes, and with one that does not wait for the disk.
pub(super) async fn measure(
    direct: &Direct,
    durable: &Through,
    unflushed: &Through,
    table: &mut Table,
) -> Result<()> {
    let (mut straight, mut flushes) = (Times::default(), Times::default());
    let (mut new, mut next) = (Times::default(), Times::default());
    let (mut quick, mut quick_next) = (Times::default(), Times::default());
    for _ in 0..BLOCKS {
        for request in 0..WARM_UP + REQUESTS {
            let mut clock = Clock::start();
            direct.ask("first", |_| clock.first()).await?;
            straight.add(request, clock)?;
        }
        flush(durable, &mut flushes)?;
        for (through, new, next) in [(durable, &mut new, &mut next), (unflushed, &mut quick, &mut quick_next)]
        {
            block(through, new, false).await?;
            block(through, next, true).await?;
        }
    }
    let (floor, floor_p99) = (straight.at(50)?, straight.at(99)?);
    table.add(P50, floor, new.at(50)?);
    table.add(P99, floor_p99, new.at(99)?);
    table.add(NEXT, floor, next.at(50)?);
    table.add(ADDED, flushes.at(50)?, new.at(50)? - floor);
    table.add(ADDED_P99, flushes.at(99)?, new.at(99)? - floor_p99);
    table.add(UNFLUSHED, None, quick.at(50)? - floor);
    table.add(UNFLUSHED_P99, None, quick.at(99)? - floor_p99);
    table.add(UNFLUSHED_NEXT, None, quick_next.at(50)? - floor);
    Ok(())
}

/// Requests in new conversations, or in one.
async fn block(through: &Through, times: &mut Times, in_one: bool) -> Result<()> {
    let mut conversation = String::new();
    for request in 0..WARM_UP + REQUESTS {
        let mut clock = Clock::start();
        let answered = through.ask("first", &conversation, |_| clock.first()).await?;
        times.add(request, clock)?;
        if in_one {
            conversation = answered;
        }
    }
    Ok(())
}

/// What a commit waits for: the disk has what was written to a file that does not grow.
fn flush(through: &Through, times: &mut Times) -> Result<()> {
    let mut file = tempfile::tempfile_in(through.data_dir())?;
    file.write_all(&vec![0; FLUSHED_BYTES * (WARM_UP + REQUESTS)])?;
    file.sync_all()?;
    file.rewind()?;
    for request in 0..WARM_UP + REQUESTS {
        let mut clock = Clock::start();
        file.write_all(&[1; FLUSHED_BYTES])?;
        file.sync_data()?;
        clock.first();
        times.add(request, clock)?;
    }
    Ok(())
}

/// A request under way.
struct Clock {
    began: Instant,
    first: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        Self { began: Instant::now(), first: None }
    }

    fn first(&mut self) {
        self.first.get_or_insert_with(|| self.began.elapsed());
    }
}

impl Times {
    /// Adds a request of a block, if it counts.
    fn add(&mut self, request: usize, clock: Clock) -> Result<()> {
        let time = clock.first.context("an answer without text")?;
        if request >= WARM_UP {
            self.0.push(time);
        }
        Ok(())
    }

    /// A percentile in milliseconds.
    fn at(&mut self, percent: usize) -> Result<f64> {
        self.0.sort();
        let time = self.0.get(self.0.len() * percent / 100).context("nothing was measured")?;
        Ok(time.as_secs_f64() * 1e3)
    }
}
