//! Jobs are made, stopped and queued again.

use deadpool_postgres::Transaction;
use futures_util::future::BoxFuture;
use tokio_postgres::types::Json;

use super::{
    after_end, agent_event, job_event, lock_agent, lock_job, seconds, to_job, write_agent, write_job,
};
use crate::{
    auth::Actor,
    db::changes::{Changes, Outcome},
    error::{Error, Reason, Result},
    ids::{AgentId, JobId, WorkspaceId},
    orchestrator::{
        agent::{self, Agent},
        job::{Change, EndReason, Job, State, Stop},
    },
    workspace::{
        request::{Claim, RequestId},
        store::claim_request,
    },
};

/// A job that is about to be recorded.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The job; its name is what was asked for, or empty.
    pub job: Job,
    /// The jobs that it depends on, as they were named.
    pub depends_on: Vec<String>,
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// `orchestrator.jobs_per_workspace_max`
    pub jobs_max: i64,
    /// Who made it.
    pub actor: Actor,
}

/// What recording came to.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It is recorded.
    New(Box<Job>),
    /// The same request made this one before.
    Before(JobId),
}

/// Records a job.
///
/// # Errors
/// `NAME_TAKEN`, `JOB_NOT_FOUND`, `DEPENDENCY_FAILED`, `JOB_QUOTA`, `REQUEST_ID_REUSED`, or the database.
pub async fn insert(changes: &Changes, new: NewJob) -> Result<Inserted> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(insert_in(tx, new.clone())) }).await
}

async fn insert_in(tx: &Transaction<'_>, new: NewJob) -> Result<Outcome<Inserted>> {
    let mut job = new.job;
    if let Some(request) = &new.request {
        match claim_request(tx, job.workspace, request, job.id.0).await? {
            Claim::New => {}
            Claim::Same(id) => {
                return Ok(Outcome::Done { value: Inserted::Before(JobId(id)), events: Vec::new() });
            }
            Claim::Different => return Ok(Outcome::Refused(request.reused())),
        }
    }
    let sql = "INSERT INTO queues (workspace_id, live, number) VALUES ($1, 1, 1) ON CONFLICT (workspace_id) \
               DO UPDATE SET live = queues.live + 1, number = queues.number + 1 \
               RETURNING epoch, live, number";
    let queue = tx.query_one(&tx.prepare_cached(sql).await?, &[&job.workspace.0]).await?;
    let (epoch, live, number): (i64, i64, i64) = (queue.try_get(0)?, queue.try_get(1)?, queue.try_get(2)?);
    if live > new.jobs_max {
        let message = format!(
            "the workspace has {} jobs that are not over, as many as it may \
             (orchestrator.jobs_per_workspace_max); wait for some, or cancel them",
            new.jobs_max
        );
        return Ok(Outcome::Refused(Error::quota(
            Reason::JobQuota,
            "orchestrator.jobs_per_workspace_max",
            message,
        )));
    }
    let mut pending = 0;
    for named in &new.depends_on {
        match dependency(tx, job.workspace, named).await? {
            None => return Ok(Outcome::Refused(super::super::job_not_found("depends_on", named))),
            Some(other) if other.state.is_over() && other.state != State::Succeeded => {
                return Ok(Outcome::Refused(dependency_failed(&other)));
            }
            Some(other) if job.spec.depends_on.contains(&other.id) => {}
            Some(other) => {
                pending += i32::from(other.state != State::Succeeded);
                job.spec.depends_on.push(other.id);
            }
        }
    }
    if job.name.is_empty() {
        job.name = format!("{}-{number}", job.spec.profile);
    }
    if !write_new(tx, &job, epoch, pending).await? {
        let message = format!(
            "another job that is not over has the name {:?}; choose another or leave it out",
            job.name
        );
        return Ok(Outcome::Refused(Error::new(Reason::NameTaken, message).with("name", &job.name)));
    }
    let events = vec![job_event(&job, Change::Created, &new.actor)?];
    Ok(Outcome::Done { value: Inserted::New(Box::new(job)), events })
}

