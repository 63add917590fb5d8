//! The one writer that puts the events of all answers into the database: in batches meanwhile, whole at the end.
//!
//! It reads them in their logs, like every other reader, and knows nothing about how they come to be. While the
//! database is away it waits, and nothing grows but the logs.

mod cursor;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{self, Instant, MissedTickBehavior, sleep},
};
use tokio_util::sync::CancellationToken;

use self::cursor::Cursor;
use super::{
    live::{Live, Lives},
    orphan,
    record::{Counted, Message},
    store::{self, Chunk, Finished, Guard},
};
use crate::{
    db::{Db, changes::Changes},
    error::{Error, Reason},
    ids::{MessageId, NodeId},
};

/// Answers that wait to be finished; more of them wait for a place.
const QUEUE_MAX: usize = 1024;
/// Answers that are being finished at once. Each holds all of its lines that are not in the database; the others wait
/// with nothing but their logs and the finished text.
const FINISHES_MAX: usize = 32;
/// Bytes of events that go into the database in one statement; one answer's row more.
const SAVE_BYTES_MAX: usize = 256 * 1024;
/// The database is asked again so soon, and later so late.
const RETRY: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(3);
/// And so soon whether leases can be renewed.
const LEASE_RETRY: Duration = Duration::from_secs(1);

/// Hands answers to the writer.
#[derive(Debug)]
pub struct Saver {
    finishes: mpsc::Sender<Finish>,
    changes: ChangesHandle,
}

/// [`Changes`], which does not show itself.
struct ChangesHandle(Changes);

impl std::fmt::Debug for ChangesHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Changes")
    }
}

/// An answer that has ended.
struct Finish {
    live: Arc<Live>,
    message: Arc<Message>,
    /// The message as it is stored.
    stored: oneshot::Sender<Arc<Message>>,
}

/// The writer's task, to be joined when the server stops.
pub struct Task {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Task {
    /// Writes what there is, waits for a database that is away no longer than `patience`, and ends.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.cancel();
        if time::timeout(patience, &mut self.task).await.is_err() {
            tracing::warn!("answers wait for the database; the next start finds them in their logs");
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How often, and in whose name.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From batch to batch.
    pub every: Duration,
    /// How long a lease is good for.
    pub lease: Duration,
    /// This server.
    pub node: NodeId,
}

impl Saver {
    /// The way to a writer that is not started yet.
    pub fn new(changes: Changes) -> (Self, Inbox) {
        let (finishes, inbox) = mpsc::channel(QUEUE_MAX);
        (Self { finishes, changes: ChangesHandle(changes) }, Inbox(inbox))
    }

    /// Stores an answer that has ended, with its last event, however long the database is away: the message as it is
    /// stored, which is another one if this server was believed to be dead. `None` if it is not stored.
    pub async fn finish(&self, live: &Arc<Live>, message: &Arc<Message>) -> Option<Arc<Message>> {
        let (stored, answer) = oneshot::channel();
        let finish = Finish { live: Arc::clone(live), message: Arc::clone(message), stored };
        self.finishes.send(finish).await.ok()?;
        answer.await.ok()
    }

    /// Counts what a title cost, and gives it to the conversation unless somebody has given it one. One try.
    pub async fn title(&self, message: &Message, model: String, counted: Counted, title: Option<String>) {
        if let Err(cause) = store::title(&self.changes.0, message, model, counted, title).await {
            tracing::info!(conversation = %message.conversation, %cause, "no title was kept");
        }
    }
}

/// What the writer is given.
pub struct Inbox(mpsc::Receiver<Finish>);

impl Inbox {
    /// Starts the writer.
    pub fn start(
        self,
        db: Db,
        changes: Changes,
        shared: Arc<super::generation::Shared>,
        settings: Settings,
    ) -> Task {
        let stop = CancellationToken::new();
        let writer = Writer {
            db,
            changes,
            shared,
            settings,
            inbox: self.0,
            cursors: HashMap::new(),
            ending: HashSet::new(),
            finishing: FuturesUnordered::new(),
            renew_at: Instant::now(),
        };
        let task = tokio::spawn(writer.run(stop.clone()));
        Task { stop, task }
    }
}

struct Writer {
    db: Db,
    changes: Changes,
    shared: Arc<super::generation::Shared>,
    settings: Settings,
    inbox: mpsc::Receiver<Finish>,
    cursors: HashMap<MessageId, Cursor>,
    /// Answers whose rest is on its way: nothing else of them is written.
    ending: HashSet<MessageId>,
    finishing: FuturesUnordered<BoxFuture<'static, MessageId>>,
    /// When leases are renewed next.
    renew_at: Instant,
}

impl Writer {
    fn lives(&self) -> &Lives {
        &self.shared.lives
    }

    async fn run(mut self, stop: CancellationToken) {
        let mut ticks = time::interval(self.settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.finishing.next() => {
                    self.ending.remove(&ended);
                }
                finish = self.inbox.recv(), if self.finishing.len() < FINISHES_MAX => match finish {
                    Some(finish) => self.finish(finish),
                    None => break,
                },
                // Whoever generates hands in what there is; then there is nothing more to come.
                () = stop.cancelled(), if self.lives().list().is_empty() && self.finishing.is_empty() => break,
                _ = ticks.tick() => self.save().await,
            }
        }
        while self.finishing.next().await.is_some() {}
    }

