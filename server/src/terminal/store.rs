//! The terminals' SQL. Every change and its event are one transaction.
//!
//! It knows nothing about running terminals.

use deadpool_postgres::Transaction;
use futures_util::future::BoxFuture;
use tokio_postgres::{Row, types::Json};
use uuid::Uuid;

use super::{
    record::{Change, Record, State},
    tree::TreeEnd,
};
use crate::{
    auth::Actor,
    db::{
        Db,
        changes::{Changes, NewEvent, Outcome},
    },
    error::{Error, Reason, Result},
    ids::{NodeId, TerminalId, WorkspaceId},
    workspace::{
        page::Page,
        request::{Claim, RequestId},
        store::claim_request,
    },
};

/// A terminal that is about to be recorded.
#[derive(Clone, Debug)]
pub struct NewTerminal {
    /// The record; its name is a stem that gets a number, if `numbered`.
    pub record: Record,
    /// The name was not given.
    pub numbered: bool,
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// `terminal.running_per_workspace_max`
    pub running_max: usize,
    /// The fence of this server's start.
    pub fence: i64,
    /// Who made it.
    pub actor: Actor,
}

/// What recording came to.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It is recorded.
    New(Box<Record>),
    /// The same request made this one before.
    Before(TerminalId),
}

const LIVE: &str = "state IN ('STARTING', 'RUNNING')";

/// Takes a new fence: no server with a lower one may change this node's terminals.
///
/// # Errors
/// The database.
pub async fn take_fence(db: &Db, node: NodeId) -> Result<i64> {
    let sql = "INSERT INTO nodes (id, fence, start_time) VALUES ($1, 1, now()) \
               ON CONFLICT (id) DO UPDATE SET fence = nodes.fence + 1, start_time = now() RETURNING fence";
    let client = db.get().await?;
    let fence: i64 = client.query_one(sql, &[&node.0]).await?.try_get(0)?;
    let sql = format!("UPDATE terminals SET fence = $2 WHERE node_id = $1 AND {LIVE}");
    client.execute(&sql, &[&node.0, &fence]).await?;
    Ok(fence)
}

/// Records a terminal that is about to start.
///
/// # Errors
/// `NAME_TAKEN`, `TERMINAL_QUOTA`, `REQUEST_ID_REUSED`, or the database.
pub async fn insert(changes: &Changes, new: NewTerminal) -> Result<Inserted> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(insert_in(tx, new.clone())) }).await
}

async fn insert_in(tx: &Transaction<'_>, new: NewTerminal) -> Result<Outcome<Inserted>> {
    let workspace = new.record.workspace;
    if let Some(request) = &new.request {
        match claim_request(tx, workspace, request, new.record.id.0).await? {
            Claim::New => {}
            Claim::Same(id) => {
                return Ok(Outcome::Done { value: Inserted::Before(TerminalId(id)), events: Vec::new() });
            }
            Claim::Different => return Ok(Outcome::Refused(request.reused())),
        }
    }
    let sql = format!(
        "SELECT name, agent_id IS NULL, record->>'made_name' FROM terminals WHERE workspace_id = $1 AND {LIVE}"
    );
    let rows = tx.query(&tx.prepare_cached(&sql).await?, &[&workspace.0]).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let own: Vec<bool> = rows.iter().map(|row| row.try_get(1)).collect::<Result<_, _>>()?;
    // Agents have limits of their own.
    let running = own.into_iter().filter(|own| *own).count();
    if new.record.agent.is_none() && running >= new.running_max {
        let message = format!(
            "the workspace has {running} running terminals, as many as it may \
             (terminal.running_per_workspace_max); close one"
        );
        let error = Error::quota(Reason::TerminalQuota, "terminal.running_per_workspace_max", message);
        return Ok(Outcome::Refused(error));
    }
    let mut record = new.record;
    if record.agent.is_some() && !names.contains(&record.name) {
        // An agent's terminal has its name, if nobody else has it.
    } else if new.numbered {
        // Nor one that a renamed terminal had: who still thinks of it by that would reach another.
        let made: Vec<Option<String>> = rows.iter().map(|row| row.try_get(2)).collect::<Result<_, _>>()?;
        let is_free = |name: &String| !names.contains(name) && !made.iter().flatten().any(|had| had == name);
        let free = (1..=2 * names.len() + 1).map(|n| format!("{}-{n}", record.name)).find(is_free);
        record.name = free.unwrap_or(record.name);
        record.made_name = Some(record.name.clone());
    } else if names.contains(&record.name) {
        return Ok(Outcome::Refused(name_taken(&record.name)));
    }
    let sql = "INSERT INTO terminals (id, workspace_id, name, state, node_id, fence, record, create_time, agent_id) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000), $9) \
               ON CONFLICT DO NOTHING";
    let statement = tx.prepare_cached(sql).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 285,000 years")]
    let create_ms = record.create_ms as f64;
    let (id, state, node) = (record.id.0, record.state.as_str(), record.node.0);
    let inserted = tx
        .execute(
            &statement,
            &[
                &id,
                &workspace.0,
                &record.name,
                &state,
                &node,
                &new.fence,
                &Json(&record),
                &create_ms,
                &record.agent.map(|agent| agent.0),
            ],
        )
        .await?;
    if inserted == 0 {
        // Another server on the same database was quicker.
        return Ok(Outcome::Refused(name_taken(&record.name)));
    }
    let events = vec![event(&record, Change::Created, &new.actor)?];
    Ok(Outcome::Done { value: Inserted::New(Box::new(record)), events })
}

