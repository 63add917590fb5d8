//! Terminals: what can be done with them, for whoever may.
//!
//! It knows neither tonic nor SQL: `grpc` converts, `store` remembers, `lifecycle` keeps in step with the keeper.

pub(crate) mod agent;
mod close;
mod create;
pub mod grpc;
mod input;
mod io;
mod keys;
mod lifecycle;
mod link;
mod live;
mod output;
mod record;
mod run;
mod session;
mod settle;
mod store;
mod text;
mod title;
mod tree;
mod typing;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    agent::{AgentShell, AgentTerminal, Standing},
    close::How,
    create::{PATH, Program, check_name},
    run::{Ran, Run, RunError},
    session::{Event as SessionEvent, Session, Start},
    text::TextFilter,
};
pub use self::{
    lifecycle::{StartError, Terminals},
    link::{Link, LinkError},
    record::{Exit, Reason as ExitReason, Size},
    tree::{Bounds, Limits as TreeLimits, Step, Survivor, Tracking, TreeEnd},
};
use self::{
    link::{Current, keeper_error},
    live::Live,
    output::Output,
    record::{Record, State},
};
use crate::{
    auth::{Actor, Principal, Role},
    config::{self, Config},
    db::{Db, changes::Changes},
    error::{Error, Reason, Result},
    ids::{NodeId, TerminalId},
    keeper::{accounts::ShellAccount, wire},
    log::{Limits, Log},
    workspace::page::{Page, Paged},
};

/// What all operations share.
pub(crate) struct Shared {
    settings: config::Terminal,
    /// `orchestrator.output_log_bytes_max`
    agent_log_bytes_max: u64,
    heartbeat: std::time::Duration,
    dir: PathBuf,
    db: Db,
    changes: Changes,
    node: NodeId,
    fence: i64,
    account: ShellAccount,
    keeper: Current,
    live: Mutex<HashMap<TerminalId, Arc<Live>>>,
    /// Children that are about to be known here, and how those of them ended that did so before.
    early_exits: Mutex<HashMap<TerminalId, Option<wire::Exit>>>,
    /// Where PTYs and logs are read and written: a slow disk there does not stop calls.
    io: Handle,
    tasks: TaskTracker,
    draining: CancellationToken,
}

/// A terminal that a call names.
#[derive(Debug)]
pub(crate) enum Found {
    /// It runs here.
    Live(Arc<Live>),
    /// It has ended, or runs on another server.
    Recorded(Box<Record>),
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, HashMap<TerminalId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_dir(&self, id: TerminalId) -> PathBuf {
        self.dir.join(id.to_string())
    }

    fn log_limits(&self, record: &Record) -> Limits {
        Limits {
            segment_bytes: self.settings.segment_bytes,
            bytes_max: match record.agent {
                Some(_) => self.agent_log_bytes_max,
                None => self.settings.output_log_bytes_max,
            },
            index_entries_max: self.settings.index_entries_max,
        }
    }

    /// The terminal that is meant by an id or a name. Those that run here are found without the database.
    async fn find(&self, principal: &Principal, named: &str) -> Result<Found> {
        if named.is_empty() {
            return Err(Error::bad_request("terminal_id", "is empty; give a terminal's id or name"));
        }
        if named.len() > create::NAME_BYTES_MAX {
            return Err(Error::bad_request(
                "terminal_id",
                "is longer than an id or a name can be (128 bytes)",
            ));
        }
        let here = {
            let live = self.live();
            let by_id = named.parse().ok().and_then(|id: TerminalId| live.get(&id).cloned());
            by_id.or_else(|| live.values().find(|l| l.is_named(principal.workspace, named)).cloned())
        };
        let not_found = || {
            let message = format!(
                "there is no terminal {named:?} in this workspace; ListTerminals shows those there are"
            );
            Error::new(Reason::TerminalNotFound, message)
        };
        if let Some(live) = here {
            let visible = live.workspace() == principal.workspace && principal.may_see(live.id);
            return if visible { Ok(Found::Live(live)) } else { Err(not_found()) };
        }
        // PostgreSQL's text cannot hold NUL, and no name does.
        if named.contains('\0') {
            return Err(not_found());
        }
        let find = async || {
            let record = store::find(&self.db, principal.workspace, named).await?;
            record.filter(|r| principal.may_see(r.id)).ok_or_else(not_found)
        };
        let mut record = find().await?;
        if record.state.is_live() && record.node == self.node {
            // It has ended, and with it its name, and the database does not know yet: it is still here by its id.
            if let Some(live) = self.live().get(&record.id) {
                return Ok(Found::Live(Arc::clone(live)));
            }
            // Or the database has learnt it between the two looks.
            record = find().await?;
        }
        Ok(Found::Recorded(Box::new(record)))
    }

