//! What the workspace's log says of conversations and messages.
//!
//! It must not test how the log is read: `events` does.

use anyhow::{Context, Result, bail};
use mosaic_proto::{
    chat::v1::{
        Conversation, DeleteConversationRequest, Image, Message, SendMessageRequest,
        UpdateConversationRequest, message,
    },
    workspace::v1::{
        Event, Resource, WatchEventsRequest, WatchEventsResponse, conversation_changed, event::Payload,
        message_changed, watch_events_response::Response,
    },
};
use test_support::{Server, fake_llm::Reply};
use tonic::Streaming;

use super::{Answer, Chat, PATIENCE, say};

/// The workspace's events about conversations and messages.
struct Log(Streaming<WatchEventsResponse>);

impl Log {
    async fn open(server: &Server) -> Result<Self> {
        let resources = vec![Resource::Conversation.into(), Resource::Message.into()];
        let request = WatchEventsRequest { after_sequence: Some(0), resources, follow: None };
        Ok(Self(server.workspace()?.watch_events(request).await?.into_inner()))
    }

    async fn next(&mut self) -> Result<Event> {
        loop {
            let step = tokio::time::timeout(PATIENCE, self.0.message()).await.context("no event")??;
            match step.context("the log ended")?.response {
                Some(Response::Event(event)) => return Ok(event),
                Some(Response::Opened(_) | Response::Heartbeat(_)) => {}
                other => bail!("no event: {other:?}"),
            }
        }
    }

    /// The next event is this one of a conversation.
    async fn conversation(&mut self, kind: conversation_changed::Kind) -> Result<(Conversation, String)> {
        let event = self.next().await?;
        let by = event.principal.context("nobody did it")?.name;
        match event.payload {
            Some(Payload::Conversation(changed)) if changed.kind() == kind => {
                Ok((changed.conversation.context("an event without its conversation")?, by))
            }
            other => bail!("not {kind:?}: {other:?}"),
        }
    }

    async fn message(&mut self, kind: message_changed::Kind) -> Result<(Message, String)> {
        let event = self.next().await?;
        let by = event.principal.context("nobody did it")?.name;
        match event.payload {
            Some(Payload::Message(changed)) if changed.kind() == kind => {
                Ok((changed.message.context("an event without its message")?, by))
            }
            other => bail!("not {kind:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_log_of_the_workspace_has_it_all_in_short() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let mut log = Log::open(&chat.server).await?;
    let (long, system) = ("ö".repeat(3000), "s".repeat(3000));
    let picture = Image { media_type: "image/gif".into(), data: vec![7; 999].into(), size_bytes: 0 };
    let request = SendMessageRequest { system, images: vec![picture], ..say(&long) };
    let answer = Answer::to(&mut client, request).await?.completed().await?;
    let (conversation, by) = log.conversation(conversation_changed::Kind::Created).await?;
    assert_eq!((conversation.id.as_str(), by.as_str()), (answer.conversation_id.as_str(), "operator"));
    assert_eq!(conversation.system.len(), 1024);
    let (asked, by) = log.message(message_changed::Kind::Created).await?;
    assert_eq!((asked.id.as_str(), by.as_str()), (answer.parent_id.as_str(), "operator"));
    assert_eq!((asked.content, asked.images[0].size_bytes), ("ö".repeat(512), 999));
    let (begun, _) = log.message(message_changed::Kind::Created).await?;
    assert_eq!((begun.id.as_str(), begun.state()), (answer.id.as_str(), message::State::Streaming));
    let (finished, by) = log.message(message_changed::Kind::Finished).await?;
    assert_eq!((finished, by.as_str()), (answer.clone(), "system"));
    let change = UpdateConversationRequest {
        conversation_id: answer.conversation_id.clone(),
        title: Some("t".into()),
        ..Default::default()
    };
    client.update_conversation(change).await?;
    assert_eq!(log.conversation(conversation_changed::Kind::Updated).await?.0.title, "t");
    let gone = DeleteConversationRequest { conversation_id: answer.conversation_id.clone() };
    client.delete_conversation(gone).await?;
    assert_eq!(log.conversation(conversation_changed::Kind::Deleted).await?.0.id, answer.conversation_id);
    Ok(())
}
