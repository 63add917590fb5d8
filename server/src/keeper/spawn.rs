//! Opens a PTY and starts a program in it, in a session of its own, as the shell user.
//!
//! It knows nothing about the socket or about what becomes of the child.

#![expect(unsafe_code, reason = "what happens between fork and exec is system calls")]

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, Stdio},
};

use portable_pty::{PtySize, native_pty_system};
use rustix::{
    fs::{Gid, MemfdFlags, Mode, OFlags, Uid, fchmod, fchown, fcntl_getfl, fcntl_setfl, memfd_create},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, setrlimit},
    pty::{OpenptFlags, ioctl_tiocgptpeer},
};
use uuid::Uuid;

use super::{
    accounts::ShellAccount,
    cgroup::{Groups, Made},
    table::ChildIo,
    tree,
    wire::{self, Bounds, Enforcement},
};

/// A child that runs.
#[derive(Debug)]
pub struct Spawned {
    /// What the server reads and writes.
    pub io: ChildIo,
    /// Kept open so that EIO on the master means the end, until the exit is known.
    pub slave: OwnedFd,
    /// Its process.
    pub pid: i32,
    /// Its start time.
    pub start_time: u64,
    /// What holds its tree together.
    pub bounds: Bounds,
}

/// Why a child could not be started; the system's error comes along.
#[derive(Debug)]
pub enum Error {
    /// The working directory.
    Cwd(io::Error),
    /// The program.
    Exec(io::Error),
    /// Anything else: no process, no descriptor, no PTY.
    System(io::Error),
}

/// `chdir` fails between fork and exec, where only a number can be told to the parent: this is added to it.
const CWD_ERRNO_BASE: i32 = 10_000;

