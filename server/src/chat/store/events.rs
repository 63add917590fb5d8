//! The events of answers, and the end of an answer.
//!
//! It knows nothing about what the events say.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Transaction;
use futures_util::future::BoxFuture;
use tokio_postgres::types::Json;

use super::{message_event, messages::ABANDONED};
use crate::{
    auth::Actor,
    chat::record::{Attempt, Left, Message},
    db::{
        Db,
        changes::{Changes, Outcome},
    },
    error::Result,
    ids::{MessageId, NodeId},
    usage,
};

/// Bytes of a row of events: what a reader of a finished answer holds at a time.
pub const ROW_BYTES_MAX: usize = 64 * 1024;

/// Events of one answer, one line each.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Of which answer.
    pub message: MessageId,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The lines.
    pub lines: String,
}

/// A chunk that begins where an older one did holds all of that one, and more.
const SAVE: &str = "\
INSERT INTO message_events (message_id, first_sequence, last_sequence, lines)
SELECT c.message_id, c.first_sequence, c.last_sequence, c.lines
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[])
    AS c (message_id, first_sequence, last_sequence, lines)
JOIN messages m ON m.id = c.message_id AND m.state = 'STREAMING'
ON CONFLICT (message_id, first_sequence) DO UPDATE
SET last_sequence = excluded.last_sequence, lines = excluded.lines
WHERE message_events.last_sequence < excluded.last_sequence";

/// Saves events of answers that are being generated. Idempotent.
///
/// # Errors
/// The database.
pub async fn save_chunks(db: &Db, chunks: &[Chunk]) -> Result<()> {
    let client = db.get().await?;
    let statement = client.prepare_cached(SAVE).await?;
    let ids: Vec<_> = chunks.iter().map(|chunk| chunk.message.0).collect();
    let firsts: Vec<_> = chunks.iter().map(|chunk| chunk.first.cast_signed()).collect();
    let lasts: Vec<_> = chunks.iter().map(|chunk| chunk.last.cast_signed()).collect();
    let lines: Vec<_> = chunks.iter().map(|chunk| chunk.lines.as_str()).collect();
    client.execute(&statement, &[&ids, &firsts, &lasts, &lines]).await?;
    Ok(())
}

/// This server lives: nobody need give up its answers.
///
/// # Errors
/// The database.
pub async fn renew_leases(db: &Db, node: NodeId, lease: Duration) -> Result<()> {
    // One that is being finished needs no lease, and is not waited for: it may wait for another of these.
    let sql = "UPDATE messages SET lease_time = now() + $2::float8 * interval '1 second' WHERE id IN ( \
                   SELECT id FROM messages WHERE node_id = $1 AND state = 'STREAMING' \
                   FOR NO KEY UPDATE SKIP LOCKED)";
    db.get().await?.execute(sql, &[&node.0, &lease.as_secs_f64()]).await?;
    Ok(())
}

/// Who may end an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The server that makes it.
    Owner,
    /// Anybody, if that server was not heard of for longer than its lease, by the database's clock.
    Abandoned,
}

/// What became of the end of an answer.
#[derive(Clone, Debug)]
pub enum Finished {
    /// It is stored.
    Stored,
    /// It had ended before, so.
    Before(Box<Message>),
    /// Its server lives.
    Alive,
    /// Its conversation was deleted.
    Gone,
}

/// Stores an answer that has ended, with the rest of its events, and settles what it used. Idempotent: an answer that
/// has ended before, or whose conversation is gone, stays as it is.
///
/// # Errors
/// The database.
pub async fn finish(
    changes: &Changes,
    message: Arc<Message>,
    chunk: Arc<Chunk>,
    guard: Guard,
) -> Result<Finished> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(finish_in(tx, Arc::clone(&message), Arc::clone(&chunk), guard))
        })
        .await
}

/// Locks an answer that is to be ended; what it is if it must not be.
async fn lock(tx: &Transaction<'_>, message: &Message, guard: Guard) -> Result<Option<Finished>> {
    // Not FOR UPDATE: events that are being saved hold their message against deletion, in an order of their own.
    let sql = format!(
        "SELECT state = 'STREAMING', {ABANDONED}, record, content FROM messages m \
         WHERE id = $1 AND node_id = $2 FOR NO KEY UPDATE"
    );
    let statement = tx.prepare_cached(&sql).await?;
    let Some(row) = tx.query_opt(&statement, &[&message.id.0, &message.node.0]).await? else {
        return Ok(Some(Finished::Gone));
    };
    if !row.try_get::<_, bool>(0)? {
        let Json(before): Json<Message> = row.try_get(2)?;
        return Ok(Some(Finished::Before(Box::new(Message { content: row.try_get(3)?, ..before }))));
    }
    let may = guard == Guard::Owner || row.try_get::<_, Option<bool>>(1)?.unwrap_or_default();
    Ok((!may).then_some(Finished::Alive))
}

