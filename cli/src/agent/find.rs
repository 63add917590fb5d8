//! The agent that a name means, waiting for it where its job still waits.
//!
//! It knows nothing about what is done with the agent.

use std::time::Duration;

use mosaic_client::{AgentInfo, Client, orchestrator::Until, proto::orchestrator::v1::agent::State};
use tokio::time::sleep;

use super::words::waiting;
use crate::{failure::Failure, output::say, text};

/// How soon an agent that is about to start is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// The agent with this name or id. If its job has none yet, says what that waits for, and waits with it.
pub(super) async fn started(client: &Client, name: &str) -> Result<AgentInfo, Failure> {
    let error = match client.orchestrator().agent(name).get().await {
        Ok(agent) if agent.state() != State::Starting => return Ok(agent),
        // It is about to start.
        Ok(agent) => return running(client, agent).await,
        Err(error) if error.reason() == Some("AGENT_NOT_FOUND") => error,
        Err(error) => return Err(error.into()),
    };
    let job = client.orchestrator().job(name);
    // If there is no such job either, what is missing is the agent that was asked for.
    let info = job.get().await.map_err(|_| error)?;
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
    let agent = agent.ok_or_else(|| {
        Failure::not_found(format!("{} has never run", text::quote(name)))
            .hint(format!("`mosaic job show {}` says why.", text::quote(name)))
    })?;
    running(client, agent).await
}

/// The agent when it has its terminal, which takes a moment after it was recorded.
async fn running(client: &Client, mut agent: AgentInfo) -> Result<AgentInfo, Failure> {
    while agent.state() == State::Starting {
        sleep(PAUSE).await;
        agent = client.orchestrator().agent(&agent.id).get().await?;
    }
    Ok(agent)
}