/// Starts a child, in groups of its own where there can be such.
///
/// # Errors
/// [`Error`]; nothing is left of the attempt.
pub fn spawn(
    spawn: &wire::Spawn,
    id: Uuid,
    groups: &Groups,
    account: &ShellAccount,
    nofile: Rlimit,
) -> Result<Spawned, Error> {
    let (master, slave) = open_pty(spawn.cols, spawn.rows, account).map_err(Error::System)?;
    let limits = spawn.limits.unwrap_or_default();
    let Made { entries, mut bounds } = groups.make(id, &limits);
    let mut resources = vec![(Resource::Nofile, nofile)];
    resources.extend(instead_of_groups(&limits, &mut bounds, account));
    let begin = Begin { entries, resources };
    let pid = start(spawn, &slave, account, begin).inspect_err(|_| groups.remove(id))?;
    let rest = || -> io::Result<Spawned> {
        let (pipe_read, pipe_write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let data = memfd_create("input-data", MemfdFlags::CLOEXEC)?;
        let records = memfd_create("input-records", MemfdFlags::CLOEXEC)?;
        let process = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
        let pidfd = pidfd_open(process, PidfdFlags::empty())?;
        let start_time = tree::start_time(pid).unwrap_or_default();
        let io = ChildIo { master, pipe_read, pipe_write, data, records, pidfd };
        Ok(Spawned { io, slave, pid, start_time, bounds })
    };
    rest().map_err(|cause| {
        if let Some(process) = Pid::from_raw(pid) {
            let _ = rustix::process::kill_process_group(process, rustix::process::Signal::KILL);
        }
        Error::System(cause)
    })
}

/// Opens the slave of a master again, without going through `/dev/pts`.
///
/// # Errors
/// What the ioctl says.
pub fn open_slave(master: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(ioctl_tiocgptpeer(master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?)
}

fn open_pty(cols: u32, rows: u32, account: &ShellAccount) -> io::Result<(OwnedFd, OwnedFd)> {
    let size = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    let size = PtySize { cols: size(cols), rows: size(rows), pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).map_err(io::Error::other)?;
    let raw = pair.master.as_raw_fd().ok_or(io::ErrorKind::Unsupported)?;
    // SAFETY: `pair` is alive until the end of this function, and with it the descriptor.
    let master = unsafe { BorrowedFd::borrow_raw(raw) }.try_clone_to_owned()?;
    fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
    let slave = open_slave(master.as_fd())?;
    if account.must_switch() {
        fchown(&slave, Some(Uid::from_raw(account.uid)), None::<Gid>)?;
        fchmod(&slave, Mode::RUSR | Mode::WUSR | Mode::WGRP)?;
    }
    Ok((master, slave))
}

/// What a child enters and is limited by before it becomes its program.
#[derive(Debug)]
pub(super) struct Begin {
    /// The groups.
    pub(super) entries: Vec<OwnedFd>,
    /// The resource limits.
    pub(super) resources: Vec<(Resource, Rlimit)>,
}

/// Resource limits for what no group limits. Root could lift them, so they would be no limits for it.
fn instead_of_groups(
    limits: &wire::Limits,
    bounds: &mut Bounds,
    account: &ShellAccount,
) -> Vec<(Resource, Rlimit)> {
    let mut resources = Vec::new();
    if account.uid == 0 {
        return resources;
    }
    let both = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    if bounds.memory() == Enforcement::Unenforced {
        // Data, not address space: many programs reserve far more of that than they use.
        resources.push((Resource::Data, both(limits.memory_bytes_max)));
        bounds.set_memory(Enforcement::Rlimit);
    }
    if bounds.processes() == Enforcement::Unenforced {
        // The kernel counts the account's, so what it has already is on top.
        let most = tree::tasks_of(account.uid).saturating_add(limits.processes_max);
        resources.push((Resource::Nproc, both(most)));
        bounds.set_processes(Enforcement::Rlimit);
    }
    resources
}

fn start(spawn: &wire::Spawn, slave: &OwnedFd, account: &ShellAccount, begin: Begin) -> Result<i32, Error> {
    let (program, arguments) = spawn.argv.split_first().ok_or(Error::Exec(io::ErrorKind::NotFound.into()))?;
    let stdio = || slave.try_clone().map(Stdio::from).map_err(Error::System);
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(stdio()?).stdout(stdio()?).stderr(stdio()?);
    if !spawn.arg0.is_empty() {
        command.arg0(&spawn.arg0);
    }
    command.envs(spawn.env.iter().filter_map(|v| v.split_once('=')));
    exec(command, &spawn.cwd, account, begin, true)
}

/// Starts a command as the shell user in a session of its own, whose terminal is its standard input if it has one.
///
/// # Errors
/// [`Error`]; nothing is left of the attempt.
pub(super) fn exec(
    mut command: Command,
    cwd: &str,
    account: &ShellAccount,
    begin: Begin,
    terminal: bool,
) -> Result<i32, Error> {
    let cwd = CString::new(cwd).map_err(|e| Error::Cwd(e.into()))?;
    let identity = account.must_switch().then(|| (account.uid, account.gid, account.groups.clone()));
    // SAFETY: the closure runs between fork and exec in a process with one thread; it makes system calls only and
    // allocates nothing.
    unsafe {
        command.pre_exec(move || prepare(identity.as_ref(), &cwd, &begin, terminal));
    }
    let child = command.spawn().map_err(|cause| match cause.raw_os_error() {
        Some(errno) if errno > CWD_ERRNO_BASE => {
            Error::Cwd(io::Error::from_raw_os_error(errno - CWD_ERRNO_BASE))
        }
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => Error::System(cause),
        _ => Error::Exec(cause),
    })?;
    Ok(child.id().cast_signed())
}

/// What the child does before it becomes the program, in this order: its session, terminal and groups while it still
/// has the keeper's privilege, then the shell user, then what that user may do.
fn prepare(
    identity: Option<&(u32, u32, Vec<u32>)>,
    cwd: &CString,
    begin: &Begin,
    terminal: bool,
) -> io::Result<()> {
    let check = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: system calls on this process alone, with pointers into live values.
    unsafe {
        check(libc::setsid())?;
        if terminal {
            check(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
        }
        // Before anything of the program's can run: no process of it is ever outside.
        for entry in &begin.entries {
            if libc::write(entry.as_raw_fd(), c"0".as_ptr().cast(), 1) != 1 {
                return Err(io::Error::from_raw_os_error(libc::EAGAIN));
            }
        }
        if let Some((uid, gid, groups)) = identity {
            check(libc::setgroups(groups.len(), groups.as_ptr()))?;
            check(libc::setresgid(*gid, *gid, *gid))?;
            check(libc::setresuid(*uid, *uid, *uid))?;
        }
        if !terminal {
            // After the uid, which clears it: nobody would know its end once the keeper is gone.
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        }
        if libc::chdir(cwd.as_ptr()) == -1 {
            let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
            return Err(io::Error::from_raw_os_error(CWD_ERRNO_BASE + errno));
        }
        // Not an error where the kernel is older than close_range: all our descriptors are CLOEXEC anyway.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // By the system call: the C library refuses its own two, which whoever started us may have ignored. Zeros are
        // the default action, without flags or mask, on every architecture.
        let default = [0_u64; 8];
        for signal in 1..=64 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null::<u64>(),
                size_of::<u64>(),
            );
        }
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()))?;
        libc::umask(0o022);
    }
    for (resource, limit) in &begin.resources {
        setrlimit(*resource, *limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_group_limits_is_limited_for_others_than_root() {
        let limits = wire::Limits { memory_bytes_max: 1 << 20, processes_max: 10, cpu_millis_max: 500 };
        let bounds = Groups::default().make(Uuid::now_v7(), &limits).bounds;
        let account = |uid| ShellAccount {
            name: String::new(),
            uid,
            gid: uid,
            groups: Vec::new(),
            home: String::new(),
            shell: String::new(),
        };
        let (mut of_root, mut of_others) = (bounds, bounds);
        assert!(instead_of_groups(&limits, &mut of_root, &account(0)).is_empty());
        assert_eq!(of_root, bounds);
        // Nobody has this uid, so nothing of its runs.
        let resources = instead_of_groups(&limits, &mut of_others, &account(4_000_000));
        let set: Vec<_> = resources.iter().map(|(resource, limit)| (*resource, limit.maximum)).collect();
        assert_eq!(set, [(Resource::Data, Some(1 << 20)), (Resource::Nproc, Some(10))]);
        let kept = [of_others.memory(), of_others.processes(), of_others.cpu()];
        assert_eq!(kept, [Enforcement::Rlimit, Enforcement::Rlimit, Enforcement::Unenforced]);
    }
}
