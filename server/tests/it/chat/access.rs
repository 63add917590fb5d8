//! Who may do what to conversations: every method with another workspace's token, a viewer's, an expired one, none.
//!
//! It must not test what the methods do when they are allowed.

use anyhow::{Context, Result};
use mosaic_proto::{
    chat::v1::{
        Conversation, CreateConversationRequest, DeleteConversationRequest, GetConversationRequest,
        GetMessageRequest, ListCommandsRequest, ListConversationsRequest, ListMessagesRequest,
        ListModelsRequest, Message, RegenerateMessageRequest, SendMessageRequest, StopMessageRequest,
        UpdateConversationRequest, WatchMessageRequest,
    },
    workspace::v1::{CreateTokenRequest, GetUsageRequest, GetUsageResponse},
};
use test_support::{ChatClient, Role, Server, fake_llm::Reply};
use tonic::{Code, Status};

use super::{Answer, Chat, say};
use crate::shells::{idle, refused};

/// Every method of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    ListModels,
    ListCommands,
    Create,
    Get,
    List,
    Update,
    Delete,
    GetMessage,
    ListMessages,
    Send,
    Regenerate,
    Watch,
    Stop,
}

impl Method {
    const ALL: [Self; 13] = [
        Self::ListModels,
        Self::ListCommands,
        Self::Create,
        Self::Get,
        Self::List,
        Self::Update,
        Self::Delete,
        Self::GetMessage,
        Self::ListMessages,
        Self::Send,
        Self::Regenerate,
        Self::Watch,
        Self::Stop,
    ];

    /// What a VIEWER may call.
    fn only_reads(self) -> bool {
        use Method::{Get, GetMessage, List, ListCommands, ListMessages, ListModels, Watch};
        matches!(self, ListModels | ListCommands | Get | List | GetMessage | ListMessages | Watch)
    }

    /// What it is not found by; `None`: it names nothing.
    fn names(self) -> Option<&'static str> {
        match self {
            Self::ListModels | Self::ListCommands | Self::Create | Self::List => None,
            Self::Get | Self::Update | Self::Delete | Self::ListMessages | Self::Send => {
                Some("CONVERSATION_NOT_FOUND")
            }
            Self::GetMessage | Self::Regenerate | Self::Watch | Self::Stop => Some("MESSAGE_NOT_FOUND"),
        }
    }

    /// Calls it in its simplest form. A stream counts as answered with its first message.
    async fn call(self, client: &mut ChatClient, conversation: &str, message: &str) -> Result<(), Status> {
        let (conversation_id, message_id) = (conversation.to_owned(), message.to_owned());
        match self {
            Self::ListModels => client.list_models(ListModelsRequest {}).await.map(drop),
            Self::ListCommands => {
                // With a name to look up.
                let request = ListCommandsRequest { prefix: "/status ".to_owned(), limit: 0 };
                client.list_commands(request).await.map(drop)
            }
            Self::Create => client.create_conversation(CreateConversationRequest::default()).await.map(drop),
            Self::Get => client.get_conversation(GetConversationRequest { conversation_id }).await.map(drop),
            Self::List => client.list_conversations(ListConversationsRequest::default()).await.map(drop),
            Self::Update => {
                let title = Some("renamed".to_owned());
                let request = UpdateConversationRequest { conversation_id, title, ..Default::default() };
                client.update_conversation(request).await.map(drop)
            }
            Self::Delete => {
                client.delete_conversation(DeleteConversationRequest { conversation_id }).await.map(drop)
            }
            Self::GetMessage => client.get_message(GetMessageRequest { message_id }).await.map(drop),
            Self::ListMessages => {
                let request = ListMessagesRequest { conversation_id, ..Default::default() };
                client.list_messages(request).await.map(drop)
            }
            Self::Send => {
                let request = SendMessageRequest { conversation_id, ..say("more") };
                client.send_message(request).await?.into_inner().message().await.map(drop)
            }
            Self::Regenerate => {
                let request = RegenerateMessageRequest { message_id, ..Default::default() };
                client.regenerate_message(request).await?.into_inner().message().await.map(drop)
            }
            Self::Watch => {
                let request = WatchMessageRequest { message_id, ..Default::default() };
                client.watch_message(request).await?.into_inner().message().await.map(drop)
            }
            Self::Stop => client.stop_message(StopMessageRequest { message_id }).await.map(drop),
        }
    }
}