/// Writes a changed record of a terminal that is live in the database. Idempotent: a second time it finds nothing
/// live, or the same record, and makes no event.
///
/// # Errors
/// `NAME_TAKEN`, or the database.
pub async fn update(
    changes: &Changes,
    record: Record,
    fence: i64,
    change: Change,
    actor: Actor,
) -> Result<()> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(update_in(tx, record.clone(), fence, change, actor.clone()))
        })
        .await
}

async fn update_in(
    tx: &Transaction<'_>,
    record: Record,
    fence: i64,
    change: Change,
    actor: Actor,
) -> Result<Outcome<()>> {
    if change == Change::Renamed {
        let sql =
            format!("SELECT 1 FROM terminals WHERE workspace_id = $1 AND name = $2 AND id <> $3 AND {LIVE}");
        if tx.query_opt(&sql, &[&record.workspace.0, &record.name, &record.id.0]).await?.is_some() {
            return Ok(Outcome::Refused(name_taken(&record.name)));
        }
    }
    let sql = format!(
        "UPDATE terminals SET name = $2, state = $3, fence = $4, record = $5, \
         end_time = to_timestamp($6::float8 / 1000) \
         WHERE id = $1 AND fence <= $4 AND {LIVE} AND (state, record) IS DISTINCT FROM ($3, $5::jsonb)"
    );
    let statement = tx.prepare_cached(&sql).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 285,000 years")]
    let end_ms = record.end_ms.map(|ms| ms as f64);
    let state = record.state.as_str();
    let changed = tx
        .execute(&statement, &[&record.id.0, &record.name, &state, &fence, &Json(&record), &end_ms])
        .await?;
    let events = if changed == 0 { Vec::new() } else { vec![event(&record, change, &actor)?] };
    Ok(Outcome::Done { value: (), events })
}

/// Writes down how the processes of an ended terminal were ended. Idempotent. It makes no event: that the terminal has
/// ended was told.
///
/// # Errors
/// The database.
pub async fn tree_ended(changes: &Changes, id: TerminalId, end: TreeEnd) -> Result<()> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            let end = end.clone();
            Box::pin(async move {
                let sql = "UPDATE terminals SET record = jsonb_set(record, '{tree_end}', $2) \
                           WHERE id = $1 AND end_time IS NOT NULL AND record->'tree_end' IS DISTINCT FROM $2";
                tx.execute(&tx.prepare_cached(sql).await?, &[&id.0, &Json(&end)]).await?;
                Ok(Outcome::Done { value: (), events: Vec::new() })
            })
        })
        .await
}

/// Forgets a terminal, and the request that made it. Idempotent.
///
/// # Errors
/// The database.
pub async fn delete(changes: &Changes, record: Record, actor: Actor) -> Result<()> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> { Box::pin(delete_in(tx, record.clone(), actor.clone())) })
        .await
}

async fn delete_in(tx: &Transaction<'_>, record: Record, actor: Actor) -> Result<Outcome<()>> {
    let id = record.id.0;
    tx.execute(
        "DELETE FROM request_ids WHERE workspace_id = $1 AND resource_id = $2",
        &[&record.workspace.0, &id],
    )
    .await?;
    let deleted = tx.execute("DELETE FROM terminals WHERE id = $1", &[&id]).await?;
    let events = if deleted == 0 { Vec::new() } else { vec![event(&record, Change::Deleted, &actor)?] };
    Ok(Outcome::Done { value: (), events })
}

