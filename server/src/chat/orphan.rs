//! Answers that the database has as being generated and that nobody generates: their honest end, by whoever meets them.
//!
//! It knows nothing about models. Whether an answer may be ended is decided under the row's lock, never here.

use std::{path::Path, sync::Arc};

use super::{
    Chat,
    record::{Message, State},
    replay,
    store::{self, Finished, Guard, Stored},
};
use crate::{
    auth::Principal,
    db::{Db, changes::Changes},
    error::Result,
    ids::MessageId,
    log::Log,
};

/// Ends an answer of this server that is in the database and not among those that are being generated.
///
/// # Errors
/// The database, or the disk.
pub async fn end_own(db: &Db, changes: &Changes, message: Message, root: &Path) -> Result<()> {
    let id = message.id;
    let ended = replay::end(db, changes, message, Guard::Owner, Some(root)).await?;
    // Else it ended a moment ago, and its log goes with its last reader.
    if !matches!(ended, Finished::Stored) {
        return Ok(());
    }
    tracing::warn!(message = %id, "ended an answer that nobody was making");
    if let Err(cause) = Log::remove(&root.join(id.to_string()))
        && cause.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(message = %id, %cause, "the log of a stored answer stays");
    }
    Ok(())
}

/// The database refuses the end of an answer for good: it ends as INTERRUPTED with all of its events, or with those
/// that the database has already. `None` if that is refused, too; the log stays then.
pub async fn give_up(db: &Db, changes: &Changes, message: &Message, root: &Path) -> Option<Arc<Message>> {
    let begun = Message {
        state: State::Streaming,
        answered_by: String::new(),
        finish_reason: String::new(),
        stopped_by: String::new(),
        error: None,
        ..message.clone()
    };
    for root in [Some(root), None] {
        match replay::end(db, changes, begun.clone(), Guard::Owner, root).await {
            Ok(_) => {
                let stored = store::find_message(db, message.workspace, message.id).await.ok()?;
                return Some(Arc::new(stored.message));
            }
            Err(error) => {
                tracing::error!(message = %message.id, %error, "nor can it be stored as interrupted")
            }
        }
    }
    None
}

impl Chat {
    /// A message, or its end if nobody generates it any more: its server was not heard of for longer than its lease,
    /// or is this one, and has no such answer under way.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, or the database.
    pub(super) async fn find_settled(&self, who: &Principal, id: MessageId) -> Result<Stored> {
        let stored = store::find_message(&self.db, who.workspace, id).await?;
        if self.settle(stored.message.clone(), stored.abandoned).await? {
            return store::find_message(&self.db, who.workspace, id).await;
        }
        Ok(stored)
    }

    /// Ends an answer that nobody generates any more; true if it is to be looked at again.
    pub(super) async fn settle(&self, message: Message, abandoned: bool) -> Result<bool> {
        let own = message.node == self.node;
        // A place among the answers is taken before the row is written, and given back after it was written again.
        let orphaned = if own { !self.shared.lives.has(message.id) } else { abandoned };
        if message.state != State::Streaming || !orphaned {
            return Ok(false);
        }
        if own {
            end_own(&self.db, &self.changes, message, self.shared.lives.root()).await?;
            return Ok(true);
        }
        let (id, node) = (message.id, message.node);
        let ended = replay::end(&self.db, &self.changes, message, Guard::Abandoned, None).await?;
        if matches!(ended, Finished::Stored) {
            tracing::warn!(message = %id, %node, "ended an answer whose server was not heard of for too long");
        }
        Ok(true)
    }
}
