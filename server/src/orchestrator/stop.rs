//! Ending jobs and agents: one, or all. What is wanted is written down first; whoever holds the agent then ends it.
//!
//! It knows nothing about signals.

use std::{sync::Arc, time::Duration};

use super::{
    Orchestrator, Shared,
    agent::Agent,
    job::{EndReason, Job, Stop},
    now_ms,
    store::{self, jobs::Stopped},
};
use crate::{
    auth::{Actor, Principal, Role},
    error::{Error, Result},
    ids::AgentId,
};

/// How somebody wants something ended.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Why, in that one's words.
    pub words: String,
    /// From the first signal to SIGKILL; absent: as configured.
    pub grace: Option<Duration>,
    /// SIGKILL at once.
    pub force: bool,
}

/// What the kill switch did.
#[derive(Debug)]
pub struct Switched {
    /// The agents that were ended, or are to be ended by other servers.
    pub agents: Vec<Agent>,
    /// Jobs that waited.
    pub cancelled: usize,
    /// The queue's epoch from now on.
    pub epoch: i64,
}

/// What an agent is ended with that others have given up.
pub(super) fn given_up(grace_ms: u64) -> Stop {
    Stop {
        why: EndReason::Lost,
        words: "other servers have given it up".to_owned(),
        principal: "system".to_owned(),
        time_ms: now_ms(),
        grace_ms,
    }
}

/// An agent of another server is waited for this long before the answer says that it is being stopped.
const ELSEWHERE_PATIENCE: Duration = Duration::from_secs(10);

