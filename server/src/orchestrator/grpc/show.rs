//! Domain types as proto messages.
//!
//! It decides nothing.

use std::time::Duration;

use mosaic_proto::orchestrator::v1 as pb;

use crate::{
    config::ProfileKind,
    orchestrator::{
        agent::{Agent, Receipt},
        job::{EndReason, Job},
        profile::Profile,
        store::{beginning, queue::Queue, read::FoundJob},
    },
    terminal::grpc::{show_exit, show_limits, show_step, show_survivor, show_tracking, span, timestamp},
};

/// A job from the payload of an event; `None` if it is not one.
pub(crate) fn to_proto_job(payload: serde_json::Value) -> Option<pb::Job> {
    serde_json::from_value::<Job>(payload).ok().map(show_plain_job)
}

/// An agent from the payload of an event; `None` if it is not one.
pub(crate) fn to_proto_agent(payload: serde_json::Value) -> Option<pb::Agent> {
    serde_json::from_value::<Agent>(payload).ok().map(|agent| show_agent(agent, String::new()))
}

pub(super) fn show_profile(profile: &Profile) -> pb::Profile {
    let kind = match profile.settings.kind {
        ProfileKind::Shell => pb::profile::Kind::Shell,
        ProfileKind::Command => pb::profile::Kind::Command,
        ProfileKind::Tui => pb::profile::Kind::Tui,
    };
    let settings = &profile.settings;
    let why = profile.unavailable();
    let limits = pb::Limits {
        memory_bytes: settings.memory_bytes_max,
        processes: settings.processes_max,
        cpu_millis: settings.cpu_millis_max,
    };
    pb::Profile {
        name: profile.name.clone(),
        description: settings.description.clone(),
        kind: kind.into(),
        command: settings.command.clone(),
        available: why.is_none(),
        unavailable_reason: why.unwrap_or_default(),
        secret_env: settings.secret_env.clone(),
        running_max: u32::try_from(settings.running_max).unwrap_or(u32::MAX),
        timeout: Some(span(profile.timeout)),
        limits: Some(limits),
    }
}

/// About how large a job is in a list.
pub(super) fn size(found: &FoundJob) -> usize {
    let spec = &found.job.spec;
    let pairs = spec.labels.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
    4096 + pairs + spec.depends_on.len() * 40
}

pub(super) fn show_job_in_list(mut found: FoundJob) -> pb::Job {
    found.job.spec.prompt = beginning(&found.job.spec.prompt);
    show_job(found)
}

pub(crate) fn show_job(found: FoundJob) -> pb::Job {
    let waiting_for = found.waiting_for().to_owned();
    pb::Job { waiting_for, ..show_plain_job(found.job) }
}

pub(super) fn show_plain_job(job: Job) -> pb::Job {
    let millis = |ms| span(Duration::from_millis(ms));
    let state = pb::job::State::from_str_name(&format!("STATE_{}", job.state.as_str())).unwrap_or_default();
    let spec = job.spec;
    pb::Job {
        id: job.id.to_string(),
        name: job.name,
        state: state.into(),
        profile: spec.profile,
        prompt: spec.prompt,
        cwd: spec.cwd.unwrap_or_default(),
        repository: spec.repository.unwrap_or_default(),
        base: spec.base.unwrap_or_default(),
        depends_on: spec.depends_on.iter().map(ToString::to_string).collect(),
        priority: spec.priority,
        attempts_max: spec.attempts_max,
        attempts: job.attempts,
        queued_timeout: spec.queued_timeout_ms.map(millis),
        timeout: Some(millis(spec.timeout_ms)),
        output_timeout: spec.output_timeout_ms.map(millis),
        rerun_when_lost: spec.rerun_when_lost,
        token_budget: spec.token_budget,
        labels: spec.labels.into_iter().collect(),
        create_time: Some(timestamp(job.create_ms)),
        start_time: job.start_ms.map(timestamp),
        end_time: job.end_ms.map(timestamp),
        retry_time: job.retry_ms.map(timestamp),
        waiting_for: String::new(),
        end_reason: job.end_reason.map_or(0, |why| show_end_reason(why).into()),
        message: job.message,
        exit: job.exit.map(show_exit),
        agent_id: job.agent.map(|agent| agent.to_string()).unwrap_or_default(),
        question: job.question,
        creator: job.creator,
        tokens_used: job.tokens_used,
        failed_dependency_id: job.failed_dependency.map(|job| job.to_string()).unwrap_or_default(),
    }
}

