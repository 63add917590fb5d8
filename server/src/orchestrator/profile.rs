//! Profiles: how a program is launched for a prompt, and whether it can be.
//!
//! It knows nothing about jobs and processes.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    time::Duration,
};

use regex::Regex;

use crate::{
    config::{self, Config, ProfileKind},
    error::{Error, Reason, Result},
    terminal::{PATH, Program},
};

/// What stands for the prompt in a command.
const PROMPT: &str = config::PROMPT;

/// A last line like this asks something, where a profile does not say: it does not end, and its last sign is one that
/// an answer follows.
const USUAL_QUESTIONS: &str = r"(?i)([\pL\d)\]].*[?:]|[\[(](y/n|yes/no)[^\n]{0,24}[\])]) ?$";

/// How a program is launched.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What the administrator wrote.
    pub settings: config::Profile,
    /// How long an agent may run.
    pub timeout: Duration,
    /// A last line like this asks something.
    pub input: Regex,
    /// Where the program tells the tokens that it has used so far.
    pub tokens: Option<Regex>,
}

/// All profiles.
#[derive(Debug)]
pub struct Profiles {
    by_name: BTreeMap<String, Profile>,
    default: String,
}

/// What is started for a prompt.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: Program,
    /// What is typed once it runs.
    pub(crate) typed: Option<String>,
}

impl Profiles {
    /// Those of the configuration, and `shell`.
    ///
    /// # Errors
    /// A pattern that is none; the configuration was checked before.
    pub fn new(config: &Config) -> Result<Self, regex::Error> {
        let mut by_name = BTreeMap::new();
        let shell = config::Profile::shell();
        let all = config.profile.iter().map(|(name, profile)| (name.clone(), profile.clone()));
        let shell = (!config.profile.contains_key("shell")).then(|| ("shell".to_owned(), shell));
        for (name, settings) in all.chain(shell) {
            let seconds =
                if settings.timeout_s == 0 { config.orchestrator.timeout_s } else { settings.timeout_s };
            let input =
                if settings.input_pattern.is_empty() { USUAL_QUESTIONS } else { &settings.input_pattern };
            let profile = Profile {
                name: name.clone(),
                timeout: Duration::from_secs(seconds),
                input: Regex::new(input)?,
                tokens: match settings.tokens_pattern.as_str() {
                    "" => None,
                    pattern => Some(Regex::new(pattern)?),
                },
                settings,
            };
            by_name.insert(name, profile);
        }
        Ok(Self { by_name, default: config.orchestrator.default_profile.clone() })
    }

    /// One of them; an empty name means the default.
    ///
    /// # Errors
    /// `PROFILE_NOT_FOUND`.
    pub fn get(&self, name: &str) -> Result<&Profile> {
        let name = if name.is_empty() { &self.default } else { name };
        self.by_name.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let message = format!("there is no profile {name:?}; there are {}", names.join(", "));
            Error::new(Reason::ProfileNotFound, message).with("profile", name)
        })
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        self.by_name.values()
    }

    /// The name of the default.
    pub fn default_name(&self) -> &str {
        &self.default
    }
}

impl Profile {
    /// What is started for a prompt.
    pub(crate) fn launch(&self, prompt: &str) -> Launch {
        if self.settings.kind == ProfileKind::Shell {
            return Launch { program: Program::Line(prompt.to_owned()), typed: None };
        }
        let words: Vec<String> =
            self.settings.command.iter().map(|word| word.replace(PROMPT, prompt)).collect();
        let is_argument = self.settings.command.iter().any(|word| word.contains(PROMPT));
        let typed = (!is_argument && !prompt.is_empty()).then(|| prompt.to_owned());
        Launch { program: Program::Command(words), typed }
    }

    /// Why it cannot be used now, and what to do; `None` if it can.
    pub fn unavailable(&self) -> Option<String> {
        let missing = self.settings.secret_env.iter().find(|name| std::env::var_os(name).is_none());
        if let Some(name) = missing {
            return Some(format!(
                "the server's environment has no {name}, which secret_env names; start the server with it"
            ));
        }
        let program = self.settings.command.first()?;
        let seen = |path: &Path| match path.metadata() {
            Ok(metadata) => metadata.is_file(),
            // What the server may not see, the agents' user perhaps may.
            Err(cause) => cause.kind() == io::ErrorKind::PermissionDenied,
        };
        let found = match program.contains('/') {
            true => seen(Path::new(program)),
            false => self.path().split(':').any(|dir| seen(&Path::new(dir).join(program))),
        };
        (!found).then(|| format!("the program {program:?} is not installed; install it, or name its path"))
    }

    fn path(&self) -> &str {
        self.settings.env.get("PATH").map_or(PATH, String::as_str)
    }

    /// Variables of an agent: the profile's, then the server's that it passes on, then the job's.
    pub fn environment(&self, job: &BTreeMap<String, String>) -> HashMap<String, String> {
        let secret = self
            .settings
            .secret_env
            .iter()
            .filter_map(|name| std::env::var(name).ok().map(|value| (name.clone(), value)));
        self.settings.env.clone().into_iter().chain(secret).chain(job.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(kind: ProfileKind, command: &[&str]) -> Profile {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        Profile {
            name: "p".into(),
            settings: config::Profile { kind, command, ..config::Profile::shell() },
            timeout: Duration::from_secs(1),
            input: Regex::new(USUAL_QUESTIONS).unwrap(),
            tokens: None,
        }
    }

    #[test]
    fn the_prompt_becomes_what_the_kind_says() {
        let launch = profile(ProfileKind::Shell, &[]).launch("a b");
        assert!(matches!(launch.program, Program::Line(line) if line == "a b"));
        let launch = profile(ProfileKind::Command, &["x", "-p={prompt}", "{prompt}"]).launch("$(a) b");
        assert!(matches!(launch.program, Program::Command(w) if w == ["x", "-p=$(a) b", "$(a) b"]));
        let launch = profile(ProfileKind::Tui, &["x"]).launch("hello");
        assert_eq!(launch.typed.as_deref(), Some("hello"));
        assert_eq!(profile(ProfileKind::Tui, &["x", "{prompt}"]).launch("hello").typed, None);
    }

    #[test]
    fn the_usual_questions_are_known() {
        let asks = |line: &str| profile(ProfileKind::Shell, &[]).input.is_match(line);
        for line in
            ["Password: ", "[sudo] password for joe: ", "Go on? [y/N] ", "connect (yes/no/[f])? ", "(Y/n)"]
        {
            assert!(asks(line), "{line:?}");
        }
        for line in ["$ ", "> ", "password changed", "done.", "passwords: 3", "::", ""] {
            assert!(!asks(line), "{line:?}");
        }
    }

    #[test]
    fn a_missing_program_is_told() {
        assert_eq!(profile(ProfileKind::Command, &["sh", "{prompt}"]).unavailable(), None);
        let why = profile(ProfileKind::Command, &["/no/such/program", "{prompt}"]).unavailable().unwrap();
        assert!(why.contains("/no/such/program"), "{why}");
    }
}
