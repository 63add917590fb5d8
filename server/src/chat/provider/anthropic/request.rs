//! A prompt as Anthropic's Messages API takes it.
//!
//! It knows nothing about answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Part, Prompt, Role, Tool, Turn};

/// The least that thinking may be given, says the API.
const THINKING_TOKENS_MIN: u32 = 1024;
/// Before the seal of thoughts that the API hid: they go back as another kind of block.
pub(super) const REDACTED: &str = "redacted:";

/// The body of `POST /v1/messages`.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    messages: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
}

impl<'a> Request<'a> {
    pub(super) fn new(prompt: &'a Prompt) -> Self {
        let parameters = &prompt.parameters;
        let thinking = parameters.thinking_tokens.and_then(|tokens| budget(tokens, prompt.output_tokens_max));
        // Thinking goes with no temperature, and newer models take only one of the two.
        let temperature = parameters.temperature.filter(|_| thinking.is_none());
        let top_p = parameters.top_p.filter(|_| thinking.is_none() && temperature.is_none());
        Self {
            model: &prompt.model,
            max_tokens: prompt.output_tokens_max,
            stream: true,
            system: &prompt.system,
            messages: prompt.turns.iter().filter_map(message).collect(),
            tools: prompt.tools.iter().map(tool).collect(),
            temperature: temperature.map(|temperature| temperature.clamp(0.0, 1.0)),
            top_p,
            stop_sequences: &parameters.stop,
            thinking: thinking.map(|tokens| json!({"type": "enabled", "budget_tokens": tokens})),
        }
    }
}

/// What thinking gets of an answer; `None`: the answer is too short for any.
fn budget(asked: u32, output_tokens_max: u32) -> Option<u32> {
    // The answer's limit counts thoughts too and must be greater.
    let most = output_tokens_max.checked_sub(1).filter(|most| *most >= THINKING_TOKENS_MIN)?;
    Some(asked.clamp(THINKING_TOKENS_MIN, most))
}

fn tool(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "input_schema": object(&tool.input_schema),
    })
}

/// JSON text that must be an object; the empty one if it is none, as after a call that was cut.
fn object(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| json!({}))
}

/// A turn; `None` if nothing of it can be sent.
fn message(turn: &Turn) -> Option<Value> {
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    // The API wants results before all else.
    let (results, others): (Vec<_>, Vec<_>) =
        turn.parts.iter().partition(|part| matches!(part, Part::ToolResult(_)));
    let content: Vec<_> = results.into_iter().chain(others).filter_map(block).collect();
    (!content.is_empty()).then(|| json!({"role": role, "content": content}))
}

fn block(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) if text.is_empty() => return None,
        Part::Text(text) => json!({"type": "text", "text": text}),
        // Unsealed thoughts are refused.
        Part::Thinking { signature, .. } if signature.is_empty() => return None,
        Part::Thinking { text, signature } => match signature.strip_prefix(REDACTED) {
            Some(data) => json!({"type": "redacted_thinking", "data": data}),
            None => json!({"type": "thinking", "thinking": text, "signature": signature}),
        },
        Part::ToolCall(call) => json!({
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": object(&call.arguments),
        }),
        Part::ToolResult(result) => json!({
            "type": "tool_result",
            "tool_use_id": result.call_id,
            "content": result.content,
            "is_error": result.is_error,
        }),
        Part::Image(image) => json!({
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": STANDARD.encode(&image.data),
            },
        }),
    })
}
