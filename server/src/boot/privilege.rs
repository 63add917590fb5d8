//! Who runs as whom. The boundary is the uid: a shell under the server's uid could read its memory and files.
//!
//! Started as root: the keeper stays root, for one purpose; the server goes on as the service user; a parent stays
//! that starts the keeper again, which the server could not. Started by anybody else: everything as that account.

#![expect(unsafe_code, reason = "fork and changing the uid before any thread exists")]

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use rustix::{
    fs::{Gid, Mode, OFlags, Uid},
    process::{Pid, Rlimit, Signal, getuid, kill_process},
};

use super::{directory, keeper_dir};
use crate::{
    config::{self, Config},
    keeper::{
        self, KeeperArgs,
        accounts::{self, ShellAccount},
    },
};

/// Why a server cannot be started with these accounts.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// An account.
    #[error(transparent)]
    Account(#[from] accounts::Error),
    /// The service would be root.
    #[error("accounts.service_user is root: the server itself never runs as root; name another account")]
    ServiceIsRoot,
    /// The boundary would be none.
    #[error(
        "accounts.shell_user is the service user {0:?}: its terminals could read the server's memory and files; \
         name another account"
    )]
    ShellIsService(String),
    /// The system.
    #[error("cannot set up the accounts' directories and processes: {0}")]
    Io(#[from] io::Error),
}

/// Where the server runs and what its terminals run as.
#[derive(Debug)]
pub(super) struct Placement {
    /// The account of the terminals.
    pub(super) shell: ShellAccount,
    /// It is the server's own.
    pub(super) shares_account: bool,
    /// Where the keeper is.
    pub(super) keeper_dir: PathBuf,
    /// How to start it; absent where the parent does.
    pub(super) start_keeper: Option<(KeeperArgs, Rlimit)>,
}

/// What this process goes on as.
pub(super) enum Role {
    /// The server.
    Server(Box<Placement>),
    /// The parent, whose server has ended with this code.
    Monitor(ExitCode),
}

/// True for a process of root's.
pub fn is_root() -> bool {
    getuid().is_root()
}

/// Takes the accounts' places. Must be called while the process has one thread.
pub(super) fn place(config: &Config, nofile: Rlimit) -> Result<Role, PrivilegeError> {
    let args = keeper_args(config)?;
    let keeper_dir = args.dir.clone();
    if !is_root() {
        let (shell, start_keeper) = (ShellAccount::current()?, Some((args, nofile)));
        return Ok(Role::Server(Box::new(Placement {
            shell,
            shares_account: true,
            keeper_dir,
            start_keeper,
        })));
    }
    let service = ShellAccount::named(&config.accounts.service_user)?;
    let shell = ShellAccount::named(&config.accounts.shell_user)?;
    if service.uid == 0 {
        return Err(PrivilegeError::ServiceIsRoot);
    }
    if service.uid == shell.uid {
        return Err(PrivilegeError::ShellIsService(service.name));
    }
    own_data_directory(&config.data, &service, &shell)?;
    own_directory(&config.data.run_dir, &service, 0o700)?;
    keeper::start(&args, nofile)?;
    match fork()? {
        Some(child) => Ok(Role::Monitor(monitor(child, &args, nofile)?)),
        None => {
            become_account(&service)?;
            Ok(Role::Server(Box::new(Placement {
                shell,
                shares_account: false,
                keeper_dir,
                start_keeper: None,
            })))
        }
    }
}

/// How the keeper of this configuration is started.
pub(super) fn keeper_args(config: &Config) -> Result<KeeperArgs, PrivilegeError> {
    let dir = keeper_dir(config, is_root());
    let (peer_uid, shell) = if is_root() {
        let service = ShellAccount::named(&config.accounts.service_user)?;
        (service.uid, ShellAccount::named(&config.accounts.shell_user)?)
    } else {
        let own = ShellAccount::current()?;
        (own.uid, own)
    };
    Ok(KeeperArgs { dir, peer_uid, shell_user: shell.name, resume: None })
}

fn own_directory(dir: &Path, account: &ShellAccount, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    if !fs::symlink_metadata(dir)?.is_dir() {
        // Root must not give away what a link points at.
        return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{} is a link", dir.display())));
    }
    chown(dir, Some(account.uid), Some(account.gid))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(mode))
}

/// The data directory is the service's, and the worktrees in it the shell user's. The server itself lets the shell user
/// through to them once everything else in there is closed (see `directory::let_through`).
fn own_data_directory(data: &config::Data, service: &ShellAccount, shell: &ShellAccount) -> io::Result<()> {
    // Agents outlive the server: what it has opened stays open while it starts anew.
    let open = fs::symlink_metadata(&data.dir)
        .is_ok_and(|found| found.uid() == service.uid && found.mode() & 0o777 == directory::LET_THROUGH);
    own_directory(&data.dir, service, if open { directory::LET_THROUGH } else { 0o700 })?;
    let worktrees = data.worktrees();
    match fs::DirBuilder::new().mode(0o700).create(&worktrees) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    // By descriptor: the service can put a link in its place at any moment, and root must not give away what that
    // points at.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(&worktrees, flags, Mode::empty())?;
    let (uid, gid) = (Uid::from_raw(shell.uid), Gid::from_raw(shell.gid));
    rustix::fs::fchown(&directory, Some(uid), Some(gid))?;
    Ok(rustix::fs::fchmod(&directory, Mode::RWXU)?)
}

/// The child's pid in the parent, `None` in the child.
fn fork() -> io::Result<Option<i32>> {
    // SAFETY: this process has one thread, so the child has everything that the parent had.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        child => Ok(Some(child)),
    }
}

/// Gives up root for good.
fn become_account(account: &ShellAccount) -> io::Result<()> {
    let check = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: system calls on this process alone, which has one thread.
    unsafe {
        // The shell user may pass through the data directory: nothing that is made there is for others.
        libc::umask(0o077);
        // A Ctrl-C goes to the parent, which passes it on once.
        check(libc::setpgid(0, 0))?;
        check(libc::setgroups(account.groups.len(), account.groups.as_ptr()))?;
        check(libc::setresgid(account.gid, account.gid, account.gid))?;
        check(libc::setresuid(account.uid, account.uid, account.uid))?;
        // After the uid, which clears it: without its parent the server could not get a new keeper.
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM))?;
    }
    Ok(())
}

/// How often the parent looks for the keeper.
const TICK: Duration = Duration::from_millis(200);

/// Passes signals on to the server, keeps a keeper running, and ends with the server.
fn monitor(child: i32, keeper: &KeeperArgs, nofile: Rlimit) -> io::Result<ExitCode> {
    let signals = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD];
    // SAFETY: the set is initialised before use.
    let set = unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        set
    };
    loop {
        let mut status = 0;
        // SAFETY: `status` is there for the kernel to fill.
        if unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == child {
            let code = if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                128 + libc::WTERMSIG(status)
            };
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
        }
        let tick = libc::timespec { tv_sec: 0, tv_nsec: TICK.as_nanos() as libc::c_long };
        // SAFETY: both structures live until the call returns.
        let signal = unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const tick) };
        if let (Some(signal), Some(server)) = (Signal::from_named_raw(signal), Pid::from_raw(child))
            && signal != Signal::CHILD
        {
            // A server that has just ended is seen above.
            let _ = kill_process(server, if signal == Signal::HUP { Signal::TERM } else { signal });
        }
        if let Err(cause) = keeper::start(keeper, nofile) {
            eprintln!("mosaic-server: the keeper cannot be started: {cause}");
        }
    }
}
