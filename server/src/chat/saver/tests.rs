//! How far an answer is in the database, at every cut between lines and within them.
//!
//! It needs no database.

use super::*;
use crate::chat::{
    event::{self, Answer, Event},
    example::message,
    record::Role,
};

/// An answer with a log of its own.
struct Place {
    live: Arc<Live>,
    answer: Answer,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let lives = Lives::new(dir.path().to_owned(), 1, 1);
        let live = lives.begin(&message(Role::Assistant, "")).unwrap();
        Self { live, answer: Answer::default(), _dir: dir }
    }

    fn write(&mut self, texts: &[&str]) {
        for text in texts {
            self.live.append(&mut self.answer, &[Event::Text((*text).to_owned())]).unwrap();
        }
    }
}

/// The texts of a chunk, which says truly where it begins and ends.
fn texts(chunk: &Chunk) -> Vec<String> {
    let numbered: Vec<_> = chunk.lines.lines().map(|line| event::read(line.as_bytes()).unwrap()).collect();
    assert_eq!(numbered.first().map(|first| first.sequence), Some(chunk.first));
    assert_eq!(numbered.last().map(|last| last.sequence), Some(chunk.last));
    let text = |numbered: event::Numbered| match numbered.event {
        Event::Text(text) => text,
        Event::Completed(message) => message.content,
        other => panic!("{other:?}"),
    };
    numbered.into_iter().map(text).collect()
}

#[test]
fn what_was_saved_is_not_pending_and_what_was_not_stays() {
    let mut place = Place::new();
    let mut cursor = Cursor::new(&place.live);
    assert!(cursor.pending(1000).unwrap().is_none());
    place.write(&["a", "b"]);
    let first = cursor.pending(1000).unwrap().unwrap();
    assert_eq!((texts(&first), first.first), (vec!["a".into(), "b".into()], 1));
    // The database was away: the same again, with more behind it.
    place.write(&["c"]);
    let more = cursor.pending(1000).unwrap().unwrap();
    assert_eq!((texts(&more), more.first), (vec!["a".into(), "b".into(), "c".into()], 1));
    // Only the first was saved after all.
    cursor.saved(first.last);
    let rest = cursor.pending(1000).unwrap().unwrap();
    assert_eq!((texts(&rest), rest.first, rest.last), (vec!["c".into()], 3, 3));
    cursor.saved(rest.last);
    assert!(cursor.pending(1000).unwrap().is_none());
}

#[test]
fn a_cut_within_a_line_waits_for_its_end() {
    let mut place = Place::new();
    place.write(&["first", "second", "third"]);
    // Every size of a read: each line once, whole, in order.
    for most in 1..100 {
        let mut cursor = Cursor::new(&place.live);
        let mut seen = Vec::new();
        while let Some(chunk) = cursor.pending(most).unwrap() {
            assert_eq!(chunk.first, seen.len() as u64 + 1);
            seen.extend(texts(&chunk));
            cursor.saved(chunk.last);
        }
        assert_eq!(seen, ["first", "second", "third"], "reads of {most} bytes");
    }
}

#[test]
fn the_rest_is_everything_that_was_not_saved_and_the_last_line() {
    let texts_of_all = ["a", "b", "c", "d"];
    for saved in 0..=4 {
        let mut place = Place::new();
        let mut cursor = Cursor::new(&place.live);
        place.write(&texts_of_all[..saved]);
        if let Some(chunk) = cursor.pending(1000).unwrap() {
            cursor.saved(chunk.last);
        }
        place.write(&texts_of_all[saved..]);
        // Also with some of it read already.
        cursor.pending(12).unwrap();
        let rest = cursor.rest(&Message { last_sequence: 5, ..message(Role::Assistant, "end") }).unwrap();
        let wanted: Vec<String> =
            texts_of_all[saved..].iter().chain(&["end"]).map(ToString::to_string).collect();
        assert_eq!((texts(&rest), rest.first, rest.last), (wanted, saved as u64 + 1, 5));
    }
}
