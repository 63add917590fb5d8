//! The private PostgreSQL: a child process that the server starts, watches and stops.
//!
//! It knows nothing about schema or pool; it hands out an address.

mod binaries;
mod cluster;
mod launch;
mod process;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    db::{Address, connect::POSTGRES_VERSION_MIN},
};
use cluster::Cluster;
use process::Process;

/// The account, as uid and gid, that PostgreSQL runs under.
pub type Owner = (u32, u32);

/// After SIGQUIT PostgreSQL ends at once; longer than this only if the disk hangs.
const QUIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two starts of one that keeps ending: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// One that has run for so long is taken to be well again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Why there is no private PostgreSQL. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It refuses to run as root.
    #[error(
        "PostgreSQL does not run as root and no other account was named for it; \
         name one in accounts.service_user, or use a database that runs elsewhere (DATABASE_URL)"
    )]
    Root,
    /// None is installed.
    #[error(
        "no PostgreSQL {POSTGRES_VERSION_MIN} or newer was found ({looked}); install it (Debian: apt-get install \
         postgresql), or name the directory of its programs in MOSAIC_PG_BIN, \
         or use a database that runs elsewhere (DATABASE_URL)"
    )]
    NoBinaries {
        /// Where it was looked for and what was there.
        looked: String,
    },
    /// The directory that was named is not it.
    #[error("postgres.bin (MOSAIC_PG_BIN) names {}, and {problem}", directory.display())]
    BadBinaries {
        /// What was named.
        directory: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Only other versions than the one that made the files.
    #[error(
        "the database in {} was made by PostgreSQL {major} from {made_by}, and only others were found ({looked}); \
         install PostgreSQL {major} again, or name the directory of its programs in MOSAIC_PG_BIN",
        data.display()
    )]
    WrongMajor {
        /// The cluster.
        data: PathBuf,
        /// Its version.
        major: u32,
        /// The programs that made it.
        made_by: String,
        /// Where it was looked for and what was there.
        looked: String,
    },
    /// A file or directory cannot be used.
    #[error("{}: {problem}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another server runs on the same directory.
    #[error("another mosaic-server (process {pid}) uses {}; stop it, or give this one another directory", dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// Who has it.
        pid: String,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Init {
        /// What it said.
        output: String,
    },
    /// A PostgreSQL that is not a child of this server has the files.
    #[error(
        "process {pid} is a PostgreSQL that has the database in {} open and neither answers nor ends; \
         end it with `kill -INT {pid}`",
        data.display()
    )]
    Foreign {
        /// The cluster.
        data: PathBuf,
        /// Whose it is.
        pid: u32,
    },
    /// It cannot be started.
    #[error("PostgreSQL ({}) does not start: {output}", program.display())]
    Start {
        /// What was run.
        program: PathBuf,
        /// What it or the system said.
        output: String,
    },
}

impl Error {
    fn path(path: &Path, problem: impl ToString) -> Self {
        Self::Path { path: path.to_owned(), problem: problem.to_string() }
    }
}

/// A running private PostgreSQL.
///
/// Dropped without [`Embedded::stop`] it is told to stop, but not waited for.
pub struct Embedded {
    address: Address,
    stop: CancellationToken,
    /// Owns the process; joined by `stop`, aborted on drop.
    supervisor: JoinHandle<()>,
}

impl Embedded {
    /// Starts it on the data directory, making the database the first time; adopts one that a
    /// killed server left. If it ends by itself later, it is started again.
    ///
    /// `owner` is the account for it where this process is root; an ordinary account runs it itself.
    ///
    /// # Errors
    /// Everything that keeps it from answering within `postgres.start_ms`.
    pub async fn start(config: &Config, owner: Option<Owner>) -> Result<Self, Error> {
        let cluster = Cluster::prepare(config, owner).await?;
        let address = cluster.address();
        let process = launch::launch(&cluster).await?;
        let stop = CancellationToken::new();
        let stop_timeout = Duration::from_millis(config.postgres.stop_ms);
        let supervisor = tokio::spawn(supervise(cluster, process, stop.clone(), stop_timeout));
        Ok(Self { address, stop, supervisor })
    }

    /// Where it answers.
    pub fn connection(&self) -> Address {
        self.address.clone()
    }

    /// Stops it cleanly, if it can within `postgres.stop_ms`. Close the pool first.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Err(cause) = (&mut self.supervisor).await {
            tracing::error!(%cause, "the supervisor of PostgreSQL failed");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// Keeps it running until the stop. The cluster's lock goes with the cluster, at the very end.
async fn supervise(cluster: Cluster, mut process: Process, stop: CancellationToken, stop_timeout: Duration) {
    let mut backoff = BACKOFF.0;
    loop {
        let begin = Instant::now();
        tokio::select! {
            () = stop.cancelled() => return shut_down(process, stop_timeout).await,
            () = process.ended() => tracing::error!("PostgreSQL ended by itself; starting it again"),
        }
        if begin.elapsed() > WELL_AFTER {
            backoff = BACKOFF.0;
        }
        process = loop {
            // Dropping a start that is under way tells the process to stop.
            let started = async {
                time::sleep(backoff).await;
                launch::launch(&cluster).await
            };
            let started = tokio::select! {
                () = stop.cancelled() => return,
                started = started => started,
            };
            backoff = BACKOFF.1.min(backoff * 2);
            match started {
                Ok(process) => break process,
                Err(cause) => tracing::error!(%cause, "PostgreSQL does not come back; trying again"),
            }
        };
    }
}

/// SIGINT ends sessions and writes everything out. Never SIGTERM, which waits for clients, and never
/// SIGKILL, which leaves shared memory and children behind.
async fn shut_down(process: Process, timeout: Duration) {
    for (signal, timeout) in [(Signal::INT, timeout), (Signal::QUIT, QUIT_TIMEOUT)] {
        process.signal(signal);
        if time::timeout(timeout, process.ended()).await.is_ok() {
            return;
        }
        tracing::warn!(pid = process.pid(), ?signal, "PostgreSQL did not stop in time");
    }
}
