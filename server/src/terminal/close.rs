//! Ending terminals, and forgetting those that have ended.
//!
//! It knows nothing about signals: the keeper ends whole trees and tells what is left.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    Found, Shared, Shown, Terminals,
    lifecycle::RECORDED_WAIT,
    link::keeper_error,
    live::Live,
    record::{Change, Record, now_ms},
    store,
    tree::TreeEnd,
};
use crate::{
    auth::{Actor, Principal, Role},
    error::{Error, Reason, Result},
    ids::TerminalId,
    keeper::wire::{self, Ask, FailureKind},
    log::Log,
};

/// What ending a terminal came to.
#[derive(Debug)]
pub(crate) struct Receipt {
    /// The terminal.
    pub(crate) shown: Shown,
    /// How its processes ended: what was sent, what is left, whether that is proven.
    pub(crate) end: TreeEnd,
}

/// How a terminal is to be ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Time between the first signals and SIGKILL.
    pub(crate) grace: Duration,
    /// Why, for the exit record.
    pub(crate) reason: wire::Reason,
    /// Begin with SIGTERM, too: a shell ignores it, a program may put things in order.
    pub(crate) terminate: bool,
}

impl How {
    /// The remains of a terminal that nobody holds any more.
    pub(super) const LOST: Self =
        Self { grace: Duration::ZERO, reason: wire::Reason::Lost, terminate: false };
}

/// How often it is looked for terminals that are idle, or have run for too long.
const OVERDUE_TICK: Duration = Duration::from_secs(1);
/// How often it is looked for ended terminals that are too old.
const RETENTION_TICK: Duration = Duration::from_secs(600);
/// The pause when there were more than it takes at once.
const RETENTION_MORE: Duration = Duration::from_secs(1);
/// After its tree is gone, a terminal has so long to be read to its end.
const END_TIMEOUT: Duration = Duration::from_secs(15);

impl Terminals {
    /// Ends a terminal and everything that it started.
    pub(crate) async fn close(
        &self,
        principal: &Principal,
        named: &str,
        grace: Option<Duration>,
    ) -> Result<Receipt> {
        let grace = grace.unwrap_or(Duration::from_millis(self.shared.settings.close_grace_ms));
        let how = How { grace, reason: wire::Reason::Closed, terminate: false };
        self.close_by(principal, named, &how).await
    }

    /// The same, with a say in how.
    pub(crate) async fn close_by(&self, principal: &Principal, named: &str, how: &How) -> Result<Receipt> {
        principal.require(Role::Member)?;
        let shared = &self.shared;
        let found = shared.find(principal, named).await?;
        if let Found::Recorded(record) = &found
            && (record.state.is_live() || record.node != shared.node)
        {
            return Err(shared.elsewhere(record));
        }
        // Also for one that has ended: what it left behind ends, too.
        let mut record = found.record();
        let end = shared.end_tree(record.id, how, Some(&record)).await?;
        let live = if let Found::Live(live) = &found { Some(live) } else { None };
        if let Some(live) = live {
            let over = tokio::time::timeout(END_TIMEOUT, live.over()).await;
            if over.is_err() && end.survivors.is_empty() {
                return Err(Error::internal("the terminal's processes are gone, but its end was not seen"));
            }
            record = live.record();
        }
        shared.keep_tree_end_soon(record.id, live, &end).await;
        record.tree_end = Some(end.clone());
        Ok(Receipt { shown: (record, found.viewers()), end })
    }

    /// Forgets an ended terminal and its log.
    pub(crate) async fn delete(&self, principal: &Principal, named: &str) -> Result<()> {
        principal.require(Role::Member)?;
        let found = self.shared.find(principal, named).await?;
        let record = found.record();
        if record.node != self.shared.node {
            return Err(self.shared.elsewhere(&record));
        }
        if record.state.after(Change::Deleted).is_none() || record.state.is_live() {
            let message = format!("terminal {:?} still runs; close it first", record.name);
            return Err(Error::new(Reason::TerminalRunning, message));
        }
        if let Found::Live(live) = &found {
            self.shared.recorded(live).await;
        }
        self.shared.forget(record, Actor::of(principal)).await
    }

    /// Sends a signal to a terminal's foreground process group; answers which one that is.
    pub(crate) async fn signal(&self, principal: &Principal, named: &str, signal: i32) -> Result<u32> {
        principal.require(Role::Member)?;
        let live = self.shared.find_live(principal, named).await?;
        let ask = wire::Signal { id: live.id.0.as_bytes().to_vec(), signal };
        let reply = self.shared.keeper.get().await?.ask(Ask::Signal(ask)).await;
        let reply = reply.map_err(|error| match error.kind() {
            Some(FailureKind::NoForeground) => Error::new(
                Reason::NoForegroundGroup,
                "no process group is in the foreground of this terminal",
            ),
            Some(FailureKind::NoChild) => super::ended(&live.record().name),
            _ => keeper_error(error),
        })?;
        Ok(reply.process_group.unsigned_abs())
    }
}

