//! Jobs and agents in words: states, ends, events. Everything that others wrote is made safe here.
//!
//! It knows nothing about which command shows them.

use mosaic_client::{
    AgentInfo, JobInfo,
    proto::{
        orchestrator::v1::{
            Receipt,
            agent::State as AgentState,
            job::{EndReason, State},
        },
        workspace::v1::{agent_changed, event::Payload, job_changed},
    },
};

use crate::{
    commands,
    output::Output,
    show,
    table::{Cell, Colour},
    text,
};

/// What a job waits for; none if it does not wait.
pub(super) fn waiting(job: &JobInfo) -> Option<String> {
    match job.state() {
        State::Queued if job.waiting_for.is_empty() => Some("there is no room yet".to_owned()),
        State::Queued => Some(commands::in_commands(&text::escape(&job.waiting_for))),
        State::BackingOff => {
            Some(format!("attempt {} begins at {}", job.attempts + 1, show::time(job.retry_time.as_ref())))
        }
        _ => None,
    }
}

/// What a job waits for, asks, or has come to: the most telling line about it.
pub(crate) fn waits(job: &JobInfo) -> String {
    match job.state() {
        State::InputRequired => text::escape(&job.question),
        _ => waiting(job).unwrap_or_else(|| first_line(&job.prompt)),
    }
}

/// A job's state in a few words.
pub(crate) fn job_cell(job: &JobInfo) -> Cell {
    match job.state() {
        State::Queued => "queued".into(),
        State::Running => Cell::coloured("running", Colour::Green),
        State::InputRequired => Cell::coloured("asks", Colour::Red),
        State::BackingOff => Cell::coloured("backs off", Colour::Red),
        State::Stopping => "stopping".into(),
        State::Succeeded => Cell::coloured("succeeded", Colour::Dim),
        State::Failed => Cell::coloured(job_end(job), Colour::Red),
        State::Cancelled | State::TimedOut | State::BudgetExceeded | State::Lost => {
            Cell::coloured(job_end(job), Colour::Red)
        }
        State::Unspecified => "unknown".into(),
    }
}

/// How a job ended: `succeeded`, `failed: exit code 3`, `killed`; for one that is not over, its state.
pub(crate) fn job_end(job: &JobInfo) -> String {
    let exit = || job.exit.as_ref().map_or_else(|| "nobody knows how".to_owned(), show::end);
    match (job.state(), job.end_reason()) {
        (State::Succeeded, _) => "succeeded".to_owned(),
        (State::Failed, EndReason::StartFailed) => "failed: could not be started".to_owned(),
        (State::Failed, EndReason::DependencyFailed) => "failed: a job before it did".to_owned(),
        (State::Failed, _) => format!("failed: {}", exit()),
        (State::Cancelled, EndReason::Killed) => "killed".to_owned(),
        (State::Cancelled, EndReason::KillSwitch) => "killed with all others".to_owned(),
        (State::Cancelled, _) => "cancelled".to_owned(),
        (State::TimedOut, EndReason::QueuedTimeout) => "timed out in the queue".to_owned(),
        (State::TimedOut, EndReason::OutputTimeout) => "timed out without output".to_owned(),
        (State::TimedOut, _) => "timed out".to_owned(),
        (State::BudgetExceeded, _) => "over its token budget".to_owned(),
        (State::Lost, _) => "lost".to_owned(),
        (State::Queued, _) => "queued".to_owned(),
        (State::Running, _) => "running".to_owned(),
        (State::InputRequired, _) => "asks for input".to_owned(),
        (State::BackingOff, _) => "backs off".to_owned(),
        (State::Stopping, _) => "stopping".to_owned(),
        (State::Unspecified, _) => "unknown".to_owned(),
    }
}

/// An agent's state in a few words.
pub(super) fn agent_cell(agent: &AgentInfo) -> Cell {
    match agent.state() {
        AgentState::Starting => Cell::coloured("starting", Colour::Green),
        AgentState::Running => Cell::coloured("running", Colour::Green),
        AgentState::InputRequired => Cell::coloured("asks", Colour::Red),
        AgentState::Stopping => "stopping".into(),
        AgentState::Exited => {
            let exit = agent.exit.clone().unwrap_or_default();
            let colour = if exit.code == Some(0) { Colour::Dim } else { Colour::Red };
            Cell::coloured(show::end(&exit), colour)
        }
        AgentState::Unreachable => Cell::coloured("unreachable", Colour::Red),
        AgentState::Lost => Cell::coloured("lost", Colour::Red),
        AgentState::Unspecified => "unknown".into(),
    }
}

