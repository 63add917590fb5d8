//! Several answers on one stream: each with its own cursor, beginning and end, and all or none.
//!
//! It must not test what the steps of one answer are: `answers` does.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use mosaic_proto::chat::v1::{
    DeleteConversationRequest, ListMessagesRequest, MessageEvent, MessageSubscription, SendMessageRequest,
    StopMessageRequest, WatchMessageRequest, message::State, message_event::Event as Kind,
    stream_ended::Reason,
};
use test_support::{
    ChatClient, Server,
    fake_llm::{Ending, Reply, Script},
    reason,
};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use super::{Answer, Chat, PATIENCE, completed, configuration, ensure_numbered, say, text};
use crate::shells::{bad_field, refused};

fn one(message_id: &str, after_sequence: u64) -> MessageSubscription {
    MessageSubscription { message_id: message_id.to_owned(), after_sequence }
}

fn request(subscriptions: Vec<MessageSubscription>) -> WatchMessageRequest {
    WatchMessageRequest { subscriptions, ..Default::default() }
}

/// Two models that go on for ever, one that has soon finished, and one that stops in the middle of a word.
fn script() -> Script {
    let mut endless = Reply::text(["on ", "and "]).ending(Ending::Endless);
    endless.tokens_per_second = 100.0;
    let stalled = Reply::text(["so"]).ending(Ending::Stall);
    Script::new()
        .reply("endless", endless)
        .reply("m", Reply::text(["it ", "is ", "so"]))
        .reply("stalled", stalled)
}

async fn ask(client: &mut ChatClient, model: &str) -> Result<Answer> {
    let request = SendMessageRequest { model: format!("fake/{model}"), ..say("well?") };
    let mut answer = Answer::to(client, request).await?;
    answer.first_text().await?;
    Ok(answer)
}

/// The id of an answer that goes on for ever. What is not read is let go: it would pile up.
async fn begin(client: &mut ChatClient) -> Result<String> {
    Ok(ask(client, "endless").await?.message)
}

async fn stop(client: &mut ChatClient, id: &str) -> Result<()> {
    client.stop_message(StopMessageRequest { message_id: id.to_owned() }).await?;
    Ok(())
}

/// What was read of several answers, by their ids.
struct Several {
    stream: Streaming<mosaic_proto::chat::v1::WatchMessageResponse>,
    opened: HashSet<String>,
    heartbeats: HashSet<String>,
    events: HashMap<String, Vec<MessageEvent>>,
    ended: HashMap<String, Reason>,
    until: Instant,
}

impl Several {
    async fn of(client: &mut ChatClient, subscriptions: &[MessageSubscription]) -> Result<Self, Status> {
        let stream = client.watch_message(request(subscriptions.to_vec())).await?.into_inner();
        let (opened, heartbeats) = (HashSet::new(), HashSet::new());
        let (events, ended, until) = (HashMap::new(), HashMap::new(), Instant::now() + PATIENCE);
        Ok(Self { stream, opened, heartbeats, events, ended, until })
    }

    /// Reads one step; false where the stream ends.
    async fn step(&mut self) -> Result<bool> {
        // Also when others speak all the time.
        let step = timeout_at(self.until, self.stream.message()).await.context("it does not come")??;
        let Some(event) = step.map(|response| response.event.context("an empty response")).transpose()?
        else {
            return Ok(false);
        };
        let id = event.message_id.clone();
        ensure!(!self.ended.contains_key(&id), "something follows the last word: {event:?}");
        let first = matches!(event.event, Some(Kind::Opened(_)));
        ensure!(first != self.opened.contains(&id), "opened is not first, or not alone: {event:?}");
        match event.event {
            Some(Kind::Opened(_)) => {
                self.opened.insert(id);
            }
            Some(Kind::Heartbeat(_)) => {
                self.heartbeats.insert(id);
            }
            Some(Kind::StreamEnded(ended)) => {
                self.ended.insert(id, ended.reason());
            }
            Some(_) => self.events.entry(id).or_default().push(event),
            None => bail!("nothing in {event:?}"),
        }
        Ok(true)
    }

    /// Reads until so many events of an answer were there.
    async fn until(&mut self, id: &str, many: usize) -> Result<()> {
        while self.seen(id).len() < many {
            ensure!(self.step().await?, "the stream ended");
        }
        Ok(())
    }

    /// Reads to the end of the stream.
    async fn rest(&mut self) -> Result<()> {
        while self.step().await? {}
        Ok(())
    }

    fn seen(&self, id: &str) -> &[MessageEvent] {
        self.events.get(id).map_or(&[], Vec::as_slice)
    }
}

