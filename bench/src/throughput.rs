//! A large file, printed in a terminal and read to its last byte.
//!
//! It must not look at what it reads: both sides are measured, not the reader.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    floor::{Floor, Pty},
    machine,
    mosaic::{self, Mosaic},
    report::{Aim, Row, Table},
    text::{self, Text},
};

const TO_STREAM: Row = Row {
    what: "output of 100 MB, beside a bare stream over a bare PTY",
    unit: "MB/s",
    digits: 0,
    aim: Aim::RatioAtLeast(0.9),
};
const TO_PTY: Row =
    Row { what: "output of 100 MB, beside the PTY alone", unit: "MB/s", digits: 0, aim: Aim::None };
const PROCESSOR: Row =
    Row { what: "the server's processor time for it", unit: "s/GB", digits: 2, aim: Aim::None };

/// What reading took: the reader's time, and the serving process's.
struct Taken {
    time: Duration,
    processor: Duration,
}

impl Taken {
    fn megabytes_per_second(&self) -> f64 {
        f64::from(text::BYTES) / 1e6 / self.time.as_secs_f64()
    }

    fn seconds_per_gigabyte(&self) -> f64 {
        self.processor.as_secs_f64() * 1e9 / f64::from(text::BYTES)
    }
}

/// Output through the SDK, through a bare stream, and straight from the PTY.
pub(crate) async fn measure(floor: &Floor, mosaic: &Mosaic, text: &Text, table: &mut Table) -> Result<()> {
    let program = text.printer(1)?;
    let alone = from_pty(&program)?;
    let bare = through_floor(floor, &program).await?;
    let sdk = through_sdk(mosaic, &program).await?;
    let rate = sdk.megabytes_per_second();
    table.add(TO_STREAM, bare.megabytes_per_second(), rate);
    table.add(TO_PTY, f64::from(text::BYTES) / 1e6 / alone.as_secs_f64(), rate);
    table.add(PROCESSOR, bare.seconds_per_gigabyte(), sdk.seconds_per_gigabyte());
    Ok(())
}

fn from_pty(program: &str) -> Result<Duration> {
    let pty = Pty::start(program)?;
    let mut buffer = vec![0; 64 * 1024];
    pty.read(&mut buffer)?.context("the program ended before it was ready")?;
    let began = Instant::now();
    rustix::io::write(&pty.master, text::GO)?;
    let mut left = text::BYTES as usize;
    while let Some(n) = pty.read(&mut buffer)? {
        left = left.checked_sub(n).context("more came than was printed")?;
    }
    ensure!(left == 0, "{left} bytes are missing");
    Ok(began.elapsed())
}

async fn through_floor(floor: &Floor, program: &str) -> Result<Taken> {
    let mut stream = floor.run(program).await?;
    let used = machine::processor_time(floor.pid())?;
    let began = Instant::now();
    stream.send(text::GO).await?;
    let mut left = text::BYTES as usize;
    while left > 0 {
        let n = stream.next().await?.with_context(|| format!("{left} bytes are missing"))?;
        left = left.checked_sub(n).context("more came than was printed")?;
    }
    Ok(Taken { time: began.elapsed(), processor: machine::processor_time(floor.pid())? - used })
}

async fn through_sdk(mosaic: &Mosaic, program: &str) -> Result<Taken> {
    let terminal = mosaic.run(program).await?;
    let mut attachment = mosaic::until_ready(&terminal).await?;
    let used = machine::processor_time(mosaic.pid()?)?;
    let began = Instant::now();
    attachment.send(text::GO).await?;
    mosaic::read(&mut attachment, text::BYTES as usize).await?;
    let time = began.elapsed();
    let processor = machine::processor_time(mosaic.pid()?)? - used;
    drop(attachment);
    mosaic::remove(terminal).await?;
    Ok(Taken { time, processor })
}