fn event(record: &Record, change: Change, actor: &Actor) -> Result<NewEvent> {
    Ok(NewEvent {
        workspace: record.workspace,
        principal: actor.token,
        principal_name: actor.name.clone(),
        resource: "TERMINAL",
        kind: change.as_str(),
        subject: record.id.0,
        payload: serde_json::to_value(record).map_err(Error::internal)?,
    })
}

fn name_taken(name: &str) -> Error {
    let message = format!("another live terminal has the name {name:?}; choose another or leave it out");
    Error::new(Reason::NameTaken, message).with("name", name)
}

fn record(row: &Row) -> Result<Record> {
    let Json(record) = row.try_get(0)?;
    Ok(record)
}

/// A terminal by id, or by name: the live one, else the newest that had the name.
///
/// # Errors
/// The database.
pub async fn find(db: &Db, workspace: WorkspaceId, named: &str) -> Result<Option<Record>> {
    let client = db.get().await?;
    let row = if let Ok(id) = named.parse::<Uuid>() {
        client
            .query_opt(
                "SELECT record FROM terminals WHERE workspace_id = $1 AND id = $2",
                &[&workspace.0, &id],
            )
            .await?
    } else {
        let sql = format!(
            "SELECT record FROM terminals WHERE workspace_id = $1 AND name = $2 ORDER BY {LIVE} DESC, id DESC LIMIT 1"
        );
        client.query_opt(&sql, &[&workspace.0, &named]).await?
    };
    row.as_ref().map(record).transpose()
}

/// A page of terminals, newest first, and the sequence of the newest event in the same snapshot.
///
/// # Errors
/// The database.
pub async fn list(
    db: &Db,
    workspace: WorkspaceId,
    page: &Page,
    states: &[State],
    only: Option<TerminalId>,
) -> Result<(Vec<Record>, u64)> {
    let states: Vec<&str> = states.iter().map(|s| s.as_str()).collect();
    // One statement is one snapshot.
    let sql = "SELECT t.record, w.event_sequence FROM workspaces w LEFT JOIN LATERAL ( \
                   SELECT id, record FROM terminals WHERE workspace_id = w.id \
                   AND ($2::uuid IS NULL OR id < $2) AND ($3::uuid IS NULL OR id = $3) \
                   AND (cardinality($4::text[]) = 0 OR state = ANY ($4)) ORDER BY id DESC LIMIT $5 \
               ) t ON true WHERE w.id = $1 ORDER BY t.id DESC";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let only = only.map(|id| id.0);
    let rows =
        client.query(&statement, &[&workspace.0, &page.before(), &only, &states, &page.fetch()]).await?;
    let mut sequence = 0;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        sequence = row.try_get::<_, i64>(1)?;
        if let Some(Json(record)) = row.try_get(0)? {
            records.push(record);
        }
    }
    Ok((records, sequence.cast_unsigned()))
}

/// All terminals of a node that are live in the database.
///
/// # Errors
/// The database.
pub async fn live_of(db: &Db, node: NodeId) -> Result<Vec<Record>> {
    let sql = format!("SELECT record FROM terminals WHERE node_id = $1 AND {LIVE}");
    db.get().await?.query(&sql, &[&node.0]).await?.iter().map(record).collect()
}

/// Those of these terminals that are recorded.
///
/// # Errors
/// The database.
pub async fn known(db: &Db, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = db.get().await?.query("SELECT id FROM terminals WHERE id = ANY ($1)", &[&ids]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Old terminals that are looked for at once.
pub const SURPLUS_MAX: usize = 100;

/// Ended terminals of a node that are too old or too many, a hundred at a time.
///
/// # Errors
/// The database.
pub async fn surplus(db: &Db, node: NodeId, hours: u64, per_workspace_max: usize) -> Result<Vec<Record>> {
    let sql = "SELECT record FROM (SELECT record, node_id, end_time, \
                   row_number() OVER (PARTITION BY workspace_id ORDER BY end_time DESC) AS place \
                   FROM terminals WHERE end_time IS NOT NULL) ended \
               WHERE node_id = $1 AND (place > $2 OR end_time < now() - make_interval(hours => $3)) LIMIT $4";
    let hours = i32::try_from(hours).unwrap_or(i32::MAX);
    let most = i64::try_from(SURPLUS_MAX).unwrap_or(i64::MAX);
    let rows = db
        .get()
        .await?
        .query(sql, &[&node.0, &i64::try_from(per_workspace_max).unwrap_or(i64::MAX), &hours, &most])
        .await?;
    rows.iter().map(record).collect()
}
