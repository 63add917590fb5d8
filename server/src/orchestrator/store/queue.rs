//! The queue of a workspace: paused or not, its epoch, and how many wait.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use futures_util::future::{BoxFuture, try_join, try_join_all};
use serde::{Deserialize, Serialize};

use super::{after_end, agent_event, job_event, lock_job, to_agent, to_job, write_agent, write_job};
use crate::{
    auth::Actor,
    db::{
        Db,
        changes::{Changes, Outcome},
    },
    error::Result,
    ids::{JobId, WorkspaceId},
    orchestrator::{
        agent::{self, Agent},
        job::{Change, Job, Stop},
    },
};

/// What waits and what runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// No agent is started.
    pub paused: bool,
    /// Why.
    pub pause_reason: String,
    /// Grows with every kill switch.
    pub epoch: i64,
    /// Could start now.
    pub ready: i64,
    /// Wait for other jobs.
    pub blocked: i64,
    /// Wait for their next attempt.
    pub backing_off: i64,
    /// Agents that start, run or are being ended.
    pub running: i64,
    /// How long the one that could start now has waited that waits longest.
    pub oldest_wait_s: Option<f64>,
}

/// Counts.
///
/// # Errors
/// The database.
pub async fn look(db: &Db, workspace: WorkspaceId) -> Result<Queue> {
    let sql = "SELECT coalesce(q.paused, false), coalesce(q.pause_reason, ''), coalesce(q.epoch, 0), j.ready, \
                   j.blocked, j.backing_off, \
                   (SELECT count(*) FROM agents WHERE workspace_id = $1 AND end_time IS NULL), \
                   extract(epoch FROM now() - j.oldest)::float8 \
               FROM (SELECT count(*) FILTER (WHERE pending = 0 AND (ready_time IS NULL OR ready_time <= now())) AS ready, \
                            count(*) FILTER (WHERE pending > 0) AS blocked, \
                            count(*) FILTER (WHERE ready_time > now()) AS backing_off, \
                            min(create_time) FILTER (WHERE pending = 0 AND ready_time IS NULL) AS oldest \
                     FROM jobs WHERE workspace_id = $1 AND state IN ('QUEUED', 'BACKING_OFF')) j \
               LEFT JOIN queues q ON q.workspace_id = $1";
    let row = db.get().await?.query_one(sql, &[&workspace.0]).await?;
    Ok(Queue {
        paused: row.try_get(0)?,
        pause_reason: row.try_get(1)?,
        epoch: row.try_get(2)?,
        ready: row.try_get(3)?,
        blocked: row.try_get(4)?,
        backing_off: row.try_get(5)?,
        running: row.try_get(6)?,
        oldest_wait_s: row.try_get(7)?,
    })
}

/// Pauses or resumes it.
///
/// # Errors
/// The database.
pub async fn pause(db: &Db, workspace: WorkspaceId, paused: bool, reason: &str) -> Result<()> {
    let sql = "INSERT INTO queues (workspace_id, paused, pause_reason) VALUES ($1, $2, $3) \
               ON CONFLICT (workspace_id) DO UPDATE SET paused = $2, pause_reason = $3";
    db.get().await?.execute(sql, &[&workspace.0, &paused, &reason]).await?;
    Ok(())
}

/// What the kill switch found.
#[derive(Clone, Debug, Default)]
pub struct Switched {
    /// The queue's epoch from now on.
    pub epoch: i64,
    /// Agents that are to be ended.
    pub agents: Vec<Agent>,
}

/// The kill switch: from this commit on nothing that was queued before it starts, and every agent is to be ended.
///
/// # Errors
/// The database.
pub async fn switch(
    changes: &Changes,
    workspace: WorkspaceId,
    pause: Option<String>,
    stop: Stop,
    actor: Actor,
) -> Result<Switched> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(switch_in(tx, workspace, pause.clone(), stop.clone(), actor.clone()))
        })
        .await
}

