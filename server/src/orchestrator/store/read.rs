//! Jobs and agents are found and listed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{to_agent, to_job};
use crate::{
    db::Db,
    error::Result,
    ids::{AgentId, JobId, NodeId, WorkspaceId},
    orchestrator::{
        agent::{self, Agent},
        job::{self, Job},
    },
    workspace::page::Page,
};

/// A job with what its row says beside the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FoundJob {
    /// The job.
    pub job: Job,
    /// Jobs that it waits for.
    pub pending: i32,
    /// Whether the queue is paused.
    pub paused: bool,
}

/// A job by id, or by name: the one that is not over, else the newest that had the name.
///
/// # Errors
/// The database.
pub async fn job(db: &Db, workspace: WorkspaceId, named: &str) -> Result<Option<FoundJob>> {
    let (filter, id) = match named.parse::<Uuid>() {
        Ok(id) => ("j.id = $2", Some(id)),
        Err(_) => ("j.name = $2", None),
    };
    let sql = format!(
        "SELECT j.record, j.fence, j.pending, coalesce(q.paused, false) FROM jobs j \
         LEFT JOIN queues q ON q.workspace_id = j.workspace_id \
         WHERE j.workspace_id = $1 AND {filter} ORDER BY j.end_time IS NULL DESC, j.id DESC LIMIT 1"
    );
    let client = db.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let wanted: &(dyn ToSql + Sync) = match &id {
        Some(id) => id,
        None => &named,
    };
    let row = client.query_opt(&statement, &[&workspace.0, wanted]).await?;
    let found = |row: tokio_postgres::Row| {
        Ok(FoundJob { job: to_job(&row)?, pending: row.try_get(2)?, paused: row.try_get(3)? })
    };
    row.map(found).transpose()
}

/// An agent by id, or by name: the living one, else the newest that had the name.
///
/// # Errors
/// The database.
pub async fn agent(db: &Db, workspace: WorkspaceId, named: &str) -> Result<Option<Agent>> {
    let client = db.get().await?;
    let row = if let Ok(id) = named.parse::<Uuid>() {
        let sql = "SELECT record FROM agents WHERE workspace_id = $1 AND id = $2";
        client.query_opt(&client.prepare_cached(sql).await?, &[&workspace.0, &id]).await?
    } else {
        let sql = "SELECT record FROM agents WHERE workspace_id = $1 AND name = $2 \
                   ORDER BY end_time IS NULL DESC, id DESC LIMIT 1";
        client.query_opt(&client.prepare_cached(sql).await?, &[&workspace.0, &named]).await?
    };
    row.as_ref().map(to_agent).transpose()
}

/// Agents by their ids, in no order.
///
/// # Errors
/// The database.
pub async fn agents_of(db: &Db, ids: &[AgentId]) -> Result<Vec<Agent>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = db.get().await?.query("SELECT record FROM agents WHERE id = ANY ($1)", &[&ids]).await?;
    rows.iter().map(to_agent).collect()
}

/// An agent and its job, whosever they are.
///
/// # Errors
/// The database.
pub async fn both(db: &Db, id: AgentId) -> Result<Option<(Agent, Job)>> {
    let sql =
        "SELECT j.record, j.fence, a.record FROM agents a JOIN jobs j ON j.id = a.job_id WHERE a.id = $1";
    let client = db.get().await?;
    let row = client.query_opt(&client.prepare_cached(sql).await?, &[&id.0]).await?;
    row.map(|row| {
        let Json(agent) = row.try_get(2)?;
        Ok((agent, to_job(&row)?))
    })
    .transpose()
}

/// The agents of a server that are not over, with their jobs.
///
/// # Errors
/// The database.
pub async fn of_node(db: &Db, node: NodeId) -> Result<Vec<(Agent, Job)>> {
    let sql = "SELECT j.record, j.fence, a.record FROM agents a JOIN jobs j ON j.id = a.job_id \
               WHERE a.node_id = $1 AND a.end_time IS NULL ORDER BY a.id";
    let rows = db.get().await?.query(sql, &[&node.0]).await?;
    let pair = |row: &tokio_postgres::Row| {
        let Json(agent) = row.try_get(2)?;
        Ok((agent, to_job(row)?))
    };
    rows.iter().map(pair).collect()
}

