//! How a run ended: the word for it, the exit code, and what to say.
//!
//! It knows nothing about how it is reported.

use mosaic_client::{
    JobInfo,
    proto::orchestrator::v1::job::{EndReason, State},
};

use crate::{agent::words::job_end, exit, failure::Failure, text};

/// The end of a run.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// One word, for programs.
    pub(super) outcome: &'static str,
    /// The exit code.
    pub(super) code: u8,
    /// For people.
    pub(super) message: String,
    /// The job as it was last seen.
    pub(super) job: Option<JobInfo>,
    /// The name that was asked for, if it has never become a job.
    pub(super) name: Option<String>,
}

impl Ending {
    fn new(outcome: &'static str, code: u8, message: impl Into<String>, job: Option<JobInfo>) -> Self {
        Self { outcome, code, message: message.into(), job, name: None }
    }

    /// The job is over.
    pub(super) fn of_job(job: JobInfo) -> Self {
        let outcome = match (job.state(), job.end_reason()) {
            (State::Succeeded, _) => "succeeded",
            (State::Failed, EndReason::StartFailed) => "start_failed",
            (State::Failed, EndReason::DependencyFailed) => "dependency_failed",
            (State::Failed, _) => "failed",
            (State::Cancelled, EndReason::Killed | EndReason::KillSwitch) => "killed",
            (State::Cancelled, _) => "cancelled",
            (State::TimedOut, _) => "timed_out",
            (State::BudgetExceeded, _) => "budget_exceeded",
            (State::Lost, _) => "lost",
            _ => "unfinished",
        };
        let message = match job.message.is_empty() {
            true => job_end(&job),
            false => format!("{}; {}", job_end(&job), job.message),
        };
        Self::new(outcome, exit::of_job(&job), message, Some(job))
    }

    /// It was not made: the server, or this program, said no.
    pub(super) fn refused(failure: &Failure, name: Option<&str>) -> Self {
        let outcome = match failure.code {
            exit::SERVER_AWAY => "server_away",
            exit::DEPENDENCY_FAILED => "dependency_failed",
            exit::BROKEN_PIPE => "output_closed",
            _ => "refused",
        };
        let words = failure.to_string();
        let message = words.strip_prefix("mosaic: ").unwrap_or(&words).to_owned();
        Self { name: name.map(str::to_owned), ..Self::new(outcome, failure.code, message, None) }
    }

    /// It was made, and goes on by itself.
    pub(super) fn detached(job: JobInfo) -> Self {
        Self::new("detached", exit::OK, "it goes on by itself", Some(job))
    }

    /// A signal came before it was known whether there is a job.
    pub(super) fn interrupted_early(signal: i32) -> Self {
        let message = "interrupted; whether a job was made is not known";
        Self::new("interrupted", exit::of_signal(signal), message, None)
    }

    /// A signal came, and the job was cancelled, if that is what `what` says.
    pub(super) fn interrupted(signal: i32, what: &str, job: JobInfo) -> Self {
        Self::new("interrupted", exit::of_signal(signal), format!("interrupted; {what}"), Some(job))
    }

    /// It asked something that nobody was there to answer.
    pub(super) fn input_required(question: &str, job: JobInfo) -> Self {
        let message = format!("it asks, and nobody is there to answer: {question}");
        Self::new("input_required", exit::AGENT_ASKS, message, Some(job))
    }

    /// Whoever read its output went away.
    pub(super) fn output_closed(job: JobInfo) -> Self {
        let message = "nobody reads its output any more";
        Self::new("output_closed", exit::BROKEN_PIPE, message, Some(job))
    }

    /// The server went away.
    pub(super) fn server_away(error: &str, job: JobInfo) -> Self {
        let name = text::quote(&job.name);
        let message = format!("{error}; the job may go on: `mosaic agent wait {name}`");
        Self::new("server_away", exit::SERVER_AWAY, message, Some(job))
    }
}
