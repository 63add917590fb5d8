//! Claims: jobs that wait are taken in batches, under a lease, with a fence; and started only by whoever holds both.
//!
//! A claim makes no event and is worth nothing by itself: nothing has happened to the job. The commit that records the
//! agent as STARTING is what counts, and it checks claim, fence, epoch and room once more.

use deadpool_postgres::Transaction;
use futures_util::future::{BoxFuture, try_join, try_join4};
use tokio_postgres::types::Json;

use super::{agent_event, job_event, seconds, to_agent, to_job, write_job};
use crate::{
    auth::Actor,
    db::{
        Db,
        changes::{Changes, Outcome},
    },
    error::Result,
    ids::{JobId, NodeId, WorkspaceId},
    orchestrator::{
        agent::{self, Agent},
        job::{Change, Job},
    },
};

/// How many may be claimed, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// On this server, at this moment.
    pub here: usize,
    /// In a workspace, on all servers.
    pub per_workspace: usize,
    /// Seconds until others may take what was claimed and not started.
    pub lease_s: u64,
}

/// Agents that count against a limit: those of a server that does not answer do not.
const RUNNING: &str = "end_time IS NULL AND state <> 'UNREACHABLE'";

/// Claims jobs that could start now: per workspace the most important first, the oldest among equals.
///
/// # Errors
/// The database.
pub async fn claim(db: &Db, node: NodeId, room: Room, full: &[(WorkspaceId, String)]) -> Result<Vec<Job>> {
    let sql = format!(
        "WITH room AS MATERIALIZED ( \
             SELECT workspace_id, epoch, $3 \
                 - (SELECT count(*) FROM agents a WHERE a.workspace_id = q.workspace_id AND {RUNNING}) \
                 - (SELECT count(*) FROM jobs c WHERE c.workspace_id = q.workspace_id AND c.claim_time > now()) AS free \
             FROM queues q WHERE NOT paused AND live > 0), \
         picked AS MATERIALIZED ( \
             SELECT j.id FROM room CROSS JOIN LATERAL ( \
                 SELECT id FROM jobs w WHERE w.workspace_id = room.workspace_id \
                     AND w.state IN ('QUEUED', 'BACKING_OFF') AND w.pending = 0 AND w.epoch = room.epoch \
                     AND (w.ready_time IS NULL OR w.ready_time <= now()) \
                     AND (w.claim_time IS NULL OR w.claim_time <= now()) \
                     AND NOT EXISTS (SELECT FROM unnest($5::uuid[], $6::text[]) AS taken (workspace, profile) \
                                     WHERE taken.workspace = w.workspace_id AND taken.profile = w.profile) \
                 ORDER BY w.priority DESC, w.id LIMIT greatest(room.free, 0) FOR UPDATE SKIP LOCKED) j \
             LIMIT $2) \
         UPDATE jobs SET claim_node = $1, claim_time = now() + make_interval(secs => $4::float8), fence = fence + 1 \
         FROM picked WHERE jobs.id = picked.id RETURNING record, fence"
    );
    let (here, most) = (i64::try_from(room.here).unwrap_or(i64::MAX), i64::try_from(room.per_workspace));
    let most = most.unwrap_or(i64::MAX / 2);
    let workspaces: Vec<uuid::Uuid> = full.iter().map(|(workspace, _)| workspace.0).collect();
    let profiles: Vec<&str> = full.iter().map(|(_, profile)| profile.as_str()).collect();
    let client = db.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let lease = seconds(room.lease_s * 1000);
    let rows = client.query(&statement, &[&node.0, &here, &most, &lease, &workspaces, &profiles]).await?;
    rows.iter().map(to_job).collect()
}

/// Keeps claims of this server for another lease.
///
/// # Errors
/// The database.
pub async fn renew(db: &Db, node: NodeId, jobs: &[JobId], lease_s: u64) -> Result<()> {
    let sql = "UPDATE jobs SET claim_time = now() + make_interval(secs => $3::float8) \
               WHERE id = ANY ($2) AND claim_node = $1 AND claim_time > now()";
    let ids: Vec<uuid::Uuid> = jobs.iter().map(|id| id.0).collect();
    db.get().await?.execute(sql, &[&node.0, &ids, &seconds(lease_s * 1000)]).await?;
    Ok(())
}

/// Gives back what this server has claimed and does not start: all of it, or these.
///
/// # Errors
/// The database.
pub async fn release(db: &Db, node: NodeId, jobs: Option<&[JobId]>) -> Result<()> {
    let sql = "UPDATE jobs SET claim_node = NULL, claim_time = NULL \
               WHERE claim_node = $1 AND ($2::uuid[] IS NULL OR id = ANY ($2))";
    let ids: Option<Vec<uuid::Uuid>> = jobs.map(|jobs| jobs.iter().map(|id| id.0).collect());
    db.get().await?.execute(sql, &[&node.0, &ids]).await?;
    Ok(())
}

/// The limits that a start must keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Agents in the workspace.
    pub per_workspace: usize,
    /// Agents of the profile in the workspace; 0: any number.
    pub per_profile: usize,
}

/// What a start came to.
#[derive(Clone, Debug)]
pub enum Begun {
    /// The agent is recorded: it is this server's to run.
    Starting(Box<Job>, Box<Agent>),
    /// There is no room, or the queue is paused: the claim is given back.
    NoRoom,
    /// Somebody else has it by now, or it is over.
    Stale,
}

