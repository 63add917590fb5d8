//! The events of Anthropic's Messages.
//!
//! It must not know the other formats.

use serde_json::{Value, json};

use super::{in_pieces, sse};
use crate::fake_llm::script::{Said, Step, Stop, Usage};

/// One answer: blocks of content, one open at a time.
pub(super) struct Frames {
    model: String,
    /// The open block: its number and type.
    open: Option<(usize, &'static str)>,
    blocks: usize,
}

impl Frames {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), open: None, blocks: 0 }
    }

    /// The number of the open block of that type; opens one if need be.
    fn block(&mut self, kind: &'static str, content: &Value, frames: &mut Vec<Vec<u8>>) -> usize {
        if let Some((index, open)) = self.open
            && open == kind
            && kind != "tool_use"
        {
            return index;
        }
        self.close(frames);
        let index = self.blocks;
        self.blocks += 1;
        self.open = Some((index, kind));
        frames.push(event(
            "content_block_start",
            &json!({"type": "content_block_start", "index": index, "content_block": content}),
        ));
        index
    }

    fn close(&mut self, frames: &mut Vec<Vec<u8>>) {
        if let Some((index, _)) = self.open.take() {
            frames.push(event("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
        }
    }
}

/// The real server pads its JSON with spaces.
fn event(name: &str, data: &Value) -> Vec<u8> {
    let mut frame = sse(name, data);
    frame.truncate(frame.len() - 2);
    frame.extend_from_slice(b"   \n\n");
    frame
}

fn delta(index: usize, delta: &Value) -> Vec<u8> {
    event("content_block_delta", &json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

impl super::Frames for Frames {
    fn begin(&mut self, usage: Option<Usage>) -> Vec<Vec<u8>> {
        let usage = usage.map(|usage| {
            json!({
                "input_tokens": usage.input.saturating_sub(usage.cached),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": usage.cached,
                "output_tokens": 1,
            })
        });
        let message = json!({
            "id": "msg_fake", "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
        });
        vec![event("message_start", &json!({"type": "message_start", "message": message}))]
    }

    fn step(&mut self, step: &Step) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        match step {
            Step::Text(text) => {
                let index = self.block("text", &json!({"type": "text", "text": ""}), &mut frames);
                frames.push(delta(index, &json!({"type": "text_delta", "text": text})));
            }
            Step::Thinking(text) => {
                let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
                let index = self.block("thinking", &empty, &mut frames);
                frames.push(delta(index, &json!({"type": "thinking_delta", "thinking": text})));
            }
            Step::Signature(signature) => {
                let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
                let index = self.block("thinking", &empty, &mut frames);
                frames.push(delta(index, &json!({"type": "signature_delta", "signature": signature})));
            }
            Step::ToolCall(call) => {
                let empty = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                let index = self.block("tool_use", &empty, &mut frames);
                // The real one begins with nothing, and spells out no empty object.
                let text = if call.arguments == "{}" { "" } else { &call.arguments };
                for piece in [""].into_iter().chain(in_pieces(text)) {
                    frames.push(delta(index, &json!({"type": "input_json_delta", "partial_json": piece})));
                }
            }
            Step::Ping => frames.push(event("ping", &json!({"type": "ping"}))),
            _ => {}
        }
        frames
    }

    fn finish(&mut self, stop: Stop, usage: Option<Usage>) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        self.close(&mut frames);
        let reason = match stop {
            Stop::End => "end_turn",
            Stop::Length => "max_tokens",
            Stop::ToolCall => "tool_use",
            Stop::Refused => "refusal",
        };
        let mut data = json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
        });
        if let Some(usage) = usage {
            data["usage"] = json!({"output_tokens": usage.output});
        }
        frames.push(event("message_delta", &data));
        frames.push(event("message_stop", &json!({"type": "message_stop"})));
        frames
    }

    fn error(&self, said: &Said) -> Vec<u8> {
        let kind = if said.kind.is_empty() { "api_error" } else { &said.kind };
        event("error", &json!({"type": "error", "error": {"type": kind, "message": said.message}}))
    }
}
