//! How the three wire formats look: frames of a stream, errors and lists of models.
//!
//! It must not know when anything is sent. The shapes are those of the providers' own servers.

mod anthropic;
mod ollama;
mod openai;

use serde_json::{Value, json};

use super::{
    http::Request,
    script::{Said, Step, Stop, Usage},
};

/// The context that every model is said to have.
const CONTEXT_TOKENS: u32 = 8192;
/// Bytes of a piece of a tool's arguments.
const ARGUMENT_BYTES: usize = 5;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Chat Completions.
    OpenAi,
    /// Ollama's own.
    Ollama,
}

/// What a request asks for.
pub(super) enum Asked {
    /// An answer of a model.
    Answer,
    /// The models.
    Models,
    /// What Ollama knows of one model.
    Show,
    /// Something else.
    Nothing,
}

/// The wire format of a request, and what it asks for.
pub(super) fn asked(request: &Request) -> (Wire, Asked) {
    let path = request.path.split('?').next().unwrap_or_default();
    match path {
        "/v1/messages" => (Wire::Anthropic, Asked::Answer),
        "/api/chat" => (Wire::Ollama, Asked::Answer),
        "/api/tags" => (Wire::Ollama, Asked::Models),
        "/api/show" => (Wire::Ollama, Asked::Show),
        _ if path.ends_with("/chat/completions") => (Wire::OpenAi, Asked::Answer),
        _ if path.ends_with("/models") => match request.header("anthropic-version") {
            Some(_) => (Wire::Anthropic, Asked::Models),
            None => (Wire::OpenAi, Asked::Models),
        },
        _ => (Wire::OpenAi, Asked::Nothing),
    }
}

/// The frames of one answer, one after another.
pub(super) trait Frames: Send {
    /// What comes before the first step; `usage`: what is told of the prompt.
    fn begin(&mut self, usage: Option<Usage>) -> Vec<Vec<u8>>;

    /// The frames of a step with content, or of a ping.
    fn step(&mut self, step: &Step) -> Vec<Vec<u8>>;

    /// What comes after the last step.
    fn finish(&mut self, stop: Stop, usage: Option<Usage>) -> Vec<Vec<u8>>;

    /// An error in the middle.
    fn error(&self, said: &Said) -> Vec<u8>;
}

impl Wire {
    pub(super) fn frames(self, model: &str) -> Box<dyn Frames> {
        match self {
            Self::Anthropic => Box::new(anthropic::Frames::new(model)),
            Self::OpenAi => Box::new(openai::Frames::new(model)),
            Self::Ollama => Box::new(ollama::Frames::new(model)),
        }
    }

    /// The type of a stream's body.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Anthropic | Self::OpenAi => "text/event-stream; charset=utf-8",
            Self::Ollama => "application/x-ndjson",
        }
    }

    /// The body of an error before the stream.
    pub(super) fn error(self, status: u16, said: &Said) -> Value {
        let kind = if said.kind.is_empty() { kind(status) } else { &said.kind };
        match self {
            Self::Anthropic => json!({
                "type": "error",
                "error": {"type": kind, "message": said.message},
                "request_id": "req_fake",
            }),
            Self::OpenAi => openai::error(kind, said),
            Self::Ollama => json!({"error": said.message}),
        }
    }

    /// The list of models.
    pub(super) fn models<'a>(self, names: impl Iterator<Item = &'a str>) -> Value {
        match self {
            Self::Anthropic => {
                let model = |name| json!({"type": "model", "id": name, "display_name": name});
                json!({"data": names.map(model).collect::<Vec<_>>(), "has_more": false})
            }
            Self::OpenAi => {
                let model = |name| json!({"id": name, "object": "model", "max_model_len": CONTEXT_TOKENS});
                json!({"object": "list", "data": names.map(model).collect::<Vec<_>>()})
            }
            Self::Ollama => {
                let model = |name| json!({"name": name, "model": name, "size": 1});
                json!({"models": names.map(model).collect::<Vec<_>>()})
            }
        }
    }
}

/// What Ollama says of one model.
pub(super) fn show() -> Value {
    json!({
        "details": {"family": "fake"},
        "model_info": {"general.architecture": "fake", "fake.context_length": CONTEXT_TOKENS},
        "capabilities": ["completion", "tools", "thinking"],
    })
}

/// The name that goes with a status.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// A server-sent event.
fn sse(name: &str, data: &Value) -> Vec<u8> {
    let name = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
    format!("{name}data: {data}\n\n").into_bytes()
}

/// Text in pieces that end between characters.
fn in_pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(ARGUMENT_BYTES.min(rest.len())));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}
