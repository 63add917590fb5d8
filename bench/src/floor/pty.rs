//! A program in a PTY, and nothing around it.
//!
//! It must not know who reads and types.

use std::{
    os::fd::{AsFd, OwnedFd},
    process::{Child, Command, Stdio},
};

use anyhow::Result;
use rustix::{
    io::Errno,
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
};

/// The most that one message or one read takes.
pub(crate) const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// A PTY's master and the program on its other side. Dropping it kills the program.
pub(crate) struct Pty {
    pub(crate) master: OwnedFd,
    child: Child,
}

impl Pty {
    /// Runs a command line as `sh -c`.
    pub(crate) fn start(command_line: &str) -> Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(master.as_fd(), flags)?;
        // Every copy of the slave but the program's own is closed here: its end is then the master's EIO.
        let child = Command::new("/bin/sh")
            .args(["-c", command_line])
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave))
            .spawn()?;
        Ok(Self { master, child })
    }

    /// Blocks until there is output, and reads what there is; none at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match rustix::io::read(&self.master, buffer) {
            Ok(0) | Err(Errno::IO) => Ok(None),
            Ok(n) => Ok(Some(n)),
            Err(cause) => Err(cause.into()),
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
