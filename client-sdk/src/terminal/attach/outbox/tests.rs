//! What the outbox promises, without a server: it knows none.
//!
//! It must not know of tasks: everything here is polled once.

use futures_util::{FutureExt, StreamExt};

use super::*;

fn outbox() -> Arc<Outbox> {
    Arc::new(Outbox::new(None))
}

/// What the stream has to send without waiting.
fn drain(stream: &mut Outgoing) -> Vec<Request> {
    let next = || stream.next().now_or_never().flatten().and_then(|message| message.request);
    std::iter::from_fn(next).collect()
}

fn inputs(stream: &mut Outgoing) -> Vec<(u64, Bytes)> {
    let input = |request| match request {
        Request::Input(input) => Some((input.sequence, input.data)),
        Request::Open(_) | Request::Resize(_) => None,
    };
    drain(stream).into_iter().filter_map(input).collect()
}

fn type_now(outbox: &Outbox, data: &'static [u8]) -> bool {
    outbox.send(Bytes::from_static(data)).now_or_never().is_some_and(|sent| sent.is_ok())
}

#[test]
fn input_waits_for_the_servers_answer_and_goes_once() {
    let outbox = outbox();
    assert!(type_now(&outbox, b"a"));
    let mut stream = outbox.connect(proto::Open::default());
    assert!(matches!(drain(&mut stream)[..], [Request::Open(_)]));
    outbox.answered(0);
    assert_eq!(inputs(&mut stream), [(1, "a".into())]);
    assert!(type_now(&outbox, b"b"));
    assert_eq!(inputs(&mut stream), [(2, "b".into())]);
}

#[test]
fn the_next_stream_sends_exactly_what_the_server_lacks() {
    let outbox = outbox();
    let mut first = outbox.connect(proto::Open::default());
    outbox.answered(0);
    for key in [b"a", b"b", b"c", b"d"] {
        assert!(type_now(&outbox, key));
    }
    assert_eq!(inputs(&mut first).len(), 4);
    outbox.accepted(1);
    let mut second = outbox.connect(proto::Open::default());
    assert!(inputs(&mut second).is_empty(), "not before the server has said what it has");
    outbox.answered(2);
    assert_eq!(inputs(&mut second), [(3, "c".into()), (4, "d".into())]);
    assert_eq!(first.next().now_or_never(), Some(None), "the old stream is over");
}

#[test]
fn the_window_is_bounded_and_acknowledgements_open_it() {
    let outbox = outbox();
    let chunk = Bytes::from(vec![0; CHUNK_BYTES_MAX]);
    let mut taken = 0;
    while outbox.send(chunk.clone()).now_or_never().is_some() {
        taken += 1;
    }
    assert_eq!(taken, WINDOW_BYTES / cost(&chunk));
    assert!(outbox.flush().now_or_never().is_none());
    outbox.accepted(u64::from(taken));
    assert!(matches!(outbox.flush().now_or_never(), Some(Ok(()))));
    assert!(type_now(&outbox, b"x"));
}

#[test]
fn single_keys_fill_the_window_before_they_fill_the_memory() {
    let outbox = outbox();
    let keys = (0..WINDOW_BYTES).take_while(|_| type_now(&outbox, b"k")).count();
    assert!(keys <= (WINDOW_BYTES / MESSAGE_COST_BYTES) as usize, "{keys}");
}

#[test]
fn only_the_newest_size_counts_and_a_new_stream_opens_with_it() {
    let outbox = outbox();
    let mut first = outbox.connect(proto::Open::default());
    outbox.answered(0);
    drain(&mut first);
    for cols in [90, 100] {
        outbox.resize(proto::WindowSize { cols, rows: 30 }).expect("open");
    }
    assert_eq!(drain(&mut first), [Request::Resize(proto::WindowSize { cols: 100, rows: 30 })]);
    let mut second = outbox.connect(proto::Open::default());
    let [Request::Open(open)] = &drain(&mut second)[..] else { panic!("the first message") };
    assert_eq!((open.cols, open.rows), (Some(100), Some(30)));
}

#[test]
fn after_the_end_nothing_is_taken_and_what_was_not_accepted_is_told() {
    let outbox = outbox();
    assert!(type_now(&outbox, b"lost"));
    outbox.close(Error::closed("over"));
    assert!(!type_now(&outbox, b"x"));
    assert!(outbox.resize(proto::WindowSize { cols: 1, rows: 1 }).is_err());
    assert!(matches!(outbox.flush().now_or_never(), Some(Err(_))));
    outbox.accepted(1);
    assert!(matches!(outbox.flush().now_or_never(), Some(Ok(()))));
}
