//! Ending terminals, and forgetting those that have ended.
//!
//! It knows nothing about signals: the keeper ends whole trees and tells what is left.

use std::{sync::Arc, time::Duration};

use super::{
    Found, Shared, Shown, Terminals,
    link::keeper_error,
    live::Live,
    record::{Change, Record, now_ms},
    store,
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
    /// What could not be ended; empty means that it is proven gone.
    pub(crate) survivors: Vec<wire::Survivor>,
}

/// How often it is looked for terminals that are idle.
const IDLE_TICK: Duration = Duration::from_secs(1);
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
        principal.require(Role::Member)?;
        let shared = &self.shared;
        let grace = grace.unwrap_or(Duration::from_millis(shared.settings.close_grace_ms));
        let found = shared.find(principal, named).await?;
        if let Found::Recorded(record) = &found
            && (record.state.is_live() || record.node != shared.node)
        {
            return Err(shared.elsewhere(record));
        }
        // Also for one that has ended: what it left behind ends, too.
        let survivors = shared.end_tree(found.record().id, grace, wire::Reason::Closed).await?;
        if let Found::Live(live) = &found {
            let over = tokio::time::timeout(END_TIMEOUT, live.over()).await;
            if over.is_err() && survivors.is_empty() {
                return Err(Error::internal("the terminal's processes are gone, but its end was not seen"));
            }
            shared.recorded_soon(live).await;
        }
        Ok(Receipt { shown: (found.record(), found.viewers()), survivors })
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
    /// Ends a terminal's processes; answers what could not be ended.
    pub(super) async fn end_tree(
        &self,
        id: TerminalId,
        grace: Duration,
        reason: wire::Reason,
    ) -> Result<Vec<wire::Survivor>> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let close = wire::Close { id: id.0.as_bytes().to_vec(), grace_ms, reason: reason.into() };
        let reply = self.keeper.ask_again(|keeper| {
            let ask = Ask::Close(close.clone());
            async move { keeper.ask(ask).await }
        });
        Ok(reply.await.map_err(keeper_error)?.survivors)
    }

    /// Forgets a terminal: the row first, since a log without a row is swept at the next start.
    async fn forget(&self, record: Record, actor: Actor) -> Result<()> {
        let dir = self.log_dir(record.id);
        store::delete(&self.changes, record, actor).await?;
        let removed = tokio::task::spawn_blocking(move || Log::remove(&dir)).await;
        removed.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Closes terminals that are idle for too long, until the server stops.
    pub(super) async fn watch_idle(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(IDLE_TICK) => {}
                () = self.draining.cancelled() => return,
            }
            let all: Vec<Arc<Live>> = self.live().values().cloned().collect();
            for live in all.into_iter().filter(is_idle) {
                let grace = Duration::from_millis(self.settings.close_grace_ms);
                if let Err(error) = self.end_tree(live.id, grace, wire::Reason::Idle).await {
                    tracing::warn!(terminal = %live.id, %error, "an idle terminal could not be closed");
                }
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

fn is_idle(live: &Arc<Live>) -> bool {
    let running = live.exit().borrow().is_none();
    let idle_ms = now_ms().saturating_sub(live.io.active_ms());
    running && live.record().idle_timeout_ms.is_some_and(|max| idle_ms >= max)
}
