//! The keeper's children, and how they pass through an `execve` of the keeper itself.
//!
//! It knows nothing about who asks for them.

#![expect(unsafe_code, reason = "descriptors pass through execve as numbers")]

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use prost::Message;
use rustix::io::{FdFlags, fcntl_setfd};
use uuid::Uuid;

use super::{tree::Leader, wire};

/// What the server reads and writes of one child. The same open descriptions are in the keeper and in the server,
/// so a kill of either loses nothing.
#[derive(Debug)]
pub struct ChildIo {
    /// The PTY's master, non-blocking.
    pub master: OwnedFd,
    /// Output on its way from the master to the log.
    pub pipe_read: OwnedFd,
    /// The other end.
    pub pipe_write: OwnedFd,
    /// Input accepted; the file position is how far it was typed.
    pub data: OwnedFd,
    /// Who wrote which input.
    pub records: OwnedFd,
    /// The process.
    pub pidfd: OwnedFd,
}

impl ChildIo {
    /// All of them, in the order of the wire.
    pub fn fds(&self) -> [BorrowedFd<'_>; wire::CHILD_FDS] {
        [&self.master, &self.pipe_read, &self.pipe_write, &self.data, &self.records, &self.pidfd]
            .map(AsFd::as_fd)
    }

    /// From what came over the wire; `None` if it is not all of them.
    pub fn from_fds(fds: Vec<OwnedFd>) -> Option<Self> {
        let [master, pipe_read, pipe_write, data, records, pidfd] = fds.try_into().ok()?;
        Some(Self { master, pipe_read, pipe_write, data, records, pidfd })
    }
}

/// One child.
#[derive(Debug)]
pub struct Child {
    /// Its process; absent if only the record of its end was found. Never pid 0: that would be everybody's session.
    pub leader: Option<Leader>,
    /// Absent if only the record of its end was found in an exit file.
    pub io: Option<ChildIo>,
    /// Open until the exit is known.
    pub slave: Option<OwnedFd>,
    /// How it ended.
    pub exit: Option<wire::Exit>,
    /// True if another keeper spawned it: this one cannot wait for it.
    pub adopted: bool,
    /// Why it will have ended.
    pub reason: wire::Reason,
}

impl Child {
    /// What is told about it.
    pub fn describe(&self, id: Uuid) -> wire::Child {
        wire::Child {
            id: id.as_bytes().to_vec(),
            pid: self.leader.map_or(0, |l| l.pid),
            start_time: self.leader.map_or(0, |l| l.start_time),
            exit: self.exit,
            has_fds: self.io.is_some(),
        }
    }
}

/// All children, and whose they are.
#[derive(Debug)]
pub struct Table {
    /// By terminal id.
    pub children: HashMap<Uuid, Child>,
    /// The database that they belong to; empty until the first server said it.
    pub database: Vec<u8>,
    /// Which keeper this is, through all its programs.
    pub keeper: Uuid,
}

/// The table as it passes through `execve`: descriptors by number.
#[derive(Clone, PartialEq, Message)]
pub struct Saved {
    /// The children.
    #[prost(message, repeated, tag = "1")]
    pub children: Vec<SavedChild>,
    /// [`Table::database`].
    #[prost(bytes = "vec", tag = "2")]
    pub database: Vec<u8>,
    /// The listening socket.
    #[prost(int32, tag = "3")]
    pub listener: RawFd,
    /// The lock on the keeper's directory.
    #[prost(int32, tag = "4")]
    pub lock: RawFd,
    /// The open connections.
    #[prost(message, repeated, tag = "5")]
    pub connections: Vec<SavedConnection>,
    /// The pidfd of the owner; absent if there is none.
    #[prost(int32, optional, tag = "6")]
    pub owner_pidfd: Option<RawFd>,
    /// The owner's process.
    #[prost(int32, tag = "7")]
    pub owner_pid: i32,
    /// The limit of open files that children get: soft, then hard; absent means none.
    #[prost(uint64, optional, tag = "8")]
    pub nofile_soft: Option<u64>,
    /// See `nofile_soft`.
    #[prost(uint64, optional, tag = "9")]
    pub nofile_hard: Option<u64>,
    /// [`Table::keeper`]; empty from an older program.
    #[prost(bytes = "vec", tag = "20")]
    pub keeper: Vec<u8>,
}

