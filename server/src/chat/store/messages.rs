//! Messages: found, listed, and the branches that they form.
//!
//! It knows nothing about how they change.

use bytes::Bytes;
use tokio_postgres::{Row, types::Json};

use super::begin::message_not_found;
use crate::{
    chat::{
        prompt::Said,
        provider::Image,
        record::{Message, Role},
    },
    db::Db,
    error::Result,
    ids::{ConversationId, MessageId, NodeId, WorkspaceId},
    workspace::page::Page,
};

/// Messages of a branch that are looked at: more than any model takes in.
const BRANCH_MAX: i32 = 2000;

/// A message, and whether its server is still believed to be alive.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// It is STREAMING, and its server was not heard of for longer than a lease.
    pub abandoned: bool,
}

/// An answer whose server was not heard of. A database that has only just come back is no proof: the servers that it
/// was away for have not had the time to say that they live.
pub(super) const ABANDONED: &str = "m.state = 'STREAMING' AND m.lease_time < now() \
    AND pg_postmaster_start_time() < now() - interval '10 seconds'";

fn columns() -> String {
    format!("m.record, m.content, {ABANDONED}")
}

fn stored(row: &Row) -> Result<Stored> {
    let Json(mut message): Json<Message> = row.try_get(0)?;
    message.content = row.try_get(1)?;
    Ok(Stored { message, abandoned: row.try_get::<_, Option<bool>>(2)?.unwrap_or(false) })
}

/// A message of a workspace.
///
/// # Errors
/// `MESSAGE_NOT_FOUND`, or the database.
pub async fn find(db: &Db, workspace: WorkspaceId, id: MessageId) -> Result<Stored> {
    find_with(db, &columns(), workspace, id).await
}

/// The same without its text, which may be large: for whoever reads its events.
///
/// # Errors
/// `MESSAGE_NOT_FOUND`, or the database.
pub async fn find_without_text(db: &Db, workspace: WorkspaceId, id: MessageId) -> Result<Stored> {
    find_with(db, &columns().replace("m.content", "''"), workspace, id).await
}

async fn find_with(db: &Db, columns: &str, workspace: WorkspaceId, id: MessageId) -> Result<Stored> {
    let client = db.get().await?;
    let sql = format!("SELECT {columns} FROM messages m WHERE workspace_id = $1 AND id = $2");
    let statement = client.prepare_cached(&sql).await?;
    match client.query_opt(&statement, &[&workspace.0, &id.0]).await? {
        Some(row) => stored(&row),
        None => Err(message_not_found(id)),
    }
}

/// The newest event of an answer that has ended; `None` if it has not, or is gone.
///
/// # Errors
/// The database.
pub async fn last_sequence(db: &Db, id: MessageId) -> Result<Option<u64>> {
    let sql = "SELECT record FROM messages WHERE id = $1 AND state <> 'STREAMING'";
    let row = db.get().await?.query_opt(sql, &[&id.0]).await?;
    let Some(row) = row else { return Ok(None) };
    let Json(message): Json<Message> = row.try_get(0)?;
    Ok(Some(message.last_sequence))
}

/// The images of a message.
///
/// # Errors
/// The database.
pub async fn images(db: &Db, id: MessageId) -> Result<Vec<Image>> {
    let sql = "SELECT media_type, data FROM message_images WHERE message_id = $1 ORDER BY position";
    let rows = db.get().await?.query(sql, &[&id.0]).await?;
    rows.iter().map(image).collect()
}

fn image(row: &Row) -> Result<Image> {
    let data: Vec<u8> = row.try_get(1)?;
    Ok(Image { media_type: row.try_get(0)?, data: Bytes::from(data) })
}

/// A page of a conversation's messages, newest first.
///
/// # Errors
/// The database.
pub async fn list(db: &Db, id: ConversationId, page: &Page) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {} FROM messages m WHERE conversation_id = $1 AND ($2::uuid IS NULL OR id < $2) \
         ORDER BY id DESC LIMIT $3",
        columns()
    );
    let client = db.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&id.0, &page.before(), &page.fetch()]).await?;
    rows.iter().map(stored).collect()
}

/// The same, of the branch that ends with `head`.
///
/// # Errors
/// The database.
pub async fn shown(db: &Db, id: ConversationId, head: MessageId, page: &Page) -> Result<Vec<Stored>> {
    let sql = format!(
        "WITH RECURSIVE branch AS ( \
             SELECT id, parent_id FROM messages WHERE conversation_id = $1 AND id = $2 \
             UNION ALL SELECT p.id, p.parent_id FROM messages p JOIN branch b ON p.id = b.parent_id \
                 WHERE p.conversation_id = $1 \
         ) SELECT {} FROM messages m JOIN branch USING (id) \
         WHERE ($3::uuid IS NULL OR m.id < $3) ORDER BY m.id DESC LIMIT $4",
        columns()
    );
    let client = db.get().await?;
    let rows = client.query(&sql, &[&id.0, &head.0, &page.before(), &page.fetch()]).await?;
    rows.iter().map(stored).collect()
}

/// The branch that ends with a message, oldest first, with images, and of each message whether it is
/// [abandoned](Stored::abandoned). Of a very long one the newest part.
///
/// # Errors
/// The database.
pub async fn branch(db: &Db, id: ConversationId, last: MessageId) -> Result<Vec<(Said, bool)>> {
    let sql = format!(
        "WITH RECURSIVE branch AS ( \
             SELECT id, parent_id, 1 AS depth FROM messages WHERE conversation_id = $1 AND id = $2 \
             UNION ALL SELECT p.id, p.parent_id, depth + 1 FROM messages p JOIN branch b ON p.id = b.parent_id \
                 WHERE p.conversation_id = $1 AND depth < $3 \
         ) SELECT {} FROM messages m JOIN branch USING (id) ORDER BY depth DESC",
        columns()
    );
    let client = db.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&id.0, &last.0, &BRANCH_MAX]).await?;
    let mut branch = Vec::with_capacity(rows.len());
    for row in &rows {
        let Stored { message, abandoned } = stored(row)?;
        let has_images = message.role == Role::User && !message.images.is_empty();
        let images = if has_images { images(db, message.id).await? } else { Vec::new() };
        branch.push((Said { message, images }, abandoned));
    }
    Ok(branch)
}

/// All answers that a server was generating, but these.
///
/// # Errors
/// The database.
pub async fn streaming_of(db: &Db, node: NodeId, but: &[MessageId]) -> Result<Vec<Message>> {
    let sql = format!(
        "SELECT {} FROM messages m WHERE node_id = $1 AND state = 'STREAMING' AND id <> ALL ($2)",
        columns()
    );
    let but: Vec<_> = but.iter().map(|id| id.0).collect();
    let rows = db.get().await?.query(&sql, &[&node.0, &but]).await?;
    rows.iter().map(|row| Ok(stored(row)?.message)).collect()
}
