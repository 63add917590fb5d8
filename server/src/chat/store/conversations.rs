//! Conversations: made, found, changed, deleted.
//!
//! It knows nothing about what is said in them, but for the search.

use deadpool_postgres::Transaction;
use futures_util::future::BoxFuture;

use super::{begin::conversation_not_found, conversation, conversation_event, insert, locked, put};
use crate::{
    auth::Actor,
    chat::record::{Conversation, Counted, Message, now_ms},
    db::{
        Db,
        changes::{Changes, Outcome},
    },
    error::Result,
    ids::{ConversationId, WorkspaceId},
    usage,
    workspace::{
        page::Page,
        request::{Claim, RequestId},
        store::claim_request,
    },
};

/// Records an empty conversation; the one that the same request made before, if it did.
///
/// # Errors
/// `REQUEST_ID_REUSED`, or the database.
pub async fn create(
    changes: &Changes,
    record: Conversation,
    request: Option<RequestId>,
    actor: Actor,
) -> Result<Conversation> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(create_in(tx, record.clone(), request.clone(), actor.clone()))
        })
        .await
}

async fn create_in(
    tx: &Transaction<'_>,
    record: Conversation,
    request: Option<RequestId>,
    actor: Actor,
) -> Result<Outcome<Conversation>> {
    if let Some(request) = &request {
        match claim_request(tx, record.workspace, request, record.id.0).await? {
            Claim::New => {}
            Claim::Same(id) => {
                let id = ConversationId(id);
                return Ok(match locked(tx, record.workspace, id).await? {
                    Some(before) => Outcome::Done { value: before, events: Vec::new() },
                    None => Outcome::Refused(conversation_not_found(id)),
                });
            }
            Claim::Different => return Ok(Outcome::Refused(request.reused())),
        }
    }
    insert(tx, &record).await?;
    let events = vec![conversation_event(&record, "CREATED", &actor)?];
    Ok(Outcome::Done { value: record, events })
}

/// A conversation of a workspace.
///
/// # Errors
/// `CONVERSATION_NOT_FOUND`, or the database.
pub async fn find(db: &Db, workspace: WorkspaceId, id: ConversationId) -> Result<Conversation> {
    let client = db.get().await?;
    let sql = "SELECT record FROM conversations WHERE workspace_id = $1 AND id = $2";
    let statement = client.prepare_cached(sql).await?;
    match client.query_opt(&statement, &[&workspace.0, &id.0]).await? {
        Some(row) => conversation(&row),
        None => Err(conversation_not_found(id)),
    }
}

/// A page of conversations, newest first; with a query those that have its words in the title or in a message. A query
/// that ends in a letter may end in the middle of a word, as it does while it is typed.
///
/// # Errors
/// The database.
pub async fn list(
    db: &Db,
    workspace: WorkspaceId,
    page: &Page,
    query: &str,
    include_archived: bool,
) -> Result<Vec<Conversation>> {
    let plain = "SELECT record FROM conversations c WHERE workspace_id = $1 \
                 AND ($2::uuid IS NULL OR id < $2) AND ($3 OR NOT archived) \
                 AND ($4::text = '' OR $6::bool) ORDER BY id DESC LIMIT $5";
    // As text, words that end in a word end in its quote; a group does not.
    let searched = "WITH words AS ( \
                        SELECT (text || CASE WHEN $6::bool AND right(text, 1) = chr(39) THEN ':*' ELSE '' END)::tsquery \
                            AS query \
                        FROM (SELECT websearch_to_tsquery('simple', $4)::text AS text) typed) \
                    SELECT record FROM conversations c WHERE workspace_id = $1 \
                    AND ($2::uuid IS NULL OR id < $2) AND ($3 OR NOT archived) AND ( \
                        to_tsvector('simple', title) @@ (SELECT query FROM words) \
                        OR id IN (SELECT conversation_id FROM messages WHERE workspace_id = $1 \
                            AND to_tsvector('simple', left(content, 100000)) @@ (SELECT query FROM words))) \
                    ORDER BY id DESC LIMIT $5";
    let unfinished = query.ends_with(char::is_alphanumeric);
    let client = db.get().await?;
    let statement = client.prepare_cached(if query.is_empty() { plain } else { searched }).await?;
    let rows = client
        .query(
            &statement,
            &[&workspace.0, &page.before(), &include_archived, &query, &page.fetch(), &unfinished],
        )
        .await?;
    rows.iter().map(conversation).collect()
}

