//! The decoders over every split of their bytes.
//!
//! It must not know what sends such streams.

use proptest::prelude::*;

use super::*;

fn event(name: &str, data: &str) -> Event {
    Event { name: name.to_owned(), data: Bytes::copy_from_slice(data.as_bytes()) }
}

/// All events of bytes that come in the given pieces, and what stands there unfinished.
fn decode<'a>(
    mut decoder: impl Decode,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<Event>, Option<Event>), Failure> {
    let mut events = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        while let Some(event) = decoder.event()? {
            events.push(event);
        }
    }
    Ok((events, decoder.rest()))
}

fn sse(text: &str) -> Vec<Event> {
    decode(Sse::new(EVENT_BYTES_MAX), [text.as_bytes()]).unwrap().0
}

#[test]
fn events_are_what_the_standard_says() {
    assert_eq!(
        sse("data: a\n\ndata:b\r\n\r\ndata:  c\r\r"),
        [event("", "a"), event("", "b"), event("", " c")]
    );
    assert_eq!(sse("event: ping\ndata: {}\n\n"), [event("ping", "{}")]);
    assert_eq!(sse("data: a\ndata\ndata: b\n\n"), [event("", "a\n\nb")]);
    assert_eq!(sse("\u{feff}data: a\n\n"), [event("", "a")]);
    assert_eq!(sse(": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\nother: x\n\n"), []);
    // A name without data is forgotten with its event.
    assert_eq!(sse("event: lost\n\ndata: a\n\n"), [event("", "a")]);
    assert_eq!(sse("data\n\n"), [event("", "")]);
    assert_eq!(sse("data: not ended"), []);
    assert_eq!(sse("data: not ended\n"), []);
    assert_eq!(sse("data: é\u{2028}\n\n"), [event("", "é\u{2028}")]);
}

#[test]
fn a_line_of_json_is_an_event_and_the_last_needs_no_end() {
    let (events, rest) = decode(Ndjson::new(99), [&b"{}\r\n\n  \n{\"a\":1}\n{\"b\""[..]]).unwrap();
    assert_eq!(events, [event("", "{}\r"), event("", "{\"a\":1}")]);
    assert_eq!(rest, Some(event("", "{\"b\"")));
}

#[test]
fn an_event_has_a_limit_and_a_chunk_of_many_has_none() {
    let many = "data: 123\n\n".repeat(100);
    assert_eq!(decode(Sse::new(10), [many.as_bytes()]).unwrap().0.len(), 100);
    let malformed = |text: &str| {
        let pieces = || text.as_bytes().chunks(3);
        let sse = decode(Sse::new(10), pieces()).unwrap_err();
        assert_eq!(sse.kind, FailureKind::Malformed);
        let lines = decode(Ndjson::new(10), pieces()).err().map(|failure| failure.kind);
        lines.is_some_and(|kind| kind == FailureKind::Malformed)
    };
    assert!(malformed("data: 12345678\n\n"), "a line");
    assert!(malformed("12345678901"), "a line without an end");
    assert!(malformed(": 345678901\n"), "a comment");
    assert!(!malformed("data: 1234\ndata: 123\ndata: 1234\n\n"), "lines are short, the event is not");
}

/// Lines of all kinds with all ends.
fn stream() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "data: ?[a-zé{}\": ]{0,12}",
        "event: [a-z_]{0,8}",
        ": [a-z]{0,5}",
        "[a-z]{0,4}:?[a-z]{0,3}",
        Just(String::new()),
        Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    (prop::bool::ANY, prop::collection::vec((line, end), 0..20)).prop_map(|(mark, lines)| {
        let lines: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if mark { format!("\u{feff}{lines}") } else { lines }
    })
}

proptest! {
    #[test]
    fn splits_change_nothing(text in stream(), other in 0_usize..400) {
        let bytes = text.as_bytes();
        let whole = decode(Sse::new(EVENT_BYTES_MAX), [bytes]).unwrap();
        let lines = decode(Ndjson::new(EVENT_BYTES_MAX), [bytes]).unwrap();
        let other = other.min(bytes.len());
        for at in 0..=bytes.len() {
            let (low, high) = (at.min(other), at.max(other));
            let pieces = [&bytes[..low], &bytes[low..high], &bytes[high..]];
            prop_assert_eq!(&decode(Sse::new(EVENT_BYTES_MAX), pieces).unwrap(), &whole);
            prop_assert_eq!(&decode(Ndjson::new(EVENT_BYTES_MAX), pieces).unwrap(), &lines);
        }
        prop_assert_eq!(decode(Sse::new(EVENT_BYTES_MAX), bytes.chunks(1)).unwrap(), whole);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..20) {
        let whole = decode(Sse::new(64), [&bytes[..]]);
        prop_assert_eq!(decode(Sse::new(64), bytes.chunks(size)), whole);
    }
}