/// A server with a conversation, and all that is in it.
struct Place {
    chat: Chat,
    owner: ChatClient,
    conversation: Conversation,
    messages: Vec<Message>,
}

async fn seen(owner: &mut ChatClient, id: &str) -> Result<(Conversation, Vec<Message>)> {
    let request = GetConversationRequest { conversation_id: id.to_owned() };
    let conversation = owner.get_conversation(request).await?.into_inner().conversation;
    let request = ListMessagesRequest { conversation_id: id.to_owned(), ..Default::default() };
    let messages = owner.list_messages(request).await?.into_inner().messages;
    Ok((conversation.context("no conversation")?, messages))
}

impl Place {
    async fn new() -> Result<Self> {
        let chat = Chat::saying(Reply::text(["mine"])).await?;
        let mut owner = chat.client()?;
        let mut answer = Answer::to(&mut owner, say("whose?")).await?;
        answer.completed().await?;
        let (conversation, messages) = seen(&mut owner, &answer.conversation).await?;
        Ok(Self { chat, owner, conversation, messages })
    }

    fn server(&self) -> &Server {
        &self.chat.server
    }

    async fn call(&self, method: Method, client: &mut ChatClient) -> Result<(), Status> {
        let answer = self.messages.first().map_or("", |answer| &answer.id);
        method.call(client, &self.conversation.id, answer).await
    }

    /// Nothing changed, and no model was asked.
    async fn unharmed(mut self) -> Result<()> {
        let (conversation, messages) = seen(&mut self.owner, &self.conversation.id).await?;
        assert_eq!((conversation, messages), (self.conversation, self.messages));
        assert_eq!(self.chat.fake.counts().finished, 1, "a model was asked");
        Ok(())
    }
}