async fn finish_in(
    tx: &Transaction<'_>,
    message: Arc<Message>,
    chunk: Arc<Chunk>,
    guard: Guard,
) -> Result<Outcome<Finished>> {
    if let Some(value) = lock(tx, &message, guard).await? {
        return Ok(Outcome::Done { value, events: Vec::new() });
    }
    let rows = rows(&chunk);
    let columns = (
        rows.iter().map(|_| chunk.message.0).collect::<Vec<_>>(),
        rows.iter().map(|(first, ..)| first.cast_signed()).collect::<Vec<_>>(),
        rows.iter().map(|(_, last, _)| last.cast_signed()).collect::<Vec<_>>(),
        rows.iter().map(|(.., lines)| *lines).collect::<Vec<_>>(),
    );
    tx.execute(&tx.prepare_cached(SAVE).await?, &[&columns.0, &columns.1, &columns.2, &columns.3]).await?;
    let skipped = |attempt: &&Attempt| matches!(attempt.failure, Some(Left::Skipped(_)));
    let entries = message.attempts.iter().filter(|attempt| !skipped(attempt));
    let entries: Vec<_> = entries
        .map(|attempt| usage::Entry { model: attempt.model.clone(), counted: attempt.counted })
        .collect();
    usage::store::settle(tx, message.workspace, message.id.0, &entries).await?;
    let sql = "UPDATE messages SET state = $2, content = $3, record = $4, lease_time = NULL, reserved_tokens = 0 \
               WHERE id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&message.id.0, &message.state.as_str(), &message.content, &Json(&*message)])
        .await?;
    let actor = Actor::system();
    let events = vec![message_event(&message, "FINISHED", &actor)?];
    Ok(Outcome::Done { value: Finished::Stored, events })
}

/// A chunk in rows of at most [`ROW_BYTES_MAX`], but at least a line: first and last sequence, and the lines. A row is
/// never shorter than one that was saved before from the same sequence on.
fn rows(chunk: &Chunk) -> Vec<(u64, u64, &str)> {
    let mut rows: Vec<(u64, u64, &str)> = Vec::new();
    let (mut begin, mut end, mut first) = (0, 0, chunk.first);
    for (line, sequence) in chunk.lines.split_inclusive('\n').zip(chunk.first..) {
        if end > begin && end - begin + line.len() > ROW_BYTES_MAX {
            rows.push((first, sequence - 1, chunk.lines.get(begin..end).unwrap_or_default()));
            (begin, first) = (end, sequence);
        }
        end += line.len();
    }
    if end > begin {
        rows.push((first, chunk.last, chunk.lines.get(begin..end).unwrap_or_default()));
    }
    rows
}

/// Events after one, in lines, a row's worth at a time: an empty answer is the end.
///
/// # Errors
/// The database.
pub async fn lines(db: &Db, message: MessageId, after: u64) -> Result<Vec<String>> {
    let sql = "SELECT lines FROM message_events WHERE message_id = $1 AND last_sequence > $2 \
               ORDER BY first_sequence LIMIT 1";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&message.0, &after.cast_signed()]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_becomes_rows_of_whole_lines() {
        let lines: String = (5..25).map(|n| format!("{n} {}\n", "x".repeat(20_000))).collect();
        let chunk = Chunk { message: MessageId::new(), first: 5, last: 24, lines };
        let rows = rows(&chunk);
        assert_eq!(rows.iter().map(|(.., lines)| *lines).collect::<String>(), chunk.lines);
        assert!(rows.iter().all(|(.., lines)| lines.len() <= ROW_BYTES_MAX && lines.ends_with('\n')));
        let mut next = 5;
        for (first, last, lines) in rows {
            assert_eq!((first, last - first + 1), (next, lines.lines().count() as u64));
            assert!(lines.starts_with(&format!("{first} ")));
            next = last + 1;
        }
        assert_eq!(next, 25);
    }

    #[test]
    fn a_line_that_is_larger_is_a_row_of_its_own() {
        let lines = format!("1 a\n2 {}\n3 c\n", "b".repeat(2 * ROW_BYTES_MAX));
        let chunk = Chunk { message: MessageId::new(), first: 1, last: 3, lines };
        let rows: Vec<_> = rows(&chunk).iter().map(|(first, last, _)| (*first, *last)).collect();
        assert_eq!(rows, [(1, 1), (2, 2), (3, 3)]);
    }
}
