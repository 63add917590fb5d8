//! What a command came to, as it is kept.
//!
//! It knows nothing about how it is shown.

use serde::{Deserialize, Serialize};

use super::{
    Problem, render,
    table::{COMMANDS, Verb},
};
use crate::orchestrator::{Agent, FoundJob, Queue, ShownAgent, beginning};

/// What a command came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// Its full name; empty: there is none.
    pub command: String,
    /// For people.
    pub text: String,
    /// For programs; events of the workspace leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A job was made.
    Spawned {
        /// The job.
        job: Box<FoundJob>,
        /// Its agent.
        agent: Option<Box<ShownAgent>>,
    },
    /// Jobs, and whether there are more.
    Jobs {
        /// The newest.
        jobs: Vec<FoundJob>,
        /// There are more.
        more: bool,
    },
    /// Agents, and whether there are more.
    Agents {
        /// The newest.
        agents: Vec<ShownAgent>,
        /// There are more.
        more: bool,
    },
    /// How a job is.
    Status {
        /// The job.
        job: Box<FoundJob>,
        /// Its agent.
        agent: Option<Box<ShownAgent>>,
    },
    /// How all are.
    Overview {
        /// The queue, and how many may run.
        queue: (Queue, usize),
        /// Those that run.
        running: Vec<ShownAgent>,
        /// There are more.
        more: bool,
    },
    /// What was ended.
    Killed {
        /// The job that was named.
        job: Option<Box<FoundJob>>,
        /// The agents.
        agents: Vec<Agent>,
        /// Jobs that waited.
        cancelled: usize,
    },
    /// The last lines of an agent.
    Log {
        /// The agent.
        agent_id: String,
        /// Its terminal.
        terminal_id: String,
        /// The lines.
        text: String,
        /// The offset after them.
        offset: u64,
    },
    /// Something was typed into an agent.
    Sent {
        /// The agent.
        agent_id: String,
        /// Its name.
        name: String,
    },
    /// The queue, and how many may run.
    Queue(Queue, usize),
    /// The commands, by name.
    Help(Vec<String>),
    /// It was not done.
    Failed {
        /// Stable.
        reason: String,
        /// What was wrong.
        message: String,
        /// What may have been meant.
        suggestion: String,
        /// What a name may stand for.
        candidates: Vec<String>,
    },
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        let Problem { reason, message, suggestion, candidates } = problem;
        Self::Failed { reason: reason.as_str().to_owned(), message, suggestion, candidates }
    }
}

impl Done {
    /// With the text that goes with it.
    pub(super) fn new(verb: Option<Verb>, outcome: Outcome) -> Self {
        let spec = COMMANDS.iter().find(|spec| Some(spec.verb) == verb);
        let command = spec.map(|spec| spec.name).unwrap_or_default().to_owned();
        Self { command, text: render::text(&outcome), outcome: Some(outcome) }
    }
}

/// A job as it is kept here: without its environment, and with the beginning of its prompt.
pub(super) fn kept(mut found: FoundJob) -> FoundJob {
    found.job.spec.env.clear();
    found.job.spec.prompt = beginning(&found.job.spec.prompt);
    found
}
