//! The one writer of changes that make events: it batches them into transactions and numbers the events.
//!
//! It knows nothing about what the changes do. The sequence of a workspace has no gap and no event
//! becomes visible after a later one, because the workspace's counter is the last lock that a
//! transaction takes and is held until it commits.

mod batch;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool_postgres::{Object, Transaction};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Db, retention};
use crate::{
    config,
    error::{Error, Reason, Result},
    ids::{TokenId, WorkspaceId},
};
use batch::{Change, Job};

const UNAVAILABLE: &str = "the database does not answer; try again soon";

/// A batch that takes longer is given up, and its connection with it: the database hangs.
const BATCH_TIMEOUT: Duration = Duration::from_secs(15);

/// What a change came to.
pub enum Outcome<T> {
    /// It is done, and makes these events in this order.
    Done {
        /// The answer to whoever submitted it.
        value: T,
        /// What happened.
        events: Vec<NewEvent>,
    },
    /// It may not be. What it had written is undone; the others of its batch go on.
    Refused(Error),
}

/// An event that has no sequence yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Where it happened.
    pub workspace: WorkspaceId,
    /// Who did it; absent: the server itself.
    pub principal: Option<TokenId>,
    /// The name of who did it, at that time.
    pub principal_name: String,
    /// What kind of thing it happened to: `TERMINAL`.
    pub resource: &'static str,
    /// What happened: `CREATED`.
    pub kind: &'static str,
    /// The thing it happened to.
    pub subject: Uuid,
    /// The thing afterwards, as its domain type writes itself.
    pub payload: serde_json::Value,
}

/// Submits changes. Clones share the writer.
#[derive(Clone)]
pub struct Changes {
    queue: mpsc::Sender<Box<dyn Job>>,
    newest: Arc<Newest>,
    word: Arc<Word>,
}

/// Owns the tasks behind [`Changes`]: the writer, and the one that deletes what is too old.
///
/// Dropped without [`Tasks::stop`] it aborts them, and with them what still waits.
pub struct Tasks {
    stop: CancellationToken,
    writer: JoinHandle<()>,
    retention: JoinHandle<()>,
}

impl Changes {
    /// Starts the writer.
    pub fn start(db: Db, config: &config::Events) -> (Self, Tasks) {
        let (queue, jobs) = mpsc::channel(config.queue_max);
        let newest = Arc::new(Newest::default());
        let stop = CancellationToken::new();
        let retention = tokio::spawn(retention::run(db.clone(), config.retention_hours, stop.clone()));
        let word = Arc::new(Word::default());
        let batch_max = config.batch_max;
        let writer = Writer { db, jobs, batch_max, newest: newest.clone(), word: word.clone() };
        let writer = tokio::spawn(writer.run(stop.clone()));
        (Self { queue, newest, word }, Tasks { stop, writer, retention })
    }

    /// Applies a change in a transaction and answers when that is committed.
    ///
    /// The change runs alone among those of this server, but shares its transaction with others. It
    /// may run more than once (the earlier run undone), and whether an unanswered one was committed is
    /// not known; so it must be idempotent, and do nothing outside the transaction. Dropping the
    /// returned future does not cancel it. A change that failed in SQL leaves the others alone.
    ///
    /// # Errors
    /// What the change was refused with; `SERVER_BUSY` if `events.queue_max` wait; `SERVER_STOPPING`;
    /// `DATABASE_UNAVAILABLE`, after which whoever must succeed submits it again.
    pub async fn submit<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t Transaction<'t>) -> BoxFuture<'t, Result<Outcome<T>>> + Send + Sync + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Box::new(Change::new(change, reply))).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::quota(
                Reason::ServerBusy,
                "events.queue_max",
                "as many changes wait for the database as may; try later",
            ),
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })?;
        answer.await.map_err(|_| stopping())?
    }

    /// The sequence of the newest event that this server committed in a workspace; 0 before the first.
    ///
    /// What other servers on the same database commit does not show in the number, but their word of it counts as a
    /// change.
    pub fn newest(&self, workspace: WorkspaceId) -> watch::Receiver<u64> {
        self.newest.of(workspace, watch::Sender::subscribe)
    }

    /// Grows with every word of another server's.
    pub fn words(&self) -> watch::Receiver<u64> {
        self.word.heard.subscribe()
    }

    /// Waits until this server has committed something; answers the workspaces.
    pub(super) async fn committed(&self) -> BTreeSet<WorkspaceId> {
        loop {
            self.word.news.notified().await;
            let all =
                std::mem::take(&mut *self.word.committed.lock().unwrap_or_else(PoisonError::into_inner));
            if !all.is_empty() {
                return all;
            }
        }
    }

    /// Another server has committed something in a workspace; absent: perhaps in any.
    pub(super) fn heard(&self, workspace: Option<WorkspaceId>) {
        match workspace {
            Some(workspace) => self.newest.wake(workspace),
            None => self.newest.wake_all(),
        }
        self.word.heard.send_modify(|words| *words += 1);
    }
}

