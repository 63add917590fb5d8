//! Making jobs: what is asked for is checked, recorded once, and started at once where there is room.
//!
//! It knows nothing about how agents run.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use super::{
    Orchestrator, Shared,
    agent::Agent,
    job::{Job, Spec, State},
    now_ms,
    store::{
        self,
        jobs::{Inserted, NewJob},
        read::FoundJob,
    },
};
use crate::{
    auth::{Actor, Principal},
    error::{Error, Reason, Result},
    ids::{JobId, TokenId, WorkspaceId},
    terminal::{Size, check_name},
    workspace::request::RequestId,
};

/// What somebody asks for. Absent values have their defaults.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// A profile's name; empty: the default.
    pub profile: String,
    /// What to do.
    pub prompt: String,
    /// A name; empty: made up.
    pub name: String,
    /// Working directory; empty: the profile's.
    pub cwd: String,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// A repository; empty: none.
    pub repository: String,
    /// A commit of it; empty: HEAD.
    pub base: String,
    /// Jobs by id or name.
    pub depends_on: Vec<String>,
    /// 1 to 10.
    pub priority: Option<i32>,
    /// 1 to 20.
    pub attempts: Option<u32>,
    /// The pause before the second attempt.
    pub backoff: Option<Duration>,
    /// How long it may wait.
    pub queued_timeout: Option<Duration>,
    /// How long an attempt may run.
    pub timeout: Option<Duration>,
    /// How long it may be silent.
    pub output_timeout: Option<Duration>,
    /// Run it again if its server does not come back.
    pub rerun_when_lost: bool,
    /// Tokens; 0: any number.
    pub token_budget: u64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The terminal's size.
    pub size: Size,
}