impl Shared {
    fn stop_of(&self, who: &Principal, wish: &Wish, why: EndReason) -> Stop {
        let grace = wish.grace.unwrap_or(Duration::from_millis(self.settings.kill_grace_ms));
        let grace = if wish.force { Duration::ZERO } else { grace };
        Stop {
            why,
            words: wish.words.clone(),
            principal: who.token_name.clone(),
            time_ms: now_ms(),
            grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Tells the agent's task, if it is here.
    fn pass_on(&self, agent: &Agent) {
        let running = self.running().get(&agent.id).cloned();
        if let (Some(running), Some(stop)) = (running, &agent.stop) {
            running.stop(stop.clone());
        }
    }

    /// Waits until an agent that is being ended is over; one of another server only for a while.
    async fn gone(&self, agent: AgentId, job: crate::ids::JobId) {
        let running = self.running().get(&agent).cloned();
        match running {
            Some(running) => {
                tokio::select! {
                    () = running.over.cancelled() => {}
                    () = self.draining.cancelled() => {}
                }
            }
            None => self.gone_elsewhere(agent, job).await,
        }
    }

    async fn gone_elsewhere(&self, agent: AgentId, job: crate::ids::JobId) {
        let until = tokio::time::Instant::now() + ELSEWHERE_PATIENCE;
        let mut ear = self.hub.listen(job);
        while tokio::time::Instant::now() < until {
            match store::read::over(&self.db, &[agent]).await {
                Ok(over) if over.is_empty() => {}
                // What cannot be asked is not waited for.
                _ => return,
            }
            tokio::select! {
                () = ear.changed() => {}
                () = tokio::time::sleep(super::POLL) => {}
                () = self.draining.cancelled() => return,
            }
        }
    }

    async fn stop(&self, who: &Principal, job: &Job, stop: Stop) -> Result<(Job, Option<Agent>)> {
        let stopped = store::jobs::stop(&self.changes, job.id, stop, Actor::of(who)).await?;
        let Stopped { agent, .. } =
            stopped.ok_or_else(|| super::job_not_found("job_id", &job.id.to_string()))?;
        self.hub.tell(job.id);
        if let Some(agent) = agent.filter(|agent| !agent.state.is_over()) {
            self.pass_on(&agent);
            self.gone(agent.id, job.id).await;
        }
        self.kick();
        let found = self.job(who.workspace, &job.id.to_string()).await?;
        let agent = match found.job.agent {
            Some(agent) => store::read::agent(&self.db, who.workspace, &agent.to_string()).await?,
            None => None,
        };
        Ok((found.job, agent))
    }
}

impl Orchestrator {
    /// Ends a job at whatever stage it is; answers when its agent is gone.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, `JOB_NOT_FOUND`, or the database.
    pub async fn cancel(&self, who: &Principal, named: &str, wish: Wish) -> Result<Job> {
        super::writes(who)?;
        let found = self.shared.job(who.workspace, named).await?;
        let stop = self.shared.stop_of(who, &wish, EndReason::Cancelled);
        Ok(self.shared.stop(who, &found.job, stop).await?.0)
    }

    /// Ends an agent; answers when it is gone. One that is over answers as it is.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, `AGENT_NOT_FOUND`, or the database.
    pub async fn kill(&self, who: &Principal, named: &str, wish: Wish) -> Result<(Job, Option<Agent>)> {
        super::writes(who)?;
        let shared = &self.shared;
        let stop = shared.stop_of(who, &wish, EndReason::Killed);
        let agent = store::read::agent(&shared.db, who.workspace, super::name(named, "agent_id")?).await?;
        // A name may stand for a job that has no agent yet, or is between two.
        let waiting = match store::read::job(&shared.db, who.workspace, named).await? {
            Some(found) if !found.job.state.is_over() => Some(found.job),
            _ => None,
        };
        match (agent, waiting) {
            (_, Some(job)) => shared.stop(who, &job, stop).await,
            (Some(agent), None) => {
                let job = shared.job(who.workspace, &agent.job.to_string()).await?.job;
                // Only the newest agent's end ends the job.
                if agent.state.is_over() || job.agent != Some(agent.id) {
                    return Ok((job, Some(agent)));
                }
                shared.stop(who, &job, stop).await
            }
            (None, None) => Err(super::agent_not_found(named)),
        }
    }

    /// The kill switch: nothing that waits starts any more, and every agent ends. Answers when all are gone.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, or the database.
    pub async fn kill_all(&self, who: &Arc<Principal>, wish: Wish, pause: bool) -> Result<Switched> {
        who.require(Role::Admin)?;
        who.require_whole_workspace()?;
        // Once begun it is finished, even if the caller goes away.
        let (shared, who) = (Arc::clone(&self.shared), Arc::clone(who));
        let switching = self.shared.tasks.spawn(async move { switch(&shared, &who, wish, pause).await });
        switching.await.map_err(Error::internal)?
    }
}

async fn switch(shared: &Arc<Shared>, who: &Principal, wish: Wish, pause: bool) -> Result<Switched> {
    let stop = shared.stop_of(who, &wish, EndReason::KillSwitch);
    let words = if wish.words.is_empty() { "the kill switch".to_owned() } else { wish.words.clone() };
    let pause = pause.then_some(words);
    let actor = Actor::of(who);
    let switched =
        store::queue::switch(&shared.changes, who.workspace, pause, stop.clone(), actor.clone()).await?;
    for agent in &switched.agents {
        shared.pass_on(agent);
    }
    let mut cancelled = 0;
    loop {
        let (jobs, more) =
            store::queue::cancel_left_behind(&shared.changes, who.workspace, stop.clone(), actor.clone())
                .await?;
        cancelled += jobs.len();
        jobs.into_iter().for_each(|job| shared.hub.tell(job));
        if !more {
            break;
        }
    }
    let gone = switched.agents.iter().map(|agent| shared.gone(agent.id, agent.job));
    futures_util::future::join_all(gone).await;
    let ids: Vec<AgentId> = switched.agents.iter().map(|agent| agent.id).collect();
    let agents = store::read::agents_of(&shared.db, &ids).await?;
    Ok(Switched { agents, cancelled, epoch: switched.epoch })
}