impl Shared {
    /// Ends a terminal's processes; answers how that went. `known` is what is recorded of it.
    pub(super) async fn end_tree(
        &self,
        id: TerminalId,
        how: &How,
        known: Option<&Record>,
    ) -> Result<TreeEnd> {
        let tracking = known.and_then(|record| record.bounds).and_then(|bounds| bounds.tracking);
        let close = wire::Close {
            id: id.0.as_bytes().to_vec(),
            grace_ms: u64::try_from(how.grace.as_millis()).unwrap_or(u64::MAX),
            reason: how.reason.into(),
            terminate: how.terminate,
            tracking: tracking.map_or(wire::Tracking::Unknown, wire::Tracking::from).into(),
        };
        let live = self.live().get(&id).cloned();
        let ending = live.as_ref().map(Live::begin_ending);
        let reply = self.keeper.ask_again(|keeper| {
            let ask = Ask::Close(close.clone());
            async move { keeper.ask(ask).await }
        });
        let end = TreeEnd::from_reply(reply.await.map_err(keeper_error)?);
        let end = end.after(known.and_then(|record| record.tree_end.as_ref()));
        if let Some(live) = &live {
            live.update(|record| record.tree_end = Some(end.clone()));
        }
        drop(ending);
        Ok(end)
    }

    /// Writes down how a terminal's processes ended, so that a look after the answer agrees with it. Not for long: while
    /// the database is away the answer counts.
    async fn keep_tree_end_soon(self: &Arc<Self>, id: TerminalId, live: Option<&Arc<Live>>, end: &TreeEnd) {
        let (shared, live, end) = (Arc::clone(self), live.cloned(), end.clone());
        // Finished even if the caller goes away.
        let kept = self.tasks.spawn(async move { shared.keep_tree_end(id, live.as_ref(), end).await });
        let _ = tokio::time::timeout(RECORDED_WAIT, kept).await;
    }

    /// The same, however long it takes until the terminal's own end is recorded, usually with it.
    pub(super) async fn keep_tree_end(&self, id: TerminalId, live: Option<&Arc<Live>>, end: TreeEnd) {
        if let Some(live) = live {
            self.recorded(live).await;
        }
        if let Err(error) = store::tree_ended(&self.changes, id, end).await {
            tracing::warn!(terminal = %id, %error, "how its processes ended is not recorded");
        }
    }

    /// Forgets a terminal: the row first, since a log without a row is swept at the next start.
    async fn forget(&self, record: Record, actor: Actor) -> Result<()> {
        let dir = self.log_dir(record.id);
        store::delete(&self.changes, record, actor).await?;
        let removed = tokio::task::spawn_blocking(move || Log::remove(&dir)).await;
        removed.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Closes terminals that are idle, or have run, for too long, until the server stops. One that resists holds up no
    /// other.
    pub(super) async fn watch_overdue(self: Arc<Self>) {
        let grace = Duration::from_millis(self.settings.close_grace_ms);
        let mut closing = JoinSet::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(OVERDUE_TICK) => {}
                () = self.draining.cancelled() => return,
            }
            while closing.try_join_next().is_some() {}
            let all: Vec<Arc<Live>> = self.live().values().cloned().collect();
            for live in all {
                let record = live.record();
                let Some(reason) = overdue(&live, &record).filter(|_| !live.is_being_ended()) else {
                    continue;
                };
                let (shared, how) = (Arc::clone(&self), How { grace, reason, terminate: false });
                closing.spawn(async move {
                    if let Err(error) = shared.end_tree(live.id, &how, Some(&record)).await {
                        tracing::warn!(terminal = %live.id, %error, "an overdue terminal could not be closed");
                    }
                });
            }
        }
    }

    /// Forgets ended terminals that are too old or too many, until the server stops.
    pub(super) async fn watch_retention(self: Arc<Self>) {
        loop {
            let mut pause = RETENTION_TICK;
            let (hours, max) = (self.settings.ended_retention_hours, self.settings.ended_per_workspace_max);
            match store::surplus(&self.db, self.node, hours, max).await {
                Ok(surplus) => {
                    let more = surplus.len() >= store::SURPLUS_MAX;
                    for record in surplus {
                        let id = record.id;
                        if let Err(error) = self.forget(record, Actor::system()).await {
                            tracing::warn!(terminal = %id, %error, "an old terminal could not be forgotten");
                        }
                    }
                    pause = if more { RETENTION_MORE } else { RETENTION_TICK };
                }
                Err(error) => tracing::debug!(%error, "old terminals could not be looked for"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.draining.cancelled() => return,
            }
        }
    }
}

/// Why a running terminal is to be closed now, if it is.
fn overdue(live: &Live, record: &Record) -> Option<wire::Reason> {
    if live.exit().borrow().is_some() {
        return None;
    }
    let now = now_ms();
    let over = |since: u64, max: Option<u64>| max.is_some_and(|max| now.saturating_sub(since) >= max);
    if over(record.create_ms, record.time_limit_ms) {
        Some(wire::Reason::TimeLimit)
    } else {
        over(live.io.active_ms(), record.idle_timeout_ms).then_some(wire::Reason::Idle)
    }
}
