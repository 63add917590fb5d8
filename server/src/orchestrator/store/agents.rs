//! Agents run, end, get lost and come back.

use deadpool_postgres::Transaction;
use futures_util::future::BoxFuture;

use super::{after_end, agent_event, job_event, lock_agent, lock_both, write_agent, write_both};
use crate::{
    auth::Actor,
    db::changes::{Changes, NewEvent, Outcome},
    error::Result,
    ids::AgentId,
    orchestrator::{
        agent::{Agent, Change, Receipt},
        job::{self, EndReason, Job, State},
        place::Left,
    },
    terminal::{Bounds, Exit},
};

/// An agent and its job after a change.
#[derive(Clone, Debug)]
pub struct Both {
    /// The agent.
    pub agent: Agent,
    /// The job.
    pub job: Job,
}

/// What is known of an agent's end.
#[derive(Clone, Debug)]
pub struct End {
    /// How its program ended; absent: it never ran.
    pub exit: Option<Exit>,
    /// What ending it came to.
    pub receipt: Option<Receipt>,
    /// When.
    pub time_ms: u64,
    /// What comes of the job.
    pub verdict: Verdict,
    /// Tokens that it reported.
    pub tokens_used: u64,
    /// What is left of its work.
    pub left: Left,
}

/// What an agent's end means for its job, if nobody had stopped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is over.
    Over(State, EndReason, String),
    /// Another attempt may follow, if there is one left; else it is over.
    Failed(EndReason, String),
    /// It never ran, through no fault of its own: it goes back into the queue.
    Requeue,
    /// Nobody knows what became of it.
    Lost(String),
}

/// An agent's program runs.
///
/// # Errors
/// The database.
pub async fn started(changes: &Changes, id: AgentId, how: Started) -> Result<Option<Both>> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(started_in(tx, id, how)) }).await
}

/// A program that runs.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Its process.
    pub pid: i32,
    /// When.
    pub time_ms: u64,
    /// Who keeps its limits.
    pub bounds: Option<Bounds>,
}

async fn started_in(tx: &Transaction<'_>, id: AgentId, how: Started) -> Result<Outcome<Option<Both>>> {
    let Some((mut agent, job)) = lock_both(tx, id).await? else { return done(None, Vec::new()) };
    let mut events = Vec::new();
    if agent.start_ms.is_none() && !agent.state.is_over() {
        // One that is being stopped has a program, too, from now on.
        agent.step(Change::Started);
        agent.pid = how.pid;
        agent.start_ms = Some(how.time_ms);
        agent.bounds = how.bounds;
        write_agent(tx, &agent).await?;
        events.push(agent_event(&agent, Change::Started, &Actor::system())?);
    }
    done(Some(Both { agent, job }), events)
}

/// Where an agent works is known: worktree, branch and repository.
///
/// # Errors
/// The database.
pub async fn placed(changes: &Changes, id: AgentId, place: (String, String, String)) -> Result<()> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(placed_in(tx, id, place.clone())) }).await
}

async fn placed_in(
    tx: &Transaction<'_>,
    id: AgentId,
    (worktree, branch, repository): (String, String, String),
) -> Result<Outcome<()>> {
    if let Some(mut agent) = lock_agent(tx, id).await? {
        (agent.worktree, agent.branch) = (Some(worktree), Some(branch));
        agent.repository = Some(repository);
        write_agent(tx, &agent).await?;
    }
    Ok(Outcome::Done { value: (), events: Vec::new() })
}

/// An agent is over, and with it perhaps its job. Idempotent.
///
/// # Errors
/// The database.
pub async fn ended(changes: &Changes, id: AgentId, end: End) -> Result<Option<Both>> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(ended_in(tx, id, end.clone())) }).await
}