async fn write_new(tx: &Transaction<'_>, job: &Job, epoch: i64, pending: i32) -> Result<bool> {
    let sql = "INSERT INTO jobs (id, workspace_id, name, state, profile, priority, epoch, pending, queued_until, \
               record, create_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
               now() + make_interval(secs => $9::float8), $10, to_timestamp($11::float8)) ON CONFLICT DO NOTHING";
    let statement = tx.prepare_cached(sql).await?;
    let inserted = tx
        .execute(
            &statement,
            &[
                &job.id.0,
                &job.workspace.0,
                &job.name,
                &job.state.as_str(),
                &job.spec.profile,
                &job.spec.priority,
                &epoch,
                &pending,
                &job.spec.queued_timeout_ms.map(seconds),
                &Json(job),
                &seconds(job.create_ms),
            ],
        )
        .await?;
    let sql = "INSERT INTO job_dependencies (job_id, depends_on_id) SELECT $1, unnest($2::uuid[])";
    let others: Vec<uuid::Uuid> = job.spec.depends_on.iter().map(|id| id.0).collect();
    if inserted > 0 && !others.is_empty() {
        tx.execute(&tx.prepare_cached(sql).await?, &[&job.id.0, &others]).await?;
    }
    Ok(inserted > 0)
}

/// A job by id or name, locked, so that it cannot end before the one that depends on it is recorded.
async fn dependency(tx: &Transaction<'_>, workspace: WorkspaceId, named: &str) -> Result<Option<Job>> {
    let row = if let Ok(id) = named.parse::<uuid::Uuid>() {
        let sql = "SELECT record, fence FROM jobs WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
        tx.query_opt(&tx.prepare_cached(sql).await?, &[&workspace.0, &id]).await?
    } else {
        let sql = "SELECT record, fence FROM jobs WHERE workspace_id = $1 AND name = $2 \
                   ORDER BY end_time IS NULL DESC, id DESC LIMIT 1 FOR UPDATE";
        tx.query_opt(&tx.prepare_cached(sql).await?, &[&workspace.0, &named]).await?
    };
    row.as_ref().map(to_job).transpose()
}

fn dependency_failed(other: &Job) -> Error {
    let message = format!(
        "depends_on: job {:?} ended {}, so this one could never start; retry that one first",
        other.name,
        other.state.as_str()
    );
    Error::new(Reason::DependencyFailed, message).with("job_id", other.id)
}

/// What stopping a job came to.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The job as it is now.
    pub job: Job,
    /// Its newest agent.
    pub agent: Option<Agent>,
}

/// Stops a job at whatever stage it is: one that waits is over; one with an agent is to be ended by the server that
/// holds it. Idempotent: what is over or being stopped stays so, except that a shorter grace counts.
///
/// # Errors
/// The database.
pub async fn stop(changes: &Changes, id: JobId, stop: Stop, actor: Actor) -> Result<Option<Stopped>> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> { Box::pin(stop_in(tx, id, stop.clone(), actor.clone())) })
        .await
}

async fn stop_in(
    tx: &Transaction<'_>,
    id: JobId,
    stop: Stop,
    actor: Actor,
) -> Result<Outcome<Option<Stopped>>> {
    let Some(mut job) = lock_job(tx, id).await? else {
        return Ok(Outcome::Done { value: None, events: Vec::new() });
    };
    let mut agent = match job.agent {
        Some(agent) => lock_agent(tx, agent).await?,
        None => None,
    };
    let mut events = Vec::new();
    if job.state.waits() {
        let message =
            if stop.words.is_empty() { format!("by {}", stop.principal) } else { stop.words.clone() };
        job.end(stop.why.state(), stop.why, message, stop.time_ms);
        job.stop = Some(stop);
        write_job(tx, &job).await?;
        events.push(job_event(&job, Change::Ended(job.state), &actor)?);
        after_end(tx, &job, &mut events).await?;
    } else if job.state.has_agent() {
        let stop = match job.stop.take() {
            Some(before) => Stop { grace_ms: before.grace_ms.min(stop.grace_ms), ..before },
            None => stop,
        };
        job.stop = Some(stop.clone());
        if job.step(Change::Stopping) {
            events.push(job_event(&job, Change::Stopping, &actor)?);
        }
        write_job(tx, &job).await?;
        if let Some(agent) = agent.as_mut().filter(|agent| !agent.state.is_over()) {
            agent.stop = Some(stop);
            if agent.step(agent::Change::Stopping) {
                events.push(agent_event(agent, agent::Change::Stopping, &actor)?);
            }
            write_agent(tx, agent).await?;
        }
    }
    Ok(Outcome::Done { value: Some(Stopped { job, agent }), events })
}