/// Records that a claimed job's agent is about to start. Idempotent by the agent's id.
///
/// # Errors
/// The database.
pub async fn begin(changes: &Changes, agent: Agent, limits: Limits) -> Result<Begun> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(begin_in(tx, agent.clone(), limits)) }).await
}

async fn begin_in(tx: &Transaction<'_>, mut agent: Agent, limits: Limits) -> Result<Outcome<Begun>> {
    let done = |value, events| Ok(Outcome::Done { value, events });
    let Some(Found { epoch, paused, mut job, queued_in, before, claimed, running, same }) =
        find(tx, &agent).await?
    else {
        return done(Begun::Stale, Vec::new());
    };
    if let Some(before) = before {
        // The commit came through, only its answer did not.
        return done(Begun::Starting(Box::new(job), Box::new(before)), Vec::new());
    }
    if !claimed || job.fence != agent.fence || queued_in != epoch || !job.state.waits() {
        return done(Begun::Stale, Vec::new());
    }
    let over = |count: i64, most: usize| usize::try_from(count).unwrap_or(usize::MAX) >= most;
    let profile_full = limits.per_profile > 0 && over(same, limits.per_profile);
    if paused || over(running, limits.per_workspace) || profile_full {
        write_job(tx, &job).await?;
        return done(Begun::NoRoom, Vec::new());
    }
    job.step(Change::Started);
    job.attempts += 1;
    job.start_ms = job.start_ms.or(Some(agent.create_ms));
    job.retry_ms = None;
    job.agent = Some(agent.id);
    agent.attempt = job.attempts;
    try_join(write_job(tx, &job), insert_agent(tx, &agent)).await?;
    let actor = Actor::system();
    let events =
        vec![job_event(&job, Change::Started, &actor)?, agent_event(&agent, agent::Change::Created, &actor)?];
    done(Begun::Starting(Box::new(job), Box::new(agent)), events)
}

/// What a start depends on.
struct Found {
    epoch: i64,
    paused: bool,
    job: Job,
    /// The queue's epoch when the job was queued.
    queued_in: i64,
    /// The agent, if it was recorded before.
    before: Option<Agent>,
    /// The claim is this server's.
    claimed: bool,
    /// Agents of the workspace that run ...
    running: i64,
    /// ... and those of them with the same profile.
    same: i64,
}

/// Locks queue and job and looks at the rest, in one round trip: the statements are prepared, so that they go out
/// together and in this order. `None` if there is no such job any more.
async fn find(tx: &Transaction<'_>, agent: &Agent) -> Result<Option<Found>> {
    let queue =
        tx.prepare_cached("SELECT epoch, paused FROM queues WHERE workspace_id = $1 FOR UPDATE").await?;
    let sql =
        "SELECT record, fence, epoch, coalesce(claim_node = $2, false) FROM jobs WHERE id = $1 FOR UPDATE";
    let job = tx.prepare_cached(sql).await?;
    let before = tx.prepare_cached("SELECT record FROM agents WHERE id = $1").await?;
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE profile = $2) FROM agents WHERE workspace_id = $1 AND {RUNNING}"
    );
    let counts = tx.prepare_cached(&sql).await?;
    let (queue, job, before, counts) = try_join4(
        tx.query_one(&queue, &[&agent.workspace.0]),
        tx.query_opt(&job, &[&agent.job.0, &agent.node.0]),
        tx.query_opt(&before, &[&agent.id.0]),
        tx.query_one(&counts, &[&agent.workspace.0, &agent.profile]),
    )
    .await?;
    let Some(job) = job else { return Ok(None) };
    Ok(Some(Found {
        epoch: queue.try_get(0)?,
        paused: queue.try_get(1)?,
        job: to_job(&job)?,
        queued_in: job.try_get(2)?,
        claimed: job.try_get(3)?,
        before: before.as_ref().map(to_agent).transpose()?,
        running: counts.try_get(0)?,
        same: counts.try_get(1)?,
    }))
}

async fn insert_agent(tx: &Transaction<'_>, agent: &Agent) -> Result<()> {
    let sql = "INSERT INTO agents (id, workspace_id, job_id, name, state, profile, node_id, fence, terminal_id, record, \
               create_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11::float8))";
    tx.execute(
        &tx.prepare_cached(sql).await?,
        &[
            &agent.id.0,
            &agent.workspace.0,
            &agent.job.0,
            &agent.name,
            &agent.state.as_str(),
            &agent.profile,
            &agent.node.0,
            &agent.fence,
            &agent.terminal.0,
            &Json(&agent),
            &seconds(agent.create_ms),
        ],
    )
    .await?;
    Ok(())
}

/// Profiles with a limit of their own that are full, by workspace.
///
/// # Errors
/// The database.
pub async fn full_profiles(db: &Db, limited: &[(String, usize)]) -> Result<Vec<(WorkspaceId, String)>> {
    if limited.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT workspace_id, profile, count(*) FROM agents WHERE {RUNNING} GROUP BY 1, 2");
    let client = db.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let mut full = Vec::new();
    for row in client.query(&statement, &[]).await? {
        let (profile, count): (String, i64) = (row.try_get(1)?, row.try_get(2)?);
        let most = limited.iter().find(|(name, _)| *name == profile).map(|(_, most)| *most);
        if most.is_some_and(|most| usize::try_from(count).unwrap_or(usize::MAX) >= most) {
            full.push((WorkspaceId(row.try_get(0)?), profile));
        }
    }
    Ok(full)
}
