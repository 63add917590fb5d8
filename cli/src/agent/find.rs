//! The agent that a name means, waiting for it where its job still waits.
//!
//! It knows nothing about what is done with the agent.

use std::time::Duration;

use mosaic_client::{AgentInfo, Client, JobInfo, orchestrator::Until, proto::orchestrator::v1::agent::State};
use tokio::time::sleep;

use super::words::waiting;
use crate::{failure::Failure, output::say, text};

/// How soon an agent that is about to start is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// What a name means at this moment.
pub(super) enum Found {
    /// An agent.
    Agent(AgentInfo),
    /// A job that has none yet, or never had one.
    Job(JobInfo),
}

/// What this name or id means, without waiting for anything.
pub(super) async fn now(client: &Client, name: &str) -> Result<Found, Failure> {
    match client.orchestrator().agent(name).get().await {
        Ok(agent) => Ok(Found::Agent(agent)),
        Err(error) if error.reason() == Some("AGENT_NOT_FOUND") => {
            // If there is no such job either, what is missing is the agent that was asked for.
            Ok(Found::Job(client.orchestrator().job(name).get().await.map_err(|_| error)?))
        }
        Err(error) => Err(error.into()),
    }
}

/// The agent that made this attempt at the job of this name; the newest, if the job was queued again.
pub(super) async fn attempt(client: &Client, name: &str, number: u32) -> Result<AgentInfo, Failure> {
    let job = match now(client, name).await? {
        Found::Agent(agent) => agent.job_id,
        Found::Job(job) => job.id,
    };
    let (agents, _) = client.orchestrator().agents().job(job).page_size(1000).all().await?;
    agents.into_iter().find(|agent| agent.attempt == number).ok_or_else(|| {
        let name = text::quote(name);
        Failure::not_found(format!("{name} has made no attempt {number}"))
            .hint(format!("`mosaic agent ls --job {name}` lists those that it has made."))
    })
}

/// That a job has never run, and will not.
pub(super) fn never_ran(name: &str) -> Failure {
    let name = text::quote(name);
    Failure::not_found(format!("{name} has never run")).hint(format!("`mosaic job show {name}` says why."))
}

/// The agent with this name or id. If its job has none yet, says what that waits for, and waits with it.
pub(super) async fn started(client: &Client, name: &str) -> Result<AgentInfo, Failure> {
    let info = match now(client, name).await? {
        // It may be about to start.
        Found::Agent(agent) => return running(client, agent).await,
        Found::Job(info) => info,
    };
    if let Some(why) = waiting(&info) {
        say(&format!("[mosaic: {} waits: {why}]", text::escape(&info.name)));
    }
    // By its id from now on: the name may go to another.
    let job = client.orchestrator().job(&info.id);
    let agent = loop {
        if let Some(outcome) = job.wait_until(Until::Started, None).await? {
            break outcome.agent;
        }
    };
    running(client, agent.ok_or_else(|| never_ran(name))?).await
}

/// The agent when it has its terminal, which takes a moment after it was recorded.
pub(super) async fn running(client: &Client, mut agent: AgentInfo) -> Result<AgentInfo, Failure> {
    while agent.state() == State::Starting {
        sleep(PAUSE).await;
        agent = client.orchestrator().agent(&agent.id).get().await?;
    }
    Ok(agent)
}