/// What ending an agent came to.
pub(super) fn receipt(receipt: &Receipt) -> String {
    let mut said = match (receipt.proven, receipt.survivors.is_empty()) {
        (true, true) => "nothing of it is left".to_owned(),
        (false, true) => "best effort: that nothing is left is not proven".to_owned(),
        (_, false) => {
            let left = |it: &mosaic_client::proto::terminal::v1::Survivor| {
                format!("{} {}", it.pid, text::escape(&it.command))
            };
            format!("STILL RUNNING: {}", receipt.survivors.iter().map(left).collect::<Vec<_>>().join(", "))
        }
    };
    if !receipt.saved_ref.is_empty() {
        said.push_str(&format!("; what was not committed is kept in {}", text::escape(&receipt.saved_ref)));
    }
    let who = text::escape(&receipt.principal);
    match (receipt.reason.is_empty(), who.is_empty()) {
        (true, true) => said,
        (true, false) => format!("{said} (by {who})"),
        (false, true) => format!("{said} ({})", text::escape(&receipt.reason)),
        (false, false) => format!("{said} (by {who}: {})", text::escape(&receipt.reason)),
    }
}

/// One line of `show`: a name, and what is to be said of it.
pub(crate) fn detail(name: &str, what: &str) -> String {
    format!("{name:<12} {what}")
}

/// What happened to a job or an agent; none for an event of anything else.
pub(crate) fn event(output: Output, payload: &Payload) -> Option<String> {
    let (kind, colour, name, detail) = match payload {
        Payload::Job(changed) => {
            let job = changed.job.clone().unwrap_or_default();
            let (kind, colour) = job_kind(changed.kind());
            let detail = match changed.kind() {
                job_changed::Kind::Ended => format!(": {}", job_end(&job)),
                job_changed::Kind::InputRequired => format!(": {}", text::escape(&job.question)),
                job_changed::Kind::Created => format!(": {}", first_line(&job.prompt)),
                _ => waiting(&job).map(|why| format!(": {why}")).unwrap_or_default(),
            };
            (kind, colour, format!("job {}", text::escape(&job.name)), detail)
        }
        Payload::Agent(changed) => {
            let agent = changed.agent.clone().unwrap_or_default();
            let (kind, colour) = agent_kind(changed.kind());
            let detail = match (changed.kind(), &agent.exit) {
                (agent_changed::Kind::Exited | agent_changed::Kind::Lost, Some(exit)) => {
                    format!(": {}", show::end(exit))
                }
                _ => String::new(),
            };
            let name = format!("agent {}, attempt {}", text::escape(&agent.name), agent.attempt);
            (kind, colour, name, detail)
        }
        _ => return None,
    };
    let padded = format!("{kind:<8}");
    let kind = colour.map_or_else(|| padded.clone(), |colour| output.paint(&padded, colour));
    Some(format!("{kind}  {name}{detail}"))
}

/// Short, and on one line.
pub(super) fn first_line(prompt: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = prompt.lines().next().unwrap_or_default();
    let short: String = line.chars().take(CHARS_MAX).collect();
    let more = if short.len() < prompt.trim_end().len() { "…" } else { "" };
    text::escape(&short) + more
}

fn job_kind(kind: job_changed::Kind) -> (&'static str, Option<Colour>) {
    use job_changed::Kind;
    match kind {
        Kind::Created => ("created", None),
        Kind::Started => ("started", Some(Colour::Green)),
        Kind::InputRequired => ("asks", Some(Colour::Red)),
        Kind::Resumed => ("resumed", Some(Colour::Green)),
        Kind::Stopping => ("stopping", None),
        Kind::BackedOff => ("failed", Some(Colour::Red)),
        Kind::Requeued => ("requeued", None),
        Kind::Ended => ("ended", Some(Colour::Dim)),
        Kind::Deleted => ("deleted", None),
        Kind::Unspecified => ("changed", None),
    }
}

fn agent_kind(kind: agent_changed::Kind) -> (&'static str, Option<Colour>) {
    use agent_changed::Kind;
    match kind {
        Kind::Created => ("created", None),
        Kind::Started => ("started", Some(Colour::Green)),
        Kind::InputRequired => ("asks", Some(Colour::Red)),
        Kind::Resumed => ("resumed", Some(Colour::Green)),
        Kind::Stopping => ("stopping", None),
        Kind::Exited => ("exited", Some(Colour::Dim)),
        Kind::Unreachable => ("away", Some(Colour::Red)),
        Kind::Returned => ("back", Some(Colour::Green)),
        Kind::Lost => ("lost", Some(Colour::Red)),
        Kind::Unspecified => ("changed", None),
    }
}
