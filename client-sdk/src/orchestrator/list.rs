//! ListJobs and ListAgents, page by page.
//!
//! It must not know what is done with them.

use mosaic_proto::orchestrator::v1 as proto;

use crate::{AgentInfo, Client, JobInfo, Result};

/// A list of jobs to ask for.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `page` or `all`"]
pub struct ListJobs {
    client: Client,
    request: proto::ListJobsRequest,
}

/// A list of agents to ask for.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `page` or `all`"]
pub struct ListAgents {
    client: Client,
    request: proto::ListAgentsRequest,
}

impl ListJobs {
    pub(super) fn new(client: Client) -> Self {
        Self { client, request: proto::ListJobsRequest::default() }
    }

    /// Only jobs in this state; may be called for several.
    pub fn state(mut self, state: proto::job::State) -> Self {
        self.request.states.push(state.into());
        self
    }

    /// Only jobs with this label; may be called for several.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.labels.insert(name.into(), value.into());
        self
    }

    /// At most so many on a page: 1000, default 50.
    pub fn page_size(mut self, size: u32) -> Self {
        self.request.page_size = size;
        self
    }

    /// The page after a `next_page_token`; an empty one asks for the first.
    pub async fn page(&self, token: impl Into<String>) -> Result<proto::ListJobsResponse> {
        let request = proto::ListJobsRequest { page_token: token.into(), ..self.request.clone() };
        let answer = self.client.raw()?.orchestrator.list_jobs(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All jobs, and the event sequence of the first page: watch the events after it, and nothing that happened
    /// while the pages were read is missed.
    pub async fn all(&self) -> Result<(Vec<JobInfo>, u64)> {
        let mut page = self.page("").await?;
        let sequence = page.sequence;
        let mut jobs = std::mem::take(&mut page.jobs);
        while !page.next_page_token.is_empty() {
            page = self.page(page.next_page_token).await?;
            jobs.append(&mut page.jobs);
        }
        Ok((jobs, sequence))
    }
}

impl ListAgents {
    pub(super) fn new(client: Client) -> Self {
        Self { client, request: proto::ListAgentsRequest::default() }
    }

    /// Only agents in this state; may be called for several.
    pub fn state(mut self, state: proto::agent::State) -> Self {
        self.request.states.push(state.into());
        self
    }

    /// Only the agents of this job, by id or name.
    pub fn job(mut self, id_or_name: impl Into<String>) -> Self {
        self.request.job_id = id_or_name.into();
        self
    }

    /// At most so many on a page: 1000, default 50.
    pub fn page_size(mut self, size: u32) -> Self {
        self.request.page_size = size;
        self
    }

    /// The page after a `next_page_token`; an empty one asks for the first.
    pub async fn page(&self, token: impl Into<String>) -> Result<proto::ListAgentsResponse> {
        let request = proto::ListAgentsRequest { page_token: token.into(), ..self.request.clone() };
        let answer = self.client.raw()?.orchestrator.list_agents(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All agents, and the event sequence as in [`ListJobs::all`].
    pub async fn all(&self) -> Result<(Vec<AgentInfo>, u64)> {
        let mut page = self.page("").await?;
        let sequence = page.sequence;
        let mut agents = std::mem::take(&mut page.agents);
        while !page.next_page_token.is_empty() {
            page = self.page(page.next_page_token).await?;
            agents.append(&mut page.agents);
        }
        Ok((agents, sequence))
    }
}
