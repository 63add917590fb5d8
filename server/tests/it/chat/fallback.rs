//! Models that fail: asked again, left for the next, left out for a while; and everything that was tried on record.
//!
//! It must not test which failure is of which kind: `providers` does.

use anyhow::{Context, Result};
use mosaic_proto::chat::v1::{
    FellBack, ListModelsRequest, Message, MessageEvent, Retried, SendMessageRequest, message::State,
    message_event::Event as Kind, model::Availability, usage::Source,
};
use test_support::{
    Server,
    fake_llm::{Ending, FakeLlm, Reply, Said, Script, Step, Wire},
};

use super::{Answer, Chat, completed, ensure_numbered, say, text};

/// Short waits.
const SOON: &str = "retry_ms = 1\nretry_ms_max = 2\n";
/// A list of two models of the fake.
const TWO: &str = "default_model = \"both\"\n[model.both]\ncandidates = [\"fake/a\", \"fake/b\"]\n";

async fn two(script: Script, more: &str) -> Result<Chat> {
    Chat::start_with(script, &format!("{SOON}{more}\n{TWO}"), Server::builder()).await
}

fn answers(a: Reply, b: Reply) -> Script {
    Script::new().reply("a", a).reply("b", b)
}

/// Says something, and reads everything that comes of it.
async fn ask(chat: &Chat) -> Result<(Vec<MessageEvent>, Message)> {
    let events = Answer::to(&mut chat.client()?, say("hi")).await?.rest().await?;
    ensure_numbered(&events, 1)?;
    let message = completed(&events)?;
    Ok((events, message))
}

fn retried(events: &[MessageEvent]) -> Vec<&Retried> {
    let kinds = events.iter().filter_map(|event| event.event.as_ref());
    kinds.filter_map(|kind| if let Kind::Retried(it) = kind { Some(it) } else { None }).collect()
}

fn fell_back(events: &[MessageEvent]) -> Vec<&FellBack> {
    let kinds = events.iter().filter_map(|event| event.event.as_ref());
    kinds.filter_map(|kind| if let Kind::FellBack(it) = kind { Some(it) } else { None }).collect()
}

/// Model and failure of each attempt.
fn attempts(message: &Message) -> Vec<(&str, &str)> {
    message.attempts.iter().map(|one| (one.model.as_str(), one.failure.as_str())).collect()
}

fn problem(message: &Message) -> &str {
    assert_eq!(message.state(), State::Failed);
    message.error.as_ref().map_or("", |error| error.reason.as_str())
}

#[tokio::test]
async fn what_may_pass_is_asked_again() -> Result<()> {
    for (status, kind) in [(429, "RATE_LIMITED"), (529, "OVERLOADED"), (500, "OVERLOADED")] {
        let script = Script::new()
            .reply("m", Reply::error(status, "", "not now"))
            .reply("m", Reply::error(status, "", "not now"))
            .reply("m", Reply::text(["at last"]));
        let chat = Chat::start_with(script, SOON, Server::builder()).await?;
        let (events, message) = ask(&chat).await?;
        assert_eq!((message.state(), text(&events).as_str()), (State::Complete, "at last"));
        let again = retried(&events);
        assert_eq!(again.len(), 2, "{events:?}");
        for one in again {
            assert_eq!(
                (one.model.as_str(), one.reason.as_str(), one.message.as_str()),
                ("fake/m", kind, "not now")
            );
            assert!(one.delay_ms <= 2, "{one:?}");
        }
        assert_eq!(attempts(&message), [("fake/m", kind), ("fake/m", kind), ("fake/m", "")]);
        assert_eq!(
            message.attempts.iter().map(|one| one.status).collect::<Vec<_>>(),
            [status.into(), status.into(), 0]
        );
        assert_eq!(message.usage.context("none")?.source(), Source::Reported);
    }
    Ok(())
}

