//! A prompt as OpenAI's Chat Completions API takes it.
//!
//! It knows nothing about answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Image, Part, Prompt, Role, Tool, Turn};

/// The body of `POST /chat/completions`.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Value>,
    stream: bool,
    stream_options: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
}

impl<'a> Request<'a> {
    pub(super) fn new(prompt: &'a Prompt, official: bool) -> Self {
        let mut messages = Vec::new();
        if !prompt.system.is_empty() {
            messages.push(json!({"role": "system", "content": prompt.system}));
        }
        for turn in &prompt.turns {
            match turn.role {
                Role::User => user(turn, &mut messages),
                Role::Assistant => messages.extend(assistant(turn)),
            }
        }
        let most = Some(prompt.output_tokens_max);
        let (max_completion_tokens, max_tokens) = if official { (most, None) } else { (None, most) };
        Self {
            model: &prompt.model,
            messages,
            stream: true,
            stream_options: json!({"include_usage": true}),
            max_completion_tokens,
            max_tokens,
            temperature: prompt.parameters.temperature,
            top_p: prompt.parameters.top_p,
            stop: &prompt.parameters.stop,
            tools: prompt.tools.iter().map(tool).collect(),
        }
    }
}

fn tool(tool: &Tool) -> Value {
    let schema: Value = serde_json::from_str(&tool.input_schema).unwrap_or_else(|_| json!({}));
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": schema},
    })
}

/// What the user said, after the results of tools, which are messages of their own.
fn user(turn: &Turn, messages: &mut Vec<Value>) {
    let mut content = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(text) if !text.is_empty() => content.push(json!({"type": "text", "text": text})),
            Part::Image(image) => content.push(picture(image)),
            Part::ToolResult(result) => {
                // The API has no word for failure but words.
                let mark = if result.is_error { "Error: " } else { "" };
                messages.push(json!({
                    "role": "tool",
                    "tool_call_id": result.call_id,
                    "content": format!("{mark}{}", result.content),
                }));
            }
            Part::Text(_) | Part::Thinking { .. } | Part::ToolCall(_) => {}
        }
    }
    match content.as_slice() {
        [] => {}
        // Small servers know only text.
        [one] if one["type"] == "text" => messages.push(json!({"role": "user", "content": one["text"]})),
        _ => messages.push(json!({"role": "user", "content": content})),
    }
}

fn picture(image: &Image) -> Value {
    let url = format!("data:{};base64,{}", image.media_type, STANDARD.encode(&image.data));
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// What the model said; its thoughts are not sent back. `None` if nothing is left.
fn assistant(turn: &Turn) -> Option<Value> {
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::ToolCall(call) => {
                // An answer that was cut inside a call leaves text that no server can read.
                let whole = serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok();
                calls.push(json!({
                    "id": call.id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": if whole { call.arguments.as_str() } else { "{}" },
                    },
                }));
            }
            Part::Thinking { .. } | Part::ToolResult(_) | Part::Image(_) => {}
        }
    }
    let content = if text.is_empty() { Value::Null } else { text.into() };
    match (calls.is_empty(), content.is_null()) {
        (true, true) => None,
        (true, false) => Some(json!({"role": "assistant", "content": content})),
        (false, _) => Some(json!({"role": "assistant", "content": content, "tool_calls": calls})),
    }
}
