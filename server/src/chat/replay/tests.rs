//! What a kill leaves, and what is made of it.
//!
//! It needs no database.

use super::*;
use crate::chat::{
    event::Numbered,
    example::{failed, message},
    record::{Left, Role},
};

fn started() -> Event {
    let candidates = vec!["far/a".to_owned(), "far/b".to_owned()];
    Event::Started { model: String::new(), candidates, input_tokens: 40 }
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

/// Lines of events from a sequence on.
fn lines(first: u64, events: &[Event]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (event, sequence) in events.iter().zip(first..) {
        event::write(&mut lines, sequence, event).unwrap();
    }
    lines
}

/// What is known from the database and from the log.
fn known(stored: &[u8], log: &[u8]) -> Known {
    let mut known = Known { lines: BTreeMap::new(), stored: 0 };
    add(&mut known.lines, stored);
    known.stored = known.lines.last_key_value().map_or(0, |(last, _)| *last);
    add(&mut known.lines, event::whole_lines(log).0);
    known
}

fn streaming() -> Message {
    Message { state: State::Streaming, ..message(Role::Assistant, "") }
}

/// The message, and the events that are missing in the database; the last of them is its end.
fn end(known: Known) -> (Message, Vec<Numbered>) {
    let stored = known.stored;
    let (message, chunk) = ended(streaming(), known, None).unwrap();
    let events: Vec<_> = chunk.lines.lines().map(|line| event::read(line.as_bytes()).unwrap()).collect();
    for (event, sequence) in events.iter().zip(stored + 1..) {
        assert_eq!(event.sequence, sequence);
    }
    let last = events.last().unwrap();
    assert_eq!((chunk.first, chunk.last), (stored + 1, last.sequence));
    assert_eq!(message.last_sequence, last.sequence);
    assert!(matches!(&last.event, Event::Completed(last) if last.content == message.content));
    (message, events)
}

#[test]
fn a_torn_tail_is_cut_off() {
    let all = [started(), text("one "), text("two")];
    let (whole, before) = (lines(1, &all), lines(1, &all[..2]).len());
    for cut in before..whole.len() {
        let (message, events) = end(known(b"", &whole[..cut]));
        assert_eq!((message.content.as_str(), message.state, events.len()), ("one ", State::Interrupted, 3));
    }
    let (message, _) = end(known(b"", &whole));
    assert_eq!((message.content.as_str(), message.answered_by.as_str()), ("one two", "far/a"));
    assert!(message.end_ms.is_some());
    let usage = message.usage();
    assert_eq!((usage.usage.input, usage.usage.output, usage.estimated), (40, 2, true));
}

#[test]
fn what_comes_after_a_gap_is_void() {
    let log = [lines(1, &[started(), text("one ")]), lines(4, &[text("four")])].concat();
    let (message, events) = end(known(b"", &log));
    assert_eq!((message.content.as_str(), events.len()), ("one ", 3));
    // A log without its beginning has nothing to say.
    let (message, events) = end(known(b"", &lines(2, &[text("two")])));
    assert_eq!((message.content.as_str(), events.len(), message.attempts.len()), ("", 1, 0));
}

#[test]
fn database_and_log_complete_each_other() {
    let all = [started(), text("a"), text("b"), text("c"), text("d")];
    for stored in 0..=all.len() {
        // The log may begin anywhere up to the first that the database lacks.
        for begin in 0..=stored {
            let known = known(&lines(1, &all[..stored]), &lines(begin as u64 + 1, &all[begin..]));
            let (message, events) = end(known);
            assert_eq!((message.content.as_str(), events.len()), ("abcd", all.len() - stored + 1));
        }
        // Or be gone.
        let (message, _) = end(known(&lines(1, &all[..stored]), b""));
        assert_eq!(message.content, "abcd"[..stored.saturating_sub(1)]);
    }
}

#[test]
fn an_end_that_was_about_to_be_shown_is_the_end() {
    let mut finished = message(Role::Assistant, "all of it");
    finished.last_sequence = 3;
    let mut log = lines(1, &[started(), text("all of it")]);
    event::write_completed(&mut log, 3, &finished).unwrap();
    let (message, events) = end(known(&lines(1, &[started()]), &log));
    assert_eq!((message.content.as_str(), message.state, events.len()), ("all of it", State::Complete, 2));
}

#[test]
fn the_attempt_that_was_cut_off_is_of_the_model_that_was_asked() {
    let retried = |model: &str| Event::Retried { attempt: failed(model), delay_ms: 1 };
    let fell = |model: &str| Event::FellBack { attempt: failed(model), to: "far/b".to_owned() };
    let cases = [
        (vec![retried("far/a"), text("x")], vec!["far/a", "far/a"], "far/a"),
        (vec![fell("far/a"), text("x")], vec!["far/a", "far/b"], "far/b"),
        (vec![retried("far/a"), fell("far/a"), text("x")], vec!["far/a", "far/a", "far/b"], "far/b"),
        (vec![fell("far/a"), retried("far/b"), text("x")], vec!["far/a", "far/b", "far/b"], "far/b"),
        (vec![text("x"), Event::Superseded { from_sequence: 2 }, fell("far/a")], vec!["far/a"], ""),
        (vec![fell("far/a")], vec!["far/a"], ""),
    ];
    for (events, attempts, answered_by) in cases {
        let events = [vec![started()], events].concat();
        let (message, _) = end(known(b"", &lines(1, &events)));
        let models: Vec<_> = message.attempts.iter().map(|attempt| attempt.model.as_str()).collect();
        assert_eq!((models, message.answered_by.as_str()), (attempts, answered_by), "{events:?}");
        if !answered_by.is_empty() {
            assert_eq!(message.attempts.last().unwrap().failure, None::<Left>);
        }
    }
}
