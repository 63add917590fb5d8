//! The chunks of OpenAI's Chat Completions.
//!
//! It must not know the other formats.

use serde_json::{Value, json};

use super::{in_pieces, sse};
use crate::fake_llm::script::{Said, Step, Stop, Usage};

/// One answer.
pub(super) struct Frames {
    model: String,
    calls: usize,
}

impl Frames {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), calls: 0 }
    }

    fn chunk(&self, choices: &Value, usage: &Value) -> Vec<u8> {
        sse(
            "",
            &json!({
                "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000,
                "model": self.model, "choices": choices, "usage": usage,
            }),
        )
    }

    fn delta(&self, delta: &Value) -> Vec<u8> {
        let choice = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]);
        self.chunk(&choice, &Value::Null)
    }
}

/// The body of an error, before the stream and inside of it.
pub(super) fn error(kind: &str, said: &Said) -> Value {
    json!({"error": {"message": said.message, "type": kind, "param": null, "code": kind}})
}

impl super::Frames for Frames {
    fn begin(&mut self, _: Option<Usage>) -> Vec<Vec<u8>> {
        vec![self.delta(&json!({"role": "assistant", "content": "", "refusal": null}))]
    }

    fn step(&mut self, step: &Step) -> Vec<Vec<u8>> {
        match step {
            Step::Text(text) => vec![self.delta(&json!({"content": text}))],
            Step::Thinking(text) => vec![self.delta(&json!({"reasoning_content": text}))],
            Step::ToolCall(call) => {
                let index = self.calls;
                self.calls += 1;
                let first = json!({"tool_calls": [{
                    "index": index, "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": ""},
                }]});
                let more =
                    |piece: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
                let more = in_pieces(&call.arguments).map(|piece| self.delta(&more(piece)));
                std::iter::once(self.delta(&first)).chain(more).collect()
            }
            Step::Ping => vec![b": still here\n\n".to_vec()],
            _ => Vec::new(),
        }
    }

    fn finish(&mut self, stop: Stop, usage: Option<Usage>) -> Vec<Vec<u8>> {
        let reason = match stop {
            Stop::End => "stop",
            Stop::Length => "length",
            Stop::ToolCall => "tool_calls",
            Stop::Refused => "content_filter",
        };
        let last = json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason}]);
        let mut frames = vec![self.chunk(&last, &Value::Null)];
        if let Some(usage) = usage {
            let usage = json!({
                "prompt_tokens": usage.input,
                "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": usage.thinking, "audio_tokens": 0},
            });
            frames.push(self.chunk(&json!([]), &usage));
        }
        frames.push(b"data: [DONE]\n\n".to_vec());
        frames
    }

    fn error(&self, said: &Said) -> Vec<u8> {
        let kind = if said.kind.is_empty() { "server_error" } else { &said.kind };
        sse("", &error(kind, said))
    }
}
