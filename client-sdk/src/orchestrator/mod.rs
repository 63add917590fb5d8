//! Agents: programs that run as jobs, the queue they wait in, and handles on one of each.
//!
//! It must not know how waits and streams come back (`wait`, `tail`, `logs`, `events`).

mod agent;
mod events;
mod job;
mod list;
mod logs;
mod spawn;
mod tail;
mod wait;

use std::time::Duration;

use mosaic_proto::orchestrator::v1::{self as proto, orchestrator_service_client::OrchestratorServiceClient};

pub use self::{
    agent::{Agent, KillAgent},
    events::{JobEvent, JobEvents, WatchJob},
    job::Job,
    list::{ListAgents, ListJobs},
    logs::{JobLogs, LogEvent, Logs},
    spawn::SpawnAgent,
    tail::TailLog,
    wait::Outcome,
};
use crate::{Client, Error, Result, client::Transport};

/// What to wait for.
pub type Until = proto::wait_job_request::Until;

/// The agents, the jobs and the queue of a workspace.
#[derive(Clone, Debug)]
pub struct Orchestrator {
    client: Client,
}

/// The kill switch to be: cancels what waits, then ends every agent of the workspace. Role ADMIN.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct KillAll {
    client: Client,
    request: proto::KillAllRequest,
    grace: Option<Duration>,
}

impl Orchestrator {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// A new job with this prompt: for the profile "shell" a command line.
    pub fn spawn(&self, prompt: impl Into<String>) -> SpawnAgent {
        SpawnAgent::new(self.client.clone(), prompt.into())
    }

    /// One job, by id or by name. No call is made.
    pub fn job(&self, id_or_name: impl Into<String>) -> Job {
        Job::new(self.client.clone(), id_or_name.into())
    }

    /// One agent, by id or by name. No call is made.
    pub fn agent(&self, id_or_name: impl Into<String>) -> Agent {
        Agent::new(self.client.clone(), id_or_name.into())
    }

    /// The jobs of the workspace, newest first.
    pub fn jobs(&self) -> ListJobs {
        ListJobs::new(self.client.clone())
    }

    /// The agents of the workspace, newest first.
    pub fn agents(&self) -> ListAgents {
        ListAgents::new(self.client.clone())
    }

    /// The profiles that agents can be spawned with, and the name of the default one.
    pub async fn profiles(&self) -> Result<proto::ListProfilesResponse> {
        let answer = self.raw()?.list_profiles(proto::ListProfilesRequest {}).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// The kill switch.
    pub fn kill_all(&self) -> KillAll {
        KillAll { client: self.client.clone(), request: proto::KillAllRequest::default(), grace: None }
    }

    /// What waits and what runs.
    pub async fn queue(&self) -> Result<proto::Queue> {
        let answer = self.raw()?.get_queue(proto::GetQueueRequest {}).await;
        present(answer.map_err(|status| self.client.error(status))?.into_inner().queue, "queue")
    }

    /// Starts no further agent until [`resume`](Self::resume); those that run go on. The reason may be empty.
    pub async fn pause(&self, reason: impl Into<String>) -> Result<proto::Queue> {
        let request = proto::PauseQueueRequest { reason: reason.into() };
        let answer = self.raw()?.pause_queue(request).await;
        present(answer.map_err(|status| self.client.error(status))?.into_inner().queue, "queue")
    }

    /// Starts agents again.
    pub async fn resume(&self) -> Result<proto::Queue> {
        let answer = self.raw()?.resume_queue(proto::ResumeQueueRequest {}).await;
        present(answer.map_err(|status| self.client.error(status))?.into_inner().queue, "queue")
    }

    fn raw(&self) -> Result<OrchestratorServiceClient<Transport>> {
        Ok(self.client.raw()?.orchestrator)
    }
}

impl KillAll {
    /// Why, for the receipts.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.request.reason = reason.into();
        self
    }

    /// Time between the first signal and SIGKILL, at most 60 s. Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// SIGKILL at once.
    pub fn force(mut self) -> Self {
        self.request.force = true;
        self
    }

    /// Also pauses the queue, so that jobs made after this call wait.
    pub fn pause(mut self) -> Self {
        self.request.pause = true;
        self
    }

    /// Ends them: each agent with its receipt.
    pub async fn send(&self) -> Result<proto::KillAllResponse> {
        let grace = self.grace.map(duration).transpose()?;
        let request = proto::KillAllRequest { grace, ..self.request.clone() };
        let answer = self.client.raw()?.orchestrator.kill_all(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }
}

/// Every answer holds what it is about.
fn present<T>(field: Option<T>, what: &str) -> Result<T> {
    field.ok_or_else(|| Error::protocol(format!("the server's answer lacks its {what}")))
}

fn duration(span: Duration) -> Result<prost_types::Duration> {
    span.try_into().map_err(|_| Error::configuration(format!("{span:?} is too long a time")))
}
