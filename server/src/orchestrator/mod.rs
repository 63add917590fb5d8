//! Agents: programs run as jobs from a queue, each attempt exactly once, in a terminal that anyone may watch.
//!
//! It knows neither tonic nor SQL nor PTYs: `grpc` converts, `store` remembers, the terminals run programs.

pub mod agent;
#[cfg(test)]
mod example;
mod find;
mod follow;
pub mod grpc;
mod hub;
pub mod job;
mod look;
mod nodes;
mod place;
pub mod profile;
mod run;
mod running;
mod scan;
mod scheduler;
mod settle;
mod spawn;
mod stop;
pub mod store;
pub mod worktree;

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::Digest as _;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use self::{hub::Hub, profile::Profiles, running::Running, scheduler::Claimed, worktree::Worktrees};
use crate::{
    auth::{Principal, Role},
    config::{self, Config},
    db::{Db, changes::Changes},
    error::{Error, Reason, Result},
    ids::{AgentId, NodeId, WorkspaceId, WriterId},
    terminal::{Session, Standing, Start, Terminals},
    workspace::request::RequestId,
};

pub use self::{
    agent::{Agent, State as AgentState},
    find::{Found, LastLines, Named, made_by},
    job::State as JobState,
    look::Until,
    spawn::{Wish as SpawnWish, queued},
    stop::{Switched, Wish as StopWish},
    store::{beginning, queue::Queue, read::FoundJob},
};