#[tokio::test]
async fn live_and_finished_answers_share_a_stream_fairly() -> Result<()> {
    let chat = Chat::start(script()).await?;
    let mut client = chat.client()?;
    let (first, second) = (begin(&mut client).await?, begin(&mut client).await?);
    let mut finished = ask(&mut client, "m").await?;
    let message = finished.completed().await?;
    // Those that never end come first: nobody waits for them.
    let ids = [&first, &second, &finished.message];
    let mut all = Several::of(&mut client, &ids.map(|id| one(id, 0))).await?;
    for id in &ids[..2] {
        all.until(id, 5).await?;
    }
    while all.ended.is_empty() {
        all.step().await?;
    }
    assert_eq!(all.ended, HashMap::from([(finished.message.clone(), Reason::Completed)]));
    assert_eq!(completed(all.seen(&finished.message))?, message);
    stop(&mut client, &first).await?;
    while all.ended.len() < 2 {
        all.step().await?;
    }
    // One that has ended ends nothing but itself.
    let more = all.seen(&second).len() + 5;
    all.until(&second, more).await?;
    stop(&mut client, &second).await?;
    all.rest().await?;
    assert_eq!(all.ended.len(), 3);
    for id in ids {
        ensure_numbered(all.seen(id), 1)?;
        assert_eq!(completed(all.seen(id))?.content, text(all.seen(id)));
    }
    Ok(())
}

#[tokio::test]
async fn each_goes_on_after_its_own_cursor_and_ends_where_it_is_told() -> Result<()> {
    let chat = Chat::start(script()).await?;
    let mut client = chat.client()?;
    let live = ask(&mut client, "stalled").await?;
    let mut finished = ask(&mut client, "m").await?;
    let end = finished.completed().await?.last_sequence;
    let cursors = [one(&live.message, 1), one(&finished.message, 3)];
    let caught_up = WatchMessageRequest { follow: Some(false), ..request(cursors.to_vec()) };
    let stream = client.watch_message(caught_up).await?.into_inner();
    let mut all = Several::of(&mut client, &[one(&finished.message, end)]).await?;
    all.rest().await?;
    // At its end there is nothing more, and that is said.
    assert_eq!((all.events.len(), all.ended.get(&finished.message)), (0, Some(&Reason::Completed)));
    all = Several { stream, opened: HashSet::new(), events: HashMap::new(), ended: HashMap::new(), ..all };
    all.rest().await?;
    ensure_numbered(all.seen(&live.message), 2)?;
    ensure_numbered(all.seen(&finished.message), 4)?;
    assert_eq!(all.seen(&live.message).len(), 1, "{:?}", all.events);
    assert_eq!(all.seen(&finished.message).last().map(|last| last.sequence), Some(end));
    assert_eq!(all.ended[&live.message], Reason::CaughtUp);
    assert_eq!(all.ended[&finished.message], Reason::Completed);
    stop(&mut client, &live.message).await
}

#[tokio::test]
async fn what_is_asked_badly_is_named() -> Result<()> {
    let chat = Chat::start(script()).await?;
    let mut client = chat.client()?;
    let mut answer = ask(&mut client, "m").await?;
    let end = answer.completed().await?.last_sequence;
    let id = answer.message.as_str();
    let request_of =
        ListMessagesRequest { conversation_id: answer.conversation.clone(), ..Default::default() };
    let messages = client.list_messages(request_of).await?.into_inner().messages;
    let asked = messages.last().context("no message of a person")?.id.as_str();
    let many = |many: usize| (0..many).map(|_| one(&uuid::Uuid::now_v7().to_string(), 0)).collect();
    let cases = [
        ("message_id", request(vec![])),
        ("message_id", WatchMessageRequest { message_id: id.into(), ..request(vec![one(id, 0)]) }),
        ("after_sequence", WatchMessageRequest { after_sequence: 1, ..request(vec![one(id, 0)]) }),
        ("subscriptions", request(many(65))),
        ("subscriptions[1].message_id", request(vec![one(id, 0), one(id, 1)])),
        ("subscriptions[0].message_id", request(vec![one("here", 0)])),
        ("subscriptions[1].message_id", request(vec![one(id, 0), one("", 0)])),
        ("subscriptions[1].message_id", request(vec![one(id, 0), one(asked, 0)])),
    ];
    for (field, request) in cases {
        println!("{field}");
        bad_field(client.watch_message(request).await, field);
    }
    // As many as there may be: then it matters that there are none of these.
    refused(client.watch_message(request(many(64))).await, Code::NotFound, "MESSAGE_NOT_FOUND");
    let absent = uuid::Uuid::now_v7().to_string();
    let one_is = async |client: &mut ChatClient, bad: MessageSubscription| {
        let status = client.watch_message(request(vec![one(id, 0), bad.clone()])).await.unwrap_err();
        let facts = status.get_details_error_info().map(|info| info.metadata).unwrap_or_default();
        assert_eq!(facts.get("message_id"), Some(&bad.message_id));
        (status.code(), reason(&status))
    };
    assert_eq!(one_is(&mut client, one(&absent, 0)).await, (Code::NotFound, "MESSAGE_NOT_FOUND".into()));
    let mut other = ask(&mut client, "m").await?;
    other.completed().await?;
    let ahead = one_is(&mut client, one(&other.message, end + 9)).await;
    assert_eq!(ahead, (Code::OutOfRange, "CURSOR_AHEAD".into()));
    Ok(())
}

