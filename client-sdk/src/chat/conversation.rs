//! Conversations: make, list, change, delete, and the messages of one.
//!
//! It must not keep more than one page.

use futures_util::{Stream, stream};
use mosaic_proto::chat::v1 as proto;
use uuid::Uuid;

use super::present;
use crate::{Client, Result};

/// One conversation, named by its id. Making a handle makes no call.
#[derive(Clone, Debug)]
pub struct Conversation {
    client: Client,
    id: String,
}

/// An empty conversation to be. [`send`](Self::send) it again after a lost connection: one builder makes one.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct CreateConversation {
    client: Client,
    request: proto::CreateConversationRequest,
}

/// A change to be made; what is not named stays.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct UpdateConversation {
    client: Client,
    request: proto::UpdateConversationRequest,
}

/// Conversations to ask for, newest first.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `page`, `pages` or `all`"]
pub struct ListConversations {
    client: Client,
    request: proto::ListConversationsRequest,
}

/// Messages to ask for, newest first, without the data of their images.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `page`, `pages` or `all`"]
pub struct ListMessages {
    client: Client,
    request: proto::ListMessagesRequest,
}

impl Conversation {
    pub(super) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The id that this handle was made with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The conversation as it is now.
    pub async fn get(&self) -> Result<proto::Conversation> {
        let request = proto::GetConversationRequest { conversation_id: self.id.clone() };
        let answer = self.client.raw()?.chat.get_conversation(request).await;
        let answer = answer.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().conversation, "conversation")
    }

    /// Changes it.
    pub fn update(&self) -> UpdateConversation {
        let request =
            proto::UpdateConversationRequest { conversation_id: self.id.clone(), ..Default::default() };
        UpdateConversation { client: self.client.clone(), request }
    }

    /// Deletes it and its messages; answers that are being generated are stopped first.
    pub async fn delete(&self) -> Result<()> {
        let request = proto::DeleteConversationRequest { conversation_id: self.id.clone() };
        let answer = self.client.raw()?.chat.delete_conversation(request).await;
        answer.map_err(|status| self.client.error(status))?;
        Ok(())
    }

    /// Its messages: a tree, as their parents say.
    pub fn messages(&self) -> ListMessages {
        let request = proto::ListMessagesRequest { conversation_id: self.id.clone(), ..Default::default() };
        ListMessages { client: self.client.clone(), request }
    }
}

impl CreateConversation {
    pub(super) fn new(client: Client) -> Self {
        let request_id = Uuid::now_v7().to_string();
        Self { client, request: proto::CreateConversationRequest { request_id, ..Default::default() } }
    }

    /// What it is about. Default: made of what is said first.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.request.title = title.into();
        self
    }

    /// Instructions for the model.
    pub fn system(mut self, instructions: impl Into<String>) -> Self {
        self.request.system = instructions.into();
        self
    }

    /// The model for messages that name none.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = model.into();
        self
    }

    /// How to sample, where a message does not say.
    pub fn parameters(mut self, parameters: proto::Parameters) -> Self {
        self.request.parameters = Some(parameters);
        self
    }

    /// Makes the call repeatable under this id also from another process. Default: an id of this builder's.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request.request_id = id.into();
        self
    }

    /// Makes it.
    pub async fn send(&self) -> Result<proto::Conversation> {
        let answer = self.client.raw()?.chat.create_conversation(self.request.clone()).await;
        let answer = answer.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().conversation, "conversation")
    }
}

