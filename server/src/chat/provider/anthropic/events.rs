//! What the events of Anthropic's Messages API mean.
//!
//! It knows nothing about requests.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{Failure, Piece, Stop, Usage, decode::Event as Frame, failure::Words, stream::Wire},
    request::REDACTED,
};

/// One answer's events so far.
pub(super) struct Events {
    words: Words,
    usage: Usage,
    stop: Option<Stop>,
    calls: u32,
    /// The call under way.
    call: Option<Call>,
}

struct Call {
    /// The content block that it stands in.
    block: u64,
    index: u32,
    /// Arguments came.
    begun: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: End,
        usage: Option<Tokens>,
    },
    MessageStop,
    Error(Map<String, Value>),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Map<String, Value>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Events {
    pub(super) fn new(words: Words) -> Self {
        Self { words, usage: Usage::default(), stop: None, calls: 0, call: None }
    }

    /// The count so far; the prompt's stands only in the first one, or in all.
    fn count(&mut self, tokens: &Tokens) -> Piece {
        if let Some(input) = tokens.input_tokens {
            let cached = tokens.cache_read_input_tokens.unwrap_or_default();
            let written = tokens.cache_creation_input_tokens.unwrap_or_default();
            self.usage.input = input.saturating_add(cached).saturating_add(written);
            self.usage.cached = cached;
        }
        self.usage.output = tokens.output_tokens.unwrap_or(self.usage.output);
        Piece::Usage(self.usage)
    }

    fn begin(&mut self, block: u64, content: Block) -> Option<Piece> {
        Some(match content {
            Block::Text { text } => return some_text(text),
            Block::Thinking { thinking, signature } => return some_thinking(thinking, signature),
            Block::RedactedThinking { data } => {
                Piece::Thinking { text: String::new(), signature: format!("{REDACTED}{data}") }
            }
            Block::ToolUse { id, name, input } => {
                let arguments =
                    if input.is_empty() { String::new() } else { Value::Object(input).to_string() };
                let index = self.calls;
                self.calls += 1;
                self.call = Some(Call { block, index, begun: !arguments.is_empty() });
                Piece::ToolCall { index, id, name, arguments }
            }
            Block::Other => return None,
        })
    }

    fn more(&mut self, block: u64, delta: Delta) -> Option<Piece> {
        match delta {
            Delta::Text { text } => some_text(text),
            Delta::Thinking { thinking } => some_thinking(thinking, String::new()),
            Delta::Signature { signature } => some_thinking(String::new(), signature),
            Delta::InputJson { partial_json } => {
                // Blocks of other kinds (the provider's own tools) have such deltas too.
                let call = self.call.as_mut().filter(|call| call.block == block)?;
                if partial_json.is_empty() {
                    return None;
                }
                call.begun = true;
                Some(arguments(call.index, partial_json))
            }
            Delta::Other => None,
        }
    }

    /// A call without arguments has an empty object, which the API does not spell out.
    fn close(&mut self, block: u64) -> Option<Piece> {
        let call = self.call.take_if(|call| call.block == block)?;
        (!call.begun).then(|| arguments(call.index, "{}".to_owned()))
    }
}

fn arguments(index: u32, arguments: String) -> Piece {
    Piece::ToolCall { index, id: String::new(), name: String::new(), arguments }
}

fn some_text(text: String) -> Option<Piece> {
    (!text.is_empty()).then_some(Piece::Text(text))
}

fn some_thinking(text: String, signature: String) -> Option<Piece> {
    (!text.is_empty() || !signature.is_empty()).then_some(Piece::Thinking { text, signature })
}

fn stop(reason: String) -> Stop {
    match reason.as_str() {
        "end_turn" => Stop::End,
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "stop_sequence" => Stop::Sequence,
        "tool_use" => Stop::ToolCall,
        "refusal" => Stop::Refused,
        _ => Stop::Other(reason),
    }
}

impl Wire for Events {
    fn event(&mut self, frame: &Frame, pieces: &mut VecDeque<Piece>) -> Result<(), Failure> {
        let event: Event =
            serde_json::from_slice(&frame.data).map_err(|cause| self.words.malformed(&cause))?;
        match event {
            Event::MessageStart { message } => {
                pieces.extend(message.usage.map(|tokens| self.count(&tokens)));
            }
            Event::ContentBlockStart { index, content_block } => {
                pieces.extend(self.begin(index, content_block));
            }
            Event::ContentBlockDelta { index, delta } => pieces.extend(self.more(index, delta)),
            Event::ContentBlockStop { index } => pieces.extend(self.close(index)),
            Event::MessageDelta { delta, usage } => {
                self.stop = delta.stop_reason.map(stop).or(self.stop.take());
                pieces.extend(usage.map(|tokens| self.count(&tokens)));
            }
            Event::MessageStop => pieces.push_back(self.end()?),
            Event::Error(error) => {
                return Err(self.words.of_value(&Value::Object(error)).unwrap_or_else(|| self.words.cut()));
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        self.stop.take().map(Piece::Stop).ok_or_else(|| self.words.cut())
    }
}
