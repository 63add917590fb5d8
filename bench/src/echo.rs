//! One key at a time: from the call that types it to the byte that comes back.
//!
//! It must not have two keys on their way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mosaic_client::terminal::Attachment;

use crate::{
    floor::{Floor, Pty, RAW, Stream},
    mosaic::{self, Mosaic},
    report::{Aim, Row, Table},
};

/// Each side types so often in turn: what else the machine does meets all of them.
const BLOCKS: usize = 20;
/// Keys of a block before the first that counts.
const WARM_UP: usize = 50;
const KEYS: usize = 250;
const KEY: &[u8] = b"x";

const P50: Row = Row { what: "key echo, p50", unit: "µs", digits: 1, aim: Aim::RatioAtMost(1.5) };
const TO_PTY: Row =
    Row { what: "key echo, p50, beside the PTY alone", unit: "µs", digits: 1, aim: Aim::None };
const P99: Row = Row { what: "key echo, p99", unit: "µs", digits: 1, aim: Aim::None };

/// Times of single keys.
#[derive(Default)]
struct Times(Vec<Duration>);

/// Echo through the SDK beside echo through a bare stream, and straight from the PTY.
pub(crate) async fn measure(floor: &Floor, mosaic: &Mosaic, table: &mut Table) -> Result<()> {
    let program = format!("{RAW}exec cat");
    let pty = Pty::start(&program)?;
    pty.read(&mut [0; 64])?.context("the program ended before it was ready")?;
    let mut stream = floor.run(&program).await?;
    let terminal = mosaic.run(&program).await?;
    let mut attachment = mosaic::until_ready(&terminal).await?;
    let (mut alone, mut bare, mut sdk) = (Times::default(), Times::default(), Times::default());
    for _ in 0..BLOCKS {
        for key in 0..WARM_UP + KEYS {
            alone.add(key, from_pty(&pty)?);
        }
        for key in 0..WARM_UP + KEYS {
            bare.add(key, through_floor(&mut stream).await?);
        }
        for key in 0..WARM_UP + KEYS {
            sdk.add(key, through_sdk(&mut attachment).await?);
        }
    }
    drop(attachment);
    mosaic::remove(terminal).await?;
    let p50 = sdk.at(50)?;
    table.add(P50, bare.at(50)?, p50);
    table.add(TO_PTY, alone.at(50)?, p50);
    table.add(P99, bare.at(99)?, sdk.at(99)?);
    Ok(())
}

fn from_pty(pty: &Pty) -> Result<Duration> {
    let began = Instant::now();
    rustix::io::write(&pty.master, KEY)?;
    one_byte(began, pty.read(&mut [0; 64])?)
}

async fn through_floor(stream: &mut Stream) -> Result<Duration> {
    let began = Instant::now();
    stream.send(KEY).await?;
    one_byte(began, stream.next().await?)
}

async fn through_sdk(attachment: &mut Attachment) -> Result<Duration> {
    let began = Instant::now();
    attachment.send(KEY).await?;
    one_byte(began, mosaic::output(attachment).await?)
}

fn one_byte(began: Instant, echoed: Option<usize>) -> Result<Duration> {
    let time = began.elapsed();
    ensure!(echoed == Some(KEY.len()), "{echoed:?} bytes came back for one");
    Ok(time)
}

impl Times {
    /// Adds a key of a block, if it counts.
    fn add(&mut self, key: usize, time: Duration) {
        if key >= WARM_UP {
            self.0.push(time);
        }
    }

    /// A percentile in microseconds.
    fn at(&mut self, percent: usize) -> Result<f64> {
        self.0.sort();
        let time = self.0.get(self.0.len() * percent / 100).context("nothing was measured")?;
        Ok(time.as_secs_f64() * 1e6)
    }
}
