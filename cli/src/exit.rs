//! The exit codes of `mosaic`: all of them, and what they mean.
//!
//! It knows nothing about how a command gets there.

use mosaic_proto::{
    chat::v1::message::State,
    orchestrator::v1::{
        Job,
        job::{EndReason, State as JobState},
    },
    terminal::v1::Exit,
};

/// Done.
pub(crate) const OK: u8 = 0;
/// It failed, and no other code says more.
pub(crate) const ERROR: u8 = 1;
/// The command line or one of its values is wrong; nothing was done.
pub(crate) const USAGE: u8 = 2;
/// What was named does not exist: a terminal, a token, a program, a directory.
pub(crate) const NOT_FOUND: u8 = 3;
/// No token, one that is not accepted, or one that may not do this.
pub(crate) const AUTH: u8 = 4;
/// The server cannot be reached or cannot answer now. The same call may work later.
pub(crate) const UNAVAILABLE: u8 = 5;
/// The model's answer failed; what had come is kept.
pub(crate) const ANSWER_FAILED: u8 = 6;
/// Somebody stopped the model's answer; what had come is kept.
pub(crate) const ANSWER_STOPPED: u8 = 7;
/// The server was killed during the model's answer; what anyone was shown is kept.
pub(crate) const ANSWER_INTERRUPTED: u8 = 8;
/// An agent used more tokens than it may.
pub(crate) const AGENT_BUDGET: u8 = 112;
/// Somebody else cancelled the job or killed its agent.
pub(crate) const AGENT_ENDED: u8 = 113;
/// Nobody knows what became of an agent.
pub(crate) const AGENT_LOST: u8 = 114;
/// An agent asks something, and nobody is there to answer.
pub(crate) const AGENT_ASKS: u8 = 115;
/// The server of an agent went away and did not come back in time.
pub(crate) const SERVER_AWAY: u8 = 116;
/// An agent's program could not be started.
pub(crate) const AGENT_NOT_STARTED: u8 = 117;
/// A job that it depends on did not succeed.
pub(crate) const DEPENDENCY_FAILED: u8 = 118;
/// A command that passes on a program's exit code failed itself: what `env(1)` and `docker run` use.
pub(crate) const MOSAIC: u8 = 125;
/// The same, because the program cannot be run.
pub(crate) const COMMAND_NOT_EXECUTABLE: u8 = 126;
/// The same, because there is no such program.
pub(crate) const COMMAND_NOT_FOUND: u8 = 127;
/// The time was over, `--timeout` or one of a job's (the code that `timeout(1)` uses).
pub(crate) const TIMEOUT: u8 = 124;
/// Whoever read standard output went away: what a shell reports for SIGPIPE.
pub(crate) const BROKEN_PIPE: u8 = 128 + 13;

/// The same in words, for `mosaic --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    failed
  2    wrong command line or value
  3    not found
  4    no token, or it may not do this
  5    the server cannot be reached or cannot answer now
  6    `chat send`: the answer failed
  7    `chat send`: the answer was stopped
  8    `chat send`: the server was killed during the answer
  124  the --timeout is over

`term new --wait`, `term wait`, `agent run`, `agent wait`, `job wait` and an
attached terminal exit with the code of the program, or with 128 + the number of
the signal that ended it. What fails there is told from the program's own
failures as `env` and `docker run` do it:
  125  mosaic failed, for whatever reason
  126  the command cannot be run
  127  there is no such command

How an agent ended if not by itself: `agent run`, `agent wait`, `job wait`.
  112  it used more tokens than it may
  113  somebody cancelled its job, or killed it
  114  nobody knows what became of it
  115  it asks something, and nobody is there to answer
  116  the server went away and did not come back in time
  117  its program could not be started
  118  a job that it depends on did not succeed
  124  it took too long: waiting, running, or without output
A program may use these numbers, too: `outcome` in the summary of `agent run
--summary`, or `state` in `job wait --json`, tells for sure.";

