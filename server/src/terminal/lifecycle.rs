//! Keeps database, keeper and running terminals in step: at the start, when children end, when the keeper dies.
//!
//! Every step is safe to repeat: whatever a kill leaves half done, the next start finishes.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use uuid::Uuid;

use super::{
    Shared,
    io::TerminalIo,
    link::{Current, Link, LinkError, Linked},
    live::Live,
    record::{Change, Exit, Record, now_ms},
    store,
    tree::TreeEnd,
};
use crate::{
    auth::Actor,
    config::Config,
    db::{Db, changes::Changes},
    error::{Error, Reason, Result},
    ids::{NodeId, TerminalId},
    keeper::{
        ChildIo,
        accounts::ShellAccount,
        client::Client,
        wire::{self, Ask},
    },
    log::{Log, MarkKind},
};

/// Why the terminals cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keeper.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The database.
    #[error("the terminals cannot be read from the database: {0}")]
    Database(#[from] Error),
    /// The data directory.
    #[error("the directory of the terminals cannot be used: {0}")]
    Io(#[from] io::Error),
    /// The data directory has another database's logs.
    #[error(
        "this data directory belongs to another database ({0}); give the server its own --data-dir, or the database \
         it had before"
    )]
    OtherDatabase(String),
}

/// How long an answer about an end waits for the database.
pub(super) const RECORDED_WAIT: Duration = Duration::from_secs(1);
/// Pauses between two attempts to reach the database or the keeper.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// The terminals of this server.
pub struct Terminals {
    pub(super) shared: Arc<Shared>,
    /// Follow the keeper and look for what is idle or old; end with this struct.
    _owned: Vec<AbortOnDropHandle<()>>,
}

impl Terminals {
    /// Takes over what runs, and settles what a former server left half done.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: &Config,
        (db, changes): (Db, Changes),
        node: NodeId,
        account: ShellAccount,
        link: Link,
        io: Handle,
        draining: CancellationToken,
    ) -> Result<Self, StartError> {
        claim_directory(&config.data.dir, db.identity())?;
        let linked = link.connect().await?;
        let fence = store::take_fence(&db, node).await?;
        let shared = Arc::new(Shared {
            settings: config.terminal.clone(),
            agent_log_bytes_max: config.orchestrator.output_log_bytes_max,
            heartbeat: super::heartbeat(config),
            dir: config.data.dir.join("terminals"),
            db,
            changes,
            node,
            fence,
            account,
            keeper: Current::default(),
            live: Mutex::default(),
            early_exits: Mutex::default(),
            io,
            tasks: TaskTracker::new(),
            draining,
        });
        fs::create_dir_all(&shared.dir)?;
        shared.keeper.set(Some(Arc::clone(&linked.client)));
        shared.settle(&linked).await?;
        let own = |handle| AbortOnDropHandle::new(handle);
        let owned = vec![
            own(tokio::spawn(Arc::clone(&shared).follow(link, linked.ended))),
            own(tokio::spawn(Arc::clone(&shared).watch_overdue())),
            own(tokio::spawn(Arc::clone(&shared).watch_retention())),
            own(tokio::spawn(Arc::clone(&shared).sweep_logs())),
        ];
        Ok(Self { shared, _owned: owned })
    }

    /// Waits until calls that have begun are done. Terminals live on in the keeper.
    pub async fn stop(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        // Without a keeper the end of this process would hang up every shell: one that has just died is replaced first.
        if self.running() > 0
            && let Err(error) = self.shared.keeper.get().await
        {
            tracing::error!(%error, "the terminals end with this server");
        }
    }

    /// How many terminals run here.
    pub fn running(&self) -> usize {
        self.shared.live().len()
    }
}

