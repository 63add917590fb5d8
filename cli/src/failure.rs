//! What can go wrong, in words for people and an exit code for scripts.
//!
//! It knows nothing about any one command. A failure is one line, `mosaic: message (REASON)`, and
//! where there is something to do, a second line that says what.

use std::{fmt, io, path::Path};

use mosaic_client::{Code, Error, ErrorKind};

use crate::{commands, exit, text};

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    reason: Option<String>,
    hint: Option<String>,
    /// What became of the connection, if that is why.
    pub(crate) lost: Option<Lost>,
    /// The exit code.
    pub(crate) code: u8,
    /// Nothing is to be said: whoever would read it has gone.
    pub(crate) quiet: bool,
}

/// A connection that did not come about or did not last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nobody answered.
    NotThere,
    /// It was cut.
    Cut,
}

impl Failure {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), reason: None, hint: None, lost: None, code, quiet: false }
    }

    /// It failed.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(exit::ERROR, message)
    }

    /// It was asked for in a wrong way.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, message)
    }

    /// It does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(exit::NOT_FOUND, message)
    }

    /// The token is missing or not good enough.
    pub(crate) fn auth(message: impl Into<String>) -> Self {
        Self::new(exit::AUTH, message)
    }

    /// The server is not there.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(exit::UNAVAILABLE, message)
    }

    /// The time was over.
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(exit::TIMEOUT, message)
    }

    /// A file could not be read or written: `verb` says which.
    pub(crate) fn file(verb: &str, path: &Path, error: &io::Error) -> Self {
        Self::error(format!("cannot {verb} {}: {error}", path.display()))
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with an exit code that is not one of a program: for commands that pass on a program's.
    #[must_use]
    pub(crate) fn beside_a_program(mut self) -> Self {
        self.code = match (self.code, self.reason.as_deref()) {
            (exit::TIMEOUT, _) => exit::TIMEOUT,
            (_, Some("COMMAND_NOT_FOUND")) => exit::COMMAND_NOT_FOUND,
            (_, Some("COMMAND_NOT_EXECUTABLE")) => exit::COMMAND_NOT_EXECUTABLE,
            (code, _) if self.quiet => code,
            _ => exit::MOSAIC,
        };
        self
    }

    /// The same for commands that pass on how an agent ended, which has codes of its own.
    #[must_use]
    pub(crate) fn beside_an_agent(mut self) -> Self {
        self.code = match (self.code, self.reason.as_deref()) {
            (exit::UNAVAILABLE | exit::SERVER_AWAY, _) => exit::SERVER_AWAY,
            (_, Some("DEPENDENCY_FAILED")) => exit::DEPENDENCY_FAILED,
            _ => return self.beside_a_program(),
        };
        self
    }

    /// Says for how long it was tried.
    #[must_use]
    pub(crate) fn after(mut self, time: &str) -> Self {
        self.message = format!("given up after {time}: {}", self.message);
        self
    }

    /// Says it on standard error, unless nobody would hear it.
    pub(crate) fn report(&self) {
        if !self.quiet {
            crate::output::say(&self.to_string());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mosaic: {}", text::escape(&self.message))?;
        if let Some(reason) = &self.reason {
            write!(f, " ({})", text::escape(reason))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", text::escape(hint)),
            None => Ok(()),
        }
    }
}

/// Output that nobody reads any more ends a command quietly, as SIGPIPE would.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        let code = if gone { exit::BROKEN_PIPE } else { exit::ERROR };
        Self { quiet: gone, ..Self::new(code, error.to_string()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match (error.kind(), error.code()) {
            (ErrorKind::Configuration, _) | (_, Code::InvalidArgument) => exit::USAGE,
            (ErrorKind::Unfinished { state }, _) => exit::of_answer(state),
            (_, Code::NotFound) => exit::NOT_FOUND,
            (_, Code::Unauthenticated | Code::PermissionDenied) => exit::AUTH,
            (_, Code::Unavailable | Code::DeadlineExceeded) => exit::UNAVAILABLE,
            _ => exit::ERROR,
        };
        let hint = error.reason().and_then(hint);
        // Only the server speaks of its calls; why an answer failed, a model's server says.
        let unfinished = matches!(error.kind(), ErrorKind::Unfinished { .. });
        let message = match (error.reason().filter(|_| !unfinished), hint) {
            (Some(_), Some(_)) => commands::without_advice(error.message()),
            (Some(_), None) => commands::in_commands(error.message()),
            (None, _) => error.message().to_owned(),
        };
        let message = commands::in_arguments(&message);
        let mut failure = Self::new(code, message);
        failure.reason = error.reason().map(str::to_owned);
        failure.hint = hint.map(str::to_owned);
        failure.lost = match (error.kind(), error.code()) {
            (ErrorKind::Connect, Code::Unavailable) => Some(Lost::NotThere),
            (ErrorKind::Disconnected, _) => Some(Lost::Cut),
            _ => None,
        };
        failure
    }
}

/// What to do with this command line about a reason that the server gave.
fn hint(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "TOKEN_MISSING" | "TOKEN_UNKNOWN" | "TOKEN_EXPIRED" => {
            "Get a token from an admin (`mosaic token create`), then `mosaic login --endpoint URL`."
        }
        "ROLE_TOO_LOW" | "TOKEN_READ_ONLY" | "TOKEN_LIMITED" => {
            "`mosaic whoami` shows what this token may do."
        }
        "TERMINAL_NOT_FOUND" => "`mosaic term ls --all` lists them, also those that have ended.",
        "TERMINAL_QUOTA" => "`mosaic term ls` lists them, `mosaic term close NAME` ends one.",
        "TERMINAL_RUNNING" => "`mosaic term close NAME` ends it.",
        "CWD_NOT_FOUND" | "CWD_NOT_ACCESSIBLE" => "`--cwd DIR` names another one, such as `--cwd /tmp`.",
        "JOB_NOT_FOUND" => "`mosaic job ls --all` lists them, also those that are over.",
        "AGENT_NOT_FOUND" => "`mosaic agent ls --all` lists them, also those that have ended.",
        "PROFILE_NOT_FOUND" | "PROFILE_UNAVAILABLE" => "`mosaic agent profiles` lists them.",
        "JOB_QUOTA" => "`mosaic job ls` lists them, `mosaic job cancel NAME` gives one up.",
        "JOB_RUNNING" => "`mosaic job cancel NAME` ends it, `mosaic job wait NAME` waits for its end.",
        "DEPENDENCY_FAILED" => {
            "`mosaic job show NAME` says why, `mosaic job retry NAME` queues that one again."
        }
        "AGENT_ENDED" => "`mosaic agent show NAME` says how.",
        "REPOSITORY_NOT_FOUND" => "`--repository DIR` names a directory on the server's machine.",
        "CONVERSATION_NOT_FOUND" => "`mosaic conversation ls --all` lists them.",
        "MODEL_NOT_FOUND" => "`mosaic models` lists them.",
        "ALL_MODELS_FAILED" | "PROVIDER_FAILED" => "`mosaic models` says which ones can be reached.",
        "TOKEN_BUDGET" => "`mosaic usage` shows what was used today.",
        "TOKEN_NOT_FOUND" => "`mosaic token ls` lists them.",
        "VIEWER_NOT_FOUND" => "`mosaic term viewers NAME` lists them.",
        "CURSOR_EXPIRED" => "`mosaic events --after 0` begins at the oldest that is kept.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beside_an_agent_are_settled_once() {
        let code = |failure: Failure| failure.beside_an_agent().beside_an_agent().code;
        assert_eq!(code(Failure::unavailable("away")), exit::SERVER_AWAY);
        assert_eq!(code(Failure::timeout("late")), exit::TIMEOUT);
        assert_eq!(code(Failure::usage("wrong")), exit::MOSAIC);
        let mut failed = Failure::error("it depends on another");
        failed.reason = Some("DEPENDENCY_FAILED".to_owned());
        assert_eq!(code(failed), exit::DEPENDENCY_FAILED);
    }
}
