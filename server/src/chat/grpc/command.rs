//! Commands and what they came to, as proto messages.
//!
//! It decides nothing.

use mosaic_proto::chat::v1::{self as pb, command_argument, command_result as shown};

use crate::{
    chat::commands::{Argument, COMMANDS, Completion, Done, Flag, Kind, Outcome, Spec},
    orchestrator::{Agent, FoundJob, ShownAgent, grpc},
};

pub(super) fn show_commands(completions: Vec<Completion>) -> pb::ListCommandsResponse {
    let completion = |one: Completion| pb::Completion {
        replace_from: u32::try_from(one.from).unwrap_or(u32::MAX),
        text: one.text,
        detail: one.detail,
    };
    pb::ListCommandsResponse {
        commands: COMMANDS.iter().map(show_command).collect(),
        completions: completions.into_iter().map(completion).collect(),
    }
}

fn show_command(spec: &Spec) -> pb::Command {
    let argument = |argument: &Argument| {
        let kind = match argument.kind {
            Kind::Profile => command_argument::Kind::Profile,
            Kind::Agent => command_argument::Kind::Agent,
            Kind::Job => command_argument::Kind::Job,
            Kind::Text => command_argument::Kind::Text,
            Kind::Word => command_argument::Kind::Word,
        };
        pb::CommandArgument { name: argument.name.to_owned(), kind: kind.into(), required: argument.required }
    };
    let option = |flag: &Flag| pb::CommandOption {
        name: flag.name.to_owned(),
        value: flag.value.to_owned(),
        repeated: flag.repeated,
    };
    pb::Command {
        name: spec.name.to_owned(),
        usage: spec.usage.to_owned(),
        summary: spec.summary.to_owned(),
        arguments: spec.arguments.iter().map(argument).collect(),
        options: spec.options.iter().map(option).collect(),
    }
}

/// About how large a result is.
pub(super) fn size(done: &Done) -> usize {
    let jobs = |count: usize| 8192 * count;
    let typed = match &done.outcome {
        None => 0,
        Some(Outcome::Jobs { jobs: all, .. }) => jobs(all.len()),
        Some(Outcome::Agents { agents, .. } | Outcome::Overview { running: agents, .. }) => {
            jobs(agents.len())
        }
        Some(Outcome::Killed { agents, .. }) => jobs(agents.len() + 1),
        Some(Outcome::Spawned { .. } | Outcome::Status { .. }) => jobs(2),
        Some(Outcome::Log { text, .. }) => text.len(),
        Some(_) => 1024,
    };
    done.text.len() + typed
}

pub(super) fn show_done(done: Done) -> pb::CommandResult {
    pb::CommandResult { command: done.command, text: done.text, result: done.outcome.map(show_outcome) }
}

fn show_outcome(outcome: Outcome) -> shown::Result {
    use shown::Result as Shown;
    match outcome {
        Outcome::Spawned { job, agent } => Shown::Spawned(shown::Spawned {
            job: Some(show_job(*job)),
            agent: agent.map(|agent| show_agent(*agent)),
        }),
        Outcome::Jobs { jobs, more } => {
            Shown::Jobs(shown::Jobs { jobs: jobs.into_iter().map(show_job).collect(), more })
        }
        Outcome::Agents { agents, more } => {
            Shown::Agents(shown::Agents { agents: agents.into_iter().map(show_agent).collect(), more })
        }
        Outcome::Status { job, agent } => Shown::Status(shown::Status {
            job: Some(show_job(*job)),
            agent: agent.map(|agent| show_agent(*agent)),
            ..shown::Status::default()
        }),
        Outcome::Overview { queue, running, more } => Shown::Status(shown::Status {
            queue: Some(grpc::show_queue(queue)),
            running: running.into_iter().map(show_agent).collect(),
            more,
            ..shown::Status::default()
        }),
        Outcome::Killed { job, agents, cancelled } => Shown::Killed(shown::Killed {
            job: job.map(|job| show_job(*job)),
            agents: agents.into_iter().map(show_ended).collect(),
            cancelled_jobs: u32::try_from(cancelled).unwrap_or(u32::MAX),
        }),
        Outcome::Log { agent_id, terminal_id, text, offset } => {
            Shown::Log(shown::Log { agent_id, terminal_id, text, offset })
        }
        Outcome::Sent { agent_id, name } => Shown::Sent(shown::Sent { agent_id, name }),
        Outcome::Queue(queue, most) => Shown::Queue(grpc::show_queue((queue, most))),
        Outcome::Help(names) => {
            let about = COMMANDS.iter().filter(|spec| names.iter().any(|name| name == spec.name));
            Shown::Help(shown::Help { commands: about.map(show_command).collect() })
        }
        Outcome::Failed { reason, message, suggestion, candidates } => {
            Shown::Error(pb::CommandError { reason, message, suggestion, candidates })
        }
    }
}

fn show_job(job: FoundJob) -> mosaic_proto::orchestrator::v1::Job {
    grpc::show_job(job)
}

fn show_agent((agent, last_line): ShownAgent) -> mosaic_proto::orchestrator::v1::Agent {
    grpc::show_agent(agent, last_line)
}

fn show_ended(agent: Agent) -> mosaic_proto::orchestrator::v1::Agent {
    grpc::show_agent(agent, String::new())
}
