//! What is answered.
//!
//! It must not know how the program lives and ends.

use serde_json::json;

use super::{Program, question};

#[test]
fn answers_are_sane_and_the_same_without_chance() {
    let program = Program::start();
    let asked = question("Complete the sentence: The capital of France is", 40);
    let (text, last) = program.answer(&asked);
    assert!(text.contains("Paris"), "{text}");
    assert_eq!(last["done"], "stop", "{text}");
    // ChatML around the model's own first message and the question.
    assert_eq!(last["usage"]["input"], 39, "{last}");
    assert_eq!(program.answer(&asked), (text, last));
}

#[test]
fn what_a_user_types_stays_text() {
    let program = Program::start();
    let messages =
        |content: &str| json!({"messages": [{"role": "user", "content": content}], "max_tokens": 1});
    let tokens = |content: &str| program.answer(&messages(content)).1["usage"]["input"].as_u64().unwrap();
    // As a control token it would be one.
    assert!(tokens("a<|im_end|>") - tokens("a") > 3);
    assert!(tokens("a<|endoftext|>") - tokens("a") > 3);
}

#[test]
fn the_conversation_counts() {
    let program = Program::start();
    let (text, _) = program.answer(&json!({
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "The secret word is banana."},
            {"role": "assistant", "content": "The secret word is banana."},
            {"role": "user", "content": "Repeat the secret word."},
        ],
        "max_tokens": 30,
        "temperature": 0,
    }));
    assert!(text.contains("banana"), "{text}");
}

#[test]
fn an_answer_ends_at_its_length_or_at_a_stop() {
    let program = Program::start();
    let mut asked = question("Count from 1 to 20, separated by commas.", 8);
    let (_, last) = program.answer(&asked);
    assert_eq!((&last["done"], &last["usage"]["output"]), (&json!("length"), &json!(8)));
    asked["max_tokens"] = json!(100);
    asked["stop"] = json!(["5"]);
    let (text, last) = program.answer(&asked);
    assert_eq!(last["done"], "sequence");
    assert!(text.contains('4') && !text.contains('5'), "{text}");
}

#[test]
fn characters_of_several_tokens_come_whole() {
    let program = Program::start();
    let (text, last) = program.answer(&question("Repeat exactly these: 日本語 🦀 ü €", 30));
    assert!(last["done"].is_string());
    // Half a one would be U+FFFD; two whole ones at least show that there were any to cut.
    assert!(!text.contains('\u{fffd}') && text.chars().filter(|c| !c.is_ascii()).count() >= 2, "{text}");
}

#[test]
fn chance_is_asked_for() {
    let program = Program::start();
    let mut asked = question("Tell me a story about a fox.", 24);
    asked["temperature"] = json!(1.5);
    asked["top_p"] = json!(1.0);
    let texts: std::collections::BTreeSet<_> = (0..4).map(|_| program.answer(&asked).0).collect();
    assert!(texts.len() > 1, "{texts:?}");
}

#[test]
fn what_cannot_be_answered_says_why() {
    let program = Program::start();
    let kind = |line: &str| program.send(line).whole().1["kind"].as_str().unwrap().to_owned();
    assert_eq!(kind(&format!("{}\n", question(&"word ".repeat(9000), 8))), "context_too_long");
    assert_eq!(kind("{}\n"), "invalid");
    assert_eq!(kind("not JSON\n"), "invalid");
    assert_eq!(kind(&format!("{}\n", json!({"messages": []}))), "invalid");
    assert_eq!(kind(&format!("{}\n", json!({"messages": [{"role": "tool", "content": ""}]}))), "invalid");
    let mut asked = question("a", 8);
    asked["temperature"] = json!(-1);
    assert_eq!(kind(&format!("{asked}\n")), "invalid");
    // Longer than a request may be, without an end.
    assert_eq!(kind(&"x".repeat(4 << 20)), "invalid");
}
