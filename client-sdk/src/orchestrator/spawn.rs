//! SpawnAgent, as a builder.
//!
//! It must not check values: the server's rules are the rules.

use std::time::Duration;

use mosaic_proto::orchestrator::v1 as proto;
use tokio::time::sleep;
use uuid::Uuid;

use super::{Job, Outcome, duration, present};
use crate::{Client, ErrorKind, JobInfo, Result};

/// A job to be. [`send`](Self::send) it again after a lost connection: one builder makes one job.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct SpawnAgent {
    client: Client,
    request: proto::SpawnAgentRequest,
    times: Times,
}

/// What may turn out to be too long a time.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    backoff: Option<Duration>,
    queued_timeout: Option<Duration>,
    timeout: Option<Duration>,
    output_timeout: Option<Duration>,
}

impl SpawnAgent {
    pub(super) fn new(client: Client, prompt: String) -> Self {
        let request_id = Uuid::now_v7().to_string();
        let request = proto::SpawnAgentRequest { request_id, prompt, ..Default::default() };
        Self { client, request, times: Times::default() }
    }

    /// How the program is launched. Default: the server's default profile, "shell" unless configured.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.request.profile = name.into();
        self
    }

    /// Its name, unique among the jobs that are not over. Default: made up, such as "shell-1".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.request.name = name.into();
        self
    }

    /// The working directory: absolute, or with a repository relative to the worktree.
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.request.cwd = cwd.into();
        self
    }

    /// Adds or replaces an environment variable. It is stored with the job: no place for secrets.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.env.insert(name.into(), value.into());
        self
    }

    /// Gives the agent a worktree of its own of this git repository on the server's machine.
    pub fn repository(mut self, path: impl Into<String>) -> Self {
        self.request.repository = path.into();
        self
    }

    /// What the worktree begins at: a branch, tag or commit. Default: HEAD.
    pub fn base(mut self, revision: impl Into<String>) -> Self {
        self.request.base = revision.into();
        self
    }

    /// Starts only after this job, by id or name, has succeeded; may be called for several.
    pub fn depends_on(mut self, job: impl Into<String>) -> Self {
        self.request.depends_on.push(job.into());
        self
    }

    /// 1 to 10; higher ones go first. Default 5.
    pub fn priority(mut self, priority: i32) -> Self {
        self.request.priority = Some(priority);
        self
    }

    /// Attempts that may be made, 1 to 20, if the program fails. Default 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.request.attempts = Some(attempts);
        self
    }

    /// The pause before the second attempt, at most 1 h; it doubles with each further one. Default 5 s.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.times.backoff = Some(pause);
        self
    }

    /// How long it may wait for its first start. Default: for ever.
    pub fn queued_timeout(mut self, timeout: Duration) -> Self {
        self.times.queued_timeout = Some(timeout);
        self
    }

    /// How long an attempt may run. Default: the profile's, else two hours.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.times.timeout = Some(timeout);
        self
    }

    /// How long an attempt may print nothing. Default: for ever.
    pub fn output_timeout(mut self, timeout: Duration) -> Self {
        self.times.output_timeout = Some(timeout);
        self
    }

    /// Runs it again if the server that ran it does not come back: it may then run twice at the same time.
    pub fn rerun_when_lost(mut self) -> Self {
        self.request.rerun_when_lost = true;
        self
    }

    /// Tokens that all its attempts together may use; only for profiles that count any.
    pub fn token_budget(mut self, tokens: u64) -> Self {
        self.request.token_budget = tokens;
        self
    }

    /// Attaches a label to find it by.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.labels.insert(name.into(), value.into());
        self
    }

    /// Width and height of its terminal in cells, 1 to 1000. Default 80x24.
    pub fn size(mut self, cols: u32, rows: u32) -> Self {
        self.request.cols = Some(cols);
        self.request.rows = Some(rows);
        self
    }

    /// Makes the call repeatable under this id also from another process. Default: an id of this builder's.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request.request_id = id.into();
        self
    }

    /// Makes the job: a handle by its id, and how it is. A server that cannot be reached is an error at once;
    /// a call that may have been done is repeated, which makes one job: it carries a request id.
    pub async fn send(&self) -> Result<(Job, JobInfo)> {
        let mut retry = self.client.retry();
        let mut tried = false;
        loop {
            match self.call().await {
                Ok(job) => return Ok((Job::new(self.client.clone(), job.id.clone()), job)),
                Err(cause) if !tried && cause.kind() == ErrorKind::Connect => return Err(cause),
                Err(cause) => sleep(retry.failed(cause)?.pause).await,
            }
            tried = true;
        }
    }

    /// Makes the job and waits until it is over, over restarts of the server.
    pub async fn wait(&self) -> Result<Outcome> {
        self.send().await?.0.wait().await
    }

    async fn call(&self) -> Result<JobInfo> {
        let request = proto::SpawnAgentRequest {
            backoff: self.times.backoff.map(duration).transpose()?,
            queued_timeout: self.times.queued_timeout.map(duration).transpose()?,
            timeout: self.times.timeout.map(duration).transpose()?,
            output_timeout: self.times.output_timeout.map(duration).transpose()?,
            ..self.request.clone()
        };
        let answer = self.client.raw()?.orchestrator.spawn_agent(request).await;
        present(answer.map_err(|status| self.client.error(status))?.into_inner().job, "job")
    }
}
