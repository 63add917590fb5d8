//! What goes over the socket: one request line, then lines of the answer.
//!
//! It must not know who computes the answer.

use serde::{Deserialize, Serialize};

/// Bytes of a request's line.
pub(crate) const REQUEST_BYTES_MAX: u64 = 4 << 20;

const STOPS_MAX: usize = 8;
const STOP_BYTES_MAX: usize = 1024;

/// What is asked. The connection that it came over is the generation: closing it ends both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The conversation, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Tokens that the answer may have; absent: what the context has room for.
    #[serde(default)]
    pub(crate) max_tokens: Option<usize>,
    /// 0: always the likeliest token.
    #[serde(default)]
    pub(crate) temperature: Option<f32>,
    /// Only the likeliest tokens that together have this probability.
    #[serde(default)]
    pub(crate) top_p: Option<f32>,
    /// Texts at which the answer ends, without them.
    #[serde(default)]
    pub(crate) stop: Vec<String>,
}

/// A message of the conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    /// `system`, `user` or `assistant`.
    pub(crate) role: String,
    /// Text, and nothing but text: what looks like a control token is none.
    pub(crate) content: String,
}

impl Request {
    /// Reads and checks a line.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Answer> {
        let request: Self =
            serde_json::from_slice(line).map_err(|cause| Answer::invalid(&cause.to_string()))?;
        let wrong = request.wrong();
        wrong.map_or(Ok(request), |wrong| Err(Answer::invalid(wrong)))
    }

    fn wrong(&self) -> Option<&'static str> {
        if self.messages.is_empty() {
            return Some("messages: there is none");
        }
        let role = |one: &Message| matches!(one.role.as_str(), "system" | "user" | "assistant");
        if !self.messages.iter().all(role) {
            return Some("role: system, user or assistant");
        }
        if self.max_tokens == Some(0) {
            return Some("max_tokens: at least 1");
        }
        if self.temperature.is_some_and(|value| !(0.0..=10.0).contains(&value)) {
            return Some("temperature: 0 to 10");
        }
        if self.top_p.is_some_and(|value| !(value > 0.0 && value <= 1.0)) {
            return Some("top_p: above 0, at most 1");
        }
        let stop = |one: &String| !one.is_empty() && one.len() <= STOP_BYTES_MAX;
        (self.stop.len() > STOPS_MAX || !self.stop.iter().all(stop)).then_some("stop: 8 of 1 to 1024 bytes")
    }
}

/// A line of the answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// Some more of the prompt was read: how many of its tokens so far. Only a sign of life.
    Read {
        /// Tokens.
        read: usize,
    },
    /// More text; not empty.
    Text {
        /// The text.
        text: String,
    },
    /// Last: the end.
    Done {
        /// Why.
        done: Done,
        /// Counted.
        usage: Usage,
    },
    /// Last: no answer, or no more of it.
    Error {
        /// In a sentence.
        error: String,
        /// What to do about it.
        kind: ErrorKind,
    },
}

impl Answer {
    /// The request was wrong.
    pub(crate) fn invalid(error: &str) -> Self {
        Self::Error { error: error.to_owned(), kind: ErrorKind::Invalid }
    }

    /// Too many ask.
    pub(crate) fn busy() -> Self {
        Self::Error { error: "too many generations wait already".to_owned(), kind: ErrorKind::Busy }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// The model was done.
    Stop,
    /// `max_tokens` or the context was used up.
    Length,
    /// One of `stop`.
    Sequence,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    /// Of the prompt.
    pub(crate) input: usize,
    /// Of the answer.
    pub(crate) output: usize,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    /// The prompt does not fit.
    ContextTooLong,
    /// The request makes no sense.
    Invalid,
    /// Ask again later.
    Busy,
}
