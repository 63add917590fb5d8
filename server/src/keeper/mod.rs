//! The keeper: a very small process that starts every child, is its parent, and holds a duplicate of everything
//! that a terminal needs to live, so that a kill of the server hangs up nobody.
//!
//! It never reads a byte of what terminals print or take, knows no database and opens no network. Its privilege, if
//! it has any, serves one purpose: to start and signal processes of the shell user, for a peer whose uid it was
//! told. Where the server is killed, too, the terminals are lost; nothing else loses them.

pub mod accounts;
mod answer;
mod cgroup;
pub mod client;
mod closing;
mod exits;
mod running;
mod serve;
mod spawn;
mod start;
mod table;
mod tree;
mod upgrade;
pub mod wire;

use std::{fs::File, io, os::fd::OwnedFd, path::PathBuf};

use clap::Args;
use rustix::{
    fs::{FlockOperation, flock},
    process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_child_subreaper, set_dumpable_behavior, setrlimit,
    },
};

pub use start::{start, stop_all};
pub use table::ChildIo;
pub use tree::MARK;

use self::{
    accounts::ShellAccount,
    exits::ExitFiles,
    serve::Keeper,
    table::{Child, Table, inherited},
    upgrade::ProgramFile,
};

/// How a keeper is started; only `mosaic-server` itself does it.
#[derive(Args, Clone, Debug)]
pub struct KeeperArgs {
    /// Where it keeps its lock, its socket and how children ended
    #[arg(long)]
    pub dir: PathBuf,
    /// The only user, besides root, that may ask it
    #[arg(long)]
    pub peer_uid: u32,
    /// The user that children run as
    #[arg(long)]
    pub shell_user: String,
    /// The table that the previous program left
    #[arg(long)]
    pub resume: Option<i32>,
}

/// What stays the same for a keeper's life.
#[derive(Debug)]
struct Settings {
    args: KeeperArgs,
    peer_uid: u32,
    account: ShellAccount,
    program: PathBuf,
    program_file: ProgramFile,
    nofile: (Option<u64>, Option<u64>),
}

impl Settings {
    fn nofile(&self) -> Rlimit {
        Rlimit { current: self.nofile.0, maximum: self.nofile.1 }
    }

    fn to_args(&self) -> [String; 6] {
        let KeeperArgs { dir, peer_uid, shell_user, .. } = &self.args;
        let dir = dir.to_string_lossy().into_owned();
        [
            "--dir".into(),
            dir,
            "--peer-uid".into(),
            peer_uid.to_string(),
            "--shell-user".into(),
            shell_user.clone(),
        ]
    }
}

/// Why a keeper cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another one runs.
    #[error("another keeper runs for {0}")]
    Locked(PathBuf),
    /// The shell user.
    #[error(transparent)]
    Account(#[from] accounts::Error),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The socket of the keeper in this directory.
pub fn socket_path(dir: &std::path::Path) -> PathBuf {
    dir.join("keeper.sock")
}

/// Is the keeper until everything was ended on request.
///
/// # Errors
/// [`Error`].
pub fn run(args: KeeperArgs) -> Result<(), Error> {
    // To keeper.log, which its starter made its standard error. There is little to say.
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    set_child_subreaper(Some(rustix::process::getpid())).map_err(io::Error::from)?;
    let program = std::env::current_exe()?;
    let account = ShellAccount::named(&args.shell_user)?;
    let limit = getrlimit(Resource::Nofile);
    let settings = Settings {
        peer_uid: args.peer_uid,
        account,
        program_file: ProgramFile::of(&program)?,
        program,
        nofile: (limit.current, limit.maximum),
        args: args.clone(),
    };
    // Eight descriptors a terminal; where it cannot be raised, the limit shows as an error of a spawn.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let exits = ExitFiles::open(&args.dir.join("exits"))?;
    let keeper = match args.resume {
        Some(memory) => resume(settings, memory, exits)?,
        None => begin(settings, exits)?,
    };
    Ok(keeper.run()?)
}

fn begin(settings: Settings, exits: ExitFiles) -> Result<Keeper, Error> {
    let dir = &settings.args.dir;
    let lock = OwnedFd::from(File::create(dir.join("keeper.lock"))?);
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(Error::Locked(dir.clone()));
    }
    let listener = serve::listen(&socket_path(dir), settings.peer_uid)?;
    let mut table = Table::new();
    for (id, exit) in exits.all() {
        let ended = Child {
            leader: None,
            io: None,
            slave: None,
            exit: Some(exit),
            adopted: true,
            reason: exit.reason(),
            bounds: None,
            ending: None,
        };
        table.children.insert(id, ended);
    }
    Ok(Keeper::new(settings, listener, lock, exits, table)?)
}

fn resume(mut settings: Settings, memory: i32, exits: ExitFiles) -> Result<Keeper, Error> {
    let saved = upgrade::saved(memory)?;
    settings.nofile = (saved.nofile_soft, saved.nofile_hard);
    let table = Table::restore(&saved);
    let mut keeper = Keeper::new(settings, inherited(saved.listener), inherited(saved.lock), exits, table)?;
    for connection in &saved.connections {
        keeper.add_connection(inherited(connection.socket), connection.peer, connection.owner)?;
    }
    keeper.owner = saved.owner_pidfd.map(|fd| serve::Owner { pid: saved.owner_pid, pidfd: inherited(fd) });
    Ok(keeper)
}