/// Queues a job that is over, or waits for its next attempt, as if it were new.
///
/// # Errors
/// `JOB_RUNNING`, `NAME_TAKEN`, `DEPENDENCY_FAILED`, `REQUEST_ID_REUSED`, or the database.
pub async fn retry(
    changes: &Changes,
    (workspace, id): (WorkspaceId, JobId),
    request: Option<RequestId>,
    actor: Actor,
) -> Result<Job> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(retry_in(tx, (workspace, id), request.clone(), actor.clone()))
        })
        .await
}

async fn retry_in(
    tx: &Transaction<'_>,
    (workspace, id): (WorkspaceId, JobId),
    request: Option<RequestId>,
    actor: Actor,
) -> Result<Outcome<Job>> {
    let sql = "SELECT epoch FROM queues WHERE workspace_id = $1 FOR UPDATE";
    let epoch: i64 = match tx.query_opt(sql, &[&workspace.0]).await? {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    let Some(mut job) = lock_job(tx, id).await? else {
        return Ok(Outcome::Refused(super::super::job_not_found("job_id", &id.to_string())));
    };
    if let Some(request) = &request {
        match claim_request(tx, workspace, request, id.0).await? {
            Claim::New => {}
            Claim::Same(_) => return Ok(Outcome::Done { value: job, events: Vec::new() }),
            Claim::Different => return Ok(Outcome::Refused(request.reused())),
        }
    }
    if job.state.has_agent() {
        let message = format!("job {:?} is {}; cancel it first, or wait", job.name, job.state.as_str());
        return Ok(Outcome::Refused(Error::new(Reason::JobRunning, message)));
    }
    let (was_over, waited) = (job.state.is_over(), job.state == State::Queued);
    if waited {
        return Ok(Outcome::Done { value: job, events: Vec::new() });
    }
    if was_over {
        job.attempts = 0;
        let sql = "SELECT 1 FROM jobs WHERE workspace_id = $1 AND name = $2 AND end_time IS NULL";
        if tx.query_opt(sql, &[&workspace.0, &job.name]).await?.is_some() {
            let message = format!(
                "another job that is not over has the name {:?} by now; end that one first",
                job.name
            );
            return Ok(Outcome::Refused(Error::new(Reason::NameTaken, message).with("name", &job.name)));
        }
        let sql = "SELECT record, fence FROM jobs WHERE id = ANY ($1) AND end_time IS NOT NULL AND state <> 'SUCCEEDED' LIMIT 1";
        let others: Vec<uuid::Uuid> = job.spec.depends_on.iter().map(|id| id.0).collect();
        if let Some(row) = tx.query_opt(sql, &[&others]).await? {
            return Ok(Outcome::Refused(dependency_failed(&to_job(&row)?)));
        }
        tx.execute("UPDATE queues SET live = live + 1 WHERE workspace_id = $1", &[&workspace.0]).await?;
    }
    job.requeue();
    write_job(tx, &job).await?;
    let sql = "UPDATE jobs SET epoch = $2, ready_time = NULL, \
               queued_until = now() + make_interval(secs => $3::float8), \
               pending = (SELECT count(*) FROM job_dependencies d JOIN jobs other ON other.id = d.depends_on_id \
                          WHERE d.job_id = jobs.id AND other.state <> 'SUCCEEDED') WHERE id = $1";
    tx.execute(sql, &[&id.0, &epoch, &job.spec.queued_timeout_ms.map(seconds)]).await?;
    let events = vec![job_event(&job, Change::Requeued, &actor)?];
    Ok(Outcome::Done { value: job, events })
}

/// An agent asks something, or goes on.
///
/// # Errors
/// The database.
pub async fn asked(changes: &Changes, agent: AgentId, question: Option<String>) -> Result<()> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(asked_in(tx, agent, question.clone())) }).await
}

