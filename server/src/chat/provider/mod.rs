//! What a model server is to the rest of the chat: a prompt goes in, pieces of an answer come out.
//!
//! It knows nothing about conversations, retries and storage, and nothing above it knows a wire format.

pub mod anthropic;
pub mod decode;
mod failure;
pub mod http;
pub mod local;
pub mod ollama;
pub mod openai;
mod stream;

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use serde::{Deserialize, Serialize};

/// A model server.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Asks for an answer. Dropping the future or the stream closes or resets the stream upstream.
    ///
    /// The stream ends with [`Piece::Stop`] or an error; one that ends without either is reported as
    /// [`FailureKind::Cut`] by the adapter. Never asks twice.
    fn generate<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>>;

    /// The models that the server offers right now: an answer means that it can be reached.
    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>>;
}

/// The pieces of an answer as they come.
pub type Pieces = BoxStream<'static, Result<Piece, Failure>>;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The model by its provider's name.
    pub model: String,
    /// Instructions before the first turn; empty: none.
    pub system: String,
    /// What was said so far, oldest first; begins and ends with the user.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// How to sample.
    pub parameters: Parameters,
    /// Tokens that the answer may have.
    pub output_tokens_max: u32,
    /// Tokens that prompt and answer may have together.
    pub context_tokens: u32,
}

/// One side's turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Whose.
    pub role: Role,
    /// What it consists of, in order; not empty.
    pub parts: Vec<Part>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, and the results of tools.
    User,
    /// The model.
    Assistant,
}

/// A part of a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// What the model thought; with the provider's seal, without which it must not be sent back.
    Thinking {
        /// The thoughts.
        text: String,
        /// The provider's seal; empty: none.
        signature: String,
    },
    /// The model's wish to have a tool called.
    ToolCall(ToolCall),
    /// What the tool gave.
    ToolResult(ToolResult),
    /// A picture.
    Image(Image),
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// What the model calls it by.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON schema of its arguments, as JSON text; was checked to be an object.
    pub input_schema: String,
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id for it; made up by the adapter where the provider gives none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Arguments as JSON text; not whole if the answer was cut inside.
    pub arguments: String,
}

/// What a tool gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub call_id: String,
    /// What it gave.
    pub content: String,
    /// It failed.
    pub is_error: bool,
}

/// A picture, inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// The file.
    pub data: Bytes,
}

/// How to sample. What is absent is the provider's to choose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// 0 to 2; an adapter cuts it to what its provider takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Above 0, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Tokens that the answer may have; see [`Prompt::output_tokens_max`] for what it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Tokens that thinking may take; absent: no thinking is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<u32>,
    /// Texts at which the answer ends, at most 4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// What comes of an answer. Pings, comments, roles and other frames without content are no pieces.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More text; not empty.
    Text(String),
    /// More of the thoughts, or the seal under them.
    Thinking {
        /// Thoughts; may be empty beside a seal.
        text: String,
        /// The provider's seal; empty: none yet.
        signature: String,
    },
    /// More of a call of a tool.
    ToolCall {
        /// Which call, from 0.
        index: u32,
        /// Its id; only in the first piece of a call.
        id: String,
        /// The tool; only in the first piece of a call.
        name: String,
        /// More of the arguments' JSON text.
        arguments: String,
    },
    /// The count so far: replaces the one before.
    Usage(Usage),
    /// Last: why it ended.
    Stop(Stop),
}

impl Piece {
    /// True for what a reader sees: text, thoughts, a call.
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Thinking { .. } | Self::ToolCall { .. })
    }
}

/// Tokens, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All of the prompt, that from a cache among it.
    pub input: u64,
    /// All of the answer, thinking among it.
    pub output: u64,
    /// Of the prompt: read from the provider's cache.
    pub cached: u64,
    /// Of the answer: thinking, where the provider tells it.
    pub thinking: u64,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stop {
    /// The model was done.
    End,
    /// `output_tokens_max` or the context was used up.
    Length,
    /// One of `Parameters::stop`.
    Sequence,
    /// It waits for the result of a tool.
    ToolCall,
    /// The model or a filter refused to go on.
    Refused,
    /// Something that this version does not know, in the provider's word.
    Other(String),
}

/// A model that a server offers. What is absent it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Its provider's name for it.
    pub name: String,
    /// Tokens that prompt and answer may have together.
    pub context_tokens: Option<u32>,
    /// Tokens that an answer may have.
    pub output_tokens_max: Option<u32>,
    /// Takes tools.
    pub tools: Option<bool>,
    /// Can think.
    pub thinking: Option<bool>,
    /// Takes pictures.
    pub images: Option<bool>,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What it was.
    pub kind: FailureKind,
    /// HTTP status, where one came.
    pub status: Option<u16>,
    /// In a sentence, for the person who waits: the provider's own words where it has some, at most
    /// [`MESSAGE_BYTES_MAX`], never a key.
    pub message: String,
    /// When the provider wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// Bytes of a [`Failure::message`].
pub const MESSAGE_BYTES_MAX: usize = 512;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureKind {
    /// No connection.
    Connect,
    /// Nothing came in time: which wait it was stands in the message.
    Timeout,
    /// Too many requests (429).
    RateLimited,
    /// The server is too busy, or broken for now (408, 409, 5xx, `overloaded_error`).
    Overloaded,
    /// The key is missing, wrong, or not allowed to (401, 402, 403).
    Denied,
    /// There is no such model (404).
    ModelNotFound,
    /// The prompt is longer than the model takes.
    ContextTooLong,
    /// The server does not take the request (other 4xx, a redirect).
    Refused,
    /// The stream ended before its end.
    Cut,
    /// What came is not the protocol, or an event was larger than the limit.
    Malformed,
    /// The local model is not there yet, or not at all.
    Unavailable,
}

impl Failure {
    /// A failure without a status.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, status: None, message: message.into(), retry_after: None }
    }

    /// True if the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        use FailureKind::{Connect, Cut, Overloaded, RateLimited, Timeout};
        matches!(self.kind, Connect | Timeout | RateLimited | Overloaded | Cut)
    }
}
