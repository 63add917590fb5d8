//! Two servers on one database: the second touches nothing of the first while that lives, and ends what it left if it
//! never comes back.
//!
//! It must not wait for leases: it moves their ends in the database.

use anyhow::{Context, Result, bail, ensure};
use mosaic_proto::chat::v1::{
    GetMessageRequest, Message, SendMessageRequest, StopMessageRequest, message::State,
};
use test_support::{
    ChatClient, Server,
    fake_llm::{Ending, Reply, Step},
    reason,
};
use tokio::task::JoinSet;

use super::{Answer, Chat, PATIENCE, completed, configuration, ensure_numbered, say, text};

/// A second server on the database of the first, with the same models.
async fn second(first: &Chat) -> Result<Server> {
    Server::builder().config_file(configuration(&first.fake, "")).database_of(&first.server)?.start().await
}

async fn get(client: &mut ChatClient, id: &str) -> Result<Message> {
    let request = GetMessageRequest { message_id: id.to_owned() };
    client.get_message(request).await?.into_inner().message.context("no message")
}

/// Waits until the database has some of an answer.
async fn saved(client: &mut ChatClient, id: &str) -> Result<()> {
    let found = async {
        while get(client, id).await?.last_sequence < 5 {}
        Ok(())
    };
    tokio::time::timeout(PATIENCE, found).await.context("nothing is saved")?
}

/// Lets the leases of all answers be over.
async fn expire(first: &Chat) -> Result<()> {
    let sql = "UPDATE messages SET lease_time = now() - interval '1 second' WHERE state = 'STREAMING'";
    first.server.sql(sql).await
}

/// Says something below a message that nobody makes any more: until it is known that nobody does.
async fn below(client: &mut ChatClient, conversation: &str, parent: &str) -> Result<Answer> {
    let request = SendMessageRequest {
        conversation_id: conversation.to_owned(),
        parent_id: Some(parent.to_owned()),
        ..say("and then?")
    };
    let answered = async {
        loop {
            match client.send_message(request.clone()).await {
                Ok(stream) => {
                    return Answer::open(super::event(stream.into_inner(), |response| response.event)).await;
                }
                // The database may have come up only just now, or hold a lock of a server that stands still.
                Err(status)
                    if ["MESSAGE_STREAMING", "DATABASE_UNAVAILABLE"].contains(&reason(&status).as_str()) => {}
                Err(status) => bail!(status),
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.context("it is refused for ever")?
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_and_ends_of_a_second_server_touch_no_answer_of_the_first() -> Result<()> {
    const WORDS: usize = 1200;
    let mut reply = Reply::steps([Step::Words(WORDS)]);
    reply.tokens_per_second = 100.0;
    let first = Chat::saying(reply).await?;
    let (mut ids, mut reading) = (Vec::new(), JoinSet::new());
    for place in 0..5 {
        let mut answer = Answer::to(&mut first.client()?, say(&format!("question {place}"))).await?;
        answer.first_text().await?;
        ids.push(answer.message.clone());
        reading.spawn(async move { answer.completed().await });
    }
    let other = second(&first).await?;
    other.sigterm().await?;
    other.restart().await?;
    other.kill9().await?;
    other.restart().await?;
    let mut client = other.chat()?;
    for id in &ids {
        assert_eq!(get(&mut client, id).await?.state(), State::Streaming);
        let stop = StopMessageRequest { message_id: id.clone() };
        assert_eq!(reason(&client.stop_message(stop).await.unwrap_err()), "OTHER_NODE");
    }
    other.kill9().await?;
    while let Some(message) = reading.join_next().await {
        let message = message??;
        assert_eq!((message.state(), message.content), (State::Complete, "word ".repeat(WORDS)));
    }
    other.restart().await?;
    for id in &ids {
        let events = Answer::after(&mut other.chat()?, id, 0).await?.rest().await?;
        ensure_numbered(&events, 1)?;
        assert_eq!(text(&events), "word ".repeat(WORDS));
        assert_eq!(completed(&events)?.state(), State::Complete);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_server_never_comes_back_ends_when_its_lease_is_over() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(100)]).ending(Ending::Endless);
    reply.tokens_per_second = 200.0;
    let first = Chat::saying(reply).await?;
    let other = second(&first).await?;
    let mut client = other.chat()?;
    let mut answer = Answer::to(&mut first.client()?, say("go on")).await?;
    let (id, conversation) = (answer.message.clone(), answer.conversation.clone());
    saved(&mut client, &id).await?;
    first.server.kill9().await?;
    let mut shown = Vec::new();
    while let Ok(Some(event)) = answer.next().await {
        shown.push(event);
    }
    // As long as its lease lasts it may come back.
    let request = SendMessageRequest { conversation_id: conversation.clone(), ..say("too early") };
    assert_eq!(reason(&client.send_message(request).await.unwrap_err()), "MESSAGE_STREAMING");
    expire(&first).await?;
    let mut next = below(&mut client, &conversation, &id).await?;
    next.first_text().await?;
    let events = Answer::after(&mut client, &id, 0).await?.rest().await?;
    ensure_numbered(&events, 1)?;
    let ended = completed(&events)?;
    assert_eq!((ended.state(), &ended.content), (State::Interrupted, &text(&events)));
    ensure!(!ended.content.is_empty() && text(&shown).starts_with(&ended.content), "{ended:?}");
    // What is kept of it is what the model is told.
    let prompt = first.fake.requests().last().context("no request")?.json();
    assert_eq!(prompt["messages"][1]["content"], ended.content, "{prompt}");
    let ended_bytes = ended.content.len();
    let stop = StopMessageRequest { message_id: id.clone() };
    assert_eq!(client.stop_message(stop).await?.into_inner().message, Some(ended));
    // Its server comes back after all: the end stays as others have seen it, and nothing is there twice.
    first.server.restart().await?;
    let again = Answer::after(&mut first.client()?, &id, 0).await?.rest().await?;
    assert_eq!(again, events);
    if text(&shown).len() > ended_bytes {
        ensure!(first.server.log().contains("another server has ended an answer"), "it says nothing");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_slept_longer_than_its_lease_tells_its_readers_what_is_stored() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(600)]);
    reply.tokens_per_second = 200.0;
    let first = Chat::saying(reply).await?;
    let other = second(&first).await?;
    let mut client = other.chat()?;
    let mut answer = Answer::to(&mut first.client()?, say("go on")).await?;
    let (id, conversation) = (answer.message.clone(), answer.conversation.clone());
    saved(&mut client, &id).await?;
    first.server.stop_signal()?;
    expire(&first).await?;
    drop(below(&mut client, &conversation, &id).await?);
    let kept = Answer::after(&mut client, &id, 0).await?.completed().await?;
    first.server.cont()?;
    let last = answer.completed().await?;
    assert_eq!((last.state(), &last), (State::Interrupted, &kept));
    Ok(())
}
