//! What is left out of a prompt, and what never is.
//!
//! It asks no model.

use super::*;
use crate::chat::{
    example::{candidate, message},
    provider::ToolCall,
};

/// About as many tokens.
fn words(tokens: usize) -> String {
    "abc ".repeat(tokens * 7 / 8)
}

fn said(role: record::Role, content: &str) -> Said {
    Said { message: message(role, content), images: Vec::new() }
}

fn user(content: &str) -> Said {
    said(record::Role::User, content)
}

fn assistant(content: &str) -> Said {
    said(record::Role::Assistant, content)
}

/// An answer that wants these called.
fn calls(ids: &[&str]) -> Said {
    let mut said = assistant("");
    let call = |id: &&str| ToolCall { id: (*id).to_owned(), name: "t".into(), arguments: "{}".into() };
    said.message.beside.tool_calls = ids.iter().map(call).collect();
    said
}

fn results(ids: &[&str], content: &str) -> Said {
    let mut said = user("");
    let result =
        |id: &&str| ToolResult { call_id: (*id).to_owned(), content: content.to_owned(), is_error: false };
    said.message.tool_results = ids.iter().map(result).collect();
    said
}

fn question(branch: Vec<Said>) -> Question {
    Question { system: String::new(), branch, tools: Vec::new(), parameters: Parameters::default() }
}

/// The texts of the turns, and how many messages were left out.
fn asked(branch: Vec<Said>, context_tokens: u32) -> (Vec<String>, usize) {
    let ids: Vec<_> = branch.iter().map(|said| said.message.id).collect();
    let asked = question(branch).for_model(&candidate(context_tokens, 100));
    assert_eq!(asked.dropped, ids[..asked.dropped.len()], "not the oldest");
    let part = |part: &Part| match part {
        Part::Text(text) | Part::Thinking { text, .. } => text.chars().take(3).collect(),
        Part::ToolCall(call) => format!("call {}", call.id),
        Part::ToolResult(result) => format!("result {}", result.call_id),
        Part::Image(_) => "image".to_owned(),
    };
    let turn = |turn: &Turn| {
        let parts: Vec<String> = turn.parts.iter().map(part).collect();
        format!("{}: {}", if turn.role == Role::User { "user" } else { "model" }, parts.join(", "))
    };
    (asked.prompt.turns.iter().map(turn).collect(), asked.dropped.len())
}

#[test]
fn the_oldest_messages_go_whole_until_the_rest_fits() {
    let branch = || {
        let old = [user("a"), assistant("b"), user("c"), assistant("d"), user("e")];
        old.map(|mut said| {
            said.message.content.push_str(&words(100));
            said
        })
        .to_vec()
    };
    let cost = 106;
    assert_eq!(asked(branch(), 100 + 6 * cost).1, 0);
    let (turns, dropped) = asked(branch(), 100 + 4 * cost);
    assert_eq!((turns.len(), dropped), (3, 2), "{turns:?}");
    assert!(turns[0].starts_with("user: c"), "{turns:?}");
    let (turns, dropped) = asked(branch(), 100 + cost);
    assert_eq!((turns.len(), dropped), (1, 4), "{turns:?}");
    // The last message stays, whatever it costs.
    let (turns, dropped) = asked(branch(), 110);
    assert_eq!((turns.len(), dropped), (1, 4), "{turns:?}");
    assert_eq!(asked(vec![user(&words(500))], 200), (vec!["user: abc".to_owned()], 0));
}

#[test]
fn a_result_is_never_without_its_call() {
    let branch = || {
        let old = vec![user(&words(200)), assistant("b"), user("c"), calls(&["1"])];
        [old, vec![results(&["1"], &words(100)), assistant("d"), user("e")]].concat()
    };
    assert_eq!(
        asked(branch(), 300),
        (
            ["user: c", "model: call 1", "user: result 1", "model: d", "user: e"].map(str::to_owned).to_vec(),
            2
        )
    );
    // Together with the question that led to it.
    assert_eq!(asked(branch(), 200), (vec!["user: e".to_owned()], 6));
    // As the last message it keeps what led to it, however small the room is.
    let short = branch()[..5].to_vec();
    assert_eq!(
        asked(short, 120),
        (["user: c", "model: call 1", "user: result 1"].map(str::to_owned).to_vec(), 2)
    );
    // A chain of calls hangs together.
    let chain = vec![user("a"), assistant("b"), user("c"), calls(&["1"]), results(&["1"], &words(50))];
    let chain = [chain, vec![calls(&["2"]), results(&["2"], &words(50))]].concat();
    let (turns, dropped) = asked(chain, 120);
    assert_eq!((turns[0].as_str(), turns.len(), dropped), ("user: c", 5, 2), "{turns:?}");
}

#[test]
fn calls_and_results_that_have_no_partner_are_left_out() {
    let branch = vec![user("a"), calls(&["1", "2"]), results(&["2", "3"], "x"), assistant("b"), user("c")];
    assert_eq!(asked(branch, 9000).0, ["user: a", "model: call 2", "user: result 2", "model: b", "user: c"]);
    // Nobody answered the call.
    let mut spoken = calls(&["1"]);
    spoken.message.content = "let me see".into();
    assert_eq!(asked(vec![user("a"), spoken, user("c")], 9000).0, ["user: a", "model: let", "user: c"]);
    // It was cut off: its arguments may not be whole.
    let mut cut = calls(&["1"]);
    cut.message.state = State::Stopped;
    assert_eq!(asked(vec![user("a"), cut, results(&["1"], "x"), user("c")], 9000).0, ["user: a, c"]);
}

#[test]
fn an_answer_that_came_to_nothing_leaves_one_turn_of_the_person() {
    let branch = vec![user("a"), assistant(""), user("b")];
    assert_eq!(asked(branch, 9000).0, ["user: a, b"]);
}

#[test]
fn a_seal_goes_back_only_to_who_made_it_and_before_a_call() {
    let mut sealed = calls(&["1"]);
    sealed.message.beside.thinking = "hmm".into();
    sealed.message.beside.thinking_signature = "seal".into();
    sealed.message.answered_by = "far/m".into();
    let branch = |sealed: Said| vec![user("a"), sealed, results(&["1"], "x")];
    assert_eq!(asked(branch(sealed.clone()), 9000).0[1], "model: hmm, call 1");
    sealed.message.answered_by = "other/m".into();
    assert_eq!(asked(branch(sealed), 9000).0[1], "model: call 1");
}

#[test]
fn an_answer_has_no_more_tokens_than_asked_for_and_than_it_may() {
    let mut question = question(vec![user("a")]);
    let candidate = candidate(1000, 100);
    for (wanted, given) in [(None, 100), (Some(7), 7), (Some(5000), 100)] {
        question.parameters.max_output_tokens = wanted;
        assert_eq!(question.for_model(&candidate).prompt.output_tokens_max, given);
    }
}
