//! Conversations and messages as they are kept.
//!
//! It knows nothing about how an answer comes to be.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{
    commands::Done,
    provider::{FailureKind, Parameters, ToolCall, ToolResult, Usage},
};
use crate::ids::{ConversationId, MessageId, NodeId, WorkspaceId};

/// A conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conversation {
    /// Identity.
    pub id: ConversationId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub title: String,
    /// Somebody, or a model, has given the title: no model makes another.
    pub titled: bool,
    /// Instructions before the first message.
    pub system: String,
    /// The model of messages that name none; empty: the default.
    pub model: String,
    /// How to sample.
    pub parameters: Parameters,
    /// It was put away.
    pub archived: bool,
    /// The newest message of the branch that is shown.
    pub head: Option<MessageId>,
    /// When it was made, in milliseconds since 1970.
    pub create_ms: u64,
    /// When it last changed.
    pub update_ms: u64,
    /// The name of who made it.
    pub creator: String,
}

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// It is being generated.
    Streaming,
    /// It is whole.
    Complete,
    /// Somebody stopped it.
    Stopped,
    /// It failed.
    Failed,
    /// The server was killed meanwhile.
    Interrupted,
}

impl State {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "STREAMING",
            Self::Complete => "COMPLETE",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A message. Its content and the data of its images lie beside the rest in the database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// What it follows.
    pub parent: Option<MessageId>,
    /// Who speaks.
    pub role: Role,
    /// Where it is in its life.
    pub state: State,
    /// Its text.
    #[serde(skip)]
    pub content: String,
    /// What the model said and did beside the text.
    #[serde(flatten)]
    pub beside: Beside,
    /// What tools gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<ToolResult>,
    /// Its images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageInfo>,
    /// The model that was asked for.
    pub model: String,
    /// The model that answered: `provider/model`.
    #[serde(default)]
    pub answered_by: String,
    /// Every attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Why the model ended.
    #[serde(default)]
    pub finish_reason: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// The name of who stopped it.
    #[serde(default)]
    pub stopped_by: String,
    /// It is a command, or the answer to one: models do not see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub command: bool,
    /// What the command came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// Its newest event in the database.
    #[serde(default)]
    pub last_sequence: u64,
    /// When it was made, in milliseconds since 1970.
    pub create_ms: u64,
    /// When it was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<u64>,
    /// The server that generates it.
    pub node: NodeId,
}

/// What an answer holds beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// What the model thought.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thinking: String,
    /// The provider's seal under it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thinking_signature: String,
    /// Tools that it wants called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

impl Message {
    /// Tokens of all attempts, and whether any of the counts is estimated.
    pub fn usage(&self) -> Counted {
        let mut sum = Counted::default();
        for attempt in &self.attempts {
            let (one, all) = (attempt.counted.usage, &mut sum.usage);
            all.input += one.input;
            all.output += one.output;
            all.cached += one.cached;
            all.thinking += one.thinking;
            sum.estimated |= attempt.counted.estimated;
        }
        sum
    }
}

/// A picture of a message, without its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageInfo {
    /// `image/png` and so on.
    pub media_type: String,
    /// Bytes of the file.
    pub size: u64,
}

/// Tokens and where their count comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// From the length of the text; else the provider's word.
    pub estimated: bool,
}

/// Why an answer failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable.
    pub reason: String,
    /// In a sentence.
    pub message: String,
}

/// One attempt to get an answer from one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// `provider/model`.
    pub model: String,
    /// HTTP status; 0: none came.
    #[serde(default)]
    pub status: u16,
    /// Why it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Left>,
    /// The failure in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it began, in milliseconds since 1970.
    pub start_ms: u64,
    /// Milliseconds to the first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<u64>,
    /// Milliseconds that it took.
    pub duration_ms: u64,
    /// Its tokens.
    pub counted: Counted,
}

/// Why an attempt was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Left {
    /// It failed.
    Failed(FailureKind),
    /// It was not tried.
    Skipped(Skipped),
}

/// Why a model was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Skipped {
    /// It failed a moment ago.
    Cooldown,
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
