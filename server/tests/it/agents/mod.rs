//! Agents and their jobs through the contract: what every client can do with them, and what they survive.

mod access;
mod input;
mod jobs;
mod keeper;
mod nodes;
mod profiles;
mod questions;
mod survive;
mod worktrees;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use mosaic_proto::{
    orchestrator::v1::{
        Agent, GetAgentRequest, GetJobRequest, Job, SpawnAgentRequest, TailLogRequest, WaitJobRequest,
        job::State, wait_job_request::Until,
    },
    terminal::v1::{Format, terminal_event::Event},
};
use test_support::{AgentClient, Server};
use tonic::Status;

/// A directory that the agents of the tests can write to; gone with the value.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::Builder::new().prefix("mosaic-agents-").tempdir_in("/tmp")?;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777))?;
        Ok(Self(dir))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The lines of a file; none if it is not there.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }
}

/// A shell command as a job.
pub(crate) fn shell(prompt: impl Into<String>) -> SpawnAgentRequest {
    SpawnAgentRequest { prompt: prompt.into(), ..Default::default() }
}

/// The same with a name.
pub(crate) fn named(name: &str, prompt: impl Into<String>) -> SpawnAgentRequest {
    SpawnAgentRequest { name: name.to_owned(), ..shell(prompt) }
}

pub(crate) fn seconds(seconds: f64) -> Option<prost_types::Duration> {
    Some(Duration::from_secs_f64(seconds).try_into().unwrap())
}

pub(crate) async fn spawn(client: &mut AgentClient, request: SpawnAgentRequest) -> Result<Job, Status> {
    Ok(client.spawn_agent(request).await?.into_inner().job.unwrap_or_default())
}

/// Waits for a job; for a minute, which no test needs.
pub(crate) async fn wait(
    client: &mut AgentClient,
    named: &str,
    until: Until,
) -> Result<(Job, Option<Agent>)> {
    let request = WaitJobRequest { job_id: named.to_owned(), until: until.into(), timeout: seconds(60.0) };
    let answer = client.wait_job(request).await?.into_inner();
    let job = answer.job.context("no job")?;
    anyhow::ensure!(!answer.timed_out, "it did not come: {job:?}");
    Ok((job, answer.agent))
}

pub(crate) async fn over(client: &mut AgentClient, named: &str) -> Result<Job> {
    Ok(wait(client, named, Until::Over).await?.0)
}

pub(crate) async fn job(client: &mut AgentClient, named: &str) -> Result<Job, Status> {
    let request = GetJobRequest { job_id: named.to_owned() };
    Ok(client.get_job(request).await?.into_inner().job.unwrap_or_default())
}

pub(crate) async fn agent(client: &mut AgentClient, named: &str) -> Result<Agent, Status> {
    let request = GetAgentRequest { agent_id: named.to_owned() };
    Ok(client.get_agent(request).await?.into_inner().agent.unwrap_or_default())
}

/// True for the states that a job ends in.
pub(crate) fn is_final(state: State) -> bool {
    use State::*;
    matches!(state, Succeeded | Failed | Cancelled | TimedOut | BudgetExceeded | Lost)
}

/// All that an agent has printed by now, as text.
pub(crate) async fn text(client: &mut AgentClient, named: &str) -> Result<String> {
    let request = TailLogRequest {
        agent_id: named.to_owned(),
        format: Format::Text.into(),
        follow: Some(false),
        ..Default::default()
    };
    let (mut text, mut tail) = (String::new(), client.tail_log(request).await?.into_inner());
    while let Some(message) = tail.message().await? {
        if let Some(Event::Output(output)) = message.event.and_then(|event| event.event) {
            text += &output.text;
        }
    }
    Ok(text)
}

/// Runs one and answers how it ended.
pub(crate) async fn run(server: &Server, request: SpawnAgentRequest) -> Result<Job> {
    let mut client = server.agents()?;
    let job = spawn(&mut client, request).await?;
    over(&mut client, &job.id).await
}

/// Waits until a process has ended.
pub(crate) async fn gone(pid: u32) -> Result<()> {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::{Pid, PidfdFlags, pidfd_open},
    };
    let pid = Pid::from_raw(pid.cast_signed()).context("no process")?;
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    let ended =
        tokio::task::spawn_blocking(move || poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)));
    anyhow::ensure!(ended.await?? > 0, "process {pid:?} lives on");
    Ok(())
}
