//! Answers that end badly: refused, cut, garbled, too large, or left by whoever asked.
//!
//! It must not know an adapter's inside.

use super::*;

fn said(kind: &str, message: &str) -> Said {
    Said { kind: kind.to_owned(), message: message.to_owned() }
}

/// Some text, then an ending.
fn broken(ending: Ending) -> Reply {
    Reply::text(["some ", "text"]).ending(ending)
}

#[tokio::test]
async fn errors_before_the_stream_are_told_apart() {
    let cases = [
        (400, FailureKind::Refused),
        (401, FailureKind::Denied),
        (402, FailureKind::Denied),
        (403, FailureKind::Denied),
        (404, FailureKind::ModelNotFound),
        (408, FailureKind::Overloaded),
        (409, FailureKind::Overloaded),
        (413, FailureKind::ContextTooLong),
        (422, FailureKind::Refused),
        (429, FailureKind::RateLimited),
        (500, FailureKind::Overloaded),
        (503, FailureKind::Overloaded),
        (504, FailureKind::Overloaded),
        (529, FailureKind::Overloaded),
    ];
    for wire in WIRES {
        for (status, kind) in cases {
            let words = format!("no, because of {KEY}");
            let reply = Reply::error(status, "", &words).header("retry-after", "7");
            let answer = answer(wire, reply).await;
            let failure = failure(&answer);
            assert_eq!((failure.kind, failure.status), (kind, Some(status)), "{wire:?}");
            assert_eq!(failure.message, "no, because of <hidden>", "{wire:?}");
            assert_eq!(failure.retry_after, Some(Duration::from_secs(7)), "{wire:?}");
            assert!(!format!("{failure:?}").contains(KEY));
        }
        let reply = Reply::error(400, "", "This model's maximum context length is 8192 tokens.");
        assert_eq!(failure(&answer(wire, reply).await).kind, FailureKind::ContextTooLong, "{wire:?}");
    }
}

#[tokio::test]
async fn an_error_in_mid_stream_keeps_what_came() {
    for wire in WIRES {
        let steps = [Step::Text("so far".to_owned()), Step::Error(said("overloaded_error", "Overloaded"))];
        let answer = answer(wire, Reply::steps(steps)).await;
        assert_eq!(answer.text, "so far", "{wire:?}");
        let failure = failure(&answer);
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Overloaded, "Overloaded"));
        assert!(failure.is_transient(), "{wire:?}");
    }
    // A code may be a number.
    let raw = "data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n";
    let reply = Reply::steps([Step::Raw(raw.to_owned())]);
    let answer = answer(Wire::OpenAi, reply).await;
    assert_eq!(failure(&answer).kind, FailureKind::RateLimited);
}

#[tokio::test]
async fn a_stream_that_ends_early_is_cut_however_it_ends() {
    for wire in WIRES {
        for ending in [Ending::Cut, Ending::HalfClosed, Ending::Reset] {
            let answer = answer(wire, broken(ending)).await;
            assert_eq!(failure(&answer).kind, FailureKind::Cut, "{wire:?} {ending:?}: {answer:?}");
            // A reset may overtake what was sent before it.
            if ending != Ending::Reset {
                assert_eq!(answer.text, "some text", "{wire:?} {ending:?}");
            }
        }
        let mut steps = vec![Step::Text("so far".to_owned())];
        // Half a frame.
        steps.push(Step::Raw(if wire == Wire::Ollama { "{\"mess" } else { "data: {\"ch" }.to_owned()));
        let answer = answer(wire, Reply::steps(steps).ending(Ending::Cut)).await;
        assert_eq!((answer.text.as_str(), failure(&answer).kind), ("so far", FailureKind::Cut), "{wire:?}");
    }
}

#[tokio::test]
async fn garbage_is_malformed() {
    for wire in WIRES {
        let garbage = if wire == Wire::Ollama { "\u{1}<<garbage>>\n" } else { "data: <<garbage>>\n\n" };
        let steps = [Step::Text("so far".to_owned()), Step::Raw(garbage.to_owned())];
        let answer = answer(wire, Reply::steps(steps)).await;
        assert_eq!((answer.text.as_str(), failure(&answer).kind), ("so far", FailureKind::Malformed));
    }
}