    /// The terminal, if its program runs here.
    async fn find_live(&self, principal: &Principal, named: &str) -> Result<Arc<Live>> {
        match self.find(principal, named).await? {
            Found::Live(live) if live.exit().borrow().is_none() => Ok(live),
            Found::Live(live) => Err(ended(&live.record().name)),
            Found::Recorded(record) if record.state.is_live() => Err(self.elsewhere(&record)),
            Found::Recorded(record) => Err(ended(&record.name)),
        }
    }

    /// The error for a terminal that is recorded as live and does not run here.
    fn elsewhere(&self, record: &Record) -> Error {
        if record.node == self.node {
            let message = format!("terminal {:?} is about to start; try again", record.name);
            return Error::new(Reason::KeeperUnavailable, message);
        }
        let message = format!("terminal {:?} is held by server {}; ask that one", record.name, record.node);
        Error::new(Reason::OtherNode, message).with("node_id", record.node)
    }
}

fn ended(name: &str) -> Error {
    Error::new(Reason::TerminalEnded, format!("terminal {name:?} has ended; its output can still be read"))
}

impl Found {
    /// The record as it is now.
    fn record(&self) -> Record {
        match self {
            Self::Live(live) => live.record(),
            Self::Recorded(record) => (**record).clone(),
        }
    }

    fn viewers(&self) -> usize {
        match self {
            Self::Live(live) => live.viewer_count(),
            Self::Recorded(_) => 0,
        }
    }
}

/// A terminal and how many read it at this moment.
pub(crate) type Shown = (Record, usize);

impl Terminals {
    /// The fence of this server's start: higher than that of every start before.
    pub fn fence(&self) -> i64 {
        self.shared.fence
    }

    /// One terminal.
    pub(crate) async fn get(&self, principal: &Principal, named: &str) -> Result<Shown> {
        principal.require(Role::Viewer)?;
        let found = self.shared.find(principal, named).await?;
        Ok((found.record(), found.viewers()))
    }

    /// A page of terminals, and the newest event of the same snapshot.
    pub(crate) async fn list(
        &self,
        principal: &Principal,
        page: &Page,
        states: &[State],
    ) -> Result<(Paged<Shown>, u64)> {
        principal.require(Role::Viewer)?;
        let shared = &self.shared;
        let (records, sequence) =
            store::list(&shared.db, principal.workspace, page, states, principal.terminal).await?;
        // The map is everybody's: what a slow log has to say is asked without it.
        let live: HashMap<TerminalId, Arc<Live>> = {
            let all = shared.live();
            records.iter().filter_map(|r| all.get(&r.id).map(|live| (r.id, Arc::clone(live)))).collect()
        };
        let shown = |record: Record| match live.get(&record.id) {
            // State and name stay those of the snapshot, so that events after `sequence` continue from there.
            Some(here) => {
                let now = here.record();
                (
                    Record {
                        state: record.state,
                        name: record.name,
                        exit: record.exit,
                        end_ms: record.end_ms,
                        ..now
                    },
                    here.viewer_count(),
                )
            }
            None => (record, 0),
        };
        let shown = records.into_iter().map(shown).collect();
        Ok((page.cut(shown, |(record, _)| record.id.0), sequence))
    }

    /// Another name.
    pub(crate) async fn rename(&self, principal: &Principal, named: &str, name: &str) -> Result<Shown> {
        principal.require(Role::Member)?;
        create::check_name(name)?;
        let live = self.shared.find_live(principal, named).await?;
        let record = Record { name: name.to_owned(), ..live.record() };
        let (changes, fence) = (&self.shared.changes, self.shared.fence);
        store::update(changes, record, fence, record::Change::Renamed, Actor::of(principal)).await?;
        live.update(|r| name.clone_into(&mut r.name));
        Ok((live.record(), live.viewer_count()))
    }

