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

/// A job as it stands in its row.
#[derive(Clone, Debug)]
struct JobRow {
    job: Job,
    epoch: i64,
}

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

async fn lock_job(tx: &Transaction<'_>, id: JobId) -> Result<Option<JobRow>> {
    let statement =
        tx.prepare_cached("SELECT record, fence, epoch FROM jobs WHERE id = $1 FOR UPDATE").await?;
    let row = tx.query_opt(&statement, &[&id.0]).await?;
    row.map(|row| Ok(JobRow { job: to_job(&row)?, epoch: row.try_get(2)? })).transpose()
}

async fn lock_agent(tx: &Transaction<'_>, id: AgentId) -> Result<Option<Agent>> {
    let statement = tx.prepare_cached("SELECT record FROM agents WHERE id = $1 FOR UPDATE").await?;
    tx.query_opt(&statement, &[&id.0]).await?.as_ref().map(to_agent).transpose()
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
        let sql = "UPDATE queues SET live = live - 1 WHERE workspace_id = $1";
        tx.execute(&tx.prepare_cached(sql).await?, &[&over.workspace.0]).await?;
        if over.state == job::State::Succeeded {
            count_dependencies(tx, over.id).await?;
            continue;
        }
        let sql = "SELECT job_id FROM job_dependencies d JOIN jobs j ON j.id = d.job_id \
                   WHERE d.depends_on_id = $1 AND j.end_time IS NULL ORDER BY job_id";
        for row in tx.query(&tx.prepare_cached(sql).await?, &[&over.id.0]).await? {
            let Some(JobRow { job: mut dependent, .. }) = lock_job(tx, JobId(row.try_get(0)?)).await? else {
                continue;
            };
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