async fn asked_in(tx: &Transaction<'_>, id: AgentId, question: Option<String>) -> Result<Outcome<()>> {
    let done = |events| Ok(Outcome::Done { value: (), events });
    let sql = "SELECT job_id FROM agents WHERE id = $1";
    let Some(row) = tx.query_opt(sql, &[&id.0]).await? else { return done(Vec::new()) };
    let Some(mut job) = lock_job(tx, JobId(row.try_get(0)?)).await? else {
        return done(Vec::new());
    };
    let Some(mut agent) = lock_agent(tx, id).await? else { return done(Vec::new()) };
    let (change, of_agent) = match question {
        Some(_) => (Change::Asked, agent::Change::Asked),
        None => (Change::Resumed, agent::Change::Resumed),
    };
    if job.agent != Some(id) || !job.step(change) || !agent.step(of_agent) {
        return done(Vec::new());
    }
    job.question = question.unwrap_or_default();
    write_job(tx, &job).await?;
    write_agent(tx, &agent).await?;
    let actor = Actor::system();
    done(vec![job_event(&job, change, &actor)?, agent_event(&agent, of_agent, &actor)?])
}

/// Ends jobs that have waited too long, and those that a kill switch has left behind; a few at a time.
///
/// # Errors
/// The database.
pub async fn give_up(changes: &Changes, now_ms: u64) -> Result<Vec<JobId>> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(give_up_in(tx, now_ms)) }).await
}

/// Jobs that are given up at once.
const GIVE_UP_MAX: i64 = 200;

async fn give_up_in(tx: &Transaction<'_>, now_ms: u64) -> Result<Outcome<Vec<JobId>>> {
    let sql = "SELECT id, killed FROM ( \
                   SELECT id, false AS killed FROM jobs \
                   WHERE state = 'QUEUED' AND queued_until IS NOT NULL AND queued_until < now() \
                   UNION ALL SELECT j.id, true FROM queues q JOIN jobs j ON j.workspace_id = q.workspace_id \
                   WHERE j.state IN ('QUEUED', 'BACKING_OFF') AND j.epoch < q.epoch) late ORDER BY id LIMIT $1";
    let rows = tx.query(&tx.prepare_cached(sql).await?, &[&GIVE_UP_MAX]).await?;
    let (mut ids, mut events) = (Vec::new(), Vec::new());
    for row in rows {
        let (id, killed): (uuid::Uuid, bool) = (row.try_get(0)?, row.try_get(1)?);
        let Some(mut job) = lock_job(tx, JobId(id)).await? else { continue };
        let (why, message) = if killed {
            (EndReason::KillSwitch, "the kill switch ended it before it started".to_owned())
        } else {
            (EndReason::QueuedTimeout, "it waited longer than queued_timeout for its start".to_owned())
        };
        if job.state.waits() && job.end(why.state(), why, message, now_ms) {
            write_job(tx, &job).await?;
            events.push(job_event(&job, Change::Ended(job.state), &Actor::system())?);
            after_end(tx, &job, &mut events).await?;
            ids.push(job.id);
        }
    }
    Ok(Outcome::Done { value: ids, events })
}

/// Forgets jobs that are old or too many; answers the terminals of their agents.
///
/// # Errors
/// The database.
pub async fn forget_old(changes: &Changes, hours: i32, per_workspace_max: i64) -> Result<usize> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(forget_in(tx, hours, per_workspace_max)) }).await
}

async fn forget_in(tx: &Transaction<'_>, hours: i32, per_workspace_max: i64) -> Result<Outcome<usize>> {
    let sql = "SELECT record, fence FROM (SELECT record, fence, end_time, \
                   row_number() OVER (PARTITION BY workspace_id ORDER BY end_time DESC) AS place \
                   FROM jobs WHERE end_time IS NOT NULL) ended \
               WHERE place > $1 OR end_time < now() - make_interval(hours => $2) LIMIT 100";
    let rows = tx.query(sql, &[&per_workspace_max, &hours]).await?;
    let mut events = Vec::new();
    for row in &rows {
        let job = to_job(row)?;
        tx.execute(
            "DELETE FROM request_ids WHERE workspace_id = $1 AND resource_id = $2",
            &[&job.workspace.0, &job.id.0],
        )
        .await?;
        tx.execute("DELETE FROM jobs WHERE id = $1", &[&job.id.0]).await?;
        events.push(job_event(&job, Change::Deleted, &Actor::system())?);
    }
    Ok(Outcome::Done { value: rows.len(), events })
}
