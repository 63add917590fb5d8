//! One key at a time: from the call that types it to the byte that comes back.
//!
//! It must not have two keys on their way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    floor::{Floor, Pty, RAW},
    mosaic::{self, Mosaic},
    report::{Aim, Row, Table},
};

/// Keys before the first that counts.
const WARM_UP: usize = 300;
const KEYS: usize = 3000;

const P50: Row = Row { what: "key echo, p50", unit: "µs", digits: 1, aim: Aim::RatioAtMost(1.5) };
const TO_PTY: Row = Row { what: "the same, beside the PTY alone", unit: "µs", digits: 1, aim: Aim::None };
const P99: Row = Row { what: "key echo, p99", unit: "µs", digits: 1, aim: Aim::None };

/// Echo through the SDK beside echo through a bare stream, and straight from the PTY.
pub(crate) async fn measure(floor: &Floor, mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    let program = format!("{RAW}exec cat");
    let alone = from_pty(&program)?;
    let bare = through_floor(floor, &program).await?;
    let sdk = through_sdk(mosaic, &program).await?;
    table.add(P50, at(&bare, 50)?, at(&sdk, 50)?);
    table.add(TO_PTY, at(&alone, 50)?, at(&sdk, 50)?);
    table.add(P99, at(&bare, 99)?, at(&sdk, 99)?);
    Ok(())
}

fn from_pty(program: &str) -> Result<Vec<Duration>> {
    let pty = Pty::start(program)?;
    let mut buffer = [0; 64];
    pty.read(&mut buffer)?.context("the program ended before it was ready")?;
    let mut times = Vec::with_capacity(WARM_UP + KEYS);
    while times.len() < WARM_UP + KEYS {
        let began = Instant::now();
        rustix::io::write(&pty.master, b"x")?;
        let echoed = pty.read(&mut buffer)?;
        times.push(began.elapsed());
        ensure!(echoed == Some(1), "{echoed:?} bytes came back for one");
    }
    Ok(sorted(times))
}

async fn through_floor(floor: &Floor, program: &str) -> Result<Vec<Duration>> {
    let mut stream = floor.run(program).await?;
    let mut times = Vec::with_capacity(WARM_UP + KEYS);
    while times.len() < WARM_UP + KEYS {
        let began = Instant::now();
        stream.send(b"x").await?;
        let echoed = stream.next().await?;
        times.push(began.elapsed());
        ensure!(echoed == Some(1), "{echoed:?} bytes came back for one");
    }
    Ok(sorted(times))
}

async fn through_sdk(mosaic: &Mosaic, program: &str) -> Result<Vec<Duration>> {
    let terminal = mosaic.run(program).await?;
    let mut attachment = mosaic::until_ready(&terminal).await?;
    let mut times = Vec::with_capacity(WARM_UP + KEYS);
    while times.len() < WARM_UP + KEYS {
        let began = Instant::now();
        attachment.send(&b"x"[..]).await?;
        let echoed = mosaic::output(&mut attachment).await?;
        times.push(began.elapsed());
        ensure!(echoed == Some(1), "{echoed:?} bytes came back for one");
    }
    drop(attachment);
    mosaic::remove(vec![terminal]).await?;
    Ok(sorted(times))
}

fn sorted(times: Vec<Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.into_iter().skip(WARM_UP).collect();
    times.sort();
    times
}

/// A percentile in microseconds.
fn at(times: &[Duration], percent: usize) -> Result<f64> {
    let time = times.get(times.len() * percent / 100).context("nothing was measured")?;
    Ok(time.as_secs_f64() * 1e6)
}
