//! A reader that stops reading while much is printed, and another one beside it that does not.
//!
//! It must not help the stopped reader: what it is owed comes when it reads again.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use mosaic_client::terminal::{Attachment, Start, Terminal};
use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use crate::{
    floor::READY,
    machine,
    mosaic::{self, Mosaic},
    report::{Aim, Row, Table},
    text::{self, Text},
};

/// How often the file is printed.
const TIMES: usize = 4;
const PRINTED: usize = TIMES * text::BYTES as usize;
/// How long the reader does not read.
const STOPPED: Duration = Duration::from_secs(6);
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

const GROWTH: Row = Row {
    what: "growth of the server, RssAnon, while a reader stops for 6 s of 400 MB",
    unit: "MiB",
    digits: 1,
    aim: Aim::AtMost(8.0),
};
const OTHERS: Row = Row {
    what: "another reader's throughput meanwhile, beside the same without the stopped one",
    unit: "MB/s",
    digits: 0,
    aim: Aim::RatioAtLeast(0.9),
};

/// The same output without and with a stopped reader.
pub(crate) async fn measure(mosaic: &Mosaic, text: &Text, table: &mut Table) -> Result<()> {
    let program = text.printer(TIMES)?;
    let alone = {
        let terminal = mosaic.run(&program).await?;
        let rate = read(&terminal).await?;
        mosaic::remove(terminal).await?;
        rate
    };
    let terminal = mosaic.run(&program).await?;
    let stopped = open_and_stop(mosaic, &terminal).await?;
    let resumes = Instant::now() + STOPPED;
    let enough = Arc::new(Notify::new());
    let growth = tokio::spawn(growth(mosaic.pid()?, Arc::clone(&enough)));
    let disturbed = read(&terminal).await?;
    time::sleep_until(resumes).await;
    enough.notify_one();
    table.add(GROWTH, None, growth.await??);
    table.add(OTHERS, alone, disturbed);
    catch_up(stopped).await?;
    mosaic::remove(terminal).await
}

/// Has it printed and reads it: megabytes per second.
async fn read(terminal: &Terminal) -> Result<f64> {
    let mut attachment = mosaic::until_ready(terminal).await?;
    let began = Instant::now();
    attachment.send(text::GO).await?;
    mosaic::read(&mut attachment, PRINTED).await?;
    let megabytes = f64::from(u32::try_from(PRINTED)?) / 1e6;
    Ok(megabytes / began.elapsed().as_secs_f64())
}

/// A reader on a connection of its own, at the beginning of the output.
async fn open_and_stop(mosaic: &Mosaic, terminal: &Terminal) -> Result<Attachment> {
    let terminal = mosaic.another_client()?.terminal(terminal.id());
    Ok(terminal.attach().read_only().start(Start::Oldest).open().await?)
}

/// Reads all that it has missed: nothing is lost to it.
async fn catch_up(mut stopped: Attachment) -> Result<()> {
    let mut seen = 0;
    while let Some(n) = mosaic::output(&mut stopped).await? {
        seen += n;
    }
    ensure!(seen == READY.len() + PRINTED, "the stopped reader got {seen} bytes in the end");
    Ok(())
}

/// The most that the server grows until it is enough, in MiB.
async fn growth(pid: u32, enough: Arc<Notify>) -> Result<f64> {
    let before = machine::memory_kib(pid)?;
    let mut most = before;
    let mut looks = time::interval(LOOK);
    looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = enough.notified() => return Ok((most - before) / 1024.0),
            _ = looks.tick() => most = most.max(machine::memory_kib(pid)?),
        }
    }
}