/// A data directory stays with the database whose terminals it has.
fn claim_directory(dir: &Path, database: Uuid) -> Result<(), StartError> {
    let path = dir.join("database-id");
    match fs::read_to_string(&path) {
        Ok(text) if text.trim() == database.to_string() => Ok(()),
        Ok(text) => Err(StartError::OtherDatabase(text.trim().to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            Ok(fs::write(path, format!("{database}\n"))?)
        }
        Err(cause) => Err(cause.into()),
    }
}

impl Shared {
    /// A child's program runs: its output goes to its log from now on.
    pub(super) async fn run(
        self: &Arc<Self>,
        record: Record,
        child: &wire::Child,
        fds: ChildIo,
        keeper: &Arc<Client>,
    ) -> Result<Arc<Live>> {
        let id = record.id;
        let (dir, limits, io) = (self.log_dir(id), self.log_limits(&record), self.io.clone());
        let (writers, bytes) =
            (self.settings.writers_per_terminal_max, self.settings.input_journal_bytes_max);
        let opened = tokio::task::spawn_blocking(move || {
            let _reactor = io.enter();
            Ok::<_, io::Error>((Log::create(&dir, limits)?, TerminalIo::new(Arc::new(fds), writers, bytes)?))
        });
        let (log, io) = opened.await.map_err(Error::internal)?.map_err(Error::internal)?;
        let viewers_max = self.settings.viewers_per_terminal_max;
        let live = Arc::new(Live::new(record, (child.pid, child.start_time), Arc::new(log), io, viewers_max));
        let early = {
            let mut all = self.live();
            all.insert(id, Arc::clone(&live));
            count_running(all.len());
            self.early_exits.lock().unwrap_or_else(PoisonError::into_inner).remove(&id).flatten()
        };
        if let Some(exit) = child.exit.or(early) {
            live.tell_exit(exit);
        }
        self.io.spawn(Arc::clone(self).pump(Arc::clone(&live)));
        // The keeper may have died since it started this one, and the hand-over not have seen it.
        if !self.keeper.is(keeper)
            && let Ok(new) = self.keeper.get().await
        {
            self.hand_to(&new, &live).await;
        }
        Ok(live)
    }

    /// The next child that the keeper tells of with this id is about to be known here.
    pub(super) fn expect(&self, id: TerminalId) {
        self.early_exits.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default();
    }

    /// It will not be known here after all.
    pub(super) fn expect_no_more(&self, id: TerminalId) {
        self.early_exits.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// A terminal's life from here to its end.
    async fn pump(self: Arc<Self>, live: Arc<Live>) {
        let mut exit = live.exit();
        // A former server may have finished the log and been killed before the row was written.
        if !live.log.is_finished() {
            let straggler_wait = Duration::from_millis(self.settings.straggler_wait_ms);
            live.io.run(&live.log, exit.clone(), straggler_wait).await;
        }
        let Ok(Some(exit)) = exit.wait_for(Option::is_some).await.map(|e| *e) else { return };
        if !live.log.is_finished() {
            live.log.mark(MarkKind::End, None);
        }
        let exit = Exit::from(exit);
        live.update(|record| close_record(record, &live.log, exit));
        live.tell_ended(exit);
        // One that is being ended is recorded with what came of that: the keeper sees to it that this takes seconds.
        live.no_ending().await;
        self.keep_end(&live).await;
    }

    /// Writes the end into the database, however long that takes; only then the keeper may let go of it.
    async fn keep_end(&self, live: &Live) {
        if !self.persist(live.record(), Change::Exited, Actor::system()).await {
            return;
        }
        if let Ok(client) = self.keeper.get().await
            && let Some(end) = forget(&client, live.id.0).await
            && live.record().tree_end.is_none()
        {
            // A former server asked for it, and can no longer write it down.
            live.update(|record| record.tree_end = Some(end.clone()));
            self.keep_tree_end(live.id, None, end).await;
        }
        let running = {
            let mut all = self.live();
            all.remove(&live.id);
            all.len()
        };
        count_running(running);
        live.recorded.cancel();
    }

    /// Writes a change into the database, however long that takes; false if the server stops before. The next start
    /// settles what is missing then.
    pub(super) async fn persist(&self, record: Record, change: Change, actor: Actor) -> bool {
        let id = record.id;
        loop {
            let (record, actor) = (record.clone(), actor.clone());
            let written = match change {
                Change::Deleted => store::delete(&self.changes, record, actor).await,
                change => store::update(&self.changes, record, self.fence, change, actor).await,
            };
            match written {
                Ok(()) => return true,
                Err(error) if error.reason() == Reason::ServerStopping => return false,
                Err(error) => tracing::debug!(terminal = %id, %error, "a change is not recorded yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = self.draining.cancelled() => return false,
            }
        }
    }

    /// Waits until a terminal's end is in the database, so that a list after the answer agrees with it. Not for long:
    /// while the database is away the answer counts.
    pub(super) async fn recorded_soon(&self, live: &Live) {
        // Either way the caller goes on.
        let _ = tokio::time::timeout(RECORDED_WAIT, self.recorded(live)).await;
    }

    /// Waits until a terminal's end is in the database.
    pub(super) async fn recorded(&self, live: &Live) {
        tokio::select! {
            () = live.recorded.cancelled() => {}
            () = self.draining.cancelled() => {}
        }
    }

    /// Brings the keeper's news, and after its death hands everything to the next one.
    async fn follow(self: Arc<Self>, link: Link, mut ended: mpsc::Receiver<wire::Child>) {
        loop {
            while let Some(child) = ended.recv().await {
                self.tell_exit(&child);
            }
            tracing::error!("the keeper is gone; its terminals are handed to a new one");
            self.keeper.set(None);
            let linked = loop {
                match link.connect().await {
                    Ok(linked) => break linked,
                    Err(error) => tracing::warn!(%error, "no keeper yet"),
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            };
            self.hand_over(&linked).await;
            self.keeper.set(Some(linked.client));
            ended = linked.ended;
        }
    }

    async fn hand_over(&self, linked: &Linked) {
        for child in &linked.children {
            self.tell_exit(child);
        }
        let all: Vec<Arc<Live>> = self.live().values().cloned().collect();
        for live in all.iter().filter(|live| live.exit().borrow().is_none()) {
            self.hand_to(&linked.client, live).await;
        }
    }

    async fn hand_to(&self, client: &Client, live: &Live) {
        let (pid, start_time) = live.process;
        for _ in 0..HAND_OVER_TRIES {
            let adopt = wire::Adopt { id: live.id.0.as_bytes().to_vec(), pid, start_time };
            match client.adopt(adopt, live.io.fds()).await {
                Ok(child) => return self.tell_exit(&child),
                Err(error) => {
                    tracing::error!(terminal = %live.id, %error, "the new keeper did not take a terminal")
                }
            }
        }
    }

    fn tell_exit(&self, child: &wire::Child) {
        let (Ok(id), Some(exit)) = (Uuid::from_slice(&child.id).map(TerminalId), child.exit) else { return };
        let all = self.live();
        match all.get(&id) {
            Some(live) => live.tell_exit(exit),
            // It ended before the call that started it got to know it; what nobody starts is of no interest.
            None => {
                let mut early = self.early_exits.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(expected) = early.get_mut(&id) {
                    *expected = Some(exit);
                }
            }
        }
    }
}

/// How often a terminal is offered to a new keeper.
const HAND_OVER_TRIES: u32 = 3;

pub(super) fn close_record(record: &mut Record, log: &Log, exit: Exit) {
    record.step(if exit == Exit::LOST { Change::Lost } else { Change::Exited });
    record.exit = Some(exit);
    record.end_ms = Some(now_ms());
    record.title = log.title().unwrap_or_default();
    record.output_start = log.start();
    record.output_end = log.end();
    record.output_lost_bytes = log.lost_bytes();
}

#[expect(clippy::cast_precision_loss, reason = "a count of processes is far below 2^52")]
fn count_running(terminals: usize) {
    metrics::gauge!("mosaic_terminals_running").set(terminals as f64);
}

/// Lets the keeper forget an ended child; answers how its processes were ended, if they were: the keeper finishes that
/// first.
pub(super) async fn forget(client: &Client, id: Uuid) -> Option<TreeEnd> {
    let ask = Ask::Forget(wire::ChildId { id: id.as_bytes().to_vec() });
    match client.ask(ask).await {
        Ok(reply) => reply.ending.map(TreeEnd::from),
        Err(error) => {
            // The next start does it.
            tracing::debug!(terminal = %id, %error, "the keeper did not let go of an ended child");
            None
        }
    }
}
