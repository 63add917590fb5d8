//! The server's settings: their types, and how they come together from file, environment and flags.
//!
//! It knows nothing about what the settings do to the services that read them.

mod chat;
mod check;
mod layers;
mod orchestrator;
mod paths;
#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub use chat::{Chat, LocalModel, Model, Provider, ProviderKind};
pub use orchestrator::{Orchestrator, PROMPT, Profile, ProfileKind};
pub use value::{LogFormat, Secret};

/// Every setting with its default and its documentation. The defaults *are* this text.
pub const REFERENCE: &str = include_str!("reference.toml");

/// All settings. The fields bear the names of the reference, which says what each does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The port and its limits.
    pub server: Server,
    /// Directories.
    pub data: Data,
    /// The connection to PostgreSQL.
    pub database: Database,
    /// The PostgreSQL that the server runs itself.
    pub postgres: Postgres,
    /// Accounts to run under when started as root.
    pub accounts: Accounts,
    /// Terminals and their logs.
    pub terminal: Terminal,
    /// Answers of models.
    pub chat: Chat,
    /// Model servers by name.
    pub provider: BTreeMap<String, Provider>,
    /// Aliases by name.
    pub model: BTreeMap<String, Model>,
    /// The model that comes with Mosaic.
    pub local_model: LocalModel,
    /// Agents and their queue.
    pub orchestrator: Orchestrator,
    /// How agents are launched, by name.
    pub profile: BTreeMap<String, Profile>,
    /// What all streams share.
    pub streams: Streams,
    /// The event log of a workspace.
    pub events: Events,
    /// Tokens, sign-in and workspaces.
    pub auth: Auth,
    /// The server's log.
    pub log: Log,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address of the API.
    pub listen: SocketAddr,
    /// PEM file of the certificate chain; present exactly if `tls_key` is.
    #[serde(deserialize_with = "value::optional")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file of the private key.
    #[serde(deserialize_with = "value::optional")]
    pub tls_key: Option<PathBuf>,
    /// No TLS on an address that others can reach.
    pub insecure: bool,
    /// Address of `/metrics`, if any.
    #[serde(deserialize_with = "value::optional")]
    pub admin_listen: Option<SocketAddr>,
    /// Host names for browsers, lower case, without a port.
    pub allowed_hosts: Vec<String>,
    /// Origins of other pages that may call.
    pub allowed_origins: Vec<String>,
    /// Connections at once.
    pub connections_max: usize,
    /// Calls at once on a connection.
    pub streams_per_connection_max: u32,
    /// Calls at once on the server.
    pub calls_max: usize,
    /// Bytes of one message.
    pub message_bytes_max: usize,
    /// Milliseconds that a unary call may take.
    pub unary_deadline_ms_max: u64,
    /// Milliseconds that calls have to end when the server stops.
    pub drain_ms: u64,
}

/// `[data]`, filled in: both are absolute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Where everything lasting lies.
    pub dir: PathBuf,
    /// Where sockets lie.
    pub run_dir: PathBuf,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The database somebody else runs; absent: the embedded one.
    #[serde(deserialize_with = "value::optional")]
    pub url: Option<Secret>,
    /// Connections.
    pub pool_size_max: usize,
    /// Milliseconds to wait for one.
    pub wait_ms: u64,
}

/// `[postgres]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Directory of `postgres` and `initdb`; absent: search.
    #[serde(deserialize_with = "value::optional")]
    pub bin: Option<PathBuf>,
    /// Milliseconds that a start may take.
    pub start_ms: u64,
    /// Milliseconds that a clean stop may take.
    pub stop_ms: u64,
    /// PostgreSQL's `shared_buffers`: a number and `kB`, `MB` or `GB`.
    pub shared_buffers: String,
    /// PostgreSQL's `max_connections`.
    pub max_connections: usize,
}

/// `[accounts]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// The server's and PostgreSQL's.
    pub service_user: String,
    /// The terminals'.
    pub shell_user: String,
}

