//! The real `mosaic-server`, started, killed and started again.
//!
//! It must not know what the server does with its data directory, but for the files that are its interface:
//! `operator-token`, `node-id` and `server.lock`.

mod access;
mod builder;
mod disk;
mod ending;

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    account,
    cluster::Database,
    place::Port,
    process::{self, Process},
    processes::{Seen, processes_with},
};

use self::builder::Storage;
pub use self::builder::{Builder, server_binary};

/// How long a server may take to start or to stop before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server with a data directory, a database and a port of its own, which it keeps when it is killed
/// and started again. Dropping it ends it with all of its shells; a process that is left fails the test.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    how: Builder,
    /// Holds the data directory, the run directory and the log.
    directory: PathBuf,
    /// Locked as long as this test lives: what lies in an unlocked directory is left over.
    _alive: fs::File,
    port: Port,
    database: Option<Database>,
    /// `http` or `https`, as the server said when it was ready.
    scheme: Mutex<String>,
    process: Mutex<Option<Running>>,
}

/// The process, and its output, which must stay open as long as it may print.
#[derive(Debug)]
struct Running {
    process: Process,
    _output: tokio::process::ChildStdout,
}

impl Server {
    /// Starts a server with the default configuration.
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// Begins to settle how a server is started.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Where clients connect: `http://127.0.0.1:port`. The same after a restart.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme.lock().unwrap_or_else(PoisonError::into_inner), self.address())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number)
    }

    /// The operator's token.
    pub fn token(&self) -> Result<String> {
        let path = self.data_dir().join("operator-token");
        let token = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(token.trim().to_owned())
    }

    /// The server's data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The server's directory of sockets.
    pub fn run_dir(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// The server's name among those on one database.
    pub fn node_id(&self) -> Result<String> {
        let path = self.data_dir().join("node-id");
        let id = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(id.trim().to_owned())
    }

    /// All that the server has logged, over restarts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The server's process id. As root it is that of the server proper, not of the monitor.
    pub fn pid(&self) -> Result<u32> {
        if self.how.root {
            let path = self.data_dir().join("server.lock");
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            return text.trim().parse().with_context(|| format!("{} holds no pid", path.display()));
        }
        Ok(self.process()?.pid())
    }

    /// The keeper's process id; an error if none runs.
    pub fn keeper_pid(&self) -> Result<u32> {
        let found = self.processes();
        found
            .iter()
            .find(|seen| seen.command.split(' ').any(|word| word == "keeper"))
            .map(|seen| seen.pid)
            .with_context(|| format!("no keeper among {found:?}"))
    }

    /// The server's and keeper's processes: those with this server's directory in their arguments.
    pub fn processes(&self) -> Vec<Seen> {
        processes_with(&BTreeSet::from([self.directory.display().to_string()]))
    }

    /// Kills the server with SIGKILL and waits until it is gone. Keeper and shells live on.
    pub async fn kill9(&self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.ended().await
    }

    /// Asks the server to drain and end, and waits until it has. Keeper and shells live on.
    pub async fn sigterm(&self) -> Result<()> {
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Stops the server where it stands (SIGSTOP).
    pub fn stop_signal(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a stopped server go on (SIGCONT).
    pub fn cont(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Sends any signal to the server.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if self.how.root { process::send(self.pid()?, signal) } else { self.process()?.signal(signal) }
    }

    /// Kills the keeper with SIGKILL.
    pub fn kill_keeper(&self) -> Result<()> {
        self.signal_keeper(Signal::KILL)
    }

    /// Sends any signal to the keeper. While it is stopped, what it is asked waits in its socket.
    pub fn signal_keeper(&self, signal: Signal) -> Result<()> {
        process::send(self.keeper_pid()?, signal)
    }

    /// Waits until the server has ended.
    pub async fn ended(&self) -> Result<()> {
        self.process()?.ended(PATIENCE).await.map(drop)
    }

    /// Starts the server again on the same data, database and port, and waits until it listens.
    pub async fn restart(&self) -> Result<()> {
        ensure!(self.process()?.status().is_some(), "the server still runs: kill9() or sigterm() first");
        self.launch().await
    }

    /// Ends the server, the keeper and every shell, and checks that nothing is left. Blocks.
    pub fn stop_all(&self) -> Result<()> {
        self.end()
    }

    /// A command that runs the same program with this server's directories, as the same user.
    pub fn command(&self, subcommand: &str) -> Result<std::process::Command> {
        let mut command = if self.how.root {
            let mut command = std::process::Command::new(&self.binary);
            command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
            command
        } else {
            account()?.command(&self.binary)
        };
        // Whatever this machine is configured for is not what is tested.
        command.env("MOSAIC_CONFIG", "/dev/null");
        command.arg(subcommand).arg("--data-dir").arg(self.data_dir()).arg("--run-dir").arg(self.run_dir());
        Ok(command)
    }

    fn database_url(&self) -> Option<String> {
        match &self.how.storage {
            Storage::Cloned => self.database.as_ref().map(|database| database.url.clone()),
            Storage::Given(url) => Some(url.clone()),
            Storage::Embedded => None,
        }
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn process(&self) -> Result<Process> {
        let slot = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(slot.as_ref().context("the server was never started")?.process.clone())
    }

    /// Starts the process and waits for its word that it listens.
    async fn launch(&self) -> Result<()> {
        let log = fs::File::options().create(true).append(true).open(self.log_path())?;
        let mut command = self.command("serve")?;
        command
            .args(["--listen", &self.address()])
            .args(&self.how.arguments)
            .env("MOSAIC_SERVER_DRAIN_MS", "1000")
            .envs(self.how.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        if let Some(url) = self.database_url() {
            command.env("DATABASE_URL", url);
        }
        let mut child = command.spawn().with_context(|| format!("start {}", self.binary.display()))?;
        let output = child.stdout.take().context("the server has no output")?;
        let process = Process::watch(child);
        let mut lines = BufReader::new(tokio::process::ChildStdout::from_std(output)?);
        let mut line = String::new();
        let ready = tokio::time::timeout(PATIENCE, lines.read_line(&mut line)).await;
        let said = line.trim().strip_prefix("listening on ").map(ToOwned::to_owned);
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Running { process, _output: lines.into_inner() });
        match (ready, said) {
            (Ok(Ok(_)), Some(url)) => {
                let scheme = url.split(':').next().unwrap_or_default().to_owned();
                *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = scheme;
                Ok(())
            }
            _ => bail!("the server did not start; it said {line:?} and logged:\n{}", self.log()),
        }
    }
}
