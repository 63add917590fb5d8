//! The SQL of usage and budgets.
//!
//! It knows nothing about who spends.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Budget, Day, Entry};
use crate::{chat::provider::Usage, db::Db, error::Result, ids::WorkspaceId};

/// Sets tokens aside from today's budget; false if they are not there any more. A `budget` of 0 is none.
///
/// The row is locked until the transaction ends, so that two servers cannot both take the last of it.
///
/// # Errors
/// The database.
pub async fn reserve(tx: &Transaction<'_>, workspace: WorkspaceId, tokens: u64, budget: u64) -> Result<bool> {
    let sql = "INSERT INTO usage_budgets AS b (workspace_id, day, reserved) \
               SELECT $1, (now() AT TIME ZONE 'UTC')::date, $2::bigint WHERE $3::bigint = 0 OR $2::bigint <= $3::bigint \
               ON CONFLICT (workspace_id, day) DO UPDATE SET reserved = b.reserved + $2::bigint \
               WHERE $3::bigint = 0 OR b.used + b.reserved + $2::bigint <= $3::bigint";
    let statement = tx.prepare_cached(sql).await?;
    let taken = tx.execute(&statement, &[&workspace.0, &signed(tokens), &signed(budget)]).await?;
    Ok(taken == 1)
}

/// Gives back what a message has set aside, and counts what it used on the day that it began.
///
/// # Errors
/// The database.
pub async fn settle(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    message: Uuid,
    entries: &[Entry],
) -> Result<()> {
    let sql = "UPDATE usage_budgets b SET reserved = b.reserved - m.reserved_tokens FROM messages m \
               WHERE m.id = $1 AND b.workspace_id = m.workspace_id AND b.day = m.reserved_day";
    tx.execute(&tx.prepare_cached(sql).await?, &[&message]).await?;
    count_on(tx, workspace, Some(message), entries).await
}

/// Counts what was used today.
///
/// # Errors
/// The database.
pub async fn count(tx: &Transaction<'_>, workspace: WorkspaceId, entries: &[Entry]) -> Result<()> {
    count_on(tx, workspace, None, entries).await
}

/// Counts on the day that a message began, or today.
async fn count_on(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    message: Option<Uuid>,
    entries: &[Entry],
) -> Result<()> {
    let sql = "WITH at AS (SELECT COALESCE((SELECT reserved_day FROM messages WHERE id = $2), \
                   (now() AT TIME ZONE 'UTC')::date) AS day), \
               spent AS (INSERT INTO usage_budgets AS b (workspace_id, day, used) SELECT $1, day, $4::bigint + $5::bigint FROM at \
                   ON CONFLICT (workspace_id, day) DO UPDATE SET used = b.used + excluded.used) \
               INSERT INTO usage_days AS d \
                   (workspace_id, day, model, input, output, cached, thinking, attempts, estimated_attempts) \
               SELECT $1, day, $3, $4::bigint, $5::bigint, $6::bigint, $7::bigint, 1, $8::bigint FROM at \
               ON CONFLICT (workspace_id, day, model) DO UPDATE SET input = d.input + excluded.input, \
                   output = d.output + excluded.output, cached = d.cached + excluded.cached, \
                   thinking = d.thinking + excluded.thinking, attempts = d.attempts + 1, \
                   estimated_attempts = d.estimated_attempts + excluded.estimated_attempts";
    let statement = tx.prepare_cached(sql).await?;
    for Entry { model, counted } in entries {
        let Usage { input, output, cached, thinking } = counted.usage;
        let [input, output, cached, thinking] = [input, output, cached, thinking].map(signed);
        let estimated = i64::from(counted.estimated);
        tx.execute(
            &statement,
            &[&workspace.0, &message, model, &input, &output, &cached, &thinking, &estimated],
        )
        .await?;
    }
    Ok(())
}

/// The last so many days, newest first, and today's budget.
///
/// # Errors
/// The database.
pub async fn days(db: &Db, workspace: WorkspaceId, days: u32) -> Result<(Vec<Day>, Budget)> {
    let client = db.get().await?;
    let sql = "SELECT day::text, model, input, output, cached, thinking, attempts, estimated_attempts \
               FROM usage_days WHERE workspace_id = $1 \
               AND day > (now() AT TIME ZONE 'UTC')::date - $2::integer ORDER BY day DESC, model";
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let rows = client.query(sql, &[&workspace.0, &days]).await?;
    let sql = "SELECT used, reserved FROM usage_budgets \
               WHERE workspace_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date";
    let budget = match client.query_opt(sql, &[&workspace.0]).await? {
        Some(row) => Budget { used: number(&row, 0)?, reserved: number(&row, 1)? },
        None => Budget::default(),
    };
    let days = rows.iter().map(day).collect::<Result<_>>()?;
    Ok((days, budget))
}

fn day(row: &Row) -> Result<Day> {
    Ok(Day {
        day: row.try_get(0)?,
        model: row.try_get(1)?,
        usage: Usage {
            input: number(row, 2)?,
            output: number(row, 3)?,
            cached: number(row, 4)?,
            thinking: number(row, 5)?,
        },
        attempts: number(row, 6)?,
        estimated_attempts: number(row, 7)?,
    })
}

fn number(row: &Row, index: usize) -> Result<u64> {
    Ok(row.try_get::<_, i64>(index)?.try_into().unwrap_or_default())
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
