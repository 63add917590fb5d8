//! The keeper replaces itself by a newer program in place: same process, same children, same connections.
//!
//! The table passes through a memfd, the descriptors through `execve`. A kill before the `execve` leaves the old
//! keeper's death, one after it the new keeper's; the server hands everything to a third in both cases.

#![expect(unsafe_code, reason = "descriptors pass through execve as numbers")]

use std::{
    convert::Infallible,
    fs,
    io::{self, Seek, Write},
    os::{
        fd::{AsRawFd, FromRawFd, RawFd},
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::Path,
    process::Command,
};

use prost::Message;
use rustix::fs::{MemfdFlags, memfd_create};

use super::{
    Settings,
    serve::Keeper,
    table::{Saved, SavedConnection, set_inheritable},
};

/// Which file a program is: another one under the same path differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramFile(u64, u64, i64, i64);

impl ProgramFile {
    /// Looks at a path.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of(path: &Path) -> io::Result<Self> {
        let m = fs::metadata(path)?;
        Ok(Self(m.dev(), m.ino(), m.mtime(), m.mtime_nsec()))
    }
}

/// True if the file that this process was started from is another one now.
///
/// # Errors
/// The file is gone, or a privileged keeper may not trust it.
pub(super) fn needed(settings: &Settings) -> io::Result<bool> {
    let changed = settings.program_file != ProgramFile::of(&settings.program)?;
    if changed && rustix::process::geteuid().is_root() {
        let m = fs::metadata(&settings.program)?;
        if m.uid() != 0 || m.mode() & 0o022 != 0 {
            // Whoever can write the file would become root.
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    Ok(changed)
}

/// Becomes the new program; returns only if that failed.
pub(super) fn replace(keeper: &Keeper) -> io::Error {
    match try_replace(keeper) {
        Err(cause) => cause,
    }
}

fn try_replace(keeper: &Keeper) -> io::Result<Infallible> {
    let saved = save(keeper);
    let mut memory = fs::File::from(memfd_create("keeper-table", MemfdFlags::CLOEXEC)?);
    memory.write_all(&saved.encode_to_vec())?;
    memory.rewind()?;
    let mut fds = all_fds(&saved);
    fds.push(memory.as_raw_fd());
    let pass = |inheritable| fds.iter().try_for_each(|fd| set_inheritable(*fd, inheritable));
    pass(true)?;
    let cause = Command::new(&keeper.settings.program)
        .arg("keeper")
        .args(keeper.settings.to_args())
        .arg("--resume")
        .arg(memory.as_raw_fd().to_string())
        .exec();
    pass(false)?;
    Err(cause)
}

/// What the previous program left.
///
/// # Errors
/// It cannot be read.
pub(super) fn saved(memory: RawFd) -> io::Result<Saved> {
    // SAFETY: the number comes from `replace`, which left the descriptor open for us.
    let mut memory = unsafe { fs::File::from_raw_fd(memory) };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut memory, &mut bytes)?;
    Saved::decode(bytes.as_slice()).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

fn save(keeper: &Keeper) -> Saved {
    let connection = |c: &super::serve::Connection| SavedConnection {
        socket: c.socket.as_raw_fd(),
        owner: c.owner,
        peer: c.peer,
    };
    Saved {
        children: keeper.table.save(),
        database: keeper.table.database.clone(),
        listener: keeper.listener.as_raw_fd(),
        lock: keeper.lock.as_raw_fd(),
        connections: keeper.connections.values().map(connection).collect(),
        owner_pidfd: keeper.owner.as_ref().map(|o| o.pidfd.as_raw_fd()),
        owner_pid: keeper.owner.as_ref().map_or(0, |o| o.pid),
        nofile_soft: keeper.settings.nofile().current,
        nofile_hard: keeper.settings.nofile().maximum,
        keeper: keeper.table.keeper.as_bytes().to_vec(),
    }
}

fn all_fds(saved: &Saved) -> Vec<RawFd> {
    let children = saved.children.iter().flat_map(|c| c.fds.iter().copied().chain(c.slave));
    let connections = saved.connections.iter().map(|c| c.socket);
    children.chain(connections).chain([saved.listener, saved.lock]).chain(saved.owner_pidfd).collect()
}
