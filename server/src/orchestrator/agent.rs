//! What is known of an agent, one attempt at a job, and how it goes through its life.
//!
//! It knows neither tonic nor SQL nor processes.

use serde::{Deserialize, Serialize};

use super::{
    job::{Job, Stop},
    now_ms,
    place::Left,
};
use crate::{
    ids::{AgentId, JobId, NodeId, TerminalId, WorkspaceId},
    terminal::{Bounds, Exit, Step, Survivor, Tracking},
};

/// Where an agent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Recorded, about to start.
    Starting,
    /// Its program runs.
    Running,
    /// Its program asks something.
    InputRequired,
    /// It is being ended.
    Stopping,
    /// Its program has ended.
    Exited,
    /// Its server does not answer.
    Unreachable,
    /// Nobody knows what became of it.
    Lost,
}

/// What can happen to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was recorded.
    Created,
    /// Its program runs.
    Started,
    /// It asks something.
    Asked,
    /// It goes on.
    Resumed,
    /// It is to be ended.
    Stopping,
    /// Its program has ended, or never ran.
    Exited,
    /// Its server does not answer.
    Unreachable,
    /// Its server is back.
    Returned,
    /// It is lost.
    Lost,
}

impl Change {
    /// The text in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Started => "STARTED",
            Self::Asked => "INPUT_REQUIRED",
            Self::Resumed => "RESUMED",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Unreachable => "UNREACHABLE",
            Self::Returned => "RETURNED",
            Self::Lost => "LOST",
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Running,
        Self::InputRequired,
        Self::Stopping,
        Self::Exited,
        Self::Unreachable,
        Self::Lost,
    ];

    /// The text in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::InputRequired => "INPUT_REQUIRED",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Unreachable => "UNREACHABLE",
            Self::Lost => "LOST",
        }
    }

    /// True once nothing more can happen to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Exited | Self::Lost)
    }

    /// The state after a change; `None` if it cannot happen in this state.
    pub fn after(self, change: Change) -> Option<Self> {
        if self.is_over() {
            return None;
        }
        match (change, self) {
            (Change::Created, _) => None,
            // One that is to be ended may start all the same; it goes on to its end.
            (Change::Started, Self::Starting) => Some(Self::Running),
            (Change::Started, _) => None,
            (Change::Asked, Self::Running) => Some(Self::InputRequired),
            (Change::Asked, _) => None,
            (Change::Resumed, Self::InputRequired) => Some(Self::Running),
            (Change::Resumed, _) => None,
            (Change::Stopping, Self::Stopping) => None,
            (Change::Stopping, _) => Some(Self::Stopping),
            (Change::Exited, _) => Some(Self::Exited),
            (Change::Unreachable, Self::Unreachable) => None,
            (Change::Unreachable, _) => Some(Self::Unreachable),
            (Change::Returned, Self::Unreachable) => Some(Self::Running),
            (Change::Returned, _) => None,
            (Change::Lost, _) => Some(Self::Lost),
        }
    }
}

/// What ending it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who wanted it, and why.
    pub stop: Stop,
    /// When it was over.
    pub end_ms: u64,
    /// Nothing of it is left.
    pub proven: bool,
    /// What may be left.
    pub survivors: Vec<Survivor>,
    /// How its processes were found.
    pub tracking: Option<Tracking>,
    /// What was sent, in this order.
    pub steps: Vec<Step>,
}

/// All that is recorded of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// Identity.
    pub id: AgentId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Its job's.
    pub name: String,
    /// Where it is in its life.
    pub state: State,
    /// Its job.
    pub job: JobId,
    /// From 1.
    pub attempt: u32,
    /// A profile's name.
    pub profile: String,
    /// Its terminal.
    pub terminal: TerminalId,
    /// The server that holds it.
    pub node: NodeId,
    /// The machine's start that it runs in.
    pub boot: String,
    /// The job's fence.
    pub fence: i64,
    /// Process; 0 before it runs.
    pub pid: i32,
    /// Milliseconds since 1970, as all times here.
    pub create_ms: u64,
    /// When its program began to run.
    pub start_ms: Option<u64>,
    /// When it ended.
    pub end_ms: Option<u64>,
    /// How its program ended.
    pub exit: Option<Exit>,
    /// It is to end.
    pub stop: Option<Stop>,
    /// What ending it came to.
    pub receipt: Option<Receipt>,
    /// The directory of its worktree.
    #[serde(default)]
    pub worktree: Option<String>,
    /// The branch that it works on.
    #[serde(default)]
    pub branch: Option<String>,
    /// The repository whose worktree that is.
    #[serde(default)]
    pub repository: Option<String>,
    /// What is left of its work.
    #[serde(default)]
    pub left: Left,
    /// Tokens that it reported.
    #[serde(default)]
    pub tokens_used: u64,
    /// Its limits, and who keeps them; absent before it runs.
    #[serde(default)]
    pub bounds: Option<Bounds>,
}

impl Agent {
    /// An attempt at a claimed job that is about to start on this node.
    pub fn starting(job: &Job, node: NodeId, boot: String) -> Self {
        Self {
            id: AgentId::new(),
            workspace: job.workspace,
            name: job.name.clone(),
            state: State::Starting,
            job: job.id,
            attempt: 0,
            profile: job.spec.profile.clone(),
            terminal: TerminalId::new(),
            node,
            boot,
            fence: job.fence,
            pid: 0,
            create_ms: now_ms(),
            start_ms: None,
            end_ms: None,
            exit: None,
            stop: None,
            receipt: None,
            worktree: None,
            branch: None,
            repository: None,
            left: Left::default(),
            tokens_used: 0,
            bounds: None,
        }
    }

    /// Takes a change if it can happen in this state.
    pub fn step(&mut self, change: Change) -> bool {
        let next = self.state.after(change);
        self.state = next.unwrap_or(self.state);
        // Whoever comes back to be ended goes on with that.
        if change == Change::Returned && self.state == State::Running && self.stop.is_some() {
            self.state = State::Stopping;
        }
        next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, State};

    #[test]
    fn every_pair_of_state_and_change_is_decided() {
        use State::*;
        let alive = [Starting, Running, InputRequired, Stopping, Unreachable];
        for state in State::ALL {
            let when = |states: &[State], next: State| states.contains(&state).then_some(next);
            let table = [
                (Change::Created, None),
                (Change::Started, when(&[Starting], Running)),
                (Change::Asked, when(&[Running], InputRequired)),
                (Change::Resumed, when(&[InputRequired], Running)),
                (Change::Stopping, when(&[Starting, Running, InputRequired, Unreachable], Stopping)),
                (Change::Exited, when(&alive, Exited)),
                (Change::Unreachable, when(&[Starting, Running, InputRequired, Stopping], Unreachable)),
                (Change::Returned, when(&[Unreachable], Running)),
                (Change::Lost, when(&alive, Lost)),
            ];
            for (change, expected) in table {
                assert_eq!(state.after(change), expected, "{state:?} {change:?}");
            }
        }
    }
}