    /// Another size.
    pub(crate) async fn resize(
        &self,
        principal: &Principal,
        named: &str,
        writer: Option<crate::ids::WriterId>,
        size: Size,
    ) -> Result<Size> {
        principal.require(Role::Member)?;
        let live = self.shared.find_live(principal, named).await?;
        live.resize(writer, size)?;
        Ok(size)
    }

    /// Waits until a terminal is over; `None` if it was not when the time was up.
    pub(crate) async fn wait(
        &self,
        principal: &Principal,
        named: &str,
        timeout: std::time::Duration,
    ) -> Result<(Shown, bool)> {
        principal.require(Role::Viewer)?;
        let found = self.shared.find(principal, named).await?;
        if let Found::Live(live) = &found {
            tokio::select! {
                () = live.over() => self.shared.recorded_soon(live).await,
                () = tokio::time::sleep(timeout) => {}
                () = self.shared.draining.cancelled() => return Err(stopping()),
                error = principal.ended() => return Err(error),
            }
        } else if let Found::Recorded(record) = &found
            && record.state.is_live()
        {
            return Err(self.shared.elsewhere(record));
        }
        let record = found.record();
        let timed_out = record.exit.is_none();
        Ok(((record, found.viewers()), timed_out))
    }

    /// Who reads a terminal.
    pub(crate) async fn viewers(
        &self,
        principal: &Principal,
        named: &str,
    ) -> Result<Vec<(Arc<live::Viewer>, Option<Size>)>> {
        principal.require(Role::Viewer)?;
        match self.shared.find(principal, named).await? {
            Found::Live(live) => Ok(live.viewers()),
            Found::Recorded(record) if record.state.is_live() => Err(self.shared.elsewhere(&record)),
            Found::Recorded(_) => Ok(Vec::new()),
        }
    }

    /// Ends one reader's stream.
    pub(crate) async fn detach(&self, principal: &Principal, named: &str, viewer: &str) -> Result<()> {
        principal.require(Role::Member)?;
        let live = match self.shared.find(principal, named).await? {
            Found::Live(live) => live.viewers(),
            Found::Recorded(_) => Vec::new(),
        };
        let found = live.iter().find(|(v, _)| v.id.to_string() == viewer);
        let (viewer, _) = found.ok_or_else(|| {
            let message =
                format!("no reader {viewer:?} is at this terminal; ListViewers shows those there are");
            Error::new(Reason::ViewerNotFound, message)
        })?;
        viewer.detach.cancel();
        Ok(())
    }

    /// The output of a terminal, wherever it is in its life.
    pub(crate) async fn output(&self, principal: &Principal, named: &str) -> Result<Output> {
        principal.require(Role::Viewer)?;
        let found = self.shared.find(principal, named).await?;
        let record = found.record();
        match found {
            Found::Live(live) => {
                Ok(Output { log: Arc::clone(&live.log), record, ended: live.ended(), live: Some(live) })
            }
            Found::Recorded(record) if record.node != self.shared.node || record.state.is_live() => {
                Err(self.shared.elsewhere(&record))
            }
            Found::Recorded(record) => {
                let (dir, limits) = (self.shared.log_dir(record.id), self.shared.log_limits(&record));
                let opened = tokio::task::spawn_blocking(move || Log::open(&dir, limits)).await;
                let log = opened.map_err(Error::internal)?.map_err(Error::internal)?;
                log.finish();
                let (_, ended) = watch::channel(record.exit);
                Ok(Output { log: Arc::new(log), record: *record, ended, live: None })
            }
        }
    }
}

fn stopping() -> Error {
    Error::new(Reason::ServerStopping, "the server is stopping; try again soon")
}

/// The parts of the configuration that terminals need.
pub(crate) fn heartbeat(config: &Config) -> std::time::Duration {
    std::time::Duration::from_millis(config.streams.heartbeat_ms)
}