/// A connection as it passes through `execve`.
#[derive(Clone, PartialEq, Message)]
pub struct SavedConnection {
    /// Its socket.
    #[prost(int32, tag = "1")]
    pub socket: RawFd,
    /// True for the server's.
    #[prost(bool, tag = "2")]
    pub owner: bool,
    /// The process at its other end.
    #[prost(int32, tag = "3")]
    pub peer: i32,
}

/// A child as it passes through `execve`.
#[derive(Clone, PartialEq, Message)]
pub struct SavedChild {
    /// What is told about it anyway.
    #[prost(message, optional, tag = "1")]
    pub child: Option<wire::Child>,
    /// [`ChildIo`], in the order of the wire; empty if there is none.
    #[prost(int32, repeated, tag = "2")]
    pub fds: Vec<RawFd>,
    /// The slave; absent once the exit is known.
    #[prost(int32, optional, tag = "3")]
    pub slave: Option<RawFd>,
    /// See [`Child`].
    #[prost(bool, tag = "4")]
    pub adopted: bool,
    /// See [`Child`].
    #[prost(enumeration = "wire::Reason", tag = "5")]
    pub reason: i32,
}

impl Table {
    /// The table of a keeper that has just come into being.
    pub fn new() -> Self {
        Self { children: HashMap::new(), database: Vec::new(), keeper: Uuid::now_v7() }
    }

    /// The children's part of [`Saved`].
    pub fn save(&self) -> Vec<SavedChild> {
        let save = |(id, child): (&Uuid, &Child)| SavedChild {
            child: Some(child.describe(*id)),
            fds: child.io.iter().flat_map(|io| io.fds().map(|fd| fd.as_raw_fd())).collect(),
            slave: child.slave.as_ref().map(AsRawFd::as_raw_fd),
            adopted: child.adopted,
            reason: child.reason.into(),
        };
        self.children.iter().map(save).collect()
    }

    /// The table again, in the new program.
    pub fn restore(saved: &Saved) -> Self {
        let keeper = Uuid::from_slice(&saved.keeper).unwrap_or_else(|_| Uuid::now_v7());
        let mut table = Self { children: HashMap::new(), database: saved.database.clone(), keeper };
        for one in &saved.children {
            let Some(described) = &one.child else { continue };
            let Ok(id) = Uuid::from_slice(&described.id) else { continue };
            let child = Child {
                leader: Leader::new(described.pid, described.start_time),
                io: ChildIo::from_fds(one.fds.iter().map(|fd| inherited(*fd)).collect()),
                slave: one.slave.map(inherited),
                exit: described.exit,
                adopted: one.adopted,
                reason: one.reason(),
            };
            table.children.insert(id, child);
        }
        table
    }
}

/// A descriptor that came through `execve`, from now on closed by the next one.
pub fn inherited(fd: RawFd) -> OwnedFd {
    // SAFETY: the previous program of this process left this number open for us and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // It fails only for a number that is not open, and then whatever uses it fails, too.
    let _ = fcntl_setfd(&fd, FdFlags::CLOEXEC);
    fd
}

/// Sets whether a descriptor passes through `execve`.
///
/// # Errors
/// What `fcntl` says.
pub fn set_inheritable(fd: RawFd, inheritable: bool) -> io::Result<()> {
    // SAFETY: the caller holds the descriptor open during this call.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(fcntl_setfd(fd, if inheritable { FdFlags::empty() } else { FdFlags::CLOEXEC })?)
}
