//! Programs that are run to their end as the shell user, without a terminal: git, and what goes with it.
//!
//! It knows nothing about what they do; the keeper starts and ends them.

use std::{
    fs::File,
    io::{self, Seek},
    os::{fd::OwnedFd, unix::fs::FileExt},
    time::Duration,
};

use uuid::Uuid;

use super::{Terminals, create::PATH, link::keeper_error};
use crate::{
    error::{Error, Reason},
    keeper::{
        client,
        wire::{self, Ask, FailureKind},
    },
};

/// A program and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Working directory.
    pub(crate) cwd: String,
    /// What it gets besides PATH, HOME, USER, LOGNAME and LANG.
    pub(crate) env: Vec<(String, String)>,
    /// It and all that it started are ended after so long.
    pub(crate) timeout: Duration,
}

/// How it ended.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Its exit code; absent if a signal ended it.
    pub(crate) code: Option<i32>,
    /// True if it took too long.
    pub(crate) timed_out: bool,
    /// What it printed.
    pub(crate) output: Vec<u8>,
    /// What it printed as errors.
    pub(crate) errors: Vec<u8>,
}

/// Why it did not run, or nobody knows what came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The working directory.
    #[error("the working directory: {0}")]
    Cwd(io::Error),
    /// The program.
    #[error("the program: {0}")]
    Program(io::Error),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

impl Terminals {
    /// Runs a program as the shell user and waits for its end. If the keeper goes away meanwhile, what it started is
    /// ended before this answers: whoever asks again finds nothing of the first attempt running.
    pub(crate) async fn run_as_shell_user(&self, run: Run) -> Result<Ran, RunError> {
        let account = &self.shared.account;
        let id = Uuid::new_v4().as_bytes().to_vec();
        let mut env = vec![
            format!("PATH={PATH}"),
            format!("HOME={}", account.home),
            format!("USER={}", account.name),
            format!("LOGNAME={}", account.name),
            "LANG=C.UTF-8".to_owned(),
        ];
        env.extend(run.env.iter().map(|(name, value)| format!("{name}={value}")));
        let ask = wire::Run {
            id: id.clone(),
            argv: run.argv,
            cwd: run.cwd,
            env,
            timeout_ms: u64::try_from(run.timeout.as_millis()).unwrap_or(u64::MAX),
            output_bytes_max: wire::RUN_OUTPUT_BYTES_MAX,
        };
        let answer = self.shared.keeper.get().await?.run(ask).await;
        if let Err(client::Error::Gone(_)) = &answer {
            let close =
                wire::Close { id, grace_ms: 0, reason: wire::Reason::Lost.into(), ..wire::Close::default() };
            let swept = self.shared.keeper.ask_again(|keeper| {
                let ask = Ask::Close(close.clone());
                async move { keeper.ask(ask).await }
            });
            swept.await.map_err(keeper_error)?;
        }
        let (ran, fds) = answer.map_err(run_error)?;
        let [output, errors] = <[OwnedFd; 2]>::try_from(fds)
            .map_err(|_| Error::internal("the keeper sent no output of a program"))?;
        Ok(Ran {
            code: ran.exit.and_then(|exit| exit.code),
            timed_out: ran.timed_out,
            output: printed(output).map_err(Error::internal)?,
            errors: printed(errors).map_err(Error::internal)?,
        })
    }
}

fn run_error(error: client::Error) -> RunError {
    let client::Error::Failed(failure) = &error else { return RunError::Other(keeper_error(error)) };
    let cause = io::Error::from_raw_os_error(failure.errno);
    RunError::Other(match failure.kind() {
        FailureKind::Cwd => return RunError::Cwd(cause),
        FailureKind::Exec => return RunError::Program(cause),
        FailureKind::System => {
            let message = format!("the machine gave no process: {cause}; end some, or raise its limits");
            Error::quota(Reason::ProcessLimit, "machine", message)
        }
        FailureKind::Refused => Error::caused(
            Reason::KeeperUnavailable,
            "the process that spawns terminals is older than this server and runs no programs for it; restart the \
             server, so that it is replaced",
            error,
        ),
        FailureKind::Busy => Error::caused(
            Reason::KeeperUnavailable,
            "the process that spawns terminals is ending everything; try again soon",
            error,
        ),
        _ => keeper_error(error),
    })
}

/// What was written; the position of the description that the program shared is its length.
fn printed(memory: OwnedFd) -> io::Result<Vec<u8>> {
    let mut memory = File::from(memory);
    // The program may have moved the position anywhere.
    let length = memory.stream_position()?.min(wire::RUN_OUTPUT_BYTES_MAX).min(memory.metadata()?.len());
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    memory.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
