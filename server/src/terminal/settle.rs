//! Settling at the start what a former server left half done: rows, children and logs are made to agree.
//!
//! Every step is safe to repeat. It knows nothing about terminals that run on.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    sync::Arc,
};

use uuid::Uuid;

use super::{
    Shared,
    close::How,
    keeper_error,
    lifecycle::{close_record, forget},
    link::Linked,
    record::{Change, Exit, Record, State},
    store,
    tree::{Bounds, Limits, TreeEnd},
};
use crate::{
    auth::Actor,
    error::{Error, Result},
    ids::TerminalId,
    keeper::{
        client::Client,
        wire::{self, Ask},
    },
    log::{Log, MarkKind},
};

impl Shared {
    /// Compares what the database says with what the keeper has.
    pub(super) async fn settle(self: &Arc<Self>, linked: &Linked) -> Result<()> {
        let ids: Vec<Uuid> = linked.children.iter().filter_map(|c| Uuid::from_slice(&c.id).ok()).collect();
        let known: HashSet<Uuid> = store::known(&self.db, &ids).await?.into_iter().collect();
        let mut rows: HashMap<Uuid, Record> =
            store::live_of(&self.db, self.node).await?.into_iter().map(|r| (r.id.0, r)).collect();
        for child in &linked.children {
            let Ok(id) = Uuid::from_slice(&child.id) else { continue };
            match rows.remove(&id) {
                Some(record) if child.has_fds => self.take(&linked.client, record).await,
                Some(record) => self.settle_ended(&linked.client, record, child.exit).await?,
                None => {
                    if !known.contains(&id) {
                        tracing::warn!(terminal = %id, "a child that no row knows is ended");
                    }
                    self.drop_child(&linked.client, id).await;
                }
            }
        }
        for record in rows.into_values() {
            let keeper = linked.client.identity();
            if record.state == State::Starting && keeper.is_some() && record.keeper == keeper {
                // The keeper that was to start it is this one, and knows nothing of it: it was never asked.
                store::delete(&self.changes, record, Actor::system()).await?;
                continue;
            }
            tracing::warn!(terminal = %record.id, name = record.name, "a terminal is lost; its remains are swept");
            let end = self.end_tree(record.id, &How::LOST, Some(&record)).await?;
            self.settle_over(Record { tree_end: Some(end), ..record }, Exit::LOST).await?;
        }
        Ok(())
    }

    /// Goes on with a child of the former server at the next byte. One that cannot be taken now (no descriptor, a broken
    /// disk) stays in the keeper, unread, and the next start tries again: its shell is not ended for that.
    async fn take(self: &Arc<Self>, client: &Arc<Client>, record: Record) {
        let id = record.id;
        self.expect(id);
        if let Err(error) = self.try_take(client, record).await {
            self.expect_no_more(id);
            tracing::error!(terminal = %id, %error, "a terminal could not be taken over; it waits in the keeper");
        }
    }

    async fn try_take(self: &Arc<Self>, client: &Arc<Client>, mut record: Record) -> Result<()> {
        let id = record.id.0.as_bytes().to_vec();
        let (child, io) = client.ask_child(Ask::Take(wire::ChildId { id })).await.map_err(keeper_error)?;
        let io = io.ok_or_else(|| Error::internal("the keeper sent a child without descriptors"))?;
        let started = record.step(Change::Started);
        record.pid = child.pid;
        record.bounds = record.bounds.or(child.bounds.map(|kept| Bounds::new(Limits::default(), Some(kept))));
        // A former server has asked for it, and could no longer write it down.
        record.tree_end = child.ending.clone().map(TreeEnd::from).or(record.tree_end);
        if started {
            // Before it can end: the events come in this order.
            store::update(&self.changes, record.clone(), self.fence, Change::Started, Actor::system())
                .await?;
        }
        let live = self.run(record, &child, io, client).await?;
        live.reload_size();
        Ok(())
    }

    /// Only the record of its end is left.
    async fn settle_ended(&self, client: &Client, record: Record, exit: Option<wire::Exit>) -> Result<()> {
        let id = record.id;
        self.settle_over(record, exit.map_or(Exit::LOST, Exit::from)).await?;
        let _ = forget(client, id.0).await;
        Ok(())
    }

    /// Records the end of a terminal that does not run.
    async fn settle_over(&self, mut record: Record, exit: Exit) -> Result<()> {
        let (dir, limits) = (self.log_dir(record.id), self.log_limits(&record));
        let opened = tokio::task::spawn_blocking(move || {
            let log = Log::create(&dir, limits)?;
            if !log.is_finished() {
                log.mark(MarkKind::End, None);
            }
            Ok::<_, io::Error>(log)
        });
        let log = opened.await.map_err(Error::internal)?.map_err(Error::internal)?;
        close_record(&mut record, &log, exit);
        let change = if record.state == State::Lost { Change::Lost } else { Change::Exited };
        store::update(&self.changes, record, self.fence, change, Actor::system()).await
    }

    pub(super) async fn drop_child(&self, client: &Client, id: Uuid) {
        if let Err(error) = self.end_tree(TerminalId(id), &How::LOST, None).await {
            tracing::warn!(terminal = %id, %error, "a child could not be ended");
        }
        let _ = forget(client, id).await;
    }

    /// Removes logs that no row knows: a kill between the two leaves one.
    pub(super) async fn sweep_logs(self: Arc<Self>) {
        let swept = async {
            let entries = fs::read_dir(&self.dir).map_err(Error::internal)?;
            let ids: Vec<Uuid> =
                entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
            for some in ids.chunks(1000) {
                let known: HashSet<Uuid> = store::known(&self.db, some).await?.into_iter().collect();
                for id in some.iter().filter(|id| !known.contains(id)) {
                    tracing::info!(terminal = %id, "a log without a row is removed");
                    Log::remove(&self.log_dir(TerminalId(*id))).map_err(Error::internal)?;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "logs without rows could not be swept; the next start tries again");
        }
    }
}