impl UpdateConversation {
    /// What it is about.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.request.title = Some(title.into());
        self
    }

    /// Instructions for the model; empty: none.
    pub fn system(mut self, instructions: impl Into<String>) -> Self {
        self.request.system = Some(instructions.into());
        self
    }

    /// The model for messages that name none; empty: the default.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = Some(model.into());
        self
    }

    /// How to sample; replaces all of it.
    pub fn parameters(mut self, parameters: proto::Parameters) -> Self {
        self.request.parameters = Some(parameters);
        self
    }

    /// Puts it away, or takes it out again.
    pub fn archived(mut self, archived: bool) -> Self {
        self.request.archived = Some(archived);
        self
    }

    /// Shows the branch that ends with this message.
    pub fn head(mut self, message_id: impl Into<String>) -> Self {
        self.request.head_message_id = Some(message_id.into());
        self
    }

    /// Makes the change: the conversation after it.
    pub async fn send(&self) -> Result<proto::Conversation> {
        let answer = self.client.raw()?.chat.update_conversation(self.request.clone()).await;
        let answer = answer.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().conversation, "conversation")
    }
}

impl ListConversations {
    pub(super) fn new(client: Client) -> Self {
        Self { client, request: proto::ListConversationsRequest::default() }
    }

    /// Only those with these words in the title or in a message: words, "a phrase", -not, or.
    pub fn query(mut self, words: impl Into<String>) -> Self {
        self.request.query = words.into();
        self
    }

    /// Also those that were put away.
    pub fn include_archived(mut self) -> Self {
        self.request.include_archived = true;
        self
    }

    /// At most so many on a page: 1000, default 50.
    pub fn page_size(mut self, size: u32) -> Self {
        self.request.page_size = size;
        self
    }

    /// The page after a `next_page_token`; an empty one asks for the first.
    pub async fn page(&self, token: impl Into<String>) -> Result<proto::ListConversationsResponse> {
        let request = proto::ListConversationsRequest { page_token: token.into(), ..self.request.clone() };
        let answer = self.client.raw()?.chat.list_conversations(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All pages, each asked for when it is wanted.
    pub fn pages(self) -> impl Stream<Item = Result<proto::ListConversationsResponse>> + Send {
        stream::try_unfold(Some(String::new()), move |token| {
            let list = self.clone();
            async move {
                let Some(token) = token else { return Ok(None) };
                let page = list.page(token).await?;
                let next = Some(page.next_page_token.clone()).filter(|token| !token.is_empty());
                Ok(Some((page, next)))
            }
        })
    }

    /// All of them.
    pub async fn all(&self) -> Result<Vec<proto::Conversation>> {
        let mut page = self.page("").await?;
        let mut all = std::mem::take(&mut page.conversations);
        while !page.next_page_token.is_empty() {
            page = self.page(page.next_page_token).await?;
            all.append(&mut page.conversations);
        }
        Ok(all)
    }
}

impl ListMessages {
    /// Only the branch that is shown.
    pub fn shown_only(mut self) -> Self {
        self.request.shown_only = true;
        self
    }

    /// At most so many on a page: 1000, default 50.
    pub fn page_size(mut self, size: u32) -> Self {
        self.request.page_size = size;
        self
    }

    /// The page after a `next_page_token`; an empty one asks for the first.
    pub async fn page(&self, token: impl Into<String>) -> Result<proto::ListMessagesResponse> {
        let request = proto::ListMessagesRequest { page_token: token.into(), ..self.request.clone() };
        let answer = self.client.raw()?.chat.list_messages(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All pages, each asked for when it is wanted.
    pub fn pages(self) -> impl Stream<Item = Result<proto::ListMessagesResponse>> + Send {
        stream::try_unfold(Some(String::new()), move |token| {
            let list = self.clone();
            async move {
                let Some(token) = token else { return Ok(None) };
                let page = list.page(token).await?;
                let next = Some(page.next_page_token.clone()).filter(|token| !token.is_empty());
                Ok(Some((page, next)))
            }
        })
    }

    /// All of them, newest first.
    pub async fn all(&self) -> Result<Vec<proto::Message>> {
        let mut page = self.page("").await?;
        let mut all = std::mem::take(&mut page.messages);
        while !page.next_page_token.is_empty() {
            page = self.page(page.next_page_token).await?;
            all.append(&mut page.messages);
        }
        Ok(all)
    }
}
