//! What the chunks of OpenAI's Chat Completions API mean, in all the ways that servers write them.
//!
//! It knows nothing about requests.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::{
    Failure, FailureKind, Piece, Stop, Usage, decode::Event as Frame, failure::Words, stream::Wire,
};

/// Calls of tools in one answer: far more than a model asks for.
const CALLS_MAX: usize = 256;

/// One answer's chunks so far.
pub(super) struct Events {
    words: Words,
    stop: Option<Stop>,
    /// The model refused in words of its own.
    refused: bool,
    calls: Vec<Call>,
}

/// A call as the server knows it.
struct Call {
    index: Option<u64>,
    id: String,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default, deserialize_with = "or_default")]
    choices: Vec<Choice>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, deserialize_with = "or_default")]
    delta: Delta,
    finish_reason: Option<String>,
    /// vLLM: the text or token at which it stopped.
    stop_reason: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    tool_calls: Vec<CallDelta>,
}

#[derive(Deserialize)]
struct CallDelta {
    index: Option<u64>,
    id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "or_default")]
    prompt_tokens: u64,
    #[serde(default, deserialize_with = "or_default")]
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptTokens>,
    completion_tokens_details: Option<CompletionTokens>,
}

#[derive(Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionTokens {
    reasoning_tokens: Option<u64>,
}

/// `null` is absence.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Events {
    pub(super) fn new(words: Words) -> Self {
        Self { words, stop: None, refused: false, calls: Vec::new() }
    }

    fn choice(&mut self, choice: Choice, pieces: &mut VecDeque<Piece>) -> Result<(), Failure> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let delta = choice.delta;
        // Some servers send the same thoughts under both names.
        if let Some(text) = some(delta.reasoning_content).or(some(delta.reasoning)) {
            pieces.push_back(Piece::Thinking { text, signature: String::new() });
        }
        pieces.extend(some(delta.content).map(Piece::Text));
        if let Some(refusal) = some(delta.refusal) {
            self.refused = true;
            pieces.push_back(Piece::Text(refusal));
        }
        for call in delta.tool_calls {
            pieces.extend(self.call(call)?);
        }
        if let Some(reason) = some(choice.finish_reason) {
            self.stop = Some(self.stop(reason, choice.stop_reason.is_some_and(|at| at.is_string())));
        }
        Ok(())
    }

    /// More of a call: of the one with the same index, unless its id says that it is another one. Some servers send
    /// no index, some the same for all.
    fn call(&mut self, delta: CallDelta) -> Result<Option<Piece>, Failure> {
        let id = delta.id.unwrap_or_default();
        let arguments = delta.function.arguments.unwrap_or_default();
        let known = self.calls.iter().rposition(|call| {
            (delta.index.is_none() || call.index == delta.index) && (id.is_empty() || call.id == id)
        });
        let (at, first) = match known {
            Some(at) => (at, false),
            None if self.calls.len() == CALLS_MAX => {
                let message = format!("the model asks for more than {CALLS_MAX} calls of tools at once");
                return Err(Failure::new(FailureKind::Malformed, message));
            }
            None => {
                let id = if id.is_empty() { format!("call_{}", Uuid::new_v4().simple()) } else { id };
                self.calls.push(Call { index: delta.index, id });
                (self.calls.len() - 1, true)
            }
        };
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        let (id, name) = if first {
            (self.calls[at].id.clone(), delta.function.name.unwrap_or_default())
        } else if arguments.is_empty() {
            return Ok(None);
        } else {
            (String::new(), String::new())
        };
        Ok(Some(Piece::ToolCall { index, id, name, arguments }))
    }

    fn stop(&self, reason: String, at_sequence: bool) -> Stop {
        match reason.as_str() {
            "length" => Stop::Length,
            "content_filter" => Stop::Refused,
            "stop" | "tool_calls" | "function_call" if self.refused => Stop::Refused,
            "tool_calls" | "function_call" => Stop::ToolCall,
            // Some servers say so after a call too.
            "stop" if !self.calls.is_empty() => Stop::ToolCall,
            "stop" if at_sequence => Stop::Sequence,
            "stop" => Stop::End,
            _ => Stop::Other(reason),
        }
    }
}

impl Tokens {
    fn usage(&self) -> Usage {
        Usage {
            input: self.prompt_tokens,
            output: self.completion_tokens,
            cached: self.prompt_tokens_details.as_ref().and_then(|of| of.cached_tokens).unwrap_or_default(),
            thinking: self
                .completion_tokens_details
                .as_ref()
                .and_then(|of| of.reasoning_tokens)
                .unwrap_or_default(),
        }
    }
}

impl Wire for Events {
    fn event(&mut self, frame: &Frame, pieces: &mut VecDeque<Piece>) -> Result<(), Failure> {
        if frame.data.trim_ascii() == b"[DONE]" {
            pieces.push_back(self.end()?);
            return Ok(());
        }
        if frame.name == "error"
            && let Some(failure) = self.words.of_body(&frame.data)
        {
            return Err(failure);
        }
        let mut chunk: Chunk =
            serde_json::from_slice(&frame.data).map_err(|cause| self.words.malformed(&cause))?;
        if let Some(error) = chunk.error.take() {
            let error = serde_json::json!({"error": error});
            return Err(self.words.of_value(&error).unwrap_or_else(|| self.words.cut()));
        }
        // The count comes after the last word, in a chunk without a choice.
        let last = chunk.choices.is_empty() && chunk.usage.is_some() && self.stop.is_some();
        // Never more than one was asked for.
        if let Some(choice) = chunk.choices.into_iter().next() {
            self.choice(choice, pieces)?;
        }
        pieces.extend(chunk.usage.map(|tokens| Piece::Usage(tokens.usage())));
        if last {
            pieces.push_back(self.end()?);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        self.stop.take().map(Piece::Stop).ok_or_else(|| self.words.cut())
    }
}