async fn ended_in(tx: &Transaction<'_>, id: AgentId, end: End) -> Result<Outcome<Option<Both>>> {
    let Some((mut agent, mut job)) = lock_both(tx, id).await? else { return done(None, Vec::new()) };
    let actor = Actor::system();
    let lost = matches!(end.verdict, Verdict::Lost(_));
    let change = if lost { Change::Lost } else { Change::Exited };
    let mut events = Vec::new();
    if agent.step(change) {
        agent.end_ms = Some(end.time_ms);
        agent.exit = end.exit;
        agent.receipt = end.receipt.clone();
        agent.tokens_used = end.tokens_used;
        if end.left.kept.is_none() {
            agent.worktree = None;
        }
        if end.left.branch_gone {
            agent.branch = None;
        }
        agent.left = end.left.clone();
        events.push(agent_event(&agent, change, &actor)?);
        // Only for whoever is its newest agent: a job that was given to another one is that one's.
        if job.agent == Some(id) && job.fence == agent.fence && job.state.has_agent() {
            let change = conclude(&mut job, &end);
            events.push(job_event(&job, change, &actor)?);
            write_both(tx, &agent, &job).await?;
            if job.state.is_over() {
                after_end(tx, &job, &mut events).await?;
            }
        } else {
            write_agent(tx, &agent).await?;
        }
    }
    done(Some(Both { agent, job }), events)
}

/// What becomes of the job.
fn conclude(job: &mut Job, end: &End) -> job::Change {
    job.exit = end.exit.or(job.exit);
    job.tokens_used += end.tokens_used;
    let stopped = job.stop.clone();
    match (&stopped, &end.verdict) {
        (Some(stop), verdict) if !matches!(verdict, Verdict::Lost(_)) => {
            let words =
                if stop.words.is_empty() { format!("by {}", stop.principal) } else { stop.words.clone() };
            job.end(stop.why.state(), stop.why, words, end.time_ms);
            job::Change::Ended(job.state)
        }
        (_, Verdict::Over(state, why, message)) => {
            job.end(*state, *why, message.clone(), end.time_ms);
            job::Change::Ended(job.state)
        }
        (_, Verdict::Failed(why, message)) if job.attempts >= job.spec.attempts_max => {
            job.end(State::Failed, *why, message.clone(), end.time_ms);
            job::Change::Ended(job.state)
        }
        (_, Verdict::Failed(_, message)) => {
            job.step(job::Change::BackedOff);
            job.retry_ms = Some(end.time_ms.saturating_add(job.spec.backoff_ms(job.attempts)));
            job.message.clone_from(message);
            job::Change::BackedOff
        }
        (None, Verdict::Lost(_)) if job.spec.rerun_when_lost => {
            job.requeue();
            job::Change::Requeued
        }
        (_, Verdict::Lost(message)) => {
            job.end(State::Lost, EndReason::Lost, message.clone(), end.time_ms);
            job::Change::Ended(job.state)
        }
        (_, Verdict::Requeue) => {
            job.attempts = job.attempts.saturating_sub(1);
            job.requeue();
            job::Change::Requeued
        }
    }
}

/// Agents whose server does not answer, or answers again.
///
/// # Errors
/// The database.
pub async fn reach(changes: &Changes, ids: Vec<AgentId>, reachable: bool) -> Result<Vec<Agent>> {
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(reach_in(tx, ids.clone(), reachable)) }).await
}

async fn reach_in(tx: &Transaction<'_>, ids: Vec<AgentId>, reachable: bool) -> Result<Outcome<Vec<Agent>>> {
    let change = if reachable { Change::Returned } else { Change::Unreachable };
    let (mut changed, mut events) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(mut agent) = lock_agent(tx, id).await? else { continue };
        if agent.step(change) {
            write_agent(tx, &agent).await?;
            events.push(agent_event(&agent, change, &Actor::system())?);
            changed.push(agent);
        }
    }
    Ok(Outcome::Done { value: changed, events })
}

fn done<T>(value: T, events: Vec<NewEvent>) -> Result<Outcome<T>> {
    Ok(Outcome::Done { value, events })
}
