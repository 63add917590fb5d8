//! The transaction before an answer: the request, the messages, and the tokens set aside. Nothing is asked of a model
//! before it has committed.
//!
//! It knows nothing about models.

use std::sync::Arc;

use bytes::Bytes;
use deadpool_postgres::Transaction;
use futures_util::future::{BoxFuture, join5};
use tokio_postgres::types::Json;

use super::{conversation_event, insert, locked, message_event, put};
use crate::{
    auth::Actor,
    chat::record::{Conversation, Message},
    db::changes::{Changes, Outcome},
    error::{Error, Reason, Result},
    ids::{ConversationId, MessageId},
    usage,
    workspace::{
        request::{Claim, RequestId},
        store::claim_request,
    },
};

/// What is about to be answered.
#[derive(Debug)]
pub struct Begin {
    /// A conversation to make first; absent: the answer's is there.
    pub conversation: Option<Conversation>,
    /// What the person says; absent: something that is there is answered again.
    pub said: Option<Message>,
    /// Its images.
    pub images: Vec<(String, Bytes)>,
    /// The answer.
    pub answer: Message,
    /// The title of a conversation that has none; empty: it stays without.
    pub title: String,
    /// It is the first that is said, but for commands: its title replaces theirs.
    pub first: bool,
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// Tokens to set aside.
    pub reserve: u64,
    /// `chat.daily_budget_tokens`
    pub budget: u64,
    /// The fence of this server's start.
    pub fence: i64,
    /// Seconds that this server is believed to be alive.
    pub lease_s: u64,
    /// Who.
    pub actor: Actor,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Begun {
    /// It is recorded; the conversation after it.
    New(Box<Conversation>),
    /// The same request made this answer before.
    Before(MessageId),
}

/// Records it.
///
/// # Errors
/// `CONVERSATION_NOT_FOUND`, `MESSAGE_NOT_FOUND` (the parent went meanwhile), `TOKEN_BUDGET`, `REQUEST_ID_REUSED`, or
/// the database.
pub async fn begin(changes: &Changes, begin: Begin) -> Result<Begun> {
    let begin = Arc::new(begin);
    changes.submit(move |tx| -> BoxFuture<'_, _> { Box::pin(begin_in(tx, Arc::clone(&begin))) }).await
}

async fn begin_in(tx: &Transaction<'_>, begin: Arc<Begin>) -> Result<Outcome<Begun>> {
    let answer = &begin.answer;
    let workspace = answer.workspace;
    if let Some(request) = &begin.request {
        match claim_request(tx, workspace, request, answer.id.0).await? {
            Claim::New => {}
            Claim::Same(id) => {
                return Ok(Outcome::Done { value: Begun::Before(MessageId(id)), events: Vec::new() });
            }
            Claim::Different => return Ok(Outcome::Refused(request.reused())),
        }
    }
    let mut events = Vec::new();
    let mut conversation = match &begin.conversation {
        Some(new) => Conversation { head: Some(answer.id), update_ms: answer.create_ms, ..new.clone() },
        None => match locked(tx, workspace, answer.conversation).await? {
            Some(old) => Conversation { head: Some(answer.id), update_ms: answer.create_ms, ..old },
            None => return Ok(Outcome::Refused(conversation_not_found(answer.conversation))),
        },
    };
    let mut named = None;
    let wanted = conversation.title.is_empty() || begin.first && conversation.title != begin.title;
    if wanted && !conversation.titled && !begin.title.is_empty() {
        conversation.title.clone_from(&begin.title);
        named = Some(conversation_event(&conversation, "UPDATED", &begin.actor));
    }
    if begin.conversation.is_some() {
        insert(tx, &conversation).await?;
        events.push(conversation_event(&conversation, "CREATED", &begin.actor)?);
        named = None;
    }
    let parent = begin.said.as_ref().map_or(answer.parent, |said| said.parent);
    // All on their way before the first is answered. What is refused is undone, whatever the others came to.
    let (found, reserved, said, answered, updated) = join5(
        is_there(tx, conversation.id, parent),
        reserve(tx, &begin),
        async {
            match &begin.said {
                Some(said) => insert_message(tx, said, &begin).await,
                None => Ok(()),
            }
        },
        insert_message(tx, answer, &begin),
        async { if begin.conversation.is_none() { put(tx, &conversation).await } else { Ok(()) } },
    )
    .await;
    if let Some(parent) = parent.filter(|_| matches!(found, Ok(false))) {
        return Ok(Outcome::Refused(message_not_found(parent)));
    }
    found?;
    if !reserved? {
        return Ok(Outcome::Refused(over_budget(&begin)));
    }
    said?;
    answered?;
    updated?;
    for message in begin.said.iter().chain([answer]) {
        events.push(message_event(message, "CREATED", &begin.actor)?);
    }
    if let Some(said) = &begin.said {
        insert_images(tx, said.id, &begin.images).await?;
    }
    events.extend(named.transpose()?);
    Ok(Outcome::Done { value: Begun::New(Box::new(conversation)), events })
}

/// Sets the tokens aside. A command uses none, and is done on a day that has none left, too.
async fn reserve(tx: &Transaction<'_>, begin: &Begin) -> Result<bool> {
    match begin.answer.command {
        true => Ok(true),
        false => usage::store::reserve(tx, begin.answer.workspace, begin.reserve, begin.budget).await,
    }
}

/// True if a message is in a conversation, and for the beginning of one.
async fn is_there(tx: &Transaction<'_>, id: ConversationId, message: Option<MessageId>) -> Result<bool> {
    let Some(message) = message else { return Ok(true) };
    let sql = "SELECT 1 FROM messages WHERE conversation_id = $1 AND id = $2";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_opt(&statement, &[&id.0, &message.0]).await?.is_some())
}

fn over_budget(begin: &Begin) -> Error {
    let message = format!(
        "today's budget of {} tokens (chat.daily_budget_tokens) has no {} left for this answer; GetUsage \
         shows it; ask for fewer with max_output_tokens, or wait until midnight UTC",
        begin.budget, begin.reserve
    );
    Error::quota(Reason::TokenBudget, "chat.daily_budget_tokens", message)
}

async fn insert_message(tx: &Transaction<'_>, message: &Message, begin: &Begin) -> Result<()> {
    // Only an answer is STREAMING, and only then anything is set aside.
    let sql = "INSERT INTO messages (id, workspace_id, conversation_id, parent_id, state, node_id, fence, \
                   content, record, lease_time, reserved_tokens, reserved_day) \
               SELECT $1, $2, $3, $4, $5::text, $6, $7, $8, $9, CASE WHEN s THEN now() + $10::float8 * interval '1 second' END, \
                   CASE WHEN s THEN $11::bigint ELSE 0 END, CASE WHEN s THEN (now() AT TIME ZONE 'UTC')::date END \
               FROM (SELECT $5::text = 'STREAMING') AS t (s)";
    let statement = tx.prepare_cached(sql).await?;
    let reserve = i64::try_from(begin.reserve).unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a lease are few")]
    let lease = begin.lease_s as f64;
    let parent = message.parent.map(|parent| parent.0);
    let state = message.state.as_str();
    tx.execute(
        &statement,
        &[
            &message.id.0,
            &message.workspace.0,
            &message.conversation.0,
            &parent,
            &state,
            &message.node.0,
            &begin.fence,
            &message.content,
            &Json(message),
            &lease,
            &reserve,
        ],
    )
    .await?;
    Ok(())
}

async fn insert_images(tx: &Transaction<'_>, message: MessageId, images: &[(String, Bytes)]) -> Result<()> {
    let sql = "INSERT INTO message_images (message_id, position, media_type, data) VALUES ($1, $2, $3, $4)";
    for ((media_type, data), position) in images.iter().zip(0_i32..) {
        tx.execute(sql, &[&message.0, &position, media_type, &data.as_ref()]).await?;
    }
    Ok(())
}

pub(super) fn conversation_not_found(id: ConversationId) -> Error {
    let message = format!("no conversation {id} in this workspace; ListConversations lists them");
    Error::new(Reason::ConversationNotFound, message).with("conversation_id", id)
}

pub(super) fn message_not_found(id: MessageId) -> Error {
    let message = format!("no message {id} there; ListMessages lists them");
    Error::new(Reason::MessageNotFound, message).with("message_id", id)
}
