//! Deletes from the database what is past its time.
//!
//! It knows nothing about who may still want it: a reader behind the oldest event is told so.

use std::time::Duration;

use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Db;
use crate::error::Result;

/// How often. What is past its time is no longer promised, so nobody waits for this.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// Rows of one statement, so that none holds its locks for long.
const ROWS_MAX: i64 = 5000;

/// A request id is remembered for a day, a used or expired sign-in code not much longer than it lives.
const OTHERS: [&str; 2] = [
    "DELETE FROM request_ids WHERE (workspace_id, request_id) IN (
        SELECT workspace_id, request_id FROM request_ids
        WHERE create_time < now() - interval '24 hours' ORDER BY create_time LIMIT $1)",
    "DELETE FROM sign_in_codes WHERE hash IN (
        SELECT hash FROM sign_in_codes WHERE expire_time < now() - interval '24 hours' LIMIT $1)",
];

/// Up to the newest of the expired, by sequence: a clock that stepped back must not leave a gap
/// between the oldest event and the newest.
const EVENTS: &str = "\
DELETE FROM events USING (
    SELECT workspace_id, max(sequence) AS newest FROM (
        SELECT workspace_id, sequence FROM events
        WHERE time < now() - $2::bigint * interval '1 hour' ORDER BY time LIMIT $1
    ) AS old GROUP BY workspace_id
) AS expired
WHERE events.workspace_id = expired.workspace_id AND sequence <= newest";

/// Until the stop: every ten minutes, and once at the start.
pub(super) async fn run(db: Db, events_hours: u64, stop: CancellationToken) {
    let mut ticks = time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            swept = sweep(&db, events_hours) => match swept {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "deleted what is past its time"),
                Err(cause) => tracing::warn!(%cause, "could not delete what is past its time"),
            },
        }
    }
}

/// One round; the number of rows that went.
pub(super) async fn sweep(db: &Db, events_hours: u64) -> Result<u64> {
    let connection = db.get().await?;
    let hours = i64::try_from(events_hours).unwrap_or(i64::MAX);
    let mut all = 0;
    loop {
        let mut rows = connection.execute(EVENTS, &[&ROWS_MAX, &hours]).await?;
        for statement in OTHERS {
            rows += connection.execute(statement, &[&ROWS_MAX]).await?;
        }
        all += rows;
        if rows == 0 {
            return Ok(all);
        }
    }
}
