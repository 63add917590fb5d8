//! The orchestrator's SQL. Every change of a job or an agent, and its event, are one transaction.
//!
//! It knows nothing about running programs. Rows are locked in this order: queue, job, agent; the workspace's event
//! counter comes last, and the writer of changes takes it.

pub mod agents;
pub mod claim;
pub mod jobs;
pub mod named;
pub mod nodes;
pub mod queue;
pub mod read;

use deadpool_postgres::Transaction;
use futures_util::future::{try_join, try_join3};
use tokio_postgres::{Row, types::Json};

use super::{
    agent::{self, Agent},
    job::{self, Job},
};
use crate::{
    auth::Actor,
    db::changes::NewEvent,
    error::{Error, Result},
    ids::{AgentId, JobId},
};

/// Bytes of a prompt that events carry.
const PROMPT_BYTES: usize = 1024;

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 285,000 years")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// A job from `record, fence`.
fn to_job(row: &Row) -> Result<Job> {
    let Json(mut job): Json<Job> = row.try_get(0)?;
    job.fence = row.try_get(1)?;
    Ok(job)
}

fn to_agent(row: &Row) -> Result<Agent> {
    let Json(agent) = row.try_get(0)?;
    Ok(agent)
}

async fn lock_job(tx: &Transaction<'_>, id: JobId) -> Result<Option<Job>> {
    let statement = tx.prepare_cached("SELECT record, fence FROM jobs WHERE id = $1 FOR UPDATE").await?;
    tx.query_opt(&statement, &[&id.0]).await?.as_ref().map(to_job).transpose()
}

async fn lock_agent(tx: &Transaction<'_>, id: AgentId) -> Result<Option<Agent>> {
    let statement = tx.prepare_cached("SELECT record FROM agents WHERE id = $1 FOR UPDATE").await?;
    tx.query_opt(&statement, &[&id.0]).await?.as_ref().map(to_agent).transpose()
}

/// An agent, and its job; locked in the order of all: queue, whose counts the job's end may change, job, agent.
///
/// In one round trip: the statements are prepared, so that they go out together and in this order.
async fn lock_both(tx: &Transaction<'_>, id: AgentId) -> Result<Option<(Agent, Job)>> {
    let sql = "SELECT 1 FROM queues WHERE workspace_id = (SELECT workspace_id FROM agents WHERE id = $1) FOR UPDATE";
    let queue = tx.prepare_cached(sql).await?;
    let sql =
        "SELECT record, fence FROM jobs WHERE id = (SELECT job_id FROM agents WHERE id = $1) FOR UPDATE";
    let job = tx.prepare_cached(sql).await?;
    let agent = tx.prepare_cached("SELECT record FROM agents WHERE id = $1 FOR UPDATE").await?;
    let id = id.0;
    let (_, job, agent) =
        try_join3(tx.query_opt(&queue, &[&id]), tx.query_opt(&job, &[&id]), tx.query_opt(&agent, &[&id]))
            .await?;
    let (Some(job), Some(agent)) = (job, agent) else { return Ok(None) };
    Ok(Some((to_agent(&agent)?, to_job(&job)?)))
}

/// Writes both, which were locked.
async fn write_both(tx: &Transaction<'_>, agent: &Agent, job: &Job) -> Result<()> {
    try_join(write_agent(tx, agent), write_job(tx, job)).await.map(|_| ())
}

/// Writes a job that was locked. Whatever claim there was is over.
async fn write_job(tx: &Transaction<'_>, job: &Job) -> Result<()> {
    let sql = "UPDATE jobs SET state = $2, record = $3, ready_time = to_timestamp($4::float8), \
               end_time = to_timestamp($5::float8), claim_node = NULL, claim_time = NULL WHERE id = $1";
    let statement = tx.prepare_cached(sql).await?;
    let (ready, end) = (job.retry_ms.map(seconds), job.end_ms.map(seconds));
    tx.execute(&statement, &[&job.id.0, &job.state.as_str(), &Json(job), &ready, &end]).await?;
    Ok(())
}