fn show_end_reason(why: EndReason) -> pb::job::EndReason {
    match why {
        EndReason::Exited => pb::job::EndReason::Exited,
        EndReason::Signaled => pb::job::EndReason::Signaled,
        EndReason::StartFailed => pb::job::EndReason::StartFailed,
        EndReason::DependencyFailed => pb::job::EndReason::DependencyFailed,
        EndReason::Cancelled => pb::job::EndReason::Cancelled,
        EndReason::Killed => pb::job::EndReason::Killed,
        EndReason::KillSwitch => pb::job::EndReason::KillSwitch,
        EndReason::QueuedTimeout => pb::job::EndReason::QueuedTimeout,
        EndReason::Timeout => pb::job::EndReason::Timeout,
        EndReason::OutputTimeout => pb::job::EndReason::OutputTimeout,
        EndReason::TokenBudget => pb::job::EndReason::TokenBudget,
        EndReason::Lost => pb::job::EndReason::Lost,
    }
}

pub(crate) fn show_agent(agent: Agent, last_line: String) -> pb::Agent {
    let state =
        pb::agent::State::from_str_name(&format!("STATE_{}", agent.state.as_str())).unwrap_or_default();
    let saved_ref = agent.left.saved_ref;
    pb::Agent {
        id: agent.id.to_string(),
        name: agent.name,
        state: state.into(),
        job_id: agent.job.to_string(),
        attempt: agent.attempt,
        profile: agent.profile,
        terminal_id: agent.terminal.to_string(),
        node_id: agent.node.to_string(),
        fence: agent.fence.cast_unsigned(),
        pid: agent.pid.unsigned_abs(),
        create_time: Some(timestamp(agent.create_ms)),
        start_time: agent.start_ms.map(timestamp),
        end_time: agent.end_ms.map(timestamp),
        exit: agent.exit.map(show_exit),
        receipt: agent.receipt.map(|receipt| show_receipt(receipt, saved_ref.clone())),
        worktree: agent.worktree.unwrap_or_default(),
        branch: agent.branch.unwrap_or_default(),
        tokens_used: agent.tokens_used,
        last_line,
        limits: agent.bounds.and_then(show_limits),
        worktree_kept: agent.left.kept.unwrap_or_default(),
        saved_ref: saved_ref.unwrap_or_default(),
    }
}

pub(super) fn show_receipt(receipt: Receipt, saved_ref: Option<String>) -> pb::Receipt {
    pb::Receipt {
        reason: receipt.stop.words,
        principal: receipt.stop.principal,
        request_time: Some(timestamp(receipt.stop.time_ms)),
        end_time: Some(timestamp(receipt.end_ms)),
        proven: receipt.proven,
        survivors: receipt.survivors.into_iter().map(show_survivor).collect(),
        steps: receipt.steps.into_iter().map(show_step).collect(),
        tracking: show_tracking(receipt.tracking).into(),
        saved_ref: saved_ref.unwrap_or_default(),
    }
}

pub(crate) fn show_queue((queue, running_max): (Queue, usize)) -> pb::Queue {
    let count = |count: i64| u32::try_from(count).unwrap_or_default();
    pb::Queue {
        paused: queue.paused,
        pause_reason: queue.pause_reason,
        ready: count(queue.ready),
        blocked: count(queue.blocked),
        backing_off: count(queue.backing_off),
        running: count(queue.running),
        running_max: u32::try_from(running_max).unwrap_or(u32::MAX),
        epoch: queue.epoch.cast_unsigned(),
        oldest_wait: queue
            .oldest_wait_s
            .map(|seconds| span(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())),
    }
}