/// `[terminal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Running terminals of a workspace.
    pub running_per_workspace_max: usize,
    /// Bytes of output kept of a terminal.
    pub output_log_bytes_max: u64,
    /// Bytes of a segment of the output log.
    pub segment_bytes: u64,
    /// Bytes of input not yet taken by the program.
    pub input_journal_bytes_max: u64,
    /// Writers remembered of a terminal.
    pub writers_per_terminal_max: usize,
    /// Calls of a writer that wait for an earlier one.
    pub reorder_window_max: usize,
    /// Milliseconds that they wait.
    pub reorder_wait_ms: u64,
    /// Milliseconds from hang-up to SIGKILL.
    pub close_grace_ms: u64,
    /// Milliseconds to wait for output after the program's end.
    pub straggler_wait_ms: u64,
    /// Readers of a terminal.
    pub viewers_per_terminal_max: usize,
    /// Hours that an ended terminal is kept.
    pub ended_retention_hours: u64,
    /// Ended terminals kept of a workspace.
    pub ended_per_workspace_max: usize,
    /// Entries beside an output log.
    pub index_entries_max: usize,
    /// Bytes of memory of a terminal's processes; 0 is any number.
    pub memory_bytes_max: u64,
    /// Processes and threads of a terminal; 0 is any number.
    pub processes_max: u64,
    /// Thousandths of a processor core for a terminal's processes; 0 is any number.
    pub cpu_millis_max: u64,
}

/// `[streams]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    /// Milliseconds of silence before a heartbeat.
    pub heartbeat_ms: u64,
}

/// `[events]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Hours that events are kept.
    pub retention_hours: u64,
    /// Changes in one transaction.
    pub batch_max: usize,
    /// Changes that wait.
    pub queue_max: usize,
}

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Seconds that a token is believed.
    pub token_cache_s: u64,
    /// Seconds that a sign-in code lives.
    pub sign_in_code_s: u64,
    /// Hours that a session lives.
    pub session_hours: u64,
    /// Sign-in attempts in a minute.
    pub sign_in_attempts_per_minute_max: u32,
    /// Tokens of a workspace.
    pub tokens_per_workspace_max: usize,
    /// Workspaces of the server.
    pub workspaces_max: usize,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub filter: String,
}

/// A setting given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, for messages: `--listen`.
    pub name: &'static str,
    /// The setting: `server.listen`.
    pub key: &'static str,
    /// The value as the environment would have it; lists with commas.
    pub value: String,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that was asked for; absent: the usual place, if there is one.
    pub file: Option<PathBuf>,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// The command line.
    pub flags: Vec<Flag>,
    /// Whether the process was started as root, which moves the directories.
    pub root: bool,
}

/// Why there is no configuration. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: not TOML: {problem}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// A key that does not exist or has a value that is not allowed.
    #[error("{origin}: {key}: {problem}")]
    Setting {
        /// Who set it: file and line, variable or flag.
        origin: String,
        /// The setting, or what was taken for one.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl Config {
    /// Puts the layers together, checks every value and fills in the directories.
    ///
    /// # Errors
    /// The first thing that is wrong, with the place where it was written.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let (mut config, origins) = layers::merge(sources)?;
        let wrong = |(key, problem): (&str, String)| origins.error(key, problem);
        check::check(&config).map_err(wrong)?;
        chat::check(&config).map_err(|(key, problem)| origins.error(&key, problem))?;
        orchestrator::check(&config).map_err(|(key, problem)| origins.error(&key, problem))?;
        paths::fill(&mut config, sources).map_err(wrong)?;
        Ok(config)
    }
}

impl Data {
    /// The private PostgreSQL's files.
    pub fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// The agents' git worktrees; it belongs to the user that agents run as.
    pub fn worktrees(&self) -> PathBuf {
        self.dir.join("worktrees")
    }

    /// The directory of the private PostgreSQL's socket.
    pub fn postgres_socket(&self) -> PathBuf {
        self.run_dir.join("postgres")
    }
}

/// Where the file lies if none is asked for.
fn usual_file(sources: &Sources) -> Option<PathBuf> {
    let directory = match sources.root {
        true => Path::new("/etc").to_owned(),
        false => paths::base(sources, "XDG_CONFIG_HOME", ".config")?,
    };
    Some(directory.join("mosaic/mosaic.toml")).filter(|file| file.exists())
}
