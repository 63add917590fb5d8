//! What is known of a terminal: the record that the database keeps and events carry.
//!
//! It knows neither tonic nor SQL.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tree::{Bounds, TreeEnd};
use crate::{
    ids::{AgentId, NodeId, TerminalId, TokenId, WorkspaceId},
    keeper::wire,
};

/// Where a terminal is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Recorded, about to start.
    Starting,
    /// Its program runs.
    Running,
    /// Its program has ended.
    Exited,
    /// The machine, or both processes that held it, went away.
    Lost,
}

/// What can happen to a terminal. The text is what events carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was recorded.
    Created,
    /// Its program runs.
    Started,
    /// It has another name.
    Renamed,
    /// It ended.
    Exited,
    /// It was lost.
    Lost,
    /// It was forgotten.
    Deleted,
}

impl Change {
    /// The text in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Started => "STARTED",
            Self::Renamed => "RENAMED",
            Self::Exited => "EXITED",
            Self::Lost => "LOST",
            Self::Deleted => "DELETED",
        }
    }
}

impl State {
    /// The text in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Exited => "EXITED",
            Self::Lost => "LOST",
        }
    }

    /// The state after a change; `None` if it cannot happen in this state.
    pub fn after(self, change: Change) -> Option<Self> {
        match (self, change) {
            (Self::Starting, Change::Started) => Some(Self::Running),
            (Self::Starting | Self::Running, Change::Renamed) => Some(self),
            (Self::Starting | Self::Running, Change::Exited) => Some(Self::Exited),
            (Self::Starting | Self::Running, Change::Lost) => Some(Self::Lost),
            // One whose program could not be started is forgotten at once.
            (Self::Starting | Self::Exited | Self::Lost, Change::Deleted) => Some(self),
            (_, Change::Created)
            | (Self::Running, Change::Started | Change::Deleted)
            | (
                Self::Exited | Self::Lost,
                Change::Started | Change::Renamed | Change::Exited | Change::Lost,
            ) => None,
        }
    }

    /// True while there is, or is about to be, a program.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}

/// Why a terminal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// By itself.
    Exited,
    /// Someone closed it.
    Closed,
    /// Everything was ended.
    Killed,
    /// It was idle for too long.
    IdleTimeout,
    /// It ran for too long.
    TimeLimit,
    /// It was lost.
    Lost,
    /// It ended, and nobody knows how.
    Unknown,
}

/// How a terminal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Why.
    pub reason: Reason,
    /// Exit code, 0 to 255.
    pub code: Option<i32>,
    /// Signal number.
    pub signal: Option<i32>,
    /// Processor time in microseconds.
    pub cpu_us: Option<u64>,
    /// Largest resident set in bytes.
    pub peak_memory_bytes: Option<u64>,
}

impl Exit {
    /// The end of a terminal that was lost.
    pub const LOST: Self =
        Self { reason: Reason::Lost, code: None, signal: None, cpu_us: None, peak_memory_bytes: None };
}

impl From<wire::Exit> for Exit {
    fn from(exit: wire::Exit) -> Self {
        let told = exit.code.is_some() || exit.signal.is_some();
        let reason = match exit.reason() {
            wire::Reason::Exited if told => Reason::Exited,
            wire::Reason::Exited => Reason::Unknown,
            wire::Reason::Closed => Reason::Closed,
            wire::Reason::Killed => Reason::Killed,
            wire::Reason::Idle => Reason::IdleTimeout,
            wire::Reason::TimeLimit => Reason::TimeLimit,
            wire::Reason::Lost => Reason::Lost,
        };
        let (cpu_us, peak_memory_bytes) = (exit.cpu_us, exit.peak_memory_bytes);
        Self { reason, code: exit.code, signal: exit.signal, cpu_us, peak_memory_bytes }
    }
}

/// A size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Width, 1 to 1000.
    pub cols: u16,
    /// Height, 1 to 1000.
    pub rows: u16,
}

impl Default for Size {
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

/// All that is recorded of a terminal. The environment is not: it may hold secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Identity.
    pub id: TerminalId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Unique among the live ones of the workspace.
    pub name: String,
    /// The name that it was given when it was made without one.
    #[serde(default)]
    pub made_name: Option<String>,
    /// Where it is in its life.
    pub state: State,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Size.
    pub size: Size,
    /// Newest title.
    pub title: String,
    /// Process; 0 before it runs.
    pub pid: i32,
    /// Milliseconds since 1970.
    pub create_ms: u64,
    /// Milliseconds since 1970; absent while it lives.
    pub end_ms: Option<u64>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Oldest byte of output kept.
    pub output_start: u64,
    /// End of the output.
    pub output_end: u64,
    /// Bytes that were never kept.
    pub output_lost_bytes: u64,
    /// The server that holds it.
    pub node: NodeId,
    /// It is closed after so many milliseconds without output and input.
    pub idle_timeout_ms: Option<u64>,
    /// It is closed when it has run for so many milliseconds.
    #[serde(default)]
    pub time_limit_ms: Option<u64>,
    /// What holds its processes together; absent before it runs, and for one that an older server started.
    #[serde(default)]
    pub bounds: Option<Bounds>,
    /// How its processes were ended, if they were.
    #[serde(default)]
    pub tree_end: Option<TreeEnd>,
    /// The name of the token that made it.
    pub creator: String,
    /// The token that made it.
    pub creator_token: TokenId,
    /// The agent whose it is.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// The keeper that was asked to start it.
    #[serde(default)]
    pub keeper: Option<Uuid>,
}

impl Record {
    /// Takes a change if it can happen in this state.
    pub fn step(&mut self, change: Change) -> bool {
        let next = self.state.after(change);
        self.state = next.unwrap_or(self.state);
        next.is_some()
    }
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Change, State};

    #[test]
    fn every_pair_of_state_and_change_is_decided() {
        use Change::*;
        let changes = [Created, Started, Renamed, Exited, Lost, Deleted];
        let table = [
            (
                State::Starting,
                [
                    None,
                    Some(State::Running),
                    Some(State::Starting),
                    Some(State::Exited),
                    Some(State::Lost),
                    Some(State::Starting),
                ],
            ),
            (
                State::Running,
                [None, None, Some(State::Running), Some(State::Exited), Some(State::Lost), None],
            ),
            (State::Exited, [None, None, None, None, None, Some(State::Exited)]),
            (State::Lost, [None, None, None, None, None, Some(State::Lost)]),
        ];
        for (state, expected) in table {
            for (change, expected) in changes.into_iter().zip(expected) {
                assert_eq!(state.after(change), expected, "{state:?} {change:?}");
            }
        }
    }
}
