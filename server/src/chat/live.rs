//! Answers that are being generated: their logs, and how they are stopped.
//!
//! It knows nothing about models. What is shown is read from the log, never from here.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    event::{self, Answer, Event},
    record::Message,
};
use crate::{
    error::{Error, Reason, Result},
    ids::{ConversationId, MessageId, WorkspaceId},
    log::{Limits, Log},
};

/// Bytes of one file of an answer's log; also what is set aside on the disk for it.
const SEGMENT_BYTES: u64 = 128 * 1024;

/// An answer that is being generated, or was a moment ago.
#[derive(Debug)]
pub struct Live {
    /// Which.
    pub message: MessageId,
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// What it answers.
    pub parent: Option<MessageId>,
    /// It is a command's.
    command: bool,
    /// Its events.
    pub log: Arc<Log>,
    dir: PathBuf,
    /// Somebody wants it to end.
    stop: CancellationToken,
    stopped_by: Mutex<Option<String>>,
    /// The newest event that readers may see.
    newest: watch::Sender<u64>,
    /// Finished and stored; taken by whoever waits for it.
    finished: watch::Sender<Option<Arc<Message>>>,
    /// The conversation was deleted under it.
    deleted: CancellationToken,
    /// It is among the others no more: it is finished now, or never will be.
    gone: CancellationToken,
}

impl Live {
    fn create(root: &Path, message: &Message) -> io::Result<Self> {
        let dir = root.join(message.id.to_string());
        let limits = Limits { segment_bytes: SEGMENT_BYTES, bytes_max: u64::MAX / 2, index_entries_max: 1 };
        Ok(Self {
            message: message.id,
            workspace: message.workspace,
            conversation: message.conversation,
            parent: message.parent,
            command: message.command,
            log: Arc::new(Log::create_for_append(&dir, limits)?),
            dir,
            stop: CancellationToken::new(),
            stopped_by: Mutex::default(),
            newest: watch::Sender::new(0),
            finished: watch::Sender::new(None),
            deleted: CancellationToken::new(),
            gone: CancellationToken::new(),
        })
    }

    /// Asks for its end; the first who asks is named.
    pub fn stop(&self, by: &str) {
        self.stopped_by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| by.to_owned());
        self.stop.cancel();
    }

    /// Resolves when somebody wants it to end.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Who wanted it to end.
    pub fn stopped_by(&self) -> Option<String> {
        self.stopped_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its conversation was deleted: stops it, and ends its readers.
    pub fn delete(&self, by: &str) {
        self.deleted.cancel();
        self.stop(by);
    }

    /// Resolves when its conversation was deleted.
    pub async fn deleted(&self) {
        self.deleted.cancelled().await;
    }

    /// True if its conversation was deleted.
    pub fn is_deleted(&self) -> bool {
        self.deleted.is_cancelled()
    }

    /// The newest event.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// The message, once it is finished and stored; `None` if it never will be.
    pub async fn finished(&self) -> Option<Arc<Message>> {
        let mut finished = self.finished.subscribe();
        tokio::select! {
            biased;
            message = finished.wait_for(Option::is_some) => message.ok()?.clone(),
            () = self.gone.cancelled() => None,
        }
    }

    /// Resolves when it was given up without being stored: nothing more comes, and no end.
    pub async fn lost(&self) {
        self.gone.cancelled().await;
        if self.is_finished() {
            std::future::pending().await
        }
    }

    /// The message, if it is finished.
    pub fn is_finished(&self) -> bool {
        self.finished.borrow().is_some()
    }

    /// Takes events: in the log first, where readers find them, then in the answer.
    ///
    /// # Errors
    /// The log cannot be written; nobody was told of any of them.
    pub fn append(&self, answer: &mut Answer, events: &[Event]) -> Result<()> {
        let mut lines = Vec::new();
        for (event, sequence) in events.iter().zip(answer.sequence + 1..) {
            event::write(&mut lines, sequence, event).map_err(Error::internal)?;
        }
        self.append_lines(&lines, answer.sequence + events.len() as u64)?;
        for event in events {
            answer.apply(answer.sequence + 1, event);
        }
        Ok(())
    }

    /// Takes lines, of which the last has the sequence `newest`.
    fn append_lines(&self, lines: &[u8], newest: u64) -> Result<()> {
        // Before anybody can read them: whoever has an event may come back for what follows it at once.
        let before = self.newest.send_replace(newest);
        self.log.append(lines).map_err(|cause| {
            self.newest.send_replace(before);
            Error::caused(Reason::Internal, "the answer cannot be written down", cause)
        })
    }

    /// It is stored: the last event is shown, and whoever waits is told.
    ///
    /// A log that cannot be written any more only costs readers the way here: they read the rest in the database.
    pub fn finish(&self, message: Arc<Message>) {
        let mut last = Vec::new();
        // Another server may have ended it, with fewer events.
        let sequence = self.newest() + 1;
        let written = event::write_completed(&mut last, sequence, &message).map_err(Error::internal);
        if let Err(cause) = written.and_then(|()| self.append_lines(&last, sequence)) {
            tracing::warn!(message = %self.message, %cause, "the last event is only in the database");
        }
        self.log.finish();
        self.finished.send_replace(Some(message));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // What was not stored is replayed by the next start.
        if self.is_finished()
            && let Err(cause) = Log::remove(&self.dir)
        {
            tracing::warn!(log = %self.dir.display(), %cause, "the log of a stored answer stays");
        }
    }
}