/// Why agents cannot be run. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A profile.
    #[error("a profile's pattern is none: {0}")]
    Profile(#[from] regex::Error),
    /// The database.
    #[error("the agents cannot be read from the database: {0}")]
    Database(#[from] Error),
}

/// How often what other servers do is looked for.
const POLL: Duration = Duration::from_millis(500);
/// Bytes that are typed into an agent at once.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// The agents of this server, and the queue that all servers share.
pub struct Orchestrator {
    shared: Arc<Shared>,
    /// Schedule, renew and sweep; end with the draining, and are aborted with this struct.
    owned: Mutex<Vec<AbortOnDropHandle<()>>>,
}

/// What all parts share.
struct Shared {
    settings: config::Orchestrator,
    profiles: Profiles,
    db: Db,
    changes: Changes,
    node: NodeId,
    /// The machine's start: a pid means nothing in another one.
    boot: String,
    terminals: Arc<Terminals>,
    worktrees: Worktrees,
    hub: Arc<Hub>,
    running: Mutex<HashMap<AgentId, Arc<Running>>>,
    claimed: Claimed,
    starting: Semaphore,
    kicked: Notify,
    /// Looks at the queue that have begun, and the last one that is over.
    looks: AtomicU64,
    looked: watch::Sender<u64>,
    tasks: TaskTracker,
    draining: CancellationToken,
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<AgentId, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn job(&self, workspace: WorkspaceId, named: &str) -> Result<FoundJob> {
        let named = name(named, "job_id")?;
        let found = store::read::job(&self.db, workspace, named).await?;
        found.ok_or_else(|| job_not_found("job_id", named))
    }

    async fn agent(&self, workspace: WorkspaceId, named: &str) -> Result<Agent> {
        let named = name(named, "agent_id")?;
        let found = store::read::agent(&self.db, workspace, named).await?;
        found.ok_or_else(|| agent_not_found(named))
    }
}

/// An agent as it is shown, with the last line that it printed, if it runs here.
pub type ShownAgent = (Agent, String);

impl Orchestrator {
    /// Takes over what runs, and begins to schedule.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: &Config,
        (db, changes): (Db, Changes),
        node: NodeId,
        terminals: Arc<Terminals>,
        draining: CancellationToken,
    ) -> Result<Self, StartError> {
        let shared = Arc::new(Shared {
            settings: config.orchestrator.clone(),
            profiles: Profiles::new(config)?,
            db,
            changes,
            node,
            boot: boot(),
            worktrees: Worktrees::new(Arc::clone(&terminals), config.data.worktrees()),
            terminals,
            hub: Arc::default(),
            running: Mutex::default(),
            claimed: Claimed::default(),
            starting: Semaphore::new(config.orchestrator.starting_max),
            kicked: Notify::new(),
            looks: AtomicU64::new(0),
            looked: watch::channel(0).0,
            tasks: TaskTracker::new(),
            draining,
        });
        shared.settle().await?;
        let owned = vec![
            AbortOnDropHandle::new(tokio::spawn(Arc::clone(&shared).schedule())),
            AbortOnDropHandle::new(tokio::spawn(Arc::clone(&shared).look_after())),
            AbortOnDropHandle::new(tokio::spawn(Arc::clone(&shared).sweep_queue())),
        ];
        Ok(Self { shared, owned: Mutex::new(owned) })
    }

    /// After the draining: waits until nothing is half begun. Agents live on in the keeper.
    pub async fn stop(&self) {
        let owned = std::mem::take(&mut *self.owned.lock().unwrap_or_else(PoisonError::into_inner));
        for task in owned {
            // One that panicked has said so.
            let _ = task.await;
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Types into an agent's terminal, once for each request id.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, `AGENT_ENDED`, `OTHER_NODE`, `INPUT_JOURNAL_FULL`, `BAD_REQUEST`.
    pub async fn send(
        &self,
        who: &Principal,
        named: &str,
        text: &str,
        request: Option<RequestId>,
    ) -> Result<()> {
        writes(who)?;
        if text.len() > INPUT_BYTES_MAX {
            let problem = format!("has {} bytes; at most {INPUT_BYTES_MAX} are allowed at once", text.len());
            return Err(Error::bad_request("text", problem));
        }
        let agent = self.shared.agent(who.workspace, named).await?;
        let over = || {
            let message = format!("agent {:?} does not run ({})", agent.name, agent.state.as_str());
            Error::new(Reason::AgentEnded, message)
        };
        if agent.state.is_over() {
            return Err(over());
        }
        match self.shared.terminals.of_agent(agent.workspace, agent.terminal).await? {
            Standing::Live(terminal) => {
                terminal.type_once(writer(request.as_ref(), agent.id), text.as_bytes())
            }
            Standing::Over(_) => Err(over()),
            Standing::Unborn => {
                let message = format!("agent {:?} is about to start; try again", agent.name);
                Err(Error::new(Reason::KeeperUnavailable, message))
            }
        }
    }

    /// Reads an agent's output.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, `OTHER_NODE`, `CURSOR_AHEAD`.
    pub async fn tail(
        &self,
        who: &Arc<Principal>,
        named: &str,
        start: Start,
        follow: bool,
    ) -> Result<Session> {
        reads(who)?;
        let agent = self.shared.agent(who.workspace, named).await?;
        self.shared.terminals.watch(who, &agent.terminal.to_string(), start, follow).await
    }

    /// The queue, and how many agents may run in it at once.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, or the database.
    pub async fn queue(&self, who: &Principal) -> Result<(Queue, usize)> {
        reads(who)?;
        let queue = store::queue::look(&self.shared.db, who.workspace).await?;
        Ok((queue, self.shared.settings.running_per_workspace_max))
    }

    /// Pauses the queue, or lets it go on.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, or the database.
    pub async fn pause(&self, who: &Principal, paused: bool, reason: &str) -> Result<(Queue, usize)> {
        writes(who)?;
        store::queue::pause(&self.shared.db, who.workspace, paused, reason).await?;
        if !paused {
            self.shared.kick();
        }
        self.queue(who).await
    }
}

/// Who types: the same request is the same writer, and types once.
fn writer(request: Option<&RequestId>, agent: AgentId) -> WriterId {
    let Some(request) = request else { return WriterId::new() };
    let mut hash = sha2::Sha256::new();
    hash.update(agent.0.as_bytes());
    hash.update(request.id.as_bytes());
    hash.update(request.fingerprint);
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    WriterId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn reads(who: &Principal) -> Result<()> {
    who.require(Role::Viewer)?;
    who.require_whole_workspace()
}

fn writes(who: &Principal) -> Result<()> {
    who.require(Role::Member)?;
    who.require_whole_workspace()
}

/// An id or a name as a call gives it.
fn name<'a>(named: &'a str, field: &str) -> Result<&'a str> {
    match named {
        "" => Err(Error::bad_request(field, "is empty; give an id or a name")),
        long if long.len() > 128 => {
            Err(Error::bad_request(field, "is longer than an id or a name can be (128 bytes)"))
        }
        nul if nul.contains('\0') => Err(Error::bad_request(field, "holds NUL, which no name does")),
        named => Ok(named),
    }
}

fn job_not_found(field: &str, named: &str) -> Error {
    let message =
        format!("{field}: there is no job {named:?} in this workspace; ListJobs shows those there are");
    Error::new(Reason::JobNotFound, message)
}

fn agent_not_found(named: &str) -> Error {
    let message = format!("there is no agent {named:?} in this workspace; ListAgents shows those there are");
    Error::new(Reason::AgentNotFound, message)
}

fn stopping() -> Error {
    Error::new(Reason::ServerStopping, "the server is stopping; try again soon")
}

/// The machine's start.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// Now, in milliseconds since 1970.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
