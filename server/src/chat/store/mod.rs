//! The SQL of conversations, messages and their events.
//!
//! It knows nothing about models, and nothing about answers that are being generated here.

mod begin;
mod conversations;
mod events;
mod messages;

use deadpool_postgres::Transaction;
use tokio_postgres::{Row, types::Json};

pub use self::{
    begin::{Begin, Begun, begin},
    conversations::{create, delete, find, list, title, update},
    events::{Chunk, Finished, Guard, ROW_BYTES_MAX, finish, lines, renew_leases, save_chunks},
    messages::{
        Stored, branch, find as find_message, find_without_text, images, last_sequence,
        list as list_messages, shown, streaming_of,
    },
};
use super::record::{Conversation, Message};
use crate::{
    auth::Actor,
    db::changes::NewEvent,
    error::{Error, Result},
    ids::{ConversationId, WorkspaceId},
};

/// Text that an event carries of each of a message's texts.
const EXCERPT_BYTES: usize = 1024;

fn conversation(row: &Row) -> Result<Conversation> {
    let Json(record) = row.try_get(0)?;
    Ok(record)
}

fn conversation_event(record: &Conversation, kind: &'static str, actor: &Actor) -> Result<NewEvent> {
    let mut short = record.clone();
    cut(&mut short.system);
    Ok(NewEvent {
        workspace: record.workspace,
        principal: actor.token,
        principal_name: actor.name.clone(),
        resource: "CONVERSATION",
        kind,
        subject: record.id.0,
        payload: serde_json::to_value(short).map_err(Error::internal)?,
    })
}

fn message_event(message: &Message, kind: &'static str, actor: &Actor) -> Result<NewEvent> {
    let mut short = message.clone();
    cut(&mut short.content);
    cut(&mut short.beside.thinking);
    for call in &mut short.beside.tool_calls {
        cut(&mut call.arguments);
    }
    if let Some(done) = &mut short.done {
        done.outcome = None;
        cut(&mut done.text);
    }
    for result in &mut short.tool_results {
        cut(&mut result.content);
    }
    let content = std::mem::take(&mut short.content);
    let mut payload = serde_json::to_value(short).map_err(Error::internal)?;
    if let Some(object) = payload.as_object_mut() {
        object.insert("content".to_owned(), content.into());
    }
    Ok(NewEvent {
        workspace: message.workspace,
        principal: actor.token,
        principal_name: actor.name.clone(),
        resource: "MESSAGE",
        kind,
        subject: message.id.0,
        payload,
    })
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(EXCERPT_BYTES));
}

/// A conversation, locked until the transaction ends.
async fn locked(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    id: ConversationId,
) -> Result<Option<Conversation>> {
    let sql = "SELECT record FROM conversations WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    let row = tx.query_opt(&tx.prepare_cached(sql).await?, &[&workspace.0, &id.0]).await?;
    row.as_ref().map(conversation).transpose()
}

/// Writes a conversation over what is there.
async fn put(tx: &Transaction<'_>, record: &Conversation) -> Result<()> {
    let sql = "UPDATE conversations SET title = $2, archived = $3, record = $4 WHERE id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&record.id.0, &record.title, &record.archived, &Json(record)]).await?;
    Ok(())
}

async fn insert(tx: &Transaction<'_>, record: &Conversation) -> Result<()> {
    let sql =
        "INSERT INTO conversations (id, workspace_id, title, archived, record) VALUES ($1, $2, $3, $4, $5)";
    let statement = tx.prepare_cached(sql).await?;
    let Conversation { id, workspace, title, archived, .. } = record;
    tx.execute(&statement, &[&id.0, &workspace.0, title, archived, &Json(record)]).await?;
    Ok(())
}
