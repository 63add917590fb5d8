//! What is known of a job, and how it goes through its life.
//!
//! It knows neither tonic nor SQL nor processes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AgentId, JobId, TokenId, WorkspaceId},
    terminal::{Exit, Size},
};

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// It waits.
    Queued,
    /// Its agent runs.
    Running,
    /// Its agent asks something.
    InputRequired,
    /// It waits for its next attempt.
    BackingOff,
    /// Its agent is being ended.
    Stopping,
    /// The program exited with 0.
    Succeeded,
    /// It failed.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// It used too many tokens.
    BudgetExceeded,
    /// Nobody knows what became of it.
    Lost,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// An agent of it is about to start.
    Started,
    /// Its agent asks something.
    Asked,
    /// Its agent goes on.
    Resumed,
    /// Its agent is to be ended.
    Stopping,
    /// An attempt failed, and there is another.
    BackedOff,
    /// It goes back into the queue.
    Requeued,
    /// It is over, in this state.
    Ended(State),
    /// It was forgotten.
    Deleted,
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
            Self::BackedOff => "BACKED_OFF",
            Self::Requeued => "REQUEUED",
            Self::Ended(_) => "ENDED",
            Self::Deleted => "DELETED",
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Running,
        Self::InputRequired,
        Self::BackingOff,
        Self::Stopping,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::BudgetExceeded,
        Self::Lost,
    ];

    /// The text in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::InputRequired => "INPUT_REQUIRED",
            Self::BackingOff => "BACKING_OFF",
            Self::Stopping => "STOPPING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
            Self::BudgetExceeded => "BUDGET_EXCEEDED",
            Self::Lost => "LOST",
        }
    }

    /// True for the states that a job ends in.
    pub fn is_over(self) -> bool {
        !self.waits() && !self.has_agent()
    }

    /// True while no agent of it is alive and another may start.
    pub fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::BackingOff)
    }

    /// True while an agent of it is alive.
    pub fn has_agent(self) -> bool {
        matches!(self, Self::Running | Self::InputRequired | Self::Stopping)
    }

    /// The state after a change; `None` if it cannot happen in this state.
    pub fn after(self, change: Change) -> Option<Self> {
        match change {
            Change::Created => None,
            Change::Started => self.waits().then_some(Self::Running),
            Change::Asked => (self == Self::Running).then_some(Self::InputRequired),
            Change::Resumed => (self == Self::InputRequired).then_some(Self::Running),
            Change::Stopping => matches!(self, Self::Running | Self::InputRequired).then_some(Self::Stopping),
            Change::BackedOff => {
                matches!(self, Self::Running | Self::InputRequired).then_some(Self::BackingOff)
            }
            // By a person's wish, or because its agent never ran, or was lost and may run again.
            Change::Requeued => (self != Self::Queued && self != Self::Stopping).then_some(Self::Queued),
            Change::Ended(state) => (state.is_over() && !self.is_over()).then_some(state),
            Change::Deleted => self.is_over().then_some(self),
        }
    }
}

/// Why a job is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndReason {
    /// The program exited.
    Exited,
    /// A signal ended it.
    Signaled,
    /// It could not be started.
    StartFailed,
    /// A job that it depends on did not succeed.
    DependencyFailed,
    /// `CancelJob`.
    Cancelled,
    /// `KillAgent`, or its terminal was closed.
    Killed,
    /// `KillAll`.
    KillSwitch,
    /// It waited too long.
    QueuedTimeout,
    /// It ran too long.
    Timeout,
    /// It was silent too long.
    OutputTimeout,
    /// It used too many tokens.
    TokenBudget,
    /// It was lost.
    Lost,
}

impl EndReason {
    /// The state that a job which was stopped for this reason ends in.
    pub fn state(self) -> State {
        match self {
            Self::Cancelled | Self::Killed | Self::KillSwitch => State::Cancelled,
            Self::QueuedTimeout | Self::Timeout | Self::OutputTimeout => State::TimedOut,
            Self::TokenBudget => State::BudgetExceeded,
            Self::Lost => State::Lost,
            Self::Exited | Self::Signaled | Self::StartFailed | Self::DependencyFailed => State::Failed,
        }
    }
}

/// Somebody, or the server itself, wants a job to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why, as a fact.
    pub why: EndReason,
    /// Why, in that one's words.
    pub words: String,
    /// The name of the token, or "system".
    pub principal: String,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// From the first signal to SIGKILL.
    pub grace_ms: u64,
}

/// What was asked for. It does not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// A profile's name.
    pub profile: String,
    /// What to do.
    pub prompt: String,
    /// Working directory.
    pub cwd: Option<String>,
    /// Variables on top of the profile's.
    pub env: BTreeMap<String, String>,
    /// A repository of which the agent gets a worktree.
    pub repository: Option<String>,
    /// What the worktree begins at, as it was named.
    pub base: Option<String>,
    /// The commit that this named when the job was made.
    pub commit: Option<String>,
    /// The jobs that must succeed before.
    pub depends_on: Vec<JobId>,
    /// 1 to 10.
    pub priority: i32,
    /// Attempts that may be made.
    pub attempts_max: u32,
    /// The pause before the second one.
    pub backoff_ms: u64,
    /// How long it may wait.
    pub queued_timeout_ms: Option<u64>,
    /// How long an attempt may run.
    pub timeout_ms: u64,
    /// How long it may be silent.
    pub output_timeout_ms: Option<u64>,
    /// Run it again if its server does not come back.
    pub rerun_when_lost: bool,
    /// Tokens of all attempts; 0: any number.
    pub token_budget: u64,
    /// Whatever the caller attached.
    pub labels: BTreeMap<String, String>,
    /// The terminal's.
    pub size: Size,
}

