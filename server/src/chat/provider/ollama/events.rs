//! What the lines of Ollama's answers mean.
//!
//! It knows nothing about requests.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::{Failure, Piece, Stop, Usage, decode::Event as Frame, failure::Words, stream::Wire};

/// One answer's lines so far.
pub(super) struct Events {
    words: Words,
    calls: u32,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    message: Message,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<Value>,
}

impl Events {
    pub(super) fn new(words: Words) -> Self {
        Self { words, calls: 0 }
    }

    /// A call, which comes whole.
    fn call(&mut self, call: Call) -> Piece {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        Piece::ToolCall {
            index,
            id: call
                .id
                .filter(|id| !id.is_empty())
                .unwrap_or_else(|| format!("call_{}", Uuid::new_v4().simple())),
            name: call.function.name,
            arguments: call.function.arguments.map_or_else(|| "{}".to_owned(), |value| value.to_string()),
        }
    }

    fn stop(&self, reason: Option<String>) -> Stop {
        match reason.as_deref() {
            // It says so after a call too.
            Some("stop") | None if self.calls > 0 => Stop::ToolCall,
            Some("stop") | None => Stop::End,
            Some("length") => Stop::Length,
            Some(other) => Stop::Other(other.to_owned()),
        }
    }
}

impl Wire for Events {
    fn event(&mut self, frame: &Frame, pieces: &mut VecDeque<Piece>) -> Result<(), Failure> {
        let line: Line = serde_json::from_slice(&frame.data).map_err(|cause| self.words.malformed(&cause))?;
        if let Some(error) = line.error {
            let error = serde_json::json!({"error": error});
            return Err(self.words.of_value(&error).unwrap_or_else(|| self.words.cut()));
        }
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(text) = some(line.message.thinking) {
            pieces.push_back(Piece::Thinking { text, signature: String::new() });
        }
        pieces.extend(some(line.message.content).map(Piece::Text));
        for call in line.message.tool_calls.unwrap_or_default() {
            let call = self.call(call);
            pieces.push_back(call);
        }
        if line.done {
            if line.prompt_eval_count.is_some() || line.eval_count.is_some() {
                pieces.push_back(Piece::Usage(Usage {
                    input: line.prompt_eval_count.unwrap_or_default(),
                    output: line.eval_count.unwrap_or_default(),
                    ..Usage::default()
                }));
            }
            pieces.push_back(Piece::Stop(self.stop(line.done_reason)));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        Err(self.words.cut())
    }
}
