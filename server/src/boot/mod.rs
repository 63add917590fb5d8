//! From a configuration to a server that serves, and back: directories, privilege, database, keeper, port.
//!
//! It knows the order of things and nothing of what they do.

mod directory;
mod privilege;
mod stop;

use std::{io, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use tokio::{net::TcpListener, runtime, signal::unix};
use tokio_util::task::AbortOnDropHandle;

use self::{
    directory::{DirectoryError, Lock},
    privilege::{Placement, PrivilegeError},
};
pub use self::{privilege::is_root, stop::stop};
use crate::{
    ServeError, Server,
    chat::{self, Chat},
    config::Config,
    db::{self, Address, Db, changes::Changes},
    orchestrator::{self, Orchestrator},
    postgres::{self, Embedded},
    telemetry,
    terminal::{self, Link, Terminals},
    workspace::Account,
};

/// Why the server did not start or could not go on. The text goes to whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log.
    #[error(transparent)]
    Log(#[from] telemetry::LogError),
    /// The data directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Accounts and the keeper of a server started as root.
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    /// The embedded PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] db::StartError),
    /// The terminals.
    #[error(transparent)]
    Terminals(#[from] terminal::StartError),
    /// The chat.
    #[error(transparent)]
    Chat(#[from] chat::StartError),
    /// The agents.
    #[error(transparent)]
    Orchestrator(#[from] orchestrator::StartError),
    /// The port.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The address.
    #[error("cannot listen on {address}: {cause}; stop what listens there, or choose another with --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// Anything of the system's.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// Threads that read and write PTYs and logs: a slow disk there does not stop calls.
const IO_THREADS: usize = 2;
/// Threads for what blocks (files, mostly); more of it waits.
const BLOCKING_THREADS_MAX: usize = 32;
/// What is still busy when everything was told to stop is left after so long.
const RUNTIME_STOP: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or Ctrl-C. Started as root it goes on as the service user, with a parent that stays root.
///
/// # Errors
/// [`Error`].
pub fn serve(config: Config) -> Result<ExitCode, Error> {
    let nofile = getrlimit(Resource::Nofile);
    let placement = match privilege::place(&config, nofile)? {
        privilege::Role::Monitor(code) => return Ok(code),
        privilege::Role::Server(placement) => *placement,
    };
    telemetry::init(&config.log)?;
    // Nobody of the same uid may read this process's memory.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    // About eight descriptors a terminal; children get the old limit back.
    let raised = Rlimit { current: nofile.maximum, maximum: nofile.maximum };
    setrlimit(Resource::Nofile, raised).map_err(io::Error::from)?;
    let lock = directory::lock(&config.data.dir)?;
    if placement.shares_account {
        directory::make_worktrees(&config.data)?;
    } else {
        directory::let_through(&config.data)?;
    }
    let calls = runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("calls")
        .build()?;
    let io = runtime::Builder::new_multi_thread()
        .worker_threads(IO_THREADS)
        .enable_all()
        .thread_name("io")
        .build()?;
    let result = calls.block_on(run(config, placement, lock, io.handle().clone()));
    calls.shutdown_timeout(RUNTIME_STOP);
    io.shutdown_timeout(RUNTIME_STOP);
    result.map(|()| ExitCode::SUCCESS)
}

async fn run(config: Config, placement: Placement, lock: Lock, io: runtime::Handle) -> Result<(), Error> {
    // From here on a signal waits for its turn instead of ending the process half-way.
    let signals = Signals::new()?;
    // First: nothing is made or started by a server that cannot listen.
    let listen = config.server.listen;
    let cannot = |cause| Error::Listen { address: listen, cause };
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let node = directory::node(&config.data.dir)?;
    let (embedded, address) = match &config.database.url {
        Some(url) => {
            tracing::info!("using the PostgreSQL that DATABASE_URL names");
            (None, Address::Url(url.clone()))
        }
        None => {
            tracing::info!(dir = %config.data.postgres().display(), "starting the embedded PostgreSQL");
            let embedded = Embedded::start(&config, None).await?;
            let address = embedded.connection();
            (Some(embedded), address)
        }
    };
    let db = Db::open(&address, &config.database).await?;
    let (changes, change_tasks) = Changes::start(db.clone(), &config.events);
    let wake = AbortOnDropHandle::new(tokio::spawn(db::wake::run(address, node, changes.clone())));
    let account =
        Account { shell_user: placement.shell.name.clone(), shares_account: placement.shares_account };
    let server = Server::new(config.clone(), db.clone(), changes.clone(), node, account).await?;
    let context = server.context();
    let link = Link { dir: placement.keeper_dir, start: placement.start_keeper, database: db.identity() };
    let shared = (db.clone(), changes.clone());
    let terminals =
        Terminals::start(&config, shared, node, placement.shell, link, io, context.draining.clone()).await?;
    let terminals = Arc::new(terminals);
    tracing::info!(running = terminals.running(), "terminals taken over");
    let service = terminal::grpc::service(Arc::clone(&terminals), config.server.message_bytes_max);
    let server = server.add_service(service);
    let shared = (db.clone(), changes.clone());
    let agents =
        Orchestrator::start(&config, shared, node, Arc::clone(&terminals), context.draining.clone()).await?;
    let agents = Arc::new(agents);
    let service = orchestrator::grpc::service(Arc::clone(&agents), config.server.message_bytes_max);
    let server = server.add_service(service);
    // After the agents: what it replays may be a command to them.
    let shared = (db.clone(), changes);
    let (place, draining) = ((node, terminals.fence()), context.draining.clone());
    let chat = Arc::new(Chat::start(&config, shared, place, Arc::clone(&agents), draining).await?);
    let server = server.add_service(chat::grpc::service(Arc::clone(&chat), config.server.message_bytes_max));

    let url = directory::announce(&config, listener.local_addr().map_err(cannot)?)?;
    println!("listening on {url}");
    server.serve(listener, signals.stop()).await?;

    chat.stop().await;
    drop(chat);
    agents.stop().await;
    drop(agents);
    terminals.stop().await;
    drop(terminals);
    drop(wake);
    change_tasks.stop().await;
    db.close();
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    tracing::info!("stopped; what still runs in terminals is the keeper's");
    drop(lock);
    Ok(())
}

/// The signals that stop the server.
struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let terminate = unix::signal(unix::SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: unix::signal(unix::SignalKind::interrupt())? })
    }

    async fn stop(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The keeper's directory for a data directory: beside it where the keeper has more privilege than the server.
fn keeper_dir(config: &Config, root: bool) -> PathBuf {
    if root {
        let mut beside = config.data.dir.clone().into_os_string();
        beside.push("-keeper");
        return beside.into();
    }
    config.data.dir.join("keeper")
}
