//! A handle on one agent: an attempt at a job.
//!
//! It must not know how its log is read (`tail`).

use std::time::Duration;

use mosaic_proto::orchestrator::v1::{self as proto, orchestrator_service_client::OrchestratorServiceClient};
use tokio::time::sleep;
use uuid::Uuid;

use super::{TailLog, duration, present};
use crate::{AgentInfo, Client, ErrorKind, Result, client::Transport};

/// One agent, named by id or name. Making a handle makes no call.
#[derive(Clone, Debug)]
pub struct Agent {
    client: Client,
    id: String,
}

/// An agent's end to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct KillAgent {
    client: Client,
    request: proto::KillAgentRequest,
    grace: Option<Duration>,
}

impl Agent {
    pub(super) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The id or the name that this handle was made with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The agent as it is now.
    pub async fn get(&self) -> Result<AgentInfo> {
        let request = proto::GetAgentRequest { agent_id: self.id.clone() };
        let answer = self.raw()?.get_agent(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().agent, "agent")
    }

    /// Ends it and everything that it started, and with it the job.
    pub fn kill(&self) -> KillAgent {
        let request = proto::KillAgentRequest { agent_id: self.id.clone(), ..Default::default() };
        KillAgent { client: self.client.clone(), request, grace: None }
    }

    /// Types a text into its terminal, and Enter after it unless told otherwise. A call that may have been done
    /// is repeated, which types once: it carries a request id.
    pub async fn send_input(&self, text: impl Into<String>, enter: bool) -> Result<()> {
        let request = proto::SendInputRequest {
            agent_id: self.id.clone(),
            text: text.into(),
            no_enter: !enter,
            request_id: Uuid::now_v7().to_string(),
        };
        let mut retry = self.client.retry();
        loop {
            let cause = match self.raw()?.send_input(request.clone()).await {
                Ok(_) => return Ok(()),
                Err(status) => self.client.error(status),
            };
            if cause.kind() == ErrorKind::Connect {
                return Err(cause);
            }
            sleep(retry.failed(cause)?.pause).await;
        }
    }

    /// What it printed, and what it prints.
    pub fn log(&self) -> TailLog {
        TailLog::new(self.client.clone(), self.id.clone())
    }

    fn raw(&self) -> Result<OrchestratorServiceClient<Transport>> {
        Ok(self.client.raw()?.orchestrator)
    }
}

impl KillAgent {
    /// Why, for the receipt.
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

    /// Ends it: the agent, the job and the receipt.
    pub async fn send(&self) -> Result<proto::KillAgentResponse> {
        let grace = self.grace.map(duration).transpose()?;
        let request = proto::KillAgentRequest { grace, ..self.request.clone() };
        let answer = self.client.raw()?.orchestrator.kill_agent(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }
}
