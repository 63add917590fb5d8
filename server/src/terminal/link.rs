//! The connection to the keeper: started, made again when it breaks, and waited for in between.
//!
//! It knows nothing about what terminals are; `lifecycle` hands over what it holds after a break.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustix::process::Rlimit;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::{
    error::{Error, Reason, Result},
    keeper::{
        self, KeeperArgs,
        client::{self, Client},
        wire::{self, Ask, FailureKind},
    },
};

/// How the keeper is reached.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it listens.
    pub dir: PathBuf,
    /// How to start it; absent where somebody with more privilege does.
    pub start: Option<(KeeperArgs, Rlimit)>,
    /// The database whose terminals these are.
    pub database: Uuid,
}

/// Why there is no keeper to work with.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Another server has the terminals.
    #[error("another server that is alive holds the terminals: process {0}; stop it first")]
    OwnerAlive(i32),
    /// It keeps another database's terminals.
    #[error(
        "the keeper in {dir} holds terminals of another database; give this server its own --data-dir, or end those \
         terminals with `mosaic-server stop --all`"
    )]
    OtherDatabase {
        /// Its directory.
        dir: PathBuf,
    },
    /// It cannot be started or reached.
    #[error("the keeper in {dir} cannot be reached: {cause}; keeper.log there may say why")]
    Unreachable {
        /// Its directory.
        dir: PathBuf,
        /// What went wrong.
        cause: String,
    },
}

/// A connection and what the keeper has.
#[derive(Debug)]
pub struct Linked {
    /// Asks questions.
    pub client: Arc<Client>,
    /// The children, without descriptors.
    pub children: Vec<wire::Child>,
    /// Tells of children that end; closed when the keeper is gone.
    pub ended: mpsc::Receiver<wire::Child>,
}

/// News of ended children that may wait.
const NEWS_MAX: usize = 256;

impl Link {
    /// Starts the keeper if need be, connects, and becomes the owner of its terminals.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn connect(&self) -> Result<Linked, LinkError> {
        let dir = self.dir.clone();
        let unreachable = |cause: String| LinkError::Unreachable { dir: dir.clone(), cause };
        if let Some((args, nofile)) = self.start.clone() {
            let started = tokio::task::spawn_blocking(move || keeper::start(&args, nofile)).await;
            started.map_err(|e| unreachable(e.to_string()))?.map_err(|e| unreachable(e.to_string()))?;
        }
        let (news, ended) = mpsc::channel(NEWS_MAX);
        let client = Client::connect(&self.dir, news).map_err(|e| unreachable(e.to_string()))?;
        let failed = |error: client::Error| match error {
            client::Error::Failed(f) if f.kind() == FailureKind::OwnerAlive => LinkError::OwnerAlive(f.pid),
            other => unreachable(other.to_string()),
        };
        let database = self.database.as_bytes().to_vec();
        let hello = wire::Hello { protocol: wire::PROTOCOL, database: database.clone(), owner: true };
        let reply = client.ask(Ask::Hello(hello)).await.map_err(failed)?;
        if reply.database != database {
            return Err(LinkError::OtherDatabase { dir });
        }
        client.identify(&reply.keeper);
        match client.ask(Ask::Upgrade(wire::Upgrade {})).await {
            Ok(reply) if reply.upgrading => tracing::info!("the keeper replaces itself by the newer program"),
            Ok(_) => {}
            // The old program serves as well.
            Err(cause) => tracing::warn!(%cause, "the keeper stays the program that it is"),
        }
        let children = client.children().await.map_err(failed)?;
        Ok(Linked { client: Arc::new(client), children, ended })
    }
}

/// The keeper at this moment.
#[derive(Debug)]
pub struct Current(watch::Sender<Option<Arc<Client>>>);

/// How long a call waits for a keeper that is being replaced.
const WAIT: Duration = Duration::from_secs(5);
/// Keepers that are asked before a call gives up.
const TRIES: u32 = 3;

impl Default for Current {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl Current {
    /// There is one, or none.
    pub fn set(&self, client: Option<Arc<Client>>) {
        self.0.send_replace(client);
    }

    /// True if this is the keeper at this moment.
    pub fn is(&self, client: &Arc<Client>) -> bool {
        self.0.borrow().as_ref().is_some_and(|now| Arc::ptr_eq(now, client))
    }

