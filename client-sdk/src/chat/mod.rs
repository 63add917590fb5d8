//! Chat: the service, and a handle on one conversation.
//!
//! It must not know how an answer's stream resumes (`answer`, `log`).

mod answer;
mod ask;
mod conversation;
mod event;
mod log;
mod send;
mod transcript;

use mosaic_proto::chat::v1::{self as proto, chat_service_client::ChatServiceClient};

pub use self::{
    answer::Answer,
    ask::{RegenerateMessage, WatchMessage},
    conversation::{Conversation, CreateConversation, ListConversations, ListMessages, UpdateConversation},
    event::Event,
    send::SendMessage,
};
use crate::{Client, Error, Result, client::Transport};

/// The conversations of a workspace, and the models that answer.
#[derive(Clone, Debug)]
pub struct Chat {
    client: Client,
}

impl Chat {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Says something; without more, it begins a new conversation. A text that begins with `/` is a command, which
    /// the server runs: the answer's message holds a `command_result`. `//` begins an ordinary text with a slash.
    pub fn send(&self, content: impl Into<String>) -> SendMessage {
        SendMessage::new(self.client.clone(), content.into())
    }

    /// Asks for another answer beside those that there are: to an answer's question, or to a person's message.
    pub fn regenerate(&self, message_id: impl Into<String>) -> RegenerateMessage {
        RegenerateMessage::new(self.client.clone(), message_id.into())
    }

    /// Reads an answer, live or finished.
    pub fn watch(&self, message_id: impl Into<String>) -> WatchMessage {
        WatchMessage::new(self.client.clone(), message_id.into())
    }

    /// Ends the generation of an answer and keeps its text so far: the message as it is stored. Idempotent.
    pub async fn stop(&self, message_id: impl Into<String>) -> Result<proto::Message> {
        let request = proto::StopMessageRequest { message_id: message_id.into() };
        let answer = self.raw()?.stop_message(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().message, "message")
    }

    /// One message, with its images.
    pub async fn message(&self, message_id: impl Into<String>) -> Result<proto::Message> {
        let request = proto::GetMessageRequest { message_id: message_id.into() };
        let answer = self.raw()?.get_message(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().message, "message")
    }

    /// The models that a message may name, aliases first.
    pub async fn models(&self) -> Result<Vec<proto::Model>> {
        let answer = self.raw()?.list_models(proto::ListModelsRequest {}).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner().models)
    }

    /// The commands that [`send`](Self::send) takes, and what could follow the text that somebody has typed so far.
    pub async fn commands(&self, typed: impl Into<String>) -> Result<proto::ListCommandsResponse> {
        let request = proto::ListCommandsRequest { prefix: typed.into(), limit: 0 };
        let answer = self.raw()?.list_commands(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// An empty conversation to be made. [`send`](Self::send) makes one by itself.
    pub fn create_conversation(&self) -> CreateConversation {
        CreateConversation::new(self.client.clone())
    }

    /// One conversation, by its id. No call is made.
    pub fn conversation(&self, conversation_id: impl Into<String>) -> Conversation {
        Conversation::new(self.client.clone(), conversation_id.into())
    }

    /// The conversations of the workspace, newest first.
    pub fn conversations(&self) -> ListConversations {
        ListConversations::new(self.client.clone())
    }

    fn raw(&self) -> Result<ChatServiceClient<Transport>> {
        Ok(self.client.raw()?.chat)
    }
}

/// Every answer about something holds it.
fn present<T>(field: Option<T>, what: &str) -> Result<T> {
    field.ok_or_else(|| Error::protocol(format!("the server's answer lacks its {what}")))
}