/// What goes to and comes from other servers on the same database.
#[derive(Default)]
struct Word {
    /// Workspaces in which this server has committed something that the others were not told of.
    committed: Mutex<BTreeSet<WorkspaceId>>,
    news: Notify,
    heard: watch::Sender<u64>,
}

impl Tasks {
    /// Takes no further change, finishes those that wait, and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for task in [&mut self.writer, &mut self.retention] {
            if let Err(cause) = task.await {
                tracing::error!(%cause, "a task of the database failed");
            }
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.writer.abort();
        self.retention.abort();
    }
}

fn stopping() -> Error {
    Error::new(Reason::ServerStopping, "the server is stopping; try again soon")
}

/// One channel for each workspace that someone asked about, so at most `auth.workspaces_max`.
#[derive(Default)]
struct Newest(Mutex<HashMap<WorkspaceId, watch::Sender<u64>>>);

impl Newest {
    fn of<R>(&self, workspace: WorkspaceId, f: impl FnOnce(&watch::Sender<u64>) -> R) -> R {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(channels.entry(workspace).or_default())
    }

    fn wake(&self, workspace: WorkspaceId) {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&workspace) {
            channel.send_modify(|_| ());
        }
    }

    fn wake_all(&self) {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.values().for_each(|channel| channel.send_modify(|_| ()));
    }
}

struct Writer {
    db: Db,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    batch_max: usize,
    newest: Arc<Newest>,
    word: Arc<Word>,
}

impl Writer {
    async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                // What waits when the stop comes is still done: the closed queue gives it out first.
                () = stop.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
                taken = self.jobs.recv_many(&mut batch, self.batch_max) => match taken {
                    0 => return,
                    _ => self.write(std::mem::take(&mut batch)).await,
                },
            }
        }
    }

    async fn write(&mut self, batch: Vec<Box<dyn Job>>) {
        match self.attempt(batch).await {
            Attempt::Answered => {}
            Attempt::Unreachable(batch, cause) => self.give_up(batch, &cause),
            Attempt::Refused(batch, _) => {
                // Something in it cannot be committed: each for itself, so that only the guilty one fails.
                let mut rest = batch.into_iter();
                while let Some(job) = rest.next() {
                    match self.attempt(vec![job]).await {
                        Attempt::Answered => {}
                        Attempt::Refused(guilty, cause) => {
                            if let Some(job) = guilty.into_iter().next() {
                                job.answer(Err(cause));
                            }
                        }
                        Attempt::Unreachable(mut jobs, cause) => {
                            jobs.extend(rest);
                            return self.give_up(jobs, &cause);
                        }
                    }
                }
            }
        }
    }

    async fn attempt(&self, mut batch: Vec<Box<dyn Job>>) -> Attempt {
        let mut connection = match self.db.get().await {
            Ok(connection) => connection,
            Err(cause) => return Attempt::Unreachable(batch, cause),
        };
        match time::timeout(BATCH_TIMEOUT, batch::commit(&mut connection, &mut batch)).await {
            Ok(Ok(newest)) => {
                for job in batch {
                    job.answer(Ok(()));
                }
                for (workspace, sequence) in newest {
                    self.newest.of(workspace, |channel| channel.send_replace(sequence));
                    self.word.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace);
                    self.word.news.notify_one();
                }
                Attempt::Answered
            }
            Ok(Err(cause)) if connection.is_closed() => Attempt::Unreachable(batch, cause),
            Ok(Err(cause)) => Attempt::Refused(batch, cause),
            Err(late) => {
                // Its state is unknown: it must not go back into the pool.
                drop(Object::take(connection));
                Attempt::Unreachable(batch, Error::caused(Reason::DatabaseUnavailable, UNAVAILABLE, late))
            }
        }
    }

    /// Answers everyone who waits, since each would wait for the same thing in vain.
    fn give_up(&mut self, mut batch: Vec<Box<dyn Job>>, cause: &Error) {
        while let Ok(job) = self.jobs.try_recv() {
            batch.push(job);
        }
        tracing::warn!(changes = batch.len(), %cause, "the database is away");
        for job in batch {
            job.answer(Err(Error::new(Reason::DatabaseUnavailable, UNAVAILABLE)));
        }
    }
}

/// How an attempt to commit a batch went.
enum Attempt {
    /// Committed, and everyone has the answer.
    Answered,
    /// The database is there and does not take it.
    Refused(Vec<Box<dyn Job>>, Error),
    /// The database is away. Whether it has committed is not known.
    Unreachable(Vec<Box<dyn Job>>, Error),
}
