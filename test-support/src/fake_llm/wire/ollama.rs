//! The lines of Ollama's own API.
//!
//! It must not know the other formats.

use serde_json::{Value, json};

use crate::fake_llm::script::{Said, Step, Stop, Usage};

/// One answer.
pub(super) struct Frames {
    model: String,
}

impl Frames {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }

    fn message(&self, mut message: Value) -> Vec<u8> {
        message["role"] = "assistant".into();
        line(&json!({
            "model": self.model, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false,
        }))
    }
}

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

impl super::Frames for Frames {
    fn begin(&mut self, _: Option<Usage>) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn step(&mut self, step: &Step) -> Vec<Vec<u8>> {
        match step {
            Step::Text(text) => vec![self.message(json!({"content": text}))],
            Step::Thinking(text) => vec![self.message(json!({"content": "", "thinking": text}))],
            Step::ToolCall(call) => {
                let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
                let call = json!({"function": {"name": call.name, "arguments": arguments}});
                vec![self.message(json!({"content": "", "tool_calls": [call]}))]
            }
            _ => Vec::new(),
        }
    }

    fn finish(&mut self, stop: Stop, usage: Option<Usage>) -> Vec<Vec<u8>> {
        let reason = match stop {
            Stop::End | Stop::ToolCall | Stop::Refused => "stop",
            Stop::Length => "length",
        };
        let mut last = json!({
            "model": self.model, "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": ""},
            "done_reason": reason, "done": true, "total_duration": 1_000_000_000_u64,
            "load_duration": 1_000_000, "prompt_eval_duration": 1_000_000, "eval_duration": 900_000_000,
        });
        if let Some(usage) = usage {
            last["prompt_eval_count"] = usage.input.into();
            last["eval_count"] = usage.output.into();
        }
        vec![line(&last)]
    }

    fn error(&self, said: &Said) -> Vec<u8> {
        line(&json!({"error": said.message}))
    }
}