/// Bytes of a prompt: it has to fit into a program's arguments.
pub const PROMPT_BYTES_MAX: usize = 64 * 1024;
const CWD_BYTES_MAX: usize = 4096;
const ENV_BYTES_MAX: usize = 24 * 1024;
const DEPENDENCIES_MAX: usize = 100;
const LABELS_MAX: usize = 32;
const LABEL_BYTES_MAX: usize = 256;
const ATTEMPTS_MAX: u32 = 20;
const PRIORITY_DEFAULT: i32 = 5;
const BACKOFF_DEFAULT: Duration = Duration::from_secs(5);
const BACKOFF_MAX: Duration = Duration::from_secs(3600);
const SPAN_MIN: Duration = Duration::from_secs(1);
const SPAN_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
/// How long the answer waits for an agent that is being started.
const START_PATIENCE: Duration = Duration::from_secs(5);

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Wish {
    fn check(&self) -> Result<()> {
        let wrong = |field: &str, problem: String| Err(Error::bad_request(field, problem));
        if self.prompt.len() > PROMPT_BYTES_MAX {
            let problem = format!(
                "has {} bytes; at most {PROMPT_BYTES_MAX} are allowed: put more into a file and name that",
                self.prompt.len()
            );
            return wrong("prompt", problem);
        }
        if self.prompt.contains('\0') {
            return wrong("prompt", "holds NUL, which no argument can; leave it out".into());
        }
        if !self.name.is_empty() {
            check_name(&self.name)?;
        }
        self.check_places()?;
        self.check_variables()?;
        if self.depends_on.len() > DEPENDENCIES_MAX {
            return wrong("depends_on", format!("names more than {DEPENDENCIES_MAX} jobs"));
        }
        if let Some(bad) = self.depends_on.iter().find(|named| named.is_empty() || named.contains('\0')) {
            return wrong("depends_on", format!("{bad:?} is no id or name of a job"));
        }
        if !self.name.is_empty() && self.depends_on.contains(&self.name) {
            let message = format!(
                "depends_on: job {:?} cannot wait for itself; a job can only wait for jobs that are there before it, so that no cycle can come about",
                self.name
            );
            return Err(Error::new(Reason::DependencyCycle, message));
        }
        if self.priority.is_some_and(|priority| !(1..=10).contains(&priority)) {
            return wrong("priority", "is not between 1 and 10".into());
        }
        if self.attempts.is_some_and(|attempts| !(1..=ATTEMPTS_MAX).contains(&attempts)) {
            return wrong("attempts", format!("is not between 1 and {ATTEMPTS_MAX}"));
        }
        if self.backoff.is_some_and(|backoff| backoff > BACKOFF_MAX) {
            return wrong("backoff", "is longer than an hour".into());
        }
        let spans = [
            ("queued_timeout", self.queued_timeout),
            ("timeout", self.timeout),
            ("output_timeout", self.output_timeout),
        ];
        for (field, span) in spans {
            if span.is_some_and(|span| !(SPAN_MIN..=SPAN_MAX).contains(&span)) {
                return wrong(field, "is not between one second and 31 days".into());
            }
        }
        Ok(())
    }

    fn check_places(&self) -> Result<()> {
        let wrong = |field: &str, problem: &str| Err(Error::bad_request(field, problem));
        for (field, path) in [("cwd", &self.cwd), ("repository", &self.repository)] {
            if path.len() > CWD_BYTES_MAX {
                return wrong(field, "is longer than 4096 bytes");
            }
            if path.contains('\0') {
                return wrong(field, "holds NUL, which no path can");
            }
        }
        if !self.repository.is_empty() && !self.repository.starts_with('/') {
            return wrong("repository", "is not absolute; begin it with /");
        }
        if self.repository.is_empty() {
            if !self.base.is_empty() {
                return wrong("base", "is of no use without a repository; name one, or leave it out");
            }
            if !self.cwd.is_empty() && !self.cwd.starts_with('/') {
                return wrong("cwd", "is not absolute; begin it with /");
            }
            return cwd_is_there(&self.cwd);
        }
        let inside = Path::new(&self.cwd)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
        if !inside {
            return wrong(
                "cwd",
                "leaves the worktree; with a repository it is relative to it, without \"..\"",
            );
        }
        Ok(())
    }

    fn check_variables(&self) -> Result<()> {
        let wrong = |field: &str, problem: String| Err(Error::bad_request(field, problem));
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return wrong("env", "a name is empty or holds \"=\" or NUL, or a value holds NUL".into());
            }
            if name.starts_with("MOSAIC_") {
                return wrong("env", format!("{name}: MOSAIC_… is the server's to set; leave it out"));
            }
        }
        let bytes: usize = self.env.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        if bytes > ENV_BYTES_MAX {
            return wrong("env", format!("has {bytes} bytes; at most {ENV_BYTES_MAX} are allowed"));
        }
        if self.labels.len() > LABELS_MAX {
            return wrong("labels", format!("are more than {LABELS_MAX}"));
        }
        let long = |(name, value): (&String, &String)| {
            name.is_empty() || name.len() > LABEL_BYTES_MAX || value.len() > LABEL_BYTES_MAX
        };
        if self.labels.iter().any(long) {
            return wrong("labels", format!("have an empty name, or more than {LABEL_BYTES_MAX} bytes"));
        }
        if self.labels.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return wrong("labels", "hold NUL".into());
        }
        Ok(())
    }
}

/// What the server can see itself is told at once; the rest shows when the agent starts.
fn cwd_is_there(cwd: &str) -> Result<()> {
    if cwd.is_empty() {
        return Ok(());
    }
    match Path::new(cwd).metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => {
            let message = format!("the working directory {cwd:?} is no directory; name another");
            Err(Error::new(Reason::CwdNotAccessible, message).with("cwd", cwd))
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("the working directory {cwd:?} does not exist; create it or name another");
            Err(Error::new(Reason::CwdNotFound, message).with("cwd", cwd))
        }
        Err(_) => Ok(()),
    }
}

impl Orchestrator {
    /// Makes a job, and its agent if there is room at once.
    ///
    /// # Errors
    /// As `SpawnAgent`.
    pub async fn spawn(&self, who: &Principal, wish: Wish) -> Result<(FoundJob, Option<Agent>)> {
        super::writes(who)?;
        wish.check()?;
        let shared = &self.shared;
        let profile = shared.profiles.get(&wish.profile)?;
        if let Some(why) = profile.unavailable() {
            let message = format!("profile {:?} is not available: {why}", profile.name);
            return Err(Error::new(Reason::ProfileUnavailable, message).with("profile", &profile.name));
        }
        if wish.prompt.trim().is_empty() && profile.settings.kind != crate::config::ProfileKind::Tui {
            return Err(Error::bad_request("prompt", "is empty; say what to do"));
        }
        if wish.token_budget > 0 && profile.tokens.is_none() {
            let problem = format!("profile {:?} counts no tokens (tokens_pattern)", profile.name);
            return Err(Error::bad_request("token_budget", problem));
        }
        let timeout = wish.timeout.unwrap_or(profile.timeout);
        let mut job = new_job(who, &wish, &profile.name, timeout);
        if !wish.repository.is_empty() {
            // What it begins at is settled now, not when there is room.
            job.spec.commit = Some(shared.worktrees.check(&wish.repository, &wish.base).await?.commit);
        }
        let new = NewJob {
            job,
            depends_on: wish.depends_on.clone(),
            request: wish.request.clone(),
            jobs_max: i64::try_from(shared.settings.jobs_per_workspace_max).unwrap_or(i64::MAX),
            actor: Actor::of(who),
        };
        let id = match store::jobs::insert(&shared.changes, new).await? {
            Inserted::New(job) => job.id,
            Inserted::Before(id) => id,
        };
        shared.started_soon(id).await;
        shared.job_and_agent(who, id).await
    }

