//! Answers that come as fast as they are taken, on few streams and on many.
//!
//! It must not look at what it reads: both sides are measured, not the reader.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::{
    direct::Direct,
    fake::{FAST_TOKENS, WORD_BYTES},
    through::Through,
};
use crate::{
    machine,
    report::{Aim, Row, Table},
};

/// Streams at once.
pub(super) const STREAMS: [usize; 4] = [1, 16, 64, 256];
pub(super) const STREAMS_MAX: usize = 256;

/// For each number of streams: tokens in a second, and the server's processor time for a million of them.
const ROWS: [(Row, Row); 4] = [
    (
        rate("as fast as it comes, 1 stream"),
        time("the server's processor time for a million of these tokens"),
    ),
    (rate("the same, 16 streams"), time("the server's processor time, 16 streams")),
    (rate("the same, 64 streams"), time("the server's processor time, 64 streams")),
    (rate("the same, 256 streams"), time("the server's processor time, 256 streams")),
];
const DATABASE: Row =
    Row { aim: Aim::None, ..time("PostgreSQL's processor time for a million tokens, 64 streams") };

const fn rate(what: &'static str) -> Row {
    Row { what, unit: "tokens/s", digits: 0, aim: Aim::None }
}

const fn time(what: &'static str) -> Row {
    Row { what, unit: "s", digits: 2, aim: Aim::AtMost(4.0) }
}

/// Answers straight from the model server beside those through Mosaic.
pub(super) async fn measure(direct: &Direct, through: &Through, table: &mut Table) -> Result<()> {
    for (streams, (rate, time)) in STREAMS.into_iter().zip(ROWS) {
        let model = format!("fast-{streams}");
        let began = Instant::now();
        let asked = (0..streams).map(async |_| {
            let mut bytes = 0;
            direct.ask(&model, |length| bytes += length).await?;
            whole(bytes, streams)
        });
        try_join_all(asked).await?;
        let straight = per_second(began.elapsed());
        let (server, database) = (machine::processor_time(through.pid()?)?, through.database_time()?);
        let began = Instant::now();
        let asked = (0..streams).map(async |_| {
            let mut bytes = 0;
            through.ask(&model, "", |length| bytes += length).await?;
            whole(bytes, streams)
        });
        try_join_all(asked).await?;
        table.add(rate, straight, per_second(began.elapsed()));
        table.add(time, None, per_million(machine::processor_time(through.pid()?)? - server));
        if streams == 64 {
            table.add(DATABASE, None, per_million(through.database_time()?.saturating_sub(database)));
        }
    }
    Ok(())
}

fn whole(bytes: usize, streams: usize) -> Result<()> {
    let wanted = FAST_TOKENS / streams * WORD_BYTES;
    ensure!(bytes == wanted, "{bytes} bytes of text came, and {wanted} were sent");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than 2^52")]
fn per_second(time: Duration) -> f64 {
    FAST_TOKENS as f64 / time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than 2^52")]
fn per_million(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / FAST_TOKENS as f64
}
