//! What of answers must live through faults: each test breaks the real processes and checks by sequence and content.
//!
//! It must not know how the server keeps its promises, only what they are.

use std::{
    collections::HashMap,
    task::Poll,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mosaic_proto::chat::v1::{
    MessageEvent, SendMessageRequest, StopMessageRequest, message::State, message_event::Event as Kind,
    usage::Source,
};
use test_support::{
    Postgres, Server, cost,
    fake_llm::{Ending, Reply, Script, Step},
};
use tokio::{task::JoinSet, time::timeout};

use super::{Answer, Chat, PATIENCE, completed, ensure_numbered, say, text};
use crate::survive::{Seeded, faults};

/// Answers at once.
const MANY: usize = 50;
/// From the first token to the sending of a stop.
const STOP_MAX: Duration = Duration::from_millis(100);

/// How long PostgreSQL is away.
fn away() -> Duration {
    Duration::from_secs(if test_support::long() { 10 } else { 3 })
}

/// What one reader was shown until its connection broke, or until the end.
async fn read(chat: &mut test_support::ChatClient, content: String) -> (String, Vec<MessageEvent>) {
    let mut events = Vec::new();
    let Ok(mut answer) = Answer::to(chat, say(&content)).await else { return (String::new(), events) };
    while let Ok(Some(event)) = answer.next().await {
        events.push(event);
    }
    (answer.message, events)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_anyone_was_shown_is_kept_by_kills_of_the_server() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(200)]);
    reply.tokens_per_second = 400.0;
    let chat = Chat::saying(reply).await?;
    let mut seeded = Seeded::new(0x00c0_ffee);
    let (mut interrupted, mut complete) = (0, 0);
    for round in 0..faults(60) {
        let client = chat.client()?;
        let mut readers = JoinSet::new();
        for place in 0..MANY {
            let mut client = client.clone();
            readers.spawn(async move { read(&mut client, format!("round {round}, question {place}")).await });
        }
        // The last part of a round's time catches some of them as they end.
        seeded.pause(Duration::from_millis(2500)).await;
        chat.server.kill9().await?;
        let shown = readers.join_all().await;
        chat.server.restart().await?;
        let mut client = chat.client()?;
        for (id, seen) in shown.into_iter().filter(|(id, _)| !id.is_empty()) {
            ensure_numbered(&seen, 1)?;
            let kept = Answer::after(&mut client, &id, 0).await?.rest().await?;
            ensure_numbered(&kept, 1)?;
            ensure!(
                kept.len() >= seen.len(),
                "{} of {} events that were shown are kept",
                kept.len(),
                seen.len()
            );
            assert_eq!(kept[..seen.len()], seen[..], "what was shown is not what is kept");
            let message = completed(&kept)?;
            assert_eq!(message.content, text(&kept));
            match message.state() {
                State::Interrupted => interrupted += 1,
                State::Complete => complete += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    println!("{interrupted} interrupted, {complete} complete");
    ensure!(interrupted > 0, "no kill hit an answer");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_stops_leave_no_stream_upstream() -> Result<()> {
    let mut reply = Reply::text(["some ", "more "]).ending(Ending::Endless);
    reply.tokens_per_second = 200.0;
    let chat = Chat::saying(reply).await?;
    let client = chat.client()?;
    let stops = faults(1000);
    let mut tasks = JoinSet::new();
    for worker in 0..10 {
        let mut client = client.clone();
        let share = stops / 10;
        tasks.spawn(async move {
            for n in 0..share {
                let mut answer = Answer::to(&mut client, say(&format!("worker {worker}, {n}"))).await?;
                let first = answer.first_text().await?;
                let seen = Instant::now();
                let stop = StopMessageRequest { message_id: answer.message.clone() };
                let mut stopping = std::pin::pin!(client.stop_message(stop));
                // Polled once, it is on its way.
                let at_once = futures_util::poll!(stopping.as_mut());
                let took = seen.elapsed();
                ensure!(took <= STOP_MAX, "the stop was sent {took:?} after the first token");
                let stopped = match at_once {
                    Poll::Ready(stopped) => stopped,
                    Poll::Pending => timeout(PATIENCE, stopping).await.context("the stop is not answered")?,
                };
                let message = stopped?.into_inner().message.context("no message")?;
                ensure!(
                    message.state() == State::Stopped && message.content.starts_with(&first),
                    "{message:?}"
                );
                let usage = message.usage.context("no usage")?;
                ensure!(usage.output > 0 && usage.source() == Source::Estimated, "{usage:?}");
                ensure!(answer.completed().await? == message, "the reader saw something else");
            }
            Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let counts = chat.fake.until(|counts| counts.open == 0).await;
    assert_eq!((counts.dropped, counts.finished), (stops, 0), "{counts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_readers_cost_no_memory() -> Result<()> {
    const PIECE: usize = 2000;
    const SMALL: usize = 10;
    const LARGE: usize = 1200;
    const STALLED: usize = 50;
    let streams = faults(500);
    let piece = "x".repeat(PIECE);
    let reply = |pieces| Reply::text(std::iter::repeat_n(piece.as_str(), pieces));
    let script = Script::new().reply("m", reply(SMALL)).reply("large", reply(LARGE));
    let more = "generations_per_workspace_max = 1000\ndaily_budget_tokens = 0\n";
    let builder = Server::builder().config("server.streams_per_connection_max", 1000);
    // All of them at once ask for a connection to the database.
    let chat = Chat::start_with(script, more, builder.config("database.wait_ms", 30_000)).await?;
    let mut client = chat.client()?;
    let large = SendMessageRequest { model: "fake/large".into(), ..say("first") };
    let large = Answer::to(&mut client, large).await?.completed().await?;
    // The same streams once without anybody stalled: what they take by themselves is not what is measured.
    let alone = most_resident(&chat, streams, PIECE * SMALL).await?;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        // A connection of its own, as somebody else's would be.
        let mut own = chat.client()?;
        stalled.push((Answer::after(&mut own, &large.id, 0).await?, own));
    }
    let together = most_resident(&chat, streams, PIECE * SMALL).await?;
    let grown = together.saturating_sub(alone);
    println!("{alone} KiB without stalled readers, {grown} KiB more with them");
    // A quarter of what they have not read.
    let unread = (STALLED * PIECE * LARGE / 1024) as u64;
    ensure!(grown < unread / 4, "grown by {grown} KiB, and {unread} KiB are unread");
    // Whoever comes back to reading misses nothing.
    for (mut answer, _) in stalled {
        let events = answer.rest().await?;
        ensure_numbered(&events, 1)?;
        assert_eq!(text(&events), large.content);
    }
    Ok(())
}

/// The most memory that the server has while so many answers of so many bytes come at once.
async fn most_resident(chat: &Chat, streams: usize, bytes: usize) -> Result<u64> {
    let client = chat.client()?;
    let mut tasks = JoinSet::new();
    for place in 0..streams {
        let mut client = client.clone();
        let content = format!("stream {place}");
        tasks.spawn(async move { Answer::to(&mut client, say(&content)).await?.completed().await });
    }
    let mut most = 0;
    while let Some(message) = tasks.join_next().await {
        let message = message??;
        assert_eq!((message.state(), message.content.len()), (State::Complete, bytes));
        most = most.max(cost(chat.server.pid()?)?.resident_kib);
    }
    Ok(most)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_on_while_postgresql_is_away() -> Result<()> {
    let words = 200 * away().as_secs() as usize;
    let mut reply = Reply::steps([Step::Words(words)]);
    reply.tokens_per_second = 200.0;
    let fake = test_support::fake_llm::FakeLlm::start(Script::new().reply("m", reply)).await?;
    let postgres = Postgres::start().await?;
    let builder = Server::builder().config_file(super::configuration(&fake, ""));
    let builder = builder.config("streams.heartbeat_ms", 200);
    let server = builder.database_url(postgres.url()).start().await?;
    let mut client = server.chat()?;
    let mut answer = Answer::to(&mut client, say("go on")).await?;
    answer.first_text().await?;
    postgres.stop().await?;
    let gone = Instant::now();
    // All of the text comes without the database; only the end needs it.
    let mut events = Vec::new();
    while text(&events).len() < 5 * (words - 60) {
        events.push(answer.next().await?.context("it ended")?);
    }
    // Neither is it there when the end wants to be stored.
    while gone.elapsed() < away() {
        let step = answer.step().await?.context("it ended")?;
        events.extend(Some(step).filter(|step| !matches!(step.event, Some(Kind::Heartbeat(_)))));
    }
    postgres.start_again().await?;
    events.extend(answer.rest().await?);
    let message = completed(&events)?;
    assert_eq!((message.state(), message.content.len()), (State::Complete, 5 * words));
    let kept = Answer::after(&mut client, &answer.message, 0).await?.rest().await?;
    ensure_numbered(&kept, 1)?;
    assert_eq!(kept[kept.len() - events.len()..], events[..]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_postgresql_is_away_loses_nothing_that_was_shown() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(4000)]).ending(Ending::Endless);
    reply.tokens_per_second = 200.0;
    let fake = test_support::fake_llm::FakeLlm::start(Script::new().reply("m", reply)).await?;
    let postgres = Postgres::start().await?;
    let builder = Server::builder().config_file(super::configuration(&fake, ""));
    let server = builder.database_url(postgres.url()).start().await?;
    let client = server.chat()?;
    let mut answers = HashMap::new();
    for place in 0..5 {
        let mut answer = Answer::to(&mut client.clone(), say(&format!("question {place}"))).await?;
        answer.first_text().await?;
        answers.insert(answer.message.clone(), answer);
    }
    postgres.stop().await?;
    let (mut reading, gone) = (JoinSet::new(), Instant::now());
    for (id, mut answer) in answers {
        reading.spawn(async move {
            let mut events = Vec::new();
            while gone.elapsed() < away() {
                events.push(answer.next().await?.context("it ended")?);
            }
            anyhow::Ok((id, events))
        });
    }
    let mut shown = HashMap::new();
    while let Some(read) = reading.join_next().await {
        let (id, events) = read??;
        ensure!(events.len() > 200, "only {} events while the database was away", events.len());
        shown.insert(id, events);
    }
    server.kill9().await?;
    postgres.start_again().await?;
    server.restart().await?;
    let mut client = server.chat()?;
    for (id, seen) in shown {
        let kept = Answer::after(&mut client, &id, 0).await?.rest().await?;
        ensure_numbered(&kept, 1)?;
        let first = usize::try_from(seen[0].sequence)? - 1;
        assert_eq!(kept[first..first + seen.len()], seen[..]);
        assert_eq!(completed(&kept)?.state(), State::Interrupted);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_server_ends_answers_honestly_and_says_a_last_word() -> Result<()> {
    let mut reply = Reply::text(["on "]).ending(Ending::Endless);
    reply.tokens_per_second = 100.0;
    let chat = Chat::saying(reply).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("go")).await?;
    answer.first_text().await?;
    let id = answer.message.clone();
    // Reads to the explicit last word, or fails.
    let reading = tokio::spawn(async move { answer.rest().await });
    chat.server.sigterm().await?;
    let seen = reading.await??;
    chat.server.restart().await?;
    let kept = Answer::after(&mut chat.client()?, &id, 0).await?.rest().await?;
    assert_eq!(completed(&kept)?.state(), State::Interrupted);
    ensure!(
        kept.windows(seen.len().max(1)).any(|window| window == seen) || seen.is_empty(),
        "not what was shown"
    );
    Ok(())
}