    /// What is new of all answers, many in a statement.
    async fn save(&mut self) {
        self.renew().await;
        let mut lives = self.lives().list();
        lives.retain(|live| !self.ending.contains(&live.message));
        if lives.is_empty() {
            self.cursors.clear();
            return;
        }
        self.cursors.retain(|id, _| lives.iter().any(|live| live.message == *id));
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        for live in &lives {
            let cursor = self.cursors.entry(live.message).or_insert_with(|| Cursor::new(live));
            match cursor.pending(store::ROW_BYTES_MAX) {
                Ok(Some(chunk)) => {
                    bytes += chunk.lines.len();
                    chunks.push(chunk);
                }
                Ok(None) => {}
                Err(cause) => {
                    tracing::warn!(message = %live.message, %cause, "an answer's log cannot be read")
                }
            }
            if bytes >= SAVE_BYTES_MAX {
                if !self.save_chunks(std::mem::take(&mut chunks)).await {
                    return;
                }
                bytes = 0;
            }
        }
        self.save_chunks(chunks).await;
    }

    /// False if the database did not take them.
    async fn save_chunks(&mut self, chunks: Vec<Chunk>) -> bool {
        if chunks.is_empty() {
            return true;
        }
        if let Err(cause) = store::save_chunks(&self.db, &chunks).await {
            // They stay pending: the same first sequence with more behind it replaces what may have been written.
            tracing::warn!(%cause, answers = chunks.len(), "events wait for the database");
            return false;
        }
        for chunk in chunks {
            if let Some(cursor) = self.cursors.get_mut(&chunk.message) {
                cursor.saved(chunk.last);
            }
        }
        true
    }

    /// Says that this server lives, and ends what nobody makes though it is in this server's name: the answer to the
    /// transaction that began it was lost, or the one that was to end it failed for good.
    async fn renew(&mut self) {
        if Instant::now() < self.renew_at {
            return;
        }
        self.renew_at = match self.try_renew().await {
            Ok(()) => Instant::now() + self.settings.lease / 3,
            Err(cause) => {
                tracing::warn!(%cause, "leases wait for the database");
                Instant::now() + LEASE_RETRY
            }
        };
    }

    async fn try_renew(&mut self) -> Result<(), Error> {
        let node = self.settings.node;
        let here: Vec<_> = self.lives().list().iter().map(|live| live.message).collect();
        if !here.is_empty() {
            store::renew_leases(&self.db, node, self.settings.lease).await?;
        }
        for message in store::streaming_of(&self.db, node, &here).await? {
            // It may have begun meanwhile: a place is taken before the row is written.
            if !self.lives().has(message.id) {
                orphan::end_own(&self.db, &self.changes, message, self.lives().root()).await?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, finish: Finish) {
        let Finish { live, message, stored } = finish;
        let mut cursor = self.cursors.remove(&live.message).unwrap_or_else(|| Cursor::new(&live));
        let (db, changes, shared) = (self.db.clone(), self.changes.clone(), Arc::clone(&self.shared));
        self.ending.insert(live.message);
        self.finishing.push(Box::pin(async move {
            let chunk = match cursor.rest(&message) {
                Ok(chunk) => chunk,
                Err(cause) => {
                    tracing::error!(message = %message.id, %cause, "an answer's log cannot be read");
                    return live.message;
                }
            };
            let stored_so = match persist(&changes, &message, chunk).await {
                Some(stored_so) => Some(stored_so),
                None => orphan::give_up(&db, &changes, &message, shared.lives.root()).await,
            };
            if let Some(stored_so) = stored_so {
                // Whoever waits may have gone: the server stops.
                let _ = stored.send(stored_so);
            }
            live.message
        }));
    }
}

/// Until it is stored: the message as it is then. `None` if it never can be.
async fn persist(changes: &Changes, message: &Arc<Message>, chunk: Chunk) -> Option<Arc<Message>> {
    let chunk = Arc::new(chunk);
    let mut wait = RETRY;
    loop {
        match store::finish(changes, Arc::clone(message), Arc::clone(&chunk), Guard::Owner).await {
            // The answer to a commit may have been lost: then it is this very message.
            Ok(Finished::Before(before)) if before.end_ms != message.end_ms => {
                tracing::warn!(message = %message.id, "another server has ended an answer of this one, which was away for too long");
                return Some(Arc::new(*before));
            }
            Ok(_) => return Some(Arc::clone(message)),
            Err(error) if may_pass(&error) => {
                tracing::warn!(message = %message.id, %error, "an answer waits for the database");
                sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
            Err(error) => {
                tracing::error!(message = %message.id, %error, "an answer cannot be stored");
                return None;
            }
        }
    }
}

fn may_pass(error: &Error) -> bool {
    matches!(error.reason(), Reason::DatabaseUnavailable | Reason::ServerBusy)
}

#[cfg(test)]
mod tests;
