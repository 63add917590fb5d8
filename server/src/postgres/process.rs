//! One PostgreSQL process: started so that it goes when the server goes, or adopted.
//!
//! It knows nothing about when it is ready. `unsafe` is here for the hook between fork and exec and
//! for the registration of a file descriptor.
#![expect(unsafe_code, reason = "pre_exec and AsyncFd::register are unsafe; see each SAFETY")]

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    process::Command,
    thread,
};

use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, pidfd_send_signal, set_parent_process_death_signal,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::oneshot,
};

/// A process by a descriptor, which no later process with the same number can take over.
///
/// Dropped it is told to stop, but not waited for.
pub(super) struct Process {
    pid: Pid,
    /// Readable from its end on.
    descriptor: AsyncFd<OwnedFd>,
}

impl Process {
    /// Starts it.
    ///
    /// The kernel sends SIGINT to the child when the *thread* that forked it ends. So it has a thread
    /// of its own, which ends by waiting for it: a PostgreSQL never outlives a killed server for long.
    pub(super) async fn spawn(mut command: Command) -> io::Result<Self> {
        let parent = getpid();
        let tie = move || {
            set_parent_process_death_signal(Some(Signal::INT))?;
            // The parent may have died before the line above.
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        };
        // SAFETY: between fork and exec the hook makes two system calls and allocates nothing.
        unsafe { command.pre_exec(tie) };
        // A group of its own, or a terminal's Ctrl-C would reach it while the server still drains.
        command.process_group(0);
        let (tell, told) = oneshot::channel();
        // The thread's owner is the child: whoever ends that ends it.
        thread::Builder::new().name("postgres".to_owned()).spawn(move || wait(command, tell))?;
        let (pid, descriptor) = told.await.map_err(|_| io::Error::other("the thread for it failed"))??;
        Self::watch(pid, descriptor)
    }

    /// Takes over one that another server started. It is not tied to this one.
    pub(super) fn adopt(pid: Pid, descriptor: OwnedFd) -> io::Result<Self> {
        Self::watch(pid, descriptor)
    }

    fn watch(pid: Pid, descriptor: OwnedFd) -> io::Result<Self> {
        // SAFETY: the descriptor is owned by the registration and closed only with it.
        let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE)? };
        Ok(Self { pid, descriptor })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Resolves when it has ended.
    pub(super) async fn ended(&self) {
        // An error means that the runtime is going, and with it this process.
        drop(self.descriptor.readable().await);
    }

    /// Sends a signal, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(cause) = pidfd_send_signal(self.descriptor.get_ref(), signal)
            && cause != rustix::io::Errno::SRCH
        {
            tracing::warn!(pid = self.pid(), ?signal, %cause, "cannot signal PostgreSQL");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// The thread: starts the child, tells of it, and stays until it has ended.
fn wait(mut command: Command, tell: oneshot::Sender<io::Result<(Pid, OwnedFd)>>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => return drop(tell.send(Err(cause))),
    };
    let opened =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData.into());
    // Before the wait its number cannot have become another's.
    let opened = opened.and_then(|pid| Ok((pid, pidfd_open(pid, PidfdFlags::empty())?)));
    // Whoever asked may have given up.
    if let Err(Ok((_, descriptor))) = tell.send(opened)
        && let Err(cause) = pidfd_send_signal(descriptor, Signal::INT)
    {
        tracing::warn!(pid = child.id(), %cause, "cannot signal PostgreSQL");
    }
    match child.wait() {
        Ok(status) => tracing::info!(%status, pid = child.id(), "PostgreSQL ended"),
        Err(cause) => tracing::error!(%cause, pid = child.id(), "cannot wait for PostgreSQL"),
    }
}
