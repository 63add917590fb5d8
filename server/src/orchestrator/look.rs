//! Looking at jobs and agents, and waiting for them.
//!
//! It changes nothing.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Orchestrator, POLL, ShownAgent,
    agent::{self, Agent},
    job::State,
    profile::Profiles,
    reads, stopping,
    store::{self, read::FoundJob},
};
use crate::{
    auth::Principal,
    error::Result,
    workspace::page::{Page, Paged},
};

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A final state.
    Over,
    /// An agent of it runs, or it is over.
    Started,
    /// It asks something, or it is over.
    InputRequired,
}

impl Until {
    /// `agent` is the job's newest one.
    fn is_met(self, state: State, agent: Option<&Agent>) -> bool {
        state.is_over()
            || match self {
                Self::Over => false,
                Self::Started => state.has_agent() && agent.is_some_and(|agent| agent.start_ms.is_some()),
                Self::InputRequired => state == State::InputRequired,
            }
    }
}

impl Orchestrator {
    /// The profiles, and the default's name.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`.
    pub fn profiles(&self, who: &Principal) -> Result<&Profiles> {
        reads(who)?;
        Ok(&self.shared.profiles)
    }

    /// One job.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, or the database.
    pub async fn job(&self, who: &Principal, named: &str) -> Result<FoundJob> {
        reads(who)?;
        self.shared.job(who.workspace, named).await
    }

    /// A page of jobs, and the newest event of the same snapshot.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, or the database.
    pub async fn jobs(
        &self,
        who: &Principal,
        page: &Page,
        states: &[State],
        labels: &BTreeMap<String, String>,
    ) -> Result<(Paged<FoundJob>, u64)> {
        reads(who)?;
        let (jobs, sequence) =
            store::read::jobs(&self.shared.db, who.workspace, page, states, labels).await?;
        Ok((page.cut(jobs, |found| found.job.id.0), sequence))
    }

    /// One agent.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, or the database.
    pub async fn agent(&self, who: &Principal, named: &str) -> Result<ShownAgent> {
        reads(who)?;
        Ok(self.shown(self.shared.agent(who.workspace, named).await?))
    }

    /// A page of agents, and the newest event of the same snapshot.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, or the database.
    pub async fn agents(
        &self,
        who: &Principal,
        page: &Page,
        states: &[agent::State],
        of_job: &str,
    ) -> Result<(Paged<ShownAgent>, u64)> {
        reads(who)?;
        let job = match of_job {
            "" => None,
            named => Some(self.shared.job(who.workspace, named).await?.job.id),
        };
        let (agents, sequence) =
            store::read::agents(&self.shared.db, who.workspace, page, states, job).await?;
        let shown = agents.into_iter().map(|agent| self.shown(agent)).collect();
        Ok((page.cut(shown, |(agent, _): &ShownAgent| agent.id.0), sequence))
    }

    /// An agent with what only the running one knows.
    pub(super) fn shown(&self, agent: Agent) -> ShownAgent {
        let line = self.shared.running().get(&agent.id).map(|running| running.last_line());
        (agent, line.unwrap_or_default())
    }

    /// Waits for a job; whether it was there when the time was up, the job, and its newest agent.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, `SERVER_STOPPING`, or the database.
    pub async fn wait(
        &self,
        who: &Principal,
        named: &str,
        until: Until,
        timeout: Duration,
    ) -> Result<(bool, FoundJob, Option<ShownAgent>)> {
        reads(who)?;
        let shared = &self.shared;
        let deadline = tokio::time::Instant::now() + timeout;
        let id = shared.job(who.workspace, named).await?.job.id;
        let mut ear = shared.hub.listen(id);
        let mut words = shared.changes.words();
        let (met, found, agent) = loop {
            let found = shared.job(who.workspace, &id.to_string()).await?;
            let agent = match found.job.agent {
                Some(agent) => store::read::agent(&shared.db, who.workspace, &agent.to_string()).await?,
                None => None,
            };
            let met = until.is_met(found.job.state, agent.as_ref());
            if met || tokio::time::Instant::now() >= deadline {
                break (met, found, agent);
            }
            // What another server does may not be heard of here; it is looked for.
            let again = deadline.min(tokio::time::Instant::now() + 4 * POLL);
            tokio::select! {
                () = ear.changed() => {}
                Ok(()) = words.changed() => {}
                () = tokio::time::sleep_until(again) => {}
                () = shared.draining.cancelled() => return Err(stopping()),
                error = who.ended() => return Err(error),
            }
        };
        Ok((met, found, agent.map(|agent| self.shown(agent))))
    }
}
