//! Starts a keeper that outlives its starter, and ends one with all its children.
//!
//! It knows nothing about what is asked of a keeper in between.

#![expect(unsafe_code, reason = "what happens between fork and exec is system calls")]

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt},
    process::{PidfdFlags, Resource, Rlimit, pidfd_open, setrlimit},
};

use uuid::Uuid;

use super::{
    KeeperArgs, socket_path,
    wire::{self, Ask, Hello, Reply, Request},
};

/// How long a new keeper may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Terminals that fit one message.
const ALSO_MAX: usize = 8000;
const START_PAUSE: Duration = Duration::from_millis(5);

/// Starts a keeper for this directory if none runs, and returns once it listens. `nofile` is the limit of open
/// files that children shall have.
///
/// # Errors
/// It cannot be started, or does not listen in time; `keeper.log` beside its socket says why.
pub fn start(args: &KeeperArgs, nofile: Rlimit) -> io::Result<()> {
    let privileged = rustix::process::geteuid().is_root();
    // The peer has to reach the socket in a privileged keeper's directory, but may not change the directory.
    fs::DirBuilder::new().recursive(true).mode(if privileged { 0o755 } else { 0o700 }).create(&args.dir)?;
    if privileged {
        trusted(&args.dir)?;
    }
    if connect_to(&args.dir).is_ok() {
        return Ok(());
    }
    launch(args, nofile)?;
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match connect_to(&args.dir) {
            Ok(_) => return Ok(()),
            Err(cause) if Instant::now() >= deadline => return Err(cause),
            Err(_) => std::thread::sleep(START_PAUSE),
        }
    }
}

fn launch(args: &KeeperArgs, nofile: Rlimit) -> io::Result<()> {
    let log = File::options().create(true).append(true).mode(0o600).open(args.dir.join("keeper.log"))?;
    let peer_uid = args.peer_uid.to_string();
    let mut command = Command::new(program()?);
    command.arg("keeper").arg("--dir").arg(&args.dir).args(["--peer-uid", &peer_uid]);
    command.args(["--shell-user", &args.shell_user]).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // SAFETY: between fork and exec, system calls only. The second fork makes the keeper nobody's child.
    unsafe {
        command.pre_exec(move || {
            if libc::setsid() == -1 {
                return Err(io::Error::last_os_error());
            }
            match libc::fork() {
                -1 => return Err(io::Error::last_os_error()),
                0 => {}
                _ => libc::_exit(0),
            }
            Ok(setrlimit(Resource::Nofile, nofile)?)
        });
    }
    command.spawn()?.wait()?;
    Ok(())
}

/// The program that this process runs; after an upgrade the one that has taken its place.
fn program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    if path.exists() {
        return Ok(path);
    }
    let replaced = path.to_str().and_then(|p| p.strip_suffix(" (deleted)")).map(PathBuf::from);
    Ok(replaced.filter(|p| p.exists()).unwrap_or_else(|| PathBuf::from("/proc/self/exe")))
}

/// What a privileged keeper writes must be nobody else's to replace.
fn trusted(dir: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(dir)?;
    if found.is_dir() && found.uid() == 0 && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let problem = format!("{} must be a directory of root's that nobody else can write", dir.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Ends every child of the keeper in this directory, what these other terminals left behind, and the keeper; returns
/// what could not be ended.
///
/// # Errors
/// No keeper runs there, or it went away.
pub fn stop_all(dir: &Path, grace: Duration, also: &[Uuid]) -> io::Result<Vec<wire::Survivor>> {
    let socket = connect_to(dir)?;
    let hello = Ask::Hello(Hello { protocol: wire::PROTOCOL, database: Vec::new(), owner: false });
    ask(&socket, 1, hello)?;
    let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    // The newest: what older ones left behind descends from the keeper, if anything is left at all.
    let also = also.iter().rev().take(ALSO_MAX).map(|id| id.as_bytes().to_vec()).collect();
    let peer = sockopt::socket_peercred(&socket)?.pid;
    let keeper = pidfd_open(peer, PidfdFlags::empty())?;
    let survivors = ask(&socket, 2, Ask::StopAll(wire::StopAll { grace_ms, also }))?.survivors;
    // It answers, then it ends: only then nothing is left.
    wait_readable(&keeper)?;
    Ok(survivors)
}

fn ask(socket: &OwnedFd, id: u64, ask: Ask) -> io::Result<Reply> {
    wire::send(socket, &Request { id, ask: Some(ask) }, &[])?;
    loop {
        wait_readable(socket)?;
        match wire::receive::<Reply>(socket)? {
            Some((reply, _)) if reply.id == id => return Ok(reply),
            Some(_) => {}
            None => return Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

fn wait_readable(socket: &OwnedFd) -> io::Result<()> {
    // A keeper that ends its children answers after their grace; one that is stuck must not hold us for ever.
    const ANSWER_TIMEOUT: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };
    loop {
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&ANSWER_TIMEOUT)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(cause.into()),
        }
    }
}

/// Connects to the keeper in this directory.
///
/// # Errors
/// What `connect` says.
pub(super) fn connect_to(dir: &Path) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::net::sockopt::set_socket_send_buffer_size(socket.as_fd(), wire::MESSAGE_BYTES_MAX * 2)?;
    connect(&socket, &SocketAddrUnix::new(socket_path(dir))?)?;
    Ok(socket)
}