async fn write_agent(tx: &Transaction<'_>, agent: &Agent) -> Result<()> {
    let sql = "UPDATE agents SET state = $2, record = $3, end_time = to_timestamp($4::float8) WHERE id = $1";
    let statement = tx.prepare_cached(sql).await?;
    let end = agent.end_ms.map(seconds);
    tx.execute(&statement, &[&agent.id.0, &agent.state.as_str(), &Json(agent), &end]).await?;
    Ok(())
}

/// What a job's end means for the queue and for the jobs that depend on it, and for theirs.
async fn after_end(tx: &Transaction<'_>, over: &Job, events: &mut Vec<NewEvent>) -> Result<()> {
    let mut ended = vec![over.clone()];
    while let Some(over) = ended.pop() {
        if over.state == job::State::Succeeded {
            try_join(count_off(tx, &over), count_dependencies(tx, over.id)).await?;
            continue;
        }
        let ((), dependents) = try_join(count_off(tx, &over), dependents(tx, over.id)).await?;
        for id in dependents {
            let Some(mut dependent) = lock_job(tx, id).await? else { continue };
            if !dependent.state.waits() {
                continue;
            }
            let message = format!(
                "it depends on job {:?}, which ended {}; see why, and retry that one, then this",
                over.name,
                over.state.as_str()
            );
            let why = job::EndReason::DependencyFailed;
            if dependent.end(job::State::Failed, why, message, over.end_ms.unwrap_or_default()) {
                dependent.failed_dependency = Some(over.id);
                write_job(tx, &dependent).await?;
                events.push(job_event(&dependent, job::Change::Ended(dependent.state), &Actor::system())?);
                ended.push(dependent);
            }
        }
    }
    Ok(())
}

/// The queue has one job less that is not over.
async fn count_off(tx: &Transaction<'_>, over: &Job) -> Result<()> {
    let sql = "UPDATE queues SET live = live - 1 WHERE workspace_id = $1";
    tx.execute(&tx.prepare_cached(sql).await?, &[&over.workspace.0]).await?;
    Ok(())
}

/// The jobs that depend on this one and are not over.
async fn dependents(tx: &Transaction<'_>, id: JobId) -> Result<Vec<JobId>> {
    let sql = "SELECT job_id FROM job_dependencies d JOIN jobs j ON j.id = d.job_id \
               WHERE d.depends_on_id = $1 AND j.end_time IS NULL ORDER BY job_id";
    let rows = tx.query(&tx.prepare_cached(sql).await?, &[&id.0]).await?;
    rows.iter().map(|row| Ok(JobId(row.try_get(0)?))).collect()
}

/// Counts anew, for each job that depends on this one, how many it still waits for.
async fn count_dependencies(tx: &Transaction<'_>, id: JobId) -> Result<()> {
    let sql = "UPDATE jobs SET pending = (SELECT count(*) FROM job_dependencies d JOIN jobs other \
                   ON other.id = d.depends_on_id WHERE d.job_id = jobs.id AND other.state <> 'SUCCEEDED') \
               WHERE end_time IS NULL AND id IN (SELECT job_id FROM job_dependencies WHERE depends_on_id = $1)";
    tx.execute(&tx.prepare_cached(sql).await?, &[&id.0]).await?;
    Ok(())
}

fn job_event(job: &Job, change: job::Change, actor: &Actor) -> Result<NewEvent> {
    let mut told = job.clone();
    told.spec.prompt = beginning(&job.spec.prompt);
    told.spec.env.clear();
    Ok(NewEvent {
        workspace: job.workspace,
        principal: actor.token,
        principal_name: actor.name.clone(),
        resource: "JOB",
        kind: change.as_str(),
        subject: job.id.0,
        payload: serde_json::to_value(told).map_err(Error::internal)?,
    })
}

fn agent_event(agent: &Agent, change: agent::Change, actor: &Actor) -> Result<NewEvent> {
    Ok(NewEvent {
        workspace: agent.workspace,
        principal: actor.token,
        principal_name: actor.name.clone(),
        resource: "AGENT",
        kind: change.as_str(),
        subject: agent.id.0,
        payload: serde_json::to_value(agent).map_err(Error::internal)?,
    })
}

/// The beginning of a prompt, as lists and events carry it.
pub fn beginning(prompt: &str) -> String {
    prompt[..prompt.floor_char_boundary(PROMPT_BYTES)].to_owned()
}
