//! Titles: first words at once, a model's after the first answer, and nobody's own is overwritten.
//!
//! It must not test anything else of conversations.

use anyhow::{Context, Result};
use mosaic_proto::{
    chat::v1::{
        CreateConversationRequest, GetConversationRequest, SendMessageRequest, UpdateConversationRequest,
    },
    workspace::v1::{
        GetUsageRequest, Resource, WatchEventsRequest, event::Payload, watch_events_response::Response,
    },
};
use test_support::{
    ChatClient, Server,
    fake_llm::{FakeLlm, Reply, Script, Step},
};

use super::{Answer, Chat, PATIENCE, configuration, say};

/// A server whose model makes titles: first an answer, then what the script says.
async fn titled(script: Script) -> Result<Chat> {
    let fake = FakeLlm::start(script).await?;
    let text = configuration(&fake, "").replace("model_titles = false", "model_titles = true");
    let server = Server::builder().config_file(text).start().await?;
    Ok(Chat { server, fake })
}

async fn title(client: &mut ChatClient, id: &str) -> Result<String> {
    let request = GetConversationRequest { conversation_id: id.to_owned() };
    Ok(client.get_conversation(request).await?.into_inner().conversation.context("none")?.title)
}

/// Waits until the log has a conversation with this title.
async fn until(server: &Server, wanted: &str) -> Result<()> {
    let resources = vec![Resource::Conversation.into()];
    let request = WatchEventsRequest { after_sequence: Some(0), resources, follow: None };
    let mut events = server.workspace()?.watch_events(request).await?.into_inner();
    loop {
        let step = tokio::time::timeout(PATIENCE, events.message()).await.context("no such title")??;
        if let Some(Response::Event(event)) = step.context("the log ended")?.response
            && let Some(Payload::Conversation(changed)) = event.payload
            && changed.conversation.is_some_and(|conversation| conversation.title == wanted)
        {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn a_model_makes_the_title_after_the_first_answer() -> Result<()> {
    let replies = Script::new()
        .reply("m", Reply::text(["An answer"]))
        .reply("m", Reply::text(["\"Of Mice", " and Men.\"\n"]))
        .reply("m", Reply::text(["More"]));
    let chat = titled(replies).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("  Tell me of\nmice")).await?;
    // The first words stand there at once.
    let id = answer.conversation.clone();
    assert!(["Tell me of", "Of Mice and Men"].contains(&title(&mut client, &id).await?.as_str()));
    answer.completed().await?;
    until(&chat.server, "Of Mice and Men").await?;
    let asked = chat.fake.requests().last().context("nobody asked")?.json().to_string();
    assert!(asked.contains("Tell me of") && asked.contains("An answer"), "{asked}");
    // What it cost is counted, and it is made once.
    let usage = chat.server.workspace()?.get_usage(GetUsageRequest::default()).await?.into_inner();
    assert_eq!((usage.usage[0].attempts, usage.usage[0].estimated_attempts), (2, 0), "{usage:?}");
    let request = SendMessageRequest { conversation_id: id.clone(), ..say("more") };
    Answer::to(&mut client, request).await?.completed().await?;
    chat.server.sigterm().await?;
    // The model server counts a moment after its last word was read.
    assert_eq!(chat.fake.until(|counts| counts.open == 0).await.finished, 3);
    Ok(())
}

#[tokio::test]
async fn an_empty_conversation_gets_its_first_words_with_the_first_message() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let made = client.create_conversation(CreateConversationRequest::default()).await?.into_inner();
    let id = made.conversation.context("none")?.id;
    let request = SendMessageRequest { conversation_id: id.clone(), ..say("Which way?") };
    Answer::to(&mut client, request).await?.completed().await?;
    assert_eq!(title(&mut client, &id).await?, "Which way?");
    until(&chat.server, "Which way?").await
}

#[tokio::test]
async fn a_title_that_somebody_has_set_stays() -> Result<()> {
    let slow = Reply::steps([Step::Text("Theirs".into()), Step::WaitMs(1000)]);
    let replies = Script::new().reply("m", Reply::text(["An answer"])).reply("m", slow);
    let chat = titled(replies).await?;
    let mut client = chat.client()?;
    // Set while the model thinks about one.
    let mut answer = Answer::to(&mut client, say("mine?")).await?;
    answer.completed().await?;
    let id = answer.conversation.clone();
    chat.fake.until(|counts| counts.finished == 1 && counts.open == 1).await;
    let request = UpdateConversationRequest {
        conversation_id: id.clone(),
        title: Some("Mine".into()),
        ..Default::default()
    };
    client.update_conversation(request).await?;
    chat.fake.until(|counts| counts.finished == 2).await;
    // And set before: no model is asked.
    let wish = CreateConversationRequest { title: "My own".into(), ..Default::default() };
    let own = client.create_conversation(wish).await?.into_inner().conversation.context("none")?.id;
    let request = SendMessageRequest { conversation_id: own.clone(), ..say("hi") };
    Answer::to(&mut client, request).await?.completed().await?;
    // After the stop nothing is under way.
    chat.server.sigterm().await?;
    assert_eq!(chat.fake.counts().finished, 3);
    chat.server.restart().await?;
    let mut client = chat.client()?;
    assert_eq!(title(&mut client, &id).await?, "Mine");
    assert_eq!(title(&mut client, &own).await?, "My own");
    Ok(())
}