#[tokio::test]
async fn another_workspace_reads_none_of_them() -> Result<()> {
    let chat = Chat::start(script()).await?;
    let mut client = chat.client()?;
    let mut answer = ask(&mut client, "m").await?;
    answer.completed().await?;
    let token = chat.server.other_workspace_token().await?;
    let mut stranger = chat.server.chat_as(&token)?;
    refused(
        Several::of(&mut stranger, &[one(&answer.message, 0)]).await.map(drop),
        Code::NotFound,
        "MESSAGE_NOT_FOUND",
    );
    let mut own = ask(&mut stranger, "m").await?;
    own.completed().await?;
    for order in [[&own.message, &answer.message], [&answer.message, &own.message]] {
        let result = Several::of(&mut stranger, &order.map(|id| one(id, 0))).await.map(drop);
        refused(result, Code::NotFound, "MESSAGE_NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_conversation_ends_its_own_answer_and_the_silent_show_life() -> Result<()> {
    let chat = Chat::start_with(script(), "", Server::builder().config("streams.heartbeat_ms", 200)).await?;
    let mut client = chat.client()?;
    let (silent, doomed) = (ask(&mut client, "stalled").await?, ask(&mut client, "stalled").await?);
    let mut all = Several::of(&mut client, &[one(&silent.message, 0), one(&doomed.message, 0)]).await?;
    while all.heartbeats.len() < 2 {
        all.step().await?;
    }
    let conversation_id = doomed.conversation.clone();
    client.delete_conversation(DeleteConversationRequest { conversation_id }).await?;
    while all.ended.is_empty() {
        all.step().await?;
    }
    assert_eq!(all.ended, HashMap::from([(doomed.message.clone(), Reason::Deleted)]));
    stop(&mut client, &silent.message).await?;
    all.rest().await?;
    assert_eq!(all.ended[&silent.message], Reason::Completed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_and_a_stop_of_the_server_lose_nothing_of_any() -> Result<()> {
    let chat = Chat::start(script()).await?;
    let mut client = chat.client()?;
    let (first, second) = (begin(&mut client).await?, begin(&mut client).await?);
    let ids = [&first, &second];
    let mut all = Several::of(&mut client, &ids.map(|id| one(id, 0))).await?;
    for id in ids {
        all.until(id, 20).await?;
    }
    chat.server.kill9().await?;
    // What was on its way still comes; the break is no end.
    while all.step().await.unwrap_or(false) {}
    assert_eq!(all.ended, HashMap::new());
    chat.server.restart().await?;
    let mut client = chat.client()?;
    let cursor = |id: &String| one(id, all.seen(id).last().map_or(0, |last| last.sequence));
    let mut on = Several::of(&mut client, &ids.map(cursor)).await?;
    on.rest().await?;
    for id in ids {
        let both = [all.seen(id), on.seen(id)].concat();
        ensure_numbered(&both, 1)?;
        let message = completed(&both)?;
        assert_eq!((message.state(), &message.content), (State::Interrupted, &text(&both)));
    }
    // A stop says a last word for each.
    let (first, second) = (ask(&mut client, "stalled").await?, ask(&mut client, "stalled").await?);
    let ids = [&first.message, &second.message];
    let mut all = Several::of(&mut client, &ids.map(|id| one(id, 0))).await?;
    for id in ids {
        all.until(id, 2).await?;
    }
    let reading = tokio::spawn(async move { all.rest().await.map(|()| all) });
    chat.server.sigterm().await?;
    let all = reading.await??;
    assert_eq!(all.ended.len(), 2, "{:?}", all.ended);
    Ok(())
}

#[tokio::test]
async fn one_that_another_server_makes_refuses_them_all() -> Result<()> {
    let first = Chat::start(script()).await?;
    let live = ask(&mut first.client()?, "stalled").await?;
    let mut finished = ask(&mut first.client()?, "m").await?;
    finished.completed().await?;
    let other = Server::builder().config_file(configuration(&first.fake, "")).database_of(&first.server)?;
    let other = other.start().await?;
    let mut client = other.chat()?;
    let both = [one(&finished.message, 0), one(&live.message, 0)];
    refused(Several::of(&mut client, &both).await.map(drop), Code::FailedPrecondition, "OTHER_NODE");
    let mut all = Several::of(&mut client, &both[..1]).await?;
    all.rest().await?;
    assert_eq!(all.ended[&finished.message], Reason::Completed);
    stop(&mut first.client()?, &live.message).await
}