/// Agents of this server that are to be ended.
///
/// # Errors
/// The database.
pub async fn stopping_of_node(db: &Db, node: NodeId) -> Result<Vec<AgentId>> {
    let sql = "SELECT id FROM agents WHERE node_id = $1 AND end_time IS NULL AND state = 'STOPPING'";
    let client = db.get().await?;
    let rows = client.query(&client.prepare_cached(sql).await?, &[&node.0]).await?;
    rows.iter().map(|row| Ok(AgentId(row.try_get(0)?))).collect()
}

/// Those of these agents that are over.
///
/// # Errors
/// The database.
pub async fn over(db: &Db, ids: &[AgentId]) -> Result<Vec<AgentId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = "SELECT id FROM agents WHERE id = ANY ($1) AND end_time IS NOT NULL";
    let client = db.get().await?;
    let rows = client.query(&client.prepare_cached(sql).await?, &[&ids]).await?;
    rows.iter().map(|row| Ok(AgentId(row.try_get(0)?))).collect()
}

/// A page of jobs, newest first, and the newest event of the same snapshot.
///
/// # Errors
/// The database.
pub async fn jobs(
    db: &Db,
    workspace: WorkspaceId,
    page: &Page,
    states: &[job::State],
    labels: &BTreeMap<String, String>,
) -> Result<(Vec<FoundJob>, u64)> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    // One statement is one snapshot.
    let sql = "SELECT j.record, j.fence, j.pending, coalesce(q.paused, false), w.event_sequence FROM workspaces w \
               LEFT JOIN queues q ON q.workspace_id = w.id LEFT JOIN LATERAL ( \
                   SELECT id, record, fence, pending FROM jobs WHERE workspace_id = w.id \
                   AND ($2::uuid IS NULL OR id < $2) AND (cardinality($3::text[]) = 0 OR state = ANY ($3)) \
                   AND ($4::jsonb = '{}' OR record->'spec'->'labels' @> $4) ORDER BY id DESC LIMIT $5 \
               ) j ON true WHERE w.id = $1 ORDER BY j.id DESC";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let rows = client
        .query(&statement, &[&workspace.0, &page.before(), &states, &Json(labels), &page.fetch()])
        .await?;
    let (mut sequence, mut jobs) = (0, Vec::with_capacity(rows.len()));
    for row in rows {
        sequence = row.try_get::<_, i64>(4)?;
        if row.try_get::<_, Option<i64>>(1)?.is_some() {
            jobs.push(FoundJob { job: to_job(&row)?, pending: row.try_get(2)?, paused: row.try_get(3)? });
        }
    }
    Ok((jobs, sequence.cast_unsigned()))
}

/// A page of agents, newest first, and the newest event of the same snapshot.
///
/// # Errors
/// The database.
pub async fn agents(
    db: &Db,
    workspace: WorkspaceId,
    page: &Page,
    states: &[agent::State],
    job: Option<JobId>,
) -> Result<(Vec<Agent>, u64)> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let sql = "SELECT a.record, w.event_sequence FROM workspaces w LEFT JOIN LATERAL ( \
                   SELECT id, record FROM agents WHERE workspace_id = w.id AND ($2::uuid IS NULL OR id < $2) \
                   AND (cardinality($3::text[]) = 0 OR state = ANY ($3)) AND ($4::uuid IS NULL OR job_id = $4) \
                   ORDER BY id DESC LIMIT $5 \
               ) a ON true WHERE w.id = $1 ORDER BY a.id DESC";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let job = job.map(|job| job.0);
    let rows =
        client.query(&statement, &[&workspace.0, &page.before(), &states, &job, &page.fetch()]).await?;
    let (mut sequence, mut agents) = (0, Vec::with_capacity(rows.len()));
    for row in rows {
        sequence = row.try_get::<_, i64>(1)?;
        if let Some(Json(agent)) = row.try_get(0)? {
            agents.push(agent);
        }
    }
    Ok((agents, sequence.cast_unsigned()))
}