/// The longest pause between two attempts.
const BACKOFF_MS_MAX: u64 = 3_600_000;

impl Spec {
    /// The pause after so many attempts, the failed one included: it doubles each time.
    pub fn backoff_ms(&self, attempts: u32) -> u64 {
        let doublings = attempts.saturating_sub(1).min(32);
        self.backoff_ms.saturating_mul(1 << doublings).min(BACKOFF_MS_MAX)
    }
}

/// All that is recorded of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Unique among those that are not over.
    pub name: String,
    /// Where it is in its life.
    pub state: State,
    /// What was asked for.
    pub spec: Spec,
    /// Attempts made since it was queued.
    pub attempts: u32,
    /// Grows with every claim.
    pub fence: i64,
    /// Milliseconds since 1970, as all times here.
    pub create_ms: u64,
    /// When its first attempt began.
    pub start_ms: Option<u64>,
    /// When it was over.
    pub end_ms: Option<u64>,
    /// When the next attempt may begin.
    pub retry_ms: Option<u64>,
    /// Why it is over.
    pub end_reason: Option<EndReason>,
    /// Why, in words.
    pub message: String,
    /// How the last attempt ended.
    pub exit: Option<Exit>,
    /// The newest agent.
    pub agent: Option<AgentId>,
    /// What it asks.
    pub question: String,
    /// The name of the token that made it.
    pub creator: String,
    /// That token.
    pub creator_token: TokenId,
    /// Tokens of all attempts.
    pub tokens_used: u64,
    /// The job that did not succeed.
    pub failed_dependency: Option<JobId>,
    /// It is to end.
    pub stop: Option<Stop>,
}

impl Job {
    /// Takes a change if it can happen in this state.
    pub fn step(&mut self, change: Change) -> bool {
        let next = self.state.after(change);
        self.state = next.unwrap_or(self.state);
        if next.is_some() && self.state != State::InputRequired {
            self.question.clear();
        }
        next.is_some()
    }

    /// Ends it; false if it is over already.
    pub fn end(&mut self, state: State, why: EndReason, message: impl Into<String>, now_ms: u64) -> bool {
        let ended = self.step(Change::Ended(state));
        if ended {
            self.end_reason = Some(why);
            self.message = message.into();
            self.end_ms = Some(now_ms);
            self.retry_ms = None;
        }
        ended
    }

    /// Puts it back into the queue as if it were new.
    pub fn requeue(&mut self) -> bool {
        let queued = self.step(Change::Requeued);
        if queued {
            self.end_ms = None;
            self.retry_ms = None;
            self.end_reason = None;
            self.message.clear();
            self.failed_dependency = None;
            self.stop = None;
        }
        queued
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, State};

    /// Every pair of state and change, written down once more: what may happen, and what comes of it.
    #[test]
    fn every_pair_of_state_and_change_is_decided() {
        use State::*;
        let over = [Succeeded, Failed, Cancelled, TimedOut, BudgetExceeded, Lost];
        for state in State::ALL {
            let is_over = over.contains(&state);
            assert_eq!(state.is_over(), is_over, "{state:?}");
            let when = |states: &[State], next: State| states.contains(&state).then_some(next);
            let table = [
                (Change::Created, None),
                (Change::Started, when(&[Queued, BackingOff], Running)),
                (Change::Asked, when(&[Running], InputRequired)),
                (Change::Resumed, when(&[InputRequired], Running)),
                (Change::Stopping, when(&[Running, InputRequired], Stopping)),
                (Change::BackedOff, when(&[Running, InputRequired], BackingOff)),
                (
                    Change::Requeued,
                    when(
                        &[
                            Running,
                            InputRequired,
                            BackingOff,
                            Succeeded,
                            Failed,
                            Cancelled,
                            TimedOut,
                            BudgetExceeded,
                            Lost,
                        ],
                        Queued,
                    ),
                ),
                (Change::Deleted, is_over.then_some(state)),
            ];
            for (change, expected) in table {
                assert_eq!(state.after(change), expected, "{state:?} {change:?}");
            }
            for end in State::ALL {
                let expected = (over.contains(&end) && !is_over).then_some(end);
                assert_eq!(state.after(Change::Ended(end)), expected, "{state:?} ends {end:?}");
            }
        }
    }

    #[test]
    fn the_pause_doubles_and_has_an_end() {
        let spec = super::super::example::spec();
        let spec = super::Spec { backoff_ms: 5000, ..spec };
        assert_eq!([1, 2, 3].map(|n| spec.backoff_ms(n)), [5000, 10_000, 20_000]);
        assert_eq!([20, 100].map(|n| spec.backoff_ms(n)), [3_600_000; 2]);
    }
}