#[tokio::test]
async fn an_event_of_ten_megabytes_is_refused() {
    for wire in WIRES {
        let steps = [Step::Text("so far".to_owned()), Step::LargeEventBytes(10 << 20)];
        let answer = answer(wire, Reply::steps(steps)).await;
        let failure = failure(&answer);
        assert_eq!((answer.text.as_str(), failure.kind), ("so far", FailureKind::Malformed), "{wire:?}");
        assert!(failure.message.contains("more than 1048576 bytes"), "{}", failure.message);
        // Half of the limit is fine.
        let fine = super::answer(wire, Reply::steps([Step::LargeEventBytes(1 << 19)])).await;
        assert_eq!((fine.text.len(), fine.end), (1 << 19, Ok(Stop::End)), "{wire:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for wire in WIRES {
        let elsewhere = FakeLlm::start(Script::new().reply("model", Reply::text(["stolen"]))).await.unwrap();
        for status in [301, 302, 307, 308] {
            let reply = Reply { status, ..Reply::default() }.header("location", &elsewhere.endpoint());
            let answer = answer(wire, reply).await;
            let failure = failure(&answer);
            assert_eq!((failure.kind, failure.status), (FailureKind::Refused, Some(status)), "{wire:?}");
            assert!(failure.message.contains("redirect"), "{}", failure.message);
        }
        assert_eq!(elsewhere.counts().requests, 0, "{wire:?}: the redirect was followed");
    }
}

#[tokio::test]
async fn who_leaves_closes_the_stream_upstream() {
    for wire in WIRES {
        for ending in [Ending::Stall, Ending::Endless] {
            let script = Script::new().reply("model", broken(ending));
            let fake = FakeLlm::start(script).await.unwrap();
            let provider = adapter(wire, &fake.base_url(wire));
            let prompt = prompt();
            let mut pieces = provider.generate(&prompt).await.unwrap();
            let first = timeout(PATIENCE, pieces.next()).await.unwrap().unwrap().unwrap();
            // Anthropic begins with a count.
            assert!(matches!(first, Piece::Text(_) | Piece::Usage(_)), "{wire:?}: {first:?}");
            assert_eq!(fake.counts().open, 1, "{wire:?}");
            drop(pieces);
            let seen = timeout(Duration::from_secs(1), fake.until(|counts| counts.dropped == 1)).await;
            assert_eq!(seen.unwrap().open, 0, "{wire:?} {ending:?}");
        }
        // The same before the headers.
        let script = Script::new().reply("model", Reply { wait_ms: 3_600_000, ..Reply::default() });
        let fake = FakeLlm::start(script).await.unwrap();
        let provider = adapter(wire, &fake.base_url(wire));
        let prompt = prompt();
        tokio::select! {
            _ = provider.generate(&prompt) => panic!("{wire:?}: an answer came"),
            _ = fake.until(|counts| counts.open == 1) => {}
        }
        let seen = timeout(Duration::from_secs(1), fake.until(|counts| counts.dropped == 1)).await;
        assert_eq!(seen.unwrap().open, 0, "{wire:?}");
    }
}

#[tokio::test]
async fn an_answer_is_over_although_its_connection_stays() {
    for wire in WIRES {
        let answer = answer(wire, Reply::text(["all"]).ending(Ending::Open)).await;
        assert_eq!((answer.text.as_str(), answer.end), ("all", Ok(Stop::End)), "{wire:?}");
    }
}

#[tokio::test]
async fn nobody_is_asked_twice() {
    for wire in WIRES {
        for reply in [Reply::error(503, "", "busy"), broken(Ending::Reset), broken(Ending::Cut)] {
            let fake = FakeLlm::start(Script::new().reply("model", reply)).await.unwrap();
            ask(adapter(wire, &fake.base_url(wire)).as_ref()).await;
            assert_eq!(fake.counts().requests, 1, "{wire:?}");
        }
    }
}

#[tokio::test]
async fn no_server_is_no_connection_and_no_protocol_is_malformed() {
    for wire in WIRES {
        // The port was free a moment ago.
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let answer = ask(adapter(wire, &base).as_ref()).await;
        let failure = failure(&answer);
        assert_eq!(failure.kind, FailureKind::Connect, "{wire:?}: {failure:?}");
        assert!(failure.message.contains("refused"), "{}", failure.message);
        let failed = adapter(wire, &base).models().await.unwrap_err();
        assert_eq!(failed.kind, FailureKind::Connect, "{wire:?}: {failed:?}");
        let page = Reply::text(["x"]).header("content-type", "text/html");
        let answer = super::answer(wire, page).await;
        assert_eq!(super::failure(&answer).kind, FailureKind::Malformed, "{wire:?}: {answer:?}");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    for wire in WIRES {
        let fake = FakeLlm::start(Script::new().reply("model", Reply::text(["x"]))).await.unwrap();
        let provider = adapter(wire, &fake.base_url(wire));
        for _ in 0..20 {
            assert!(ask(provider.as_ref()).await.end.is_ok(), "{wire:?}");
        }
        // The end of a body and its last event may come apart, so not every connection survives.
        assert_eq!(
            fake.until(|counts| counts.finished + counts.dropped == 20).await.requests,
            20,
            "{wire:?}"
        );
    }
}
