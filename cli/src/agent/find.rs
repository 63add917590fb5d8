//! The agent that a name means, waiting for it where its job still waits.
//!
//! It knows nothing about what is done with the agent.

use mosaic_client::{AgentInfo, Client, orchestrator::Until};

use super::words::waiting;
use crate::{failure::Failure, output::say, text};

/// The agent with this name or id. If its job has none yet, says what that waits for, and waits with it.
pub(super) async fn started(client: &Client, name: &str) -> Result<AgentInfo, Failure> {
    let error = match client.orchestrator().agent(name).get().await {
        Ok(agent) if !agent.terminal_id.is_empty() => return Ok(agent),
        // It is about to start.
        Ok(_) => None,
        Err(error) if error.reason() == Some("AGENT_NOT_FOUND") => Some(error),
        Err(error) => return Err(error.into()),
    };
    let job = client.orchestrator().job(name);
    let info = match (job.get().await, error) {
        (Ok(info), _) => info,
        // There is no such job either: what is missing is the agent that was asked for.
        (Err(_), Some(error)) => return Err(error.into()),
        (Err(error), None) => return Err(error.into()),
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
    agent.filter(|agent| !agent.terminal_id.is_empty()).ok_or_else(|| {
        Failure::not_found(format!("{} has never run", text::quote(name)))
            .hint(format!("`mosaic job show {}` says why.", text::quote(name)))
    })
}