/// All of them.
#[derive(Debug)]
pub struct Lives {
    root: PathBuf,
    most: usize,
    most_of_workspace: usize,
    all: Mutex<HashMap<MessageId, Arc<Live>>>,
}

impl Lives {
    /// None yet. Logs lie in `root`.
    pub fn new(root: PathBuf, most: usize, most_of_workspace: usize) -> Self {
        Self { root, most, most_of_workspace, all: Mutex::default() }
    }

    /// Where the logs lie.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MessageId, Arc<Live>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the log of an answer that is about to be recorded.
    ///
    /// # Errors
    /// `GENERATION_QUOTA`, or the disk.
    pub fn begin(&self, message: &Message) -> Result<Arc<Live>> {
        self.has_room(&self.all(), message)?;
        let live = Arc::new(Live::create(&self.root, message).map_err(Error::internal)?);
        let mut all = self.all();
        // Another may have taken the last place meanwhile.
        if let Err(full) = self.has_room(&all, message) {
            drop(all);
            self.discard(&live);
            return Err(full);
        }
        all.insert(message.id, Arc::clone(&live));
        Ok(live)
    }

    fn has_room(&self, all: &HashMap<MessageId, Arc<Live>>, message: &Message) -> Result<()> {
        let quota = |setting: &str| {
            let text =
                format!("as many answers are being generated as may ({setting}); wait for one, or stop one");
            Error::quota(Reason::GenerationQuota, setting, text)
        };
        // As many commands again may run beside the answers: the kill switch waits for no model.
        let alike = || all.values().filter(|live| live.command == message.command);
        if alike().count() >= self.most {
            return Err(quota("chat.generations_max"));
        }
        if alike().filter(|live| live.workspace == message.workspace).count() >= self.most_of_workspace {
            return Err(quota("chat.generations_per_workspace_max"));
        }
        Ok(())
    }

    /// An answer of a workspace that is being generated.
    pub fn get(&self, workspace: WorkspaceId, message: MessageId) -> Option<Arc<Live>> {
        self.all().get(&message).filter(|live| live.workspace == workspace).cloned()
    }

    /// True if it is being generated here.
    pub fn has(&self, message: MessageId) -> bool {
        self.all().contains_key(&message)
    }

    /// Those of a conversation.
    pub fn of_conversation(&self, conversation: ConversationId) -> Vec<Arc<Live>> {
        self.all().values().filter(|live| live.conversation == conversation).cloned().collect()
    }

    /// All of them.
    pub fn list(&self) -> Vec<Arc<Live>> {
        self.all().values().cloned().collect()
    }

    /// It is finished, or was never recorded.
    pub fn remove(&self, message: MessageId) {
        if let Some(live) = self.all().remove(&message) {
            live.gone.cancel();
        }
    }

    /// It was never recorded: nothing of it stays.
    pub fn discard(&self, live: &Arc<Live>) {
        self.remove(live.message);
        if let Err(cause) = Log::remove(&live.dir) {
            tracing::warn!(log = %live.dir.display(), %cause, "an empty log stays");
        }
    }
}

#[cfg(test)]
mod tests;