    /// Queues a job once more.
    ///
    /// # Errors
    /// As `RetryJob`.
    pub async fn retry(
        &self,
        who: &Principal,
        named: &str,
        request: Option<RequestId>,
    ) -> Result<(FoundJob, Option<Agent>)> {
        super::writes(who)?;
        let shared = &self.shared;
        let job = shared.job(who.workspace, named).await?.job;
        store::jobs::retry(&shared.changes, (who.workspace, job.id), request, Actor::of(who)).await?;
        shared.hub.tell(job.id);
        shared.started_soon(job.id).await;
        shared.job_and_agent(who, job.id).await
    }
}

impl Shared {
    /// Waits until the scheduler has had a look at a job, and if it takes it, until its agent runs.
    async fn started_soon(self: &Arc<Self>, id: JobId) {
        let mut ear = self.hub.listen(id);
        let mut looked = self.looked.subscribe();
        let look = self.kick();
        let soon = async {
            // The scheduler lives as long as the server.
            let _ = looked.wait_for(|done| *done >= look).await;
            while self.claimed.has(id) || self.is_starting(id) {
                ear.changed().await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(START_PATIENCE, soon) => {}
            () = self.draining.cancelled() => {}
        }
    }

    fn is_starting(&self, id: JobId) -> bool {
        self.running().values().any(|running| running.job == id && !running.is_started())
    }

    async fn job_and_agent(&self, who: &Principal, id: JobId) -> Result<(FoundJob, Option<Agent>)> {
        let found = self.job(who.workspace, &id.to_string()).await?;
        let agent = match found.job.agent {
            Some(agent) if !found.job.state.waits() => {
                store::read::agent(&self.db, who.workspace, &agent.to_string()).await?
            }
            _ => None,
        };
        Ok((found, agent))
    }
}

fn new_job(who: &Principal, wish: &Wish, profile: &str, timeout: Duration) -> Job {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let spec = Spec {
        profile: profile.to_owned(),
        prompt: wish.prompt.clone(),
        cwd: text(&wish.cwd),
        env: wish.env.clone(),
        repository: text(&wish.repository),
        base: text(&wish.base),
        commit: None,
        depends_on: Vec::new(),
        priority: wish.priority.unwrap_or(PRIORITY_DEFAULT),
        attempts_max: wish.attempts.unwrap_or(1),
        backoff_ms: millis(wish.backoff.unwrap_or(BACKOFF_DEFAULT)),
        queued_timeout_ms: wish.queued_timeout.map(millis),
        timeout_ms: millis(timeout),
        output_timeout_ms: wish.output_timeout.map(millis),
        rerun_when_lost: wish.rerun_when_lost,
        token_budget: wish.token_budget,
        labels: wish.labels.clone(),
        size: wish.size,
    };
    queued(who.workspace, &wish.name, spec, (&who.token_name, who.token_id))
}

/// A job that has been neither recorded nor tried.
pub fn queued(workspace: WorkspaceId, name: &str, spec: Spec, (creator, token): (&str, TokenId)) -> Job {
    Job {
        id: JobId::new(),
        workspace,
        name: name.to_owned(),
        state: State::Queued,
        spec,
        attempts: 0,
        fence: 0,
        create_ms: now_ms(),
        start_ms: None,
        end_ms: None,
        retry_ms: None,
        end_reason: None,
        message: String::new(),
        exit: None,
        agent: None,
        question: String::new(),
        creator: creator.to_owned(),
        creator_token: token,
        tokens_used: 0,
        failed_dependency: None,
        stop: None,
    }
}