/// The code for a process that was ended by signal number `signal`, as shells report it.
pub(crate) fn of_signal(signal: i32) -> u8 {
    u8::try_from(signal).ok().and_then(|signal| signal.checked_add(128)).unwrap_or(u8::MAX)
}

/// The code for an answer that ended in this state.
pub(crate) fn of_answer(state: State) -> u8 {
    match state {
        State::Complete => OK,
        State::Failed => ANSWER_FAILED,
        State::Stopped => ANSWER_STOPPED,
        State::Interrupted => ANSWER_INTERRUPTED,
        State::Streaming | State::Unspecified => ERROR,
    }
}

/// The code of the program that a terminal ran; none if nobody knows how it ended.
pub(crate) fn of_program(exit: &Exit) -> Option<u8> {
    match (exit.code, exit.signal) {
        (Some(code), _) => Some(u8::try_from(code).unwrap_or(ERROR)),
        (None, Some(signal)) => Some(of_signal(signal)),
        (None, None) => None,
    }
}

/// The code for a job as it is: how its program ended, or why it did not get there.
pub(crate) fn of_job(job: &Job) -> u8 {
    match (job.state(), job.end_reason()) {
        (JobState::Succeeded, _) => OK,
        (JobState::Failed, EndReason::StartFailed) => AGENT_NOT_STARTED,
        (JobState::Failed, EndReason::DependencyFailed) => DEPENDENCY_FAILED,
        // That nobody knows how it ended is no success, and no code is made up for it.
        (JobState::Failed, _) => match job.exit.as_ref().and_then(of_program) {
            Some(OK) => ERROR,
            Some(code) => code,
            None => MOSAIC,
        },
        (JobState::Cancelled, _) => AGENT_ENDED,
        (JobState::TimedOut, _) => TIMEOUT,
        (JobState::BudgetExceeded, _) => AGENT_BUDGET,
        (JobState::Lost, _) => AGENT_LOST,
        (JobState::InputRequired, _) => AGENT_ASKS,
        _ => MOSAIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_passes_its_code_on() {
        assert_eq!(of_program(&Exit { code: Some(7), ..Exit::default() }), Some(7));
        assert_eq!(of_program(&Exit { code: Some(0), ..Exit::default() }), Some(0));
        assert_eq!(of_program(&Exit { signal: Some(9), ..Exit::default() }), Some(137));
        assert_eq!(of_program(&Exit::default()), None, "an unknown end is not invented");
    }

    #[test]
    fn every_end_of_a_job_has_a_code_of_its_own() {
        let ended = |state: JobState, reason: EndReason, code: Option<i32>| {
            let exit = code.map(|code| Exit { code: Some(code), ..Exit::default() });
            of_job(&Job { state: state.into(), end_reason: reason.into(), exit, ..Job::default() })
        };
        assert_eq!(ended(JobState::Succeeded, EndReason::Exited, Some(0)), 0);
        assert_eq!(ended(JobState::Failed, EndReason::Exited, Some(7)), 7);
        assert_eq!(ended(JobState::Failed, EndReason::Exited, Some(0)), 1, "a failure is never 0");
        assert_eq!(ended(JobState::Failed, EndReason::Exited, None), 125);
        assert_eq!(ended(JobState::Failed, EndReason::StartFailed, None), 117);
        assert_eq!(ended(JobState::Failed, EndReason::DependencyFailed, None), 118);
        assert_eq!(ended(JobState::Cancelled, EndReason::Killed, Some(0)), 113);
        assert_eq!(ended(JobState::TimedOut, EndReason::OutputTimeout, Some(0)), 124);
        assert_eq!(ended(JobState::BudgetExceeded, EndReason::TokenBudget, None), 112);
        assert_eq!(ended(JobState::Lost, EndReason::Lost, None), 114);
        assert_eq!(ended(JobState::InputRequired, EndReason::Unspecified, None), 115);
    }
}