/// What to change; what is absent stays.
pub type Edit = std::sync::Arc<dyn Fn(&mut Conversation) + Send + Sync>;

/// Changes a conversation.
///
/// # Errors
/// `CONVERSATION_NOT_FOUND`, or the database.
pub async fn update(
    changes: &Changes,
    workspace: WorkspaceId,
    id: ConversationId,
    edit: Edit,
    actor: Actor,
) -> Result<Conversation> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            Box::pin(update_in(tx, workspace, id, edit.clone(), actor.clone()))
        })
        .await
}

async fn update_in(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    id: ConversationId,
    edit: Edit,
    actor: Actor,
) -> Result<Outcome<Conversation>> {
    let Some(mut record) = locked(tx, workspace, id).await? else {
        return Ok(Outcome::Refused(conversation_not_found(id)));
    };
    edit(&mut record);
    record.update_ms = now_ms();
    put(tx, &record).await?;
    let events = vec![conversation_event(&record, "UPDATED", &actor)?];
    Ok(Outcome::Done { value: record, events })
}

/// Deletes a conversation and everything in it. Idempotent; what answers had set aside is given back.
///
/// # Errors
/// The database.
pub async fn delete(
    changes: &Changes,
    workspace: WorkspaceId,
    id: ConversationId,
    actor: Actor,
) -> Result<()> {
    changes
        .submit(move |tx| -> BoxFuture<'_, _> { Box::pin(delete_in(tx, workspace, id, actor.clone())) })
        .await
}

async fn delete_in(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    id: ConversationId,
    actor: Actor,
) -> Result<Outcome<()>> {
    let Some(record) = locked(tx, workspace, id).await? else {
        return Ok(Outcome::Refused(conversation_not_found(id)));
    };
    let sql = "UPDATE usage_budgets b SET reserved = b.reserved - m.tokens FROM ( \
                   SELECT reserved_day, sum(reserved_tokens)::bigint AS tokens FROM messages \
                   WHERE conversation_id = $2 AND state = 'STREAMING' GROUP BY reserved_day) m \
               WHERE b.workspace_id = $1 AND b.day = m.reserved_day";
    tx.execute(sql, &[&workspace.0, &id.0]).await?;
    let sql = "DELETE FROM request_ids WHERE workspace_id = $1 AND (resource_id = $2 \
               OR resource_id IN (SELECT id FROM messages WHERE conversation_id = $2))";
    tx.execute(sql, &[&workspace.0, &id.0]).await?;
    tx.execute("DELETE FROM conversations WHERE id = $1", &[&id.0]).await?;
    let events = vec![conversation_event(&record, "DELETED", &actor)?];
    Ok(Outcome::Done { value: (), events })
}

/// Counts what a title cost, and sets it unless somebody has given one meanwhile.
///
/// # Errors
/// The database.
pub async fn title(
    changes: &Changes,
    message: &Message,
    model: String,
    counted: Counted,
    title: Option<String>,
) -> Result<()> {
    let (workspace, id) = (message.workspace, message.conversation);
    changes
        .submit(move |tx| -> BoxFuture<'_, _> {
            let entry = usage::Entry { model: model.clone(), counted };
            Box::pin(title_in(tx, workspace, id, entry, title.clone()))
        })
        .await
}

async fn title_in(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    id: ConversationId,
    entry: usage::Entry,
    title: Option<String>,
) -> Result<Outcome<()>> {
    usage::store::count(tx, workspace, &[entry]).await?;
    let mut events = Vec::new();
    if let Some(title) = title
        && let Some(mut record) = locked(tx, workspace, id).await?
        && !record.titled
    {
        record.title = title;
        record.titled = true;
        put(tx, &record).await?;
        events.push(conversation_event(&record, "UPDATED", &Actor::system())?);
    }
    Ok(Outcome::Done { value: (), events })
}