async fn switch_in(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    pause: Option<String>,
    stop: Stop,
    actor: Actor,
) -> Result<Outcome<Switched>> {
    let sql = "INSERT INTO queues (workspace_id, epoch, paused, pause_reason) \
               VALUES ($1, 1, $2::text IS NOT NULL, coalesce($2, '')) ON CONFLICT (workspace_id) \
               DO UPDATE SET epoch = queues.epoch + 1, paused = queues.paused OR $2::text IS NOT NULL, \
                   pause_reason = coalesce($2, queues.pause_reason) RETURNING epoch";
    let epoch = tx.query_one(sql, &[&workspace.0, &pause]).await?.try_get(0)?;
    let (mut agents, mut jobs, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (mut agent, mut job) in lock_running(tx, workspace).await? {
        let newest = job.agent == Some(agent.id) && job.state.has_agent();
        if newest {
            let stop = match job.stop.take() {
                Some(before) => Stop { grace_ms: before.grace_ms.min(stop.grace_ms), ..before },
                None => stop.clone(),
            };
            job.stop = Some(stop);
            if job.step(Change::Stopping) {
                events.push(job_event(&job, Change::Stopping, &actor)?);
            }
        }
        agent.stop = Some(job.stop.clone().unwrap_or_else(|| stop.clone()));
        if agent.step(agent::Change::Stopping) {
            events.push(agent_event(&agent, agent::Change::Stopping, &actor)?);
        }
        agents.push(agent);
        // One that was given up for a newer one has no say in the job any more.
        jobs.extend(newest.then_some(job));
    }
    // All at once: a hundred agents that are to end now cannot wait for two hundred round trips.
    let written = try_join_all(agents.iter().map(|agent| write_agent(tx, agent)));
    try_join(written, try_join_all(jobs.iter().map(|job| write_job(tx, job)))).await?;
    Ok(Outcome::Done { value: Switched { epoch, agents }, events })
}

/// The agents of a workspace that are not over, each with its job, all locked. None begins or ends meanwhile: that
/// takes the lock of the queue, which is held.
async fn lock_running(tx: &Transaction<'_>, workspace: WorkspaceId) -> Result<Vec<(Agent, Job)>> {
    let sql = "SELECT record, fence FROM jobs WHERE id IN \
                   (SELECT job_id FROM agents WHERE workspace_id = $1 AND end_time IS NULL) ORDER BY id FOR UPDATE";
    let jobs = tx.query(sql, &[&workspace.0]).await?;
    let jobs = jobs.iter().map(to_job).collect::<Result<Vec<Job>>>()?;
    let jobs: HashMap<JobId, Job> = jobs.into_iter().map(|job| (job.id, job)).collect();
    let sql = "SELECT record FROM agents WHERE workspace_id = $1 AND end_time IS NULL ORDER BY job_id, id FOR UPDATE";
    let agents = tx.query(sql, &[&workspace.0]).await?;
    let agents = agents.iter().map(to_agent).collect::<Result<Vec<Agent>>>()?;
    let with_job = |agent: Agent| jobs.get(&agent.job).cloned().map(|job| (agent, job));
    Ok(agents.into_iter().filter_map(with_job).collect())
}

/// Jobs that are cancelled in one step.
const CANCEL_MAX: i64 = 500;

/// Cancels jobs that the kill switch has left without a future; answers which, and whether there may be more.
///
/// # Errors
/// The database.
pub async fn cancel_left_behind(
    changes: &Changes,
    workspace: WorkspaceId,
    stop: Stop,
    actor: Actor,
) -> Result<(Vec<JobId>, bool)> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(cancel_in(tx, workspace, stop.clone(), actor.clone()))
        })
        .await
}

async fn cancel_in(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    stop: Stop,
    actor: Actor,
) -> Result<Outcome<(Vec<JobId>, bool)>> {
    let sql = "SELECT id FROM jobs WHERE id IN ( \
                   SELECT id FROM jobs WHERE workspace_id = $1 AND state IN ('QUEUED', 'BACKING_OFF') \
                       AND epoch < (SELECT epoch FROM queues WHERE workspace_id = $1) ORDER BY id DESC LIMIT $2) \
               ORDER BY id FOR UPDATE";
    let rows = tx.query(sql, &[&workspace.0, &CANCEL_MAX]).await?;
    let more = rows.len() >= usize::try_from(CANCEL_MAX).unwrap_or(usize::MAX);
    let (mut ids, mut events) = (Vec::new(), Vec::new());
    // The newest first: a job depends on older ones, and is to be cancelled like them, not to fail with them.
    for row in rows.iter().rev() {
        // As it is by now: with a job those are over that depend on it.
        let Some(mut job) = lock_job(tx, JobId(row.try_get(0)?)).await? else { continue };
        let words = if stop.words.is_empty() { format!("by {}", stop.principal) } else { stop.words.clone() };
        if job.end(stop.why.state(), stop.why, words, stop.time_ms) {
            job.stop = Some(stop.clone());
            write_job(tx, &job).await?;
            events.push(job_event(&job, Change::Ended(job.state), &actor)?);
            after_end(tx, &job, &mut events).await?;
            ids.push(job.id);
        }
    }
    Ok(Outcome::Done { value: (ids, more), events })
}
