//! A prompt as Ollama takes it.
//!
//! It knows nothing about answers.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Part, Prompt, Role, Tool, Turn};

/// The body of `POST /api/chat`.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Value>,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<bool>,
    options: Options<'a>,
}

#[derive(Serialize)]
struct Options<'a> {
    /// Without it the front of a longer prompt is dropped silently.
    num_ctx: u32,
    num_predict: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

impl<'a> Request<'a> {
    pub(super) fn new(prompt: &'a Prompt) -> Self {
        let mut messages = Vec::new();
        if !prompt.system.is_empty() {
            messages.push(json!({"role": "system", "content": prompt.system}));
        }
        // A result goes by the tool's name here, which only the call knows.
        let mut names = BTreeMap::new();
        for turn in &prompt.turns {
            match turn.role {
                Role::User => user(turn, &names, &mut messages),
                Role::Assistant => messages.extend(assistant(turn, &mut names)),
            }
        }
        let parameters = &prompt.parameters;
        Self {
            model: &prompt.model,
            messages,
            stream: true,
            tools: prompt.tools.iter().map(tool).collect(),
            think: parameters.thinking_tokens.map(|_| true),
            options: Options {
                num_ctx: prompt.context_tokens,
                num_predict: prompt.output_tokens_max,
                temperature: parameters.temperature,
                top_p: parameters.top_p,
                stop: &parameters.stop,
            },
        }
    }
}

/// JSON text that must be an object; the empty one if it is none.
fn object(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| json!({}))
}

fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": object(&tool.input_schema),
        },
    })
}

fn user(turn: &Turn, names: &BTreeMap<&str, &str>, messages: &mut Vec<Value>) {
    let mut text = String::new();
    let mut images = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(more) => {
                // One message has one text.
                if !text.is_empty() && !more.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(more);
            }
            Part::Image(image) => images.push(STANDARD.encode(&image.data)),
            Part::ToolResult(result) => {
                let mark = if result.is_error { "Error: " } else { "" };
                messages.push(json!({
                    "role": "tool",
                    "tool_name": names.get(result.call_id.as_str()).copied().unwrap_or_default(),
                    "content": format!("{mark}{}", result.content),
                }));
            }
            Part::Thinking { .. } | Part::ToolCall(_) => {}
        }
    }
    match (text.is_empty(), images.is_empty()) {
        (true, true) => {}
        (_, true) => messages.push(json!({"role": "user", "content": text})),
        _ => messages.push(json!({"role": "user", "content": text, "images": images})),
    }
}

/// What the model said; `None` if nothing of it can be sent.
fn assistant<'a>(turn: &'a Turn, names: &mut BTreeMap<&'a str, &'a str>) -> Option<Value> {
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::ToolCall(call) => {
                names.insert(&call.id, &call.name);
                calls.push(json!({"function": {"name": call.name, "arguments": object(&call.arguments)}}));
            }
            Part::Thinking { .. } | Part::ToolResult(_) | Part::Image(_) => {}
        }
    }
    match (text.is_empty(), calls.is_empty()) {
        (true, true) => None,
        (_, true) => Some(json!({"role": "assistant", "content": text})),
        _ => Some(json!({"role": "assistant", "content": text, "tool_calls": calls})),
    }
}