async fn usage(server: &Server, token: &str) -> Result<GetUsageResponse, Status> {
    let mut client = server.workspace_as(token).map_err(|cause| Status::internal(cause.to_string()))?;
    Ok(client.get_usage(GetUsageRequest::default()).await?.into_inner())
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() -> Result<()> {
    let place = Place::new().await?;
    let expired = place.server().expired_token().await?;
    let unknown = format!("mosaic_{}", "A".repeat(43));
    let tokens =
        [("", "TOKEN_MISSING"), (expired.as_str(), "TOKEN_EXPIRED"), (unknown.as_str(), "TOKEN_UNKNOWN")];
    for (token, reason) in tokens {
        let mut stranger = place.server().chat_as(token)?;
        for method in Method::ALL {
            println!("{method:?} with {reason}");
            refused(place.call(method, &mut stranger).await, Code::Unauthenticated, reason);
        }
        refused(usage(place.server(), token).await, Code::Unauthenticated, reason);
    }
    place.unharmed().await
}

#[tokio::test]
async fn another_workspace_sees_nothing() -> Result<()> {
    let place = Place::new().await?;
    let token = place.server().other_workspace_token().await?;
    let mut other = place.server().chat_as(&token)?;
    for method in Method::ALL {
        let Some(reason) = method.names() else { continue };
        println!("{method:?}");
        refused(place.call(method, &mut other).await, Code::NotFound, reason);
    }
    for query in ["", "mine", "whose"] {
        let request = ListConversationsRequest {
            query: query.to_owned(),
            include_archived: true,
            ..Default::default()
        };
        let listed = other.list_conversations(request).await?.into_inner();
        assert_eq!(listed.conversations, [], "another workspace's conversations are listed");
    }
    let counted = usage(place.server(), &token).await?;
    assert_eq!((counted.usage.len(), counted.used_today_tokens, counted.reserved_today_tokens), (0, 0, 0));
    // A branch of its own does not grow out of another's message, either.
    let request = CreateConversationRequest::default();
    let own = other.create_conversation(request).await?.into_inner().conversation.context("none")?;
    let parent_id = place.messages.first().map(|answer| answer.id.clone());
    let request = SendMessageRequest { conversation_id: own.id.clone(), parent_id, ..say("mine now") };
    refused(other.send_message(request).await, Code::NotFound, "MESSAGE_NOT_FOUND");
    let request = UpdateConversationRequest {
        conversation_id: own.id,
        head_message_id: place.messages.first().map(|answer| answer.id.clone()),
        ..Default::default()
    };
    refused(other.update_conversation(request).await, Code::NotFound, "MESSAGE_NOT_FOUND");
    place.unharmed().await
}

#[tokio::test]
async fn a_viewer_and_a_read_only_token_only_read() -> Result<()> {
    let place = Place::new().await?;
    let viewer = place.server().token_for(Role::Viewer).await?;
    let request = CreateTokenRequest {
        name: "reads".into(),
        role: Role::Admin.into(),
        read_only: true,
        ..Default::default()
    };
    let read_only = place.server().token_with(request).await?;
    for (token, reason) in [(viewer, "ROLE_TOO_LOW"), (read_only, "TOKEN_READ_ONLY")] {
        let mut client = place.server().chat_as(&token)?;
        for method in Method::ALL {
            println!("{method:?} with {reason}");
            let answer = place.call(method, &mut client).await;
            if method.only_reads() {
                assert!(answer.is_ok(), "{answer:?}");
            } else {
                refused(answer, Code::PermissionDenied, reason);
            }
        }
        assert_eq!(usage(place.server(), &token).await?.usage.len(), 1);
    }
    place.unharmed().await
}

#[tokio::test]
async fn a_token_for_one_terminal_has_no_conversations() -> Result<()> {
    let place = Place::new().await?;
    let terminal = idle(&mut place.server().terminals()?).await?;
    let request = CreateTokenRequest {
        name: "narrow".into(),
        role: Role::Admin.into(),
        terminal_id: terminal.id,
        ..Default::default()
    };
    let token = place.server().token_with(request).await?;
    let mut client = place.server().chat_as(&token)?;
    for method in Method::ALL {
        println!("{method:?}");
        refused(place.call(method, &mut client).await, Code::PermissionDenied, "TOKEN_LIMITED");
    }
    refused(usage(place.server(), &token).await, Code::PermissionDenied, "TOKEN_LIMITED");
    place.unharmed().await
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found() -> Result<()> {
    let place = Place::new().await?;
    let absent = uuid::Uuid::now_v7().to_string();
    let mut client = place.owner.clone();
    for method in Method::ALL {
        let Some(reason) = method.names() else { continue };
        println!("{method:?}");
        refused(method.call(&mut client, &absent, &absent).await, Code::NotFound, reason);
        for id in ["no-such-thing", "../../etc/passwd", "a b", "nul\0byte", &"x".repeat(10_000)] {
            let field = if reason == "MESSAGE_NOT_FOUND" { "message_id" } else { "conversation_id" };
            crate::shells::bad_field(method.call(&mut client, id, id).await, field);
        }
    }
    place.unharmed().await
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_its_reader() -> Result<()> {
    use mosaic_proto::workspace::v1::RevokeTokenRequest;
    use test_support::fake_llm::Ending;
    let chat = Chat::saying(Reply::text(["on "]).ending(Ending::Stall)).await?;
    let mut operator = chat.server.workspace()?;
    let request =
        CreateTokenRequest { name: "guest".into(), role: Role::Member.into(), ..Default::default() };
    let guest = operator.create_token(request).await?.into_inner();
    let mut answer = Answer::to(&mut chat.server.chat_as(&guest.secret)?, say("go on")).await?;
    answer.first_text().await?;
    let token_id = guest.token.context("no token")?.id;
    operator.revoke_token(RevokeTokenRequest { token_id }).await?;
    let error = answer.next().await.unwrap_err();
    let status = error.downcast_ref::<Status>().context("no status")?;
    assert_eq!(
        (status.code(), test_support::reason(status).as_str()),
        (Code::Unauthenticated, "TOKEN_UNKNOWN")
    );
    // The answer goes on without its first reader.
    let request = StopMessageRequest { message_id: answer.message.clone() };
    let message = chat.client()?.stop_message(request).await?.into_inner().message.context("none")?;
    assert_eq!(message.content, "on ");
    Ok(())
}
