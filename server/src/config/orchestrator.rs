//! The settings of agents: their types, and which values they may have.
//!
//! It knows nothing about how an agent is run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Config, chat::check_name};

/// `[orchestrator]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orchestrator {
    /// The profile of requests that name none.
    pub default_profile: String,
    /// Agents at once on the server.
    pub running_max: usize,
    /// Agents at once in a workspace.
    pub running_per_workspace_max: usize,
    /// Jobs of a workspace that are not over.
    pub jobs_per_workspace_max: usize,
    /// Seconds that an agent may run.
    pub timeout_s: u64,
    /// Milliseconds from the first signal to SIGKILL.
    pub kill_grace_ms: u64,
    /// Seconds that the server is believed to be alive.
    pub lease_s: u64,
    /// Seconds until a server is taken for gone.
    pub node_lost_after_s: u64,
    /// Bytes of output kept of an agent.
    pub output_log_bytes_max: u64,
    /// Jobs claimed in one step.
    pub claim_batch_max: usize,
    /// Agents being started at once.
    pub starting_max: usize,
    /// Hours that a job is kept after its end.
    pub ended_retention_hours: u64,
    /// Jobs kept after their end in a workspace.
    pub ended_per_workspace_max: usize,
}

/// `[profile.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What the prompt becomes.
    pub kind: ProfileKind,
    /// Program and arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Working directory.
    #[serde(default)]
    pub cwd: String,
    /// Variables of the environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of the server's variables that are passed on.
    #[serde(default)]
    pub secret_env: Vec<String>,
    /// Seconds that an agent may run; 0: `orchestrator.timeout_s`.
    #[serde(default)]
    pub timeout_s: u64,
    /// Agents at once in a workspace; 0: any number.
    #[serde(default)]
    pub running_max: usize,
    /// Exit codes after which another attempt is of no use.
    #[serde(default)]
    pub no_retry_codes: Vec<i32>,
    /// A last line like this asks something.
    #[serde(default)]
    pub input_pattern: String,
    /// Where the program tells the tokens that it has used.
    #[serde(default)]
    pub tokens_pattern: String,
    /// Bytes of memory; 0: any number.
    #[serde(default)]
    pub memory_bytes_max: u64,
    /// Processes; 0: any number.
    #[serde(default)]
    pub processes_max: u32,
    /// Thousandths of a processor; 0: any number.
    #[serde(default)]
    pub cpu_millis_max: u32,
}

/// What a prompt becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileKind {
    /// A command line for the user's shell.
    Shell,
    /// An argument of a program.
    Command,
    /// An argument of a program with a text user interface, or typed.
    Tui,
}

/// What stands for the prompt in a command.
pub const PROMPT: &str = "{prompt}";

/// The first bad value: its key, and what is wrong.
pub(super) fn check(config: &Config) -> Result<(), (String, String)> {
    let settings = &config.orchestrator;
    let wrong = |key: &str, problem: String| Err((format!("orchestrator.{key}"), problem));
    if settings.node_lost_after_s < settings.lease_s {
        return wrong("node_lost_after_s", "is shorter than lease_s; a server would be gone at once".into());
    }
    let default = &settings.default_profile;
    if default != "shell" && !config.profile.contains_key(default) {
        return wrong("default_profile", format!("there is no [profile.{default}]"));
    }
    config.profile.iter().try_for_each(|(name, profile)| check_profile(name, profile))
}

fn check_profile(name: &str, profile: &Profile) -> Result<(), (String, String)> {
    check_name("profile", name)?;
    let wrong = |key: &str, problem: String| Err((format!("profile.{name}.{key}"), problem));
    let prompts = profile.command.iter().filter(|word| word.contains(PROMPT)).count();
    match profile.kind {
        ProfileKind::Shell if !profile.command.is_empty() => {
            return wrong("command", "a shell's command line is the prompt; leave it out".into());
        }
        ProfileKind::Command | ProfileKind::Tui if profile.command.first().is_none_or(String::is_empty) => {
            return wrong("command", "name the program and its arguments".into());
        }
        ProfileKind::Command if prompts == 0 => {
            return wrong("command", format!("{PROMPT:?} is missing: it stands for the prompt"));
        }
        _ => {}
    }
    if profile.command.first().is_some_and(|program| program.contains(PROMPT)) {
        return wrong("command", "the prompt cannot be the program; kind = \"shell\" runs a prompt".into());
    }
    if !profile.cwd.is_empty() && !profile.cwd.starts_with('/') {
        return wrong("cwd", format!("{:?} is not absolute; begin it with /", profile.cwd));
    }
    let names = profile.env.keys().chain(&profile.secret_env);
    if let Some(bad) = names.into_iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return wrong("env", format!("{bad:?} is no name of a variable"));
    }
    for (key, pattern) in
        [("input_pattern", &profile.input_pattern), ("tokens_pattern", &profile.tokens_pattern)]
    {
        let groups = match regex::Regex::new(pattern) {
            Ok(regex) => regex.captures_len(),
            Err(cause) => return wrong(key, cause.to_string()),
        };
        if key == "tokens_pattern" && !pattern.is_empty() && groups != 2 {
            return wrong(key, "needs one group, around the number: `tokens used: ([0-9,]+)`".into());
        }
    }
    Ok(())
}

impl Profile {
    /// The one that is always there.
    pub fn shell() -> Self {
        Self {
            kind: ProfileKind::Shell,
            command: Vec::new(),
            description: "A command line for the user's shell.".to_owned(),
            cwd: String::new(),
            env: BTreeMap::new(),
            secret_env: Vec::new(),
            timeout_s: 0,
            running_max: 0,
            no_retry_codes: Vec::new(),
            input_pattern: String::new(),
            tokens_pattern: String::new(),
            memory_bytes_max: 0,
            processes_max: 0,
            cpu_millis_max: 0,
        }
    }
}
