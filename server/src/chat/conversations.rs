//! What a caller may do with conversations and finished messages.
//!
//! It knows nothing about how answers are made.

use super::{
    Chat,
    event::{self, Answer},
    provider::{Image, Parameters},
    reads,
    record::{Conversation, Role, State, now_ms},
    store::{self, Stored},
    writes,
};
use crate::{
    auth::{Actor, Principal},
    error::{Error, Result},
    ids::{ConversationId, MessageId},
    workspace::{
        page::{Page, Paged},
        request::RequestId,
    },
};

/// What a new conversation is to be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// Its title; empty: none yet.
    pub title: String,
    /// Instructions.
    pub system: String,
    /// The model; empty: the default.
    pub model: String,
    /// How to sample.
    pub parameters: Parameters,
}

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// The title.
    pub title: Option<String>,
    /// Instructions.
    pub system: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How to sample.
    pub parameters: Option<Parameters>,
    /// Put away, or taken out again.
    pub archived: Option<bool>,
    /// The message whose branch is shown.
    pub head: Option<MessageId>,
}

/// Which conversations a list has.
#[derive(Clone, Debug)]
pub struct Query {
    /// Words; empty: all.
    pub words: String,
    /// Also those that were put away.
    pub include_archived: bool,
}

impl Chat {
    /// Makes an empty conversation.
    ///
    /// # Errors
    /// `MODEL_NOT_FOUND`, `REQUEST_ID_REUSED`.
    pub async fn create(&self, who: &Principal, wish: Wish) -> Result<Conversation> {
        writes(who)?;
        self.shared.models.check(&wish.model)?;
        let now = now_ms();
        let record = Conversation {
            id: ConversationId::new(),
            workspace: who.workspace,
            titled: !wish.title.is_empty(),
            title: wish.title,
            system: wish.system,
            model: wish.model,
            parameters: wish.parameters,
            archived: false,
            head: None,
            create_ms: now,
            update_ms: now,
            creator: who.token_name.clone(),
        };
        store::create(&self.changes, record, wish.request, Actor::of(who)).await
    }

    /// One conversation.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`.
    pub async fn get(&self, who: &Principal, id: ConversationId) -> Result<Conversation> {
        reads(who)?;
        store::find(&self.db, who.workspace, id).await
    }

    /// A page of conversations, newest first.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, `DATABASE_UNAVAILABLE`.
    pub async fn list(&self, who: &Principal, page: &Page, query: &Query) -> Result<Paged<Conversation>> {
        reads(who)?;
        let found = store::list(&self.db, who.workspace, page, &query.words, query.include_archived).await?;
        Ok(page.cut(found, |conversation| conversation.id.0))
    }

    /// Changes a conversation.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`, `MODEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`.
    pub async fn update(
        &self,
        who: &Principal,
        id: ConversationId,
        changed: Changed,
    ) -> Result<Conversation> {
        writes(who)?;
        if let Some(model) = &changed.model {
            self.shared.models.check(model)?;
        }
        if let Some(head) = changed.head {
            let found = store::find_message(&self.db, who.workspace, head).await?;
            if found.message.conversation != id {
                return Err(Error::bad_request("head_message_id", "is a message of another conversation"));
            }
        }
        let edit = move |record: &mut Conversation| {
            let changed = changed.clone();
            record.titled |= changed.title.is_some();
            record.title = changed.title.unwrap_or_else(|| std::mem::take(&mut record.title));
            record.system = changed.system.unwrap_or_else(|| std::mem::take(&mut record.system));
            record.model = changed.model.unwrap_or_else(|| std::mem::take(&mut record.model));
            record.parameters = changed.parameters.unwrap_or_else(|| std::mem::take(&mut record.parameters));
            record.archived = changed.archived.unwrap_or(record.archived);
            record.head = changed.head.or(record.head);
        };
        store::update(&self.changes, who.workspace, id, std::sync::Arc::new(edit), Actor::of(who)).await
    }

    /// Deletes a conversation. Answers that are being generated here are stopped and counted first.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`.
    pub async fn delete(&self, who: &Principal, id: ConversationId) -> Result<()> {
        writes(who)?;
        store::find(&self.db, who.workspace, id).await?;
        for live in self.shared.lives.of_conversation(id) {
            live.delete(&who.token_name);
            tokio::select! {
                _ = live.finished() => {}
                () = self.tasks.wait() => {}
            }
        }
        store::delete(&self.changes, who.workspace, id, Actor::of(who)).await?;
        // One that began meanwhile has nothing to answer any more.
        for live in self.shared.lives.of_conversation(id) {
            live.delete(&who.token_name);
        }
        Ok(())
    }

    /// One message, with its images.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`.
    pub async fn message(&self, who: &Principal, id: MessageId) -> Result<(Stored, Vec<Image>)> {
        reads(who)?;
        let mut stored = store::find_message(&self.db, who.workspace, id).await?;
        self.so_far(&mut stored).await?;
        let images = match stored.message.role {
            Role::User if !stored.message.images.is_empty() => store::images(&self.db, id).await?,
            _ => Vec::new(),
        };
        Ok((stored, images))
    }

    /// A page of a conversation's messages, newest first.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`.
    pub async fn messages(
        &self,
        who: &Principal,
        id: ConversationId,
        page: &Page,
        shown_only: bool,
    ) -> Result<Paged<Stored>> {
        reads(who)?;
        let conversation = store::find(&self.db, who.workspace, id).await?;
        let found = match (shown_only, conversation.head) {
            (true, None) => Vec::new(),
            (true, Some(head)) => store::shown(&self.db, id, head, page).await?,
            (false, _) => store::list_messages(&self.db, id, page).await?,
        };
        let mut page = page.cut(found, |stored| stored.message.id.0);
        for stored in &mut page.items {
            self.so_far(stored).await?;
        }
        Ok(page)
    }

    /// Fills in what the database has so far of an answer that is being generated: until its end only its events.
    async fn so_far(&self, stored: &mut Stored) -> Result<()> {
        if stored.message.state != State::Streaming {
            return Ok(());
        }
        let mut answer = Answer::default();
        loop {
            let before = answer.sequence;
            let chunks = store::lines(&self.db, stored.message.id, before).await?;
            for line in chunks.iter().flat_map(|lines| lines.lines()) {
                if let Some(numbered) = event::read(line.as_bytes())
                    && numbered.sequence == answer.sequence + 1
                {
                    answer.apply(numbered.sequence, &numbered.event);
                }
            }
            if answer.sequence == before {
                break;
            }
        }
        let message = &mut stored.message;
        (message.content, message.beside, message.done) = (answer.content, answer.beside, answer.done);
        message.last_sequence = answer.sequence;
        Ok(())
    }
}