    /// The keeper; waits a little for one.
    ///
    /// # Errors
    /// `KEEPER_UNAVAILABLE`.
    pub async fn get(&self) -> Result<Arc<Client>> {
        let mut current = self.0.subscribe();
        let found = tokio::time::timeout(WAIT, current.wait_for(Option::is_some)).await;
        found.ok().and_then(Result::ok).and_then(|client| client.clone()).ok_or_else(unavailable)
    }
}

impl Current {
    /// Asks what may be asked twice; a keeper that dies meanwhile makes it ask the next one.
    ///
    /// # Errors
    /// What the keeper says, or that there is none.
    pub async fn ask_again<T, F>(&self, ask: impl FnMut(Arc<Client>) -> F) -> Result<T, client::Error>
    where
        F: Future<Output = Result<T, client::Error>>,
    {
        self.ask_until(ask, |error| !matches!(error, client::Error::Failed(_))).await
    }

    /// Asks what must not be done twice: the next one only if the one before was never asked.
    ///
    /// # Errors
    /// What the keeper says, that there is none, or that nobody knows whether it was done.
    pub async fn ask_once<T, F>(&self, ask: impl FnMut(Arc<Client>) -> F) -> Result<T, client::Error>
    where
        F: Future<Output = Result<T, client::Error>>,
    {
        self.ask_until(ask, |error| matches!(error, client::Error::Absent(_))).await
    }

    async fn ask_until<T, F>(
        &self,
        mut ask: impl FnMut(Arc<Client>) -> F,
        again: impl Fn(&client::Error) -> bool,
    ) -> Result<T, client::Error>
    where
        F: Future<Output = Result<T, client::Error>>,
    {
        let mut tries = 0;
        loop {
            let keeper =
                self.get().await.map_err(|_| client::Error::Absent(io::ErrorKind::NotConnected.into()))?;
            tries += 1;
            match ask(Arc::clone(&keeper)).await {
                Err(error) if tries < TRIES && again(&error) => {
                    // Not the same one again.
                    let mut current = self.0.subscribe();
                    let other =
                        |now: &Option<Arc<Client>>| !now.as_ref().is_some_and(|n| Arc::ptr_eq(n, &keeper));
                    let _ = tokio::time::timeout(WAIT, current.wait_for(other)).await;
                }
                answer => return answer,
            }
        }
    }
}

fn unavailable() -> Error {
    Error::new(Reason::KeeperUnavailable, "the process that spawns terminals is not there; try again soon")
}

/// The error for a question that the keeper did not answer with yes.
pub fn keeper_error(error: client::Error) -> Error {
    match error {
        client::Error::Absent(cause) | client::Error::Gone(cause) => Error::caused(
            Reason::KeeperUnavailable,
            "the process that spawns terminals went away; try again",
            cause,
        ),
        failed @ client::Error::Failed(_) => Error::internal(failed),
    }
}

/// The error for a program that could not be started.
pub fn spawn_error(error: client::Error, program: &str, cwd: &str) -> Error {
    let client::Error::Failed(failure) = &error else { return keeper_error(error) };
    let cause = std::io::Error::from_raw_os_error(failure.errno);
    let missing = failure.errno == rustix::io::Errno::NOENT.raw_os_error();
    match failure.kind() {
        FailureKind::Cwd if missing => {
            let message = format!("the working directory {cwd:?} does not exist; create it or name another");
            Error::new(Reason::CwdNotFound, message).with("cwd", cwd)
        }
        FailureKind::Cwd => {
            let message = format!("the working directory {cwd:?} cannot be entered: {cause}");
            Error::new(Reason::CwdNotAccessible, message).with("cwd", cwd)
        }
        FailureKind::Exec if missing => {
            let message = format!("the program {program:?} does not exist; give its path or a name in PATH");
            Error::new(Reason::CommandNotFound, message).with("command", program)
        }
        FailureKind::Exec => {
            let message = format!("the program {program:?} cannot be executed: {cause}");
            Error::new(Reason::CommandNotExecutable, message).with("command", program)
        }
        FailureKind::System => {
            let message = format!("the machine gave no terminal: {cause}; close some, or raise its limits");
            Error::quota(Reason::ProcessLimit, "machine", message)
        }
        _ => keeper_error(error),
    }
}
