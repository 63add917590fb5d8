//! What the adapters send upstream: each provider's own request for one prompt that has everything.
//!
//! It must not know an adapter's inside.

use mosaic_server::chat::provider::{Image, Tool, ToolCall as Call, ToolResult};
use serde_json::{Value, json};

use super::*;

/// A prompt that has everything.
fn full() -> Prompt {
    let result = ToolResult { call_id: "c1".to_owned(), content: "too cold".to_owned(), is_error: true };
    let call =
        Call { id: "c1".to_owned(), name: "weather".to_owned(), arguments: r#"{"in":"Bern"}"#.to_owned() };
    let thinking =
        |signature: &str| Part::Thinking { text: "hm".to_owned(), signature: signature.to_owned() };
    let image = Image { media_type: "image/png".to_owned(), data: Bytes::from_static(b"png") };
    Prompt {
        system: "Be brief.".to_owned(),
        turns: vec![
            Turn { role: Role::User, parts: vec![Part::Text("Look".to_owned()), Part::Image(image)] },
            Turn {
                role: Role::Assistant,
                parts: vec![
                    thinking("seal"),
                    thinking(""),
                    Part::Text("Well.".to_owned()),
                    Part::ToolCall(call),
                ],
            },
            Turn { role: Role::User, parts: vec![Part::Text("And?".to_owned()), Part::ToolResult(result)] },
        ],
        tools: vec![Tool {
            name: "weather".to_owned(),
            description: "Tells it.".to_owned(),
            input_schema: r#"{"type":"object"}"#.to_owned(),
        }],
        parameters: Parameters {
            temperature: Some(1.5),
            top_p: Some(0.5),
            stop: vec!["END".to_owned()],
            ..Parameters::default()
        },
        ..prompt()
    }
}

/// What the server receives for a prompt.
async fn sent(wire: Wire, prompt: &Prompt) -> (fake_llm::Request, Value) {
    let fake = FakeLlm::start(Script::new().reply("model", Reply::text(["x"]))).await.unwrap();
    drop(adapter(wire, &fake.base_url(wire)).generate(prompt).await.unwrap());
    let request = fake.requests().remove(0);
    let body = request.json();
    (request, body)
}

#[tokio::test]
async fn anthropic_gets_its_own_form() {
    let (request, body) = sent(Wire::Anthropic, &full()).await;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("accept-encoding"), None);
    let image = json!({
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"},
    });
    let expected = json!({
        "model": "model", "max_tokens": 4096, "stream": true, "system": "Be brief.",
        // Cut to what it takes, and the other one left out.
        "temperature": 1.0,
        "stop_sequences": ["END"],
        "tools": [{"name": "weather", "description": "Tells it.", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "seal"},
                {"type": "text", "text": "Well."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"in": "Bern"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "too cold", "is_error": true},
                {"type": "text", "text": "And?"},
            ]},
        ],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn anthropic_thinks_within_its_limit_and_without_a_temperature() {
    let mut prompt = full();
    for (asked, most, budget) in [(2000, 4096, 2000), (9000, 4096, 4095), (10, 4096, 1024)] {
        prompt.parameters.thinking_tokens = Some(asked);
        prompt.output_tokens_max = most;
        let (_, body) = sent(Wire::Anthropic, &prompt).await;
        assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": budget}));
        assert_eq!((&body["temperature"], &body["top_p"]), (&Value::Null, &Value::Null));
        assert_eq!(body["max_tokens"], most);
    }
    prompt.output_tokens_max = 1024;
    let (_, body) = sent(Wire::Anthropic, &prompt).await;
    assert_eq!((&body["thinking"], &body["temperature"]), (&Value::Null, &json!(1.0)), "no room to think");
}

#[tokio::test]
async fn openai_gets_its_own_form() {
    let (request, body) = sent(Wire::OpenAi, &full()).await;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let call = json!({
        "id": "c1", "type": "function", "function": {"name": "weather", "arguments": r#"{"in":"Bern"}"#},
    });
    let tool = json!({
        "name": "weather", "description": "Tells it.", "parameters": {"type": "object"},
    });
    let expected = json!({
        "model": "model", "max_tokens": 4096, "stream": true, "stream_options": {"include_usage": true},
        "temperature": 1.5, "top_p": 0.5, "stop": ["END"],
        "tools": [{"type": "function", "function": tool}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ]},
            {"role": "assistant", "content": "Well.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "Error: too cold"},
            {"role": "user", "content": "And?"},
        ],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn ollama_gets_its_own_form() {
    let mut prompt = full();
    prompt.parameters.thinking_tokens = Some(1);
    let (request, body) = sent(Wire::Ollama, &prompt).await;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/chat"));
    let tool = json!({
        "name": "weather", "description": "Tells it.", "parameters": {"type": "object"},
    });
    let call = json!({"function": {"name": "weather", "arguments": {"in": "Bern"}}});
    let expected = json!({
        "model": "model", "stream": true, "think": true,
        "options": {
            "num_ctx": 8192, "num_predict": 4096, "temperature": 1.5, "top_p": 0.5, "stop": ["END"],
        },
        "tools": [{"type": "function", "function": tool}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Look", "images": ["cG5n"]},
            {"role": "assistant", "content": "Well.", "tool_calls": [call]},
            {"role": "tool", "tool_name": "weather", "content": "Error: too cold"},
            {"role": "user", "content": "And?"},
        ],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn no_key_is_no_header_and_a_broken_key_is_told() {
    let fake = FakeLlm::start(Script::new().reply("model", Reply::text(["x"]))).await.unwrap();
    let provider = OpenAi::new(&http(), &fake.base_url(Wire::OpenAi), None);
    assert!(ask(&provider).await.end.is_ok());
    assert_eq!(fake.requests()[0].header("authorization"), None);
    let broken = OpenAi::new(&http(), &fake.base_url(Wire::OpenAi), "two\nlines".parse().ok());
    let answer = ask(&broken).await;
    let failure = failure(&answer);
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(!failure.message.contains("lines"), "{}", failure.message);
    assert_eq!(fake.counts().requests, 1);
}