#[tokio::test]
async fn a_servers_own_wish_is_honoured() -> Result<()> {
    let script = Script::new()
        .reply("m", Reply::error(429, "", "slower").header("retry-after", "1"))
        .reply("m", Reply::text(["yes"]));
    let chat = Chat::start_with(script, SOON, Server::builder()).await?;
    let began = std::time::Instant::now();
    let (events, _) = ask(&chat).await?;
    assert_eq!(retried(&events).first().context("not asked again")?.delay_ms, 1000);
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn after_its_tries_the_next_model_is_asked() -> Result<()> {
    let chat = two(answers(Reply::error(503, "", "closed"), Reply::text(["b", "!"])), "").await?;
    let (events, message) = ask(&chat).await?;
    assert_eq!((text(&events).as_str(), message.content.as_str()), ("b!", "b!"));
    assert_eq!((message.answered_by.as_str(), message.model.as_str()), ("fake/b", ""));
    let overloaded = ("fake/a", "OVERLOADED");
    assert_eq!(attempts(&message), [overloaded, overloaded, overloaded, ("fake/b", "")]);
    let fell = fell_back(&events);
    let first = fell.first().context("no word of it")?;
    assert_eq!((first.from.as_str(), first.to.as_str()), ("fake/a", "fake/b"));
    assert_eq!((first.reason.as_str(), first.message.as_str(), fell.len()), ("OVERLOADED", "closed", 1));
    // It failed a moment ago: the next message does without it.
    let (events, message) = ask(&chat).await?;
    assert_eq!(attempts(&message), [("fake/a", "COOLDOWN"), ("fake/b", "")]);
    assert_eq!(fell_back(&events).first().context("no word of it")?.reason, "COOLDOWN");
    let listed = chat.client()?.list_models(ListModelsRequest {}).await?.into_inner().models;
    let of = |name: &str| listed.iter().find(|model| model.name == name).map(|model| model.availability());
    assert_eq!(of("fake/a"), Some(Availability::Unavailable));
    assert_eq!((of("fake/b"), of("both")), (Some(Availability::Ready), Some(Availability::Ready)));
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() -> Result<()> {
    for (status, kind) in [(401, "DENIED"), (404, "MODEL_NOT_FOUND"), (400, "REFUSED")] {
        let chat = two(answers(Reply::error(status, "", "no"), Reply::text(["b"])), "").await?;
        for _ in 0..2 {
            let (events, message) = ask(&chat).await?;
            assert_eq!(attempts(&message), [("fake/a", kind), ("fake/b", "")]);
            assert!(retried(&events).is_empty());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_left_and_probed_before_it_is_used_again() -> Result<()> {
    let gone = FakeLlm::start(Script::new()).await?;
    let address = gone.endpoint().trim_start_matches("http://").to_owned();
    drop(gone);
    let more = format!(
        "retries_max = 1\ncooldown_ms = 50\ncooldown_ms_max = 50\n{SOON}default_model = \"both\"\n\
         [model.both]\ncandidates = [\"far/a\", \"fake/b\"]\n\
         [provider.far]\nkind = \"openai\"\nbase_url = \"http://{address}/v1\"\ncontext_tokens = 8192"
    );
    let chat =
        Chat::start_with(Script::new().reply("b", Reply::text(["b"])), &more, Server::builder()).await?;
    let (_, message) = ask(&chat).await?;
    assert_eq!(attempts(&message), [("far/a", "CONNECT"), ("far/a", "CONNECT"), ("fake/b", "")]);
    // Its time is over again and again, but it is not back: it is looked at, and not used.
    for _ in 0..3 {
        let (_, message) = ask(&chat).await?;
        assert_eq!(attempts(&message), [("far/a", "COOLDOWN"), ("fake/b", "")]);
    }
    let back = FakeLlm::listen(&address, Script::new().reply("a", Reply::text(["a"]))).await?;
    loop {
        let (_, message) = ask(&chat).await?;
        if message.answered_by == "far/a" {
            assert_eq!(attempts(&message), [("far/a", "")]);
            break;
        }
        assert_eq!(attempts(&message), [("far/a", "COOLDOWN"), ("fake/b", "")]);
    }
    let first = back.requests().into_iter().next().context("nobody asked")?;
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/v1/models"));
    Ok(())
}

#[tokio::test]
async fn all_of_them_fail() -> Result<()> {
    let busy = || Reply::error(529, "", "busy");
    let chat = two(answers(busy(), Reply::error(401, "", "who?")), "retries_max = 1").await?;
    let (events, message) = ask(&chat).await?;
    assert_eq!((problem(&message), text(&events).as_str()), ("ALL_MODELS_FAILED", ""));
    assert_eq!(
        attempts(&message),
        [("fake/a", "OVERLOADED"), ("fake/a", "OVERLOADED"), ("fake/b", "DENIED")]
    );
    assert_eq!((message.answered_by.as_str(), message.finish_reason.as_str()), ("", ""));
    assert!(message.error.context("none")?.message.contains("who?"));
    // Also the last of a list of those that failed is asked: it is all there is.
    let chat = Chat::start_with(Script::new().reply("m", busy()), SOON, Server::builder()).await?;
    for _ in 0..2 {
        assert_eq!(attempts(&ask(&chat).await?.1), [("fake/m", "OVERLOADED"); 3]);
    }
    Ok(())
}

#[tokio::test]
async fn the_first_content_commits() -> Result<()> {
    let chat = two(answers(Reply::text(["half ", "of"]).ending(Ending::Cut), Reply::text(["b"])), "").await?;
    let (events, message) = ask(&chat).await?;
    assert_eq!(problem(&message), "PROVIDER_FAILED");
    assert_eq!((message.content.as_str(), text(&events).as_str()), ("half of", "half of"));
    assert_eq!((attempts(&message), message.answered_by.as_str()), (vec![("fake/a", "CUT")], "fake/a"));
    let usage = message.usage.context("none")?;
    assert!(usage.output > 0 && usage.source() == Source::Estimated, "{usage:?}");
    // The same with an error in words, and with a reset.
    let said = Step::Error(Said { kind: "overloaded_error".into(), message: "too much".into() });
    let broken = Reply::steps([Step::Text("half".into()), said]);
    for reply in [broken, Reply::text(["half"]).ending(Ending::Reset)] {
        let chat = two(answers(reply, Reply::text(["b"])), "").await?;
        let (_, message) = ask(&chat).await?;
        assert_eq!((problem(&message), message.content.as_str()), ("PROVIDER_FAILED", "half"));
    }
    Ok(())
}

#[tokio::test]
async fn a_cut_in_the_middle_can_begin_anew() -> Result<()> {
    let first = Reply::steps([Step::Thinking("hm".into()), Step::Text("half ".into())]).ending(Ending::Cut);
    let chat = two(answers(first, Reply::text(["all", " new"])), "mid_stream_fallback = true").await?;
    let (events, message) = ask(&chat).await?;
    assert_eq!((message.state(), message.content.as_str()), (State::Complete, "all new"));
    assert_eq!((text(&events).as_str(), message.thinking.as_str()), ("all new", ""));
    assert_eq!(attempts(&message), [("fake/a", "CUT"), ("fake/b", "")]);
    assert_eq!(message.answered_by, "fake/b");
    // What is void is exactly what came.
    let at = |wanted: fn(&Kind) -> bool| {
        events.iter().position(|event| event.event.as_ref().is_some_and(wanted)).context("no such event")
    };
    let content = at(|event| matches!(event, Kind::ThinkingDelta(_) | Kind::TextDelta(_)))?;
    let place = at(|event| matches!(event, Kind::Superseded(_)))?;
    let Some(Kind::Superseded(void)) = &events[place].event else { panic!("{events:?}") };
    assert_eq!(void.from_sequence, events[content].sequence);
    assert!(matches!(events[place + 1].event, Some(Kind::FellBack(_))), "{events:?}");
    // Both are paid for.
    let usage = message.usage.context("none")?;
    assert!(usage.source() == Source::Estimated && usage.output > 2, "{usage:?}");
    Ok(())
}

#[tokio::test]
async fn only_content_ends_the_wait_for_the_first() -> Result<()> {
    let pings = Reply::steps([Step::Ping, Step::WaitMs(20)]).ending(Ending::Endless);
    let silent = Reply { wait_ms: 600_000, ..Reply::default() };
    for reply in [pings, silent, Reply::default().ending(Ending::Stall)] {
        let chat = two(answers(reply, Reply::text(["b"])), "first_content_ms = 150").await?;
        let (events, message) = ask(&chat).await?;
        assert_eq!((text(&events).as_str(), message.state()), ("b", State::Complete));
        assert_eq!(attempts(&message), [("fake/a", "TIMEOUT"), ("fake/b", "")]);
        assert!(message.attempts[0].message.contains("first content"), "{message:?}");
        assert!(retried(&events).is_empty(), "nobody waits so long twice");
    }
    Ok(())
}

#[tokio::test]
async fn silence_in_the_middle_and_the_total_time_end_an_answer() -> Result<()> {
    let stalled = Reply::text(["half"]).ending(Ending::Stall);
    let chat = two(answers(stalled, Reply::text(["b"])), "idle_ms = 150").await?;
    let (_, message) = ask(&chat).await?;
    assert_eq!((problem(&message), message.content.as_str()), ("PROVIDER_FAILED", "half"));
    assert_eq!(attempts(&message), [("fake/a", "TIMEOUT")]);
    chat.fake.until(|counts| counts.open == 0).await;

    let mut endless = Reply::text(["on "]).ending(Ending::Endless);
    endless.tokens_per_second = 50.0;
    let chat = two(answers(endless, Reply::text(["b"])), "total_ms = 300").await?;
    let (_, message) = ask(&chat).await?;
    assert_eq!(problem(&message), "TIMED_OUT");
    assert!(message.content.starts_with("on "), "{message:?}");
    chat.fake.until(|counts| counts.open == 0).await;

    // Also one that never makes anybody wait.
    let fast = Reply::text(["on "]).ending(Ending::Endless);
    let chat = two(answers(fast, Reply::text(["b"])), "total_ms = 300").await?;
    assert_eq!(problem(&ask(&chat).await?.1), "TIMED_OUT");
    chat.fake.until(|counts| counts.open == 0).await;

    // The total time ends the wait for another try, too.
    let later = Reply::error(429, "", "later").header("retry-after", "60");
    let chat = two(answers(later, Reply::text(["b"])), "total_ms = 300").await?;
    assert_eq!(problem(&ask(&chat).await?.1), "TIMED_OUT");
    Ok(())
}

#[tokio::test]
async fn an_answer_larger_than_it_may_be_fails_with_what_fits() -> Result<()> {
    let large = Reply::steps(vec![Step::Text("x".repeat(10_000)); 20]);
    let chat = two(answers(large, Reply::text(["b"])), "answer_bytes_max = 65536").await?;
    let (events, message) = ask(&chat).await?;
    assert_eq!(problem(&message), "PROVIDER_FAILED");
    assert!(
        message.error.as_ref().is_some_and(|e| e.message.contains("chat.answer_bytes_max")),
        "{message:?}"
    );
    assert!((1..=65536).contains(&message.content.len()), "{}", message.content.len());
    assert_eq!(text(&events), message.content);
    Ok(())
}

#[tokio::test]
async fn nul_out_of_a_provider_harms_nothing() -> Result<()> {
    let said = Said { kind: "a\0b".into(), message: "c\0d".into() };
    let broken = Reply::steps([Step::Text("e\0f".into()), Step::Thinking("g\0h".into()), Step::Error(said)]);
    for reply in [broken, Reply::error(400, "a\0b", "c\0d")] {
        let chat = Chat::saying(reply).await?;
        let (_, message) = ask(&chat).await?;
        assert_eq!(message.state(), State::Failed);
        assert!(!format!("{message:?}").contains("\\0"), "{message:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_left_out_and_named() -> Result<()> {
    let fake = FakeLlm::start(Script::new().reply("m", Reply::text(["yes"]))).await?;
    let configuration = super::configuration(&fake, "output_tokens_max = 64")
        .replace("context_tokens = 8192", "context_tokens = 400");
    let server = Server::builder().config_file(configuration).start().await?;
    let chat = Chat { server, fake };
    let mut client = chat.client()?;
    let mut first = Answer::to(&mut client, say(&"old ".repeat(150))).await?;
    let old = first.completed().await?;
    let request =
        SendMessageRequest { conversation_id: first.conversation.clone(), ..say(&"new ".repeat(150)) };
    let events = Answer::to(&mut client, request).await?.rest().await?;
    let trimmed = events.iter().find_map(|event| match &event.event {
        Some(Kind::ContextTrimmed(trimmed)) => Some(trimmed.dropped.clone()),
        _ => None,
    });
    assert_eq!(trimmed.context("nothing is said of it")?, [old.parent_id, old.id]);
    let asked = chat.fake.requests().last().context("nobody asked")?.json();
    assert_eq!(asked["messages"].as_array().map(Vec::len), Some(1), "{asked}");
    assert!(asked["messages"][0]["content"].to_string().contains("new"), "{asked}");
    Ok(())
}

#[tokio::test]
async fn ollama_is_told_how_much_it_is_to_take_in() -> Result<()> {
    let fake = FakeLlm::start(Script::new().reply("m", Reply::text(["yes"]))).await?;
    let url = fake.base_url(Wire::Ollama);
    let configuration = format!(
        "[provider.o]\nkind = \"ollama\"\nbase_url = \"{url}\"\nmodel = \"m\"\ncontext_tokens = 3000\n\
         [chat]\nmodel_titles = false"
    );
    let server = Server::builder().config_file(configuration).start().await?;
    let chat = Chat { server, fake };
    let (_, message) = ask(&chat).await?;
    assert_eq!((message.content.as_str(), message.answered_by.as_str()), ("yes", "o/m"));
    let asked = chat.fake.requests().last().context("nobody asked")?.json();
    assert_eq!(asked["options"]["num_ctx"], 3000, "{asked}");
    Ok(())
}
