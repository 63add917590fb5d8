//! `mosaic.chat.v1.ChatService`: proto to domain and back.
//!
//! It knows no rule and no SQL: each handler parses, calls, converts.

mod command;
mod parse;
mod show;
mod streams;

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use mosaic_proto::chat::v1::{self as pb, chat_service_server};
use tonic::{Request, Response, Status};

pub(crate) use show::{to_proto_conversation, to_proto_message};

use self::show::{show_conversation, show_message, show_model};
use super::{Chat, conversations::Query, store::Stored};
use crate::{
    auth::principal,
    error::{Error, Result},
    ids::MessageId,
    workspace::page::Page,
};

/// The letters that keep the page tokens of the lists apart.
const CONVERSATIONS: u8 = b'c';
const MESSAGES: u8 = b'm';

/// The generated server around the service.
pub type Service = chat_service_server::ChatServiceServer<Handlers>;

/// The service to add to the server's routes.
pub fn service(chat: Arc<Chat>, message_bytes_max: usize) -> Service {
    Service::new(Handlers { chat, message_bytes_max })
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(message_bytes_max)
}

/// The handlers.
pub struct Handlers {
    chat: Arc<Chat>,
    message_bytes_max: usize,
}

type Answer<T> = Result<Response<T>, Status>;
type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl chat_service_server::ChatService for Handlers {
    async fn list_models(&self, request: Request<pb::ListModelsRequest>) -> Answer<pb::ListModelsResponse> {
        let who = principal(&request)?;
        let models = self.chat.models(&who).await?;
        Ok(Response::new(pb::ListModelsResponse { models: models.into_iter().map(show_model).collect() }))
    }

    async fn create_conversation(
        &self,
        request: Request<pb::CreateConversationRequest>,
    ) -> Answer<pb::CreateConversationResponse> {
        let who = principal(&request)?;
        let wish = parse::wish(request.into_inner())?;
        let conversation = Some(show_conversation(self.chat.create(&who, wish).await?));
        Ok(Response::new(pb::CreateConversationResponse { conversation }))
    }

    async fn get_conversation(
        &self,
        request: Request<pb::GetConversationRequest>,
    ) -> Answer<pb::GetConversationResponse> {
        let who = principal(&request)?;
        let id = parse::conversation_id(&request.into_inner().conversation_id)?;
        let conversation = Some(show_conversation(self.chat.get(&who, id).await?));
        Ok(Response::new(pb::GetConversationResponse { conversation }))
    }

    async fn list_conversations(
        &self,
        request: Request<pb::ListConversationsRequest>,
    ) -> Answer<pb::ListConversationsResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let page = Page::parse(CONVERSATIONS, request.page_size, &request.page_token)?;
        let query = Query { words: parse::query(request.query)?, include_archived: request.include_archived };
        let found = self.chat.list(&who, &page, &query).await?;
        let found =
            page.shorten(found, self.message_bytes_max / 2, |one| one.id.0, |one| one.system.len() + 2048);
        Ok(Response::new(pb::ListConversationsResponse {
            conversations: found.items.into_iter().map(show_conversation).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn update_conversation(
        &self,
        request: Request<pb::UpdateConversationRequest>,
    ) -> Answer<pb::UpdateConversationResponse> {
        let who = principal(&request)?;
        let (id, changed) = parse::changed(request.into_inner())?;
        let conversation = Some(show_conversation(self.chat.update(&who, id, changed).await?));
        Ok(Response::new(pb::UpdateConversationResponse { conversation }))
    }

    async fn delete_conversation(
        &self,
        request: Request<pb::DeleteConversationRequest>,
    ) -> Answer<pb::DeleteConversationResponse> {
        let who = principal(&request)?;
        let id = parse::conversation_id(&request.into_inner().conversation_id)?;
        self.chat.delete(&who, id).await?;
        Ok(Response::new(pb::DeleteConversationResponse {}))
    }

    async fn get_message(&self, request: Request<pb::GetMessageRequest>) -> Answer<pb::GetMessageResponse> {
        let who = principal(&request)?;
        let id = parse::message_id("message_id", &request.into_inner().message_id)?;
        let (stored, images) = self.chat.message(&who, id).await?;
        let message = Some(show::with_images(show::show_stored(stored), images));
        Ok(Response::new(pb::GetMessageResponse { message }))
    }

    async fn list_messages(
        &self,
        request: Request<pb::ListMessagesRequest>,
    ) -> Answer<pb::ListMessagesResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let id = parse::conversation_id(&request.conversation_id)?;
        let page = Page::parse(MESSAGES, request.page_size, &request.page_token)?;
        let found = self.chat.messages(&who, id, &page, request.shown_only).await?;
        let (id, size) =
            (|stored: &Stored| stored.message.id.0, |stored: &Stored| show::size(&stored.message));
        let found = page.shorten(found, self.message_bytes_max / 2, id, size);
        Ok(Response::new(pb::ListMessagesResponse {
            messages: found.items.into_iter().map(show::show_stored).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn list_commands(
        &self,
        request: Request<pb::ListCommandsRequest>,
    ) -> Answer<pb::ListCommandsResponse> {
        let who = principal(&request)?;
        let (prefix, limit) = parse::completion(request.into_inner())?;
        let completions = self.chat.complete(&who, &prefix, limit).await?;
        Ok(Response::new(command::show_commands(completions)))
    }

    type SendMessageStream = Events<pb::SendMessageResponse>;

    async fn send_message(
        &self,
        request: Request<pb::SendMessageRequest>,
    ) -> Answer<Self::SendMessageStream> {
        let who = principal(&request)?;
        let say = parse::say(request.into_inner())?;
        let watch = self.chat.say(&who, say).await?;
        Ok(Response::new(streams::steps(watch, |event| pb::SendMessageResponse { event: Some(event) })))
    }

    type RegenerateMessageStream = Events<pb::RegenerateMessageResponse>;

    async fn regenerate_message(
        &self,
        request: Request<pb::RegenerateMessageRequest>,
    ) -> Answer<Self::RegenerateMessageStream> {
        let who = principal(&request)?;
        let (id, how, request) = parse::again(request.into_inner())?;
        let watch = self.chat.again(&who, id, how, request).await?;
        Ok(Response::new(streams::steps(watch, |event| pb::RegenerateMessageResponse { event: Some(event) })))
    }

    type WatchMessageStream = Events<pb::WatchMessageResponse>;

    async fn watch_message(
        &self,
        request: Request<pb::WatchMessageRequest>,
    ) -> Answer<Self::WatchMessageStream> {
        let who = principal(&request)?;
        let (answers, follow) = parse::watch(request.into_inner())?;
        let mut watches = Vec::with_capacity(answers.len());
        for parse::Watched { message, after, path } in answers {
            let watch = self.chat.watch(&who, message, after, follow).await;
            watches.push(watch.map_err(|error| one_of(error, message, &path))?);
        }
        Ok(Response::new(streams::watched(watches)))
    }

    async fn stop_message(
        &self,
        request: Request<pb::StopMessageRequest>,
    ) -> Answer<pb::StopMessageResponse> {
        let who = principal(&request)?;
        let id = parse::message_id("message_id", &request.into_inner().message_id)?;
        let message = Some(show_message(self.chat.stop_message(&who, id).await?));
        Ok(Response::new(pb::StopMessageResponse { message }))
    }
}

/// Says which of several answers is the one that cannot be read.
fn one_of(error: Error, message: MessageId, path: &str) -> Error {
    let error = error.with("message_id", message);
    if path.is_empty() { error } else { error.inside(path) }
}
