//! A handle on one job.
//!
//! It must not know how waiting (`wait`), reading (`logs`) or watching (`events`) survive a lost connection.

use std::time::Duration;

use mosaic_proto::orchestrator::v1::{self as proto, orchestrator_service_client::OrchestratorServiceClient};
use uuid::Uuid;

use super::{JobLogs, ListAgents, WatchJob, duration, present};
use crate::{Client, JobInfo, Result, client::Transport};

/// One job, named by id or name. Making a handle makes no call.
///
/// A name means the job that has it and is not over, else the newest that had it; an id means one job for ever.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) client: Client,
    pub(super) id: String,
}

impl Job {
    pub(super) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The id or the name that this handle was made with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The job as it is now.
    pub async fn get(&self) -> Result<JobInfo> {
        let request = proto::GetJobRequest { job_id: self.id.clone() };
        let answer = self.raw()?.get_job(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().job, "job")
    }

    /// Ends it at whatever stage it is. The reason may be empty; the grace between the first signal and SIGKILL
    /// is 5 s unless given. Safe to repeat.
    pub async fn cancel(&self, reason: impl Into<String>, grace: Option<Duration>) -> Result<JobInfo> {
        let grace = grace.map(duration).transpose()?;
        let request = proto::CancelJobRequest { job_id: self.id.clone(), reason: reason.into(), grace };
        let answer = self.raw()?.cancel_job(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().job, "job")
    }

    /// Queues it once more, with a new count of attempts.
    pub async fn retry(&self) -> Result<JobInfo> {
        let request =
            proto::RetryJobRequest { job_id: self.id.clone(), request_id: Uuid::now_v7().to_string() };
        let answer = self.raw()?.retry_job(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().job, "job")
    }

    /// Its attempts, newest first.
    pub fn agents(&self) -> ListAgents {
        ListAgents::new(self.client.clone()).job(&self.id)
    }

    /// The output of its attempts, one after the other.
    pub fn logs(&self) -> JobLogs {
        JobLogs::new(self.clone())
    }

    /// What happens to it and to its agents.
    pub fn events(&self) -> WatchJob {
        WatchJob::new(self.clone())
    }

    pub(super) fn raw(&self) -> Result<OrchestratorServiceClient<Transport>> {
        Ok(self.client.raw()?.orchestrator)
    }
}
