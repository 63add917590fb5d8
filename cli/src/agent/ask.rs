//! What an agent is asked for, as `agent spawn` and `agent run` take it from the command line.
//!
//! It knows nothing about what becomes of the job.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use mosaic_client::{Client, orchestrator::SpawnAgent};

use crate::{failure::Failure, stdin, target, values};

/// The longest prompt that a server takes, in bytes.
const PROMPT_BYTES_MAX: u64 = 64 * 1024;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Ask {
    /// How it is launched; `mosaic agent profiles` lists them [default: the server's, mostly "shell"]
    #[arg(long, short, value_name = "NAME")]
    profile: Option<String>,
    /// What to call it [default: made up, such as shell-1]
    #[arg(long, short)]
    name: Option<String>,
    /// Working directory; with --repository in the worktree [default for "shell": this one if the
    /// server is on this machine; else the profile's, else the home of the account of agents]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Set an environment variable, not for secrets; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = values::variable)]
    env: Vec<(String, String)>,
    /// Work in a worktree of its own of this git repository on the server's machine
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
    /// What the worktree begins at: a branch, tag or commit [default: HEAD]
    #[arg(long, value_name = "REVISION", requires = "repository")]
    base: Option<String>,
    /// Start only after this job has succeeded; may be given several times
    #[arg(long, value_name = "JOB")]
    depends_on: Vec<String>,
    /// 1 to 10; higher ones go first [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=10))]
    priority: Option<i32>,
    /// Attempts that may be made if the program fails, 1 to 20 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: Option<u32>,
    /// The pause before the second attempt; it doubles with each further one [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    backoff: Option<Duration>,
    /// How long an attempt may run [default: the profile's, else 2h]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// How long it may wait for its first start [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    queued_timeout: Option<Duration>,
    /// How long an attempt may print nothing [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    output_timeout: Option<Duration>,
    /// Tokens that all its attempts together may use; for profiles that count any
    #[arg(long, value_name = "N")]
    token_budget: Option<u64>,
    /// Run it again if its server does not come back: it may then run twice
    #[arg(long)]
    rerun_when_lost: bool,
    /// Attach a label to find it by; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = values::variable)]
    label: Vec<(String, String)>,
    /// Columns and rows of its terminal, such as 120x40 [default: 80x24]
    #[arg(long, value_name = "CxR", value_parser = values::size)]
    size: Option<values::Size>,
    /// What to do, for "shell" a command line; several words are joined with spaces. `-`, or none
    /// where something is piped in, reads standard input
    #[arg(last = true, value_name = "PROMPT")]
    prompt: Vec<String>,
}

impl Ask {
    /// The name that was given.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The request, which carries a request id of its own.
    pub(super) async fn request(&self, client: &Client) -> Result<SpawnAgent, Failure> {
        let mut request = client.orchestrator().spawn(self.prompt().await?);
        if let Some(profile) = &self.profile {
            request = request.profile(profile);
        }
        if let Some(name) = &self.name {
            request = request.name(name);
        }
        if let Some(cwd) = self.directory(client)? {
            request = request.cwd(cwd);
        }
        if let Some(repository) = &self.repository {
            request = request.repository(words(absolute(repository)?)?);
        }
        if let Some(base) = &self.base {
            request = request.base(base);
        }
        if let Some(values::Size { cols, rows }) = self.size {
            request = request.size(cols, rows);
        }
        for (name, value) in &self.env {
            request = request.env(name, value);
        }
        for (name, value) in &self.label {
            request = request.label(name, value);
        }
        for job in &self.depends_on {
            request = request.depends_on(job);
        }
        Ok(self.bounds(request))
    }

    /// Adds how often and for how long.
    fn bounds(&self, mut request: SpawnAgent) -> SpawnAgent {
        if let Some(priority) = self.priority {
            request = request.priority(priority);
        }
        if let Some(attempts) = self.attempts {
            request = request.attempts(attempts);
        }
        if let Some(pause) = self.backoff {
            request = request.backoff(pause);
        }
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some(timeout) = self.queued_timeout {
            request = request.queued_timeout(timeout);
        }
        if let Some(timeout) = self.output_timeout {
            request = request.output_timeout(timeout);
        }
        if let Some(tokens) = self.token_budget {
            request = request.token_budget(tokens);
        }
        if self.rerun_when_lost { request.rerun_when_lost() } else { request }
    }

    /// The words as `ssh` joins them, or what is on standard input.
    async fn prompt(&self) -> Result<String, Failure> {
        let hint = "Give a PROMPT after `--`, or pipe one in.";
        match self.prompt.as_slice() {
            [] if !stdin::is_given() => return Err(Failure::usage("there is nothing to do").hint(hint)),
            [] => {}
            [dash] if dash == "-" => {}
            words => return Ok(words.join(" ")),
        }
        let prompt = stdin::read(PROMPT_BYTES_MAX, "a prompt may have at most 64 KiB").await?;
        // Whatever should have made one has failed: a job that does nothing would succeed.
        if prompt.trim().is_empty() {
            return Err(Failure::usage("there is nothing to do: standard input is empty").hint(hint));
        }
        Ok(prompt)
    }

    /// The working directory to ask for; none where the profile's is meant.
    fn directory(&self, client: &Client) -> Result<Option<String>, Failure> {
        let shell = self.profile.as_deref().is_none_or(|profile| profile == "shell");
        match &self.cwd {
            // In the worktree, whose place only the server knows.
            Some(cwd) if self.repository.is_some() => words(cwd.clone()).map(Some),
            Some(cwd) => words(absolute(cwd)?).map(Some),
            None if shell && self.repository.is_none() && target::is_loopback(client.endpoint()) => {
                words(here()?).map(Some)
            }
            None => Ok(None),
        }
    }
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| Failure::file("find", Path::new("."), &error))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_absolute() { Ok(path.to_owned()) } else { Ok(here()?.join(path).components().collect()) }
}

fn words(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string()
        .into_string()
        .map_err(|_| Failure::usage("the directory's name is not UTF-8").hint("Give one with --cwd."))
}
