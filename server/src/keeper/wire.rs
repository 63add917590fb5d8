//! What the server and the keeper say to each other: Protobuf messages on a SEQPACKET socket.
//!
//! It knows nothing about what either does with them. Tags are never reused: a new server works with the
//! previous keeper, and a new keeper goes on with the previous one's table.

mod programs;
mod tree;

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use prost::{Message, Oneof};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

pub use self::programs::{RUN_OUTPUT_BYTES_MAX, RUN_TIMEOUT_MS_MAX, RUNS_MAX, Ran, Run};
pub use self::tree::{Bounds, Ending, Enforcement, Limits, SURVIVORS_MAX, Sent, Step, Survivor, Tracking};

/// Grows with each change that an older peer would not understand.
pub const PROTOCOL: u32 = 1;
/// The largest message; a command with its environment has to fit.
pub const MESSAGE_BYTES_MAX: usize = 192 * 1024;
/// Bytes of the children in one page of a list. One child that was ended has four KiB at most.
pub const LIST_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 2;
/// Descriptors of one child: master, pipe's two ends, input data, input records, pidfd.
pub const CHILD_FDS: usize = 6;

/// A question of the server's, answered by a [`Reply`] with the same id.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Chosen by the asker, from 1.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is asked.
    #[prost(oneof = "Ask", tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20")]
    pub ask: Option<Ask>,
}

/// What can be asked.
#[derive(Clone, PartialEq, Oneof)]
pub enum Ask {
    /// First on every connection.
    #[prost(message, tag = "2")]
    Hello(Hello),
    /// The children, without their descriptors, page by page.
    #[prost(message, tag = "3")]
    List(List),
    /// One child with its descriptors; only for the owner.
    #[prost(message, tag = "4")]
    Take(ChildId),
    /// Start a child; the same id twice is one child.
    #[prost(message, tag = "5")]
    Spawn(Spawn),
    /// Take over a child, with its descriptors, after another keeper died.
    #[prost(message, tag = "6")]
    Adopt(Adopt),
    /// A signal to the terminal's foreground process group.
    #[prost(message, tag = "7")]
    Signal(Signal),
    /// End a child and all that it started; answered when it is gone, or with survivors.
    #[prost(message, tag = "8")]
    Close(Close),
    /// Let go of an ended child: its end is in the database.
    #[prost(message, tag = "9")]
    Forget(ChildId),
    /// Replace this process by the program file it was started from, if that has changed.
    #[prost(message, tag = "10")]
    Upgrade(Upgrade),
    /// End all children, then this process.
    #[prost(message, tag = "11")]
    StopAll(StopAll),
    /// Run a program without a terminal; answered when it is over.
    #[prost(message, tag = "20")]
    Run(Run),
}

/// Who is calling.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// The caller's [`PROTOCOL`].
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    /// The database whose terminals these are (16 bytes); the first one counts.
    #[prost(bytes = "vec", tag = "2")]
    pub database: Vec<u8>,
    /// True for the server, which gets the masters; false for `stop --all`.
    #[prost(bool, tag = "3")]
    pub owner: bool,
}

/// Asks for children, in the order of their ids.
#[derive(Clone, PartialEq, Message)]
pub struct List {
    /// True: as many as fit into one message, and the answer says whether there are more. An older asker does not know
    /// pages, and gets all in one message as long as that can hold them.
    #[prost(bool, tag = "1")]
    pub paged: bool,
    /// Only those after this one, 16 bytes; empty: from the first.
    #[prost(bytes = "vec", tag = "2")]
    pub after: Vec<u8>,
}

/// Asks for an upgrade in place.
#[derive(Clone, PartialEq, Message)]
pub struct Upgrade {}

/// Names a child: the terminal's id.
#[derive(Clone, PartialEq, Message)]
pub struct ChildId {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
}

/// How to start a child.
#[derive(Clone, PartialEq, Message)]
pub struct Spawn {
    /// The terminal's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Program and arguments.
    #[prost(string, repeated, tag = "2")]
    pub argv: Vec<String>,
    /// What the program sees as its name, if not `argv[0]`.
    #[prost(string, tag = "3")]
    pub arg0: String,
    /// Working directory.
    #[prost(string, tag = "4")]
    pub cwd: String,
    /// The whole environment, `NAME=value`.
    #[prost(string, repeated, tag = "5")]
    pub env: Vec<String>,
    /// Width in cells.
    #[prost(uint32, tag = "6")]
    pub cols: u32,
    /// Height in cells.
    #[prost(uint32, tag = "7")]
    pub rows: u32,
    /// What it and all that it starts may use; absent: anything.
    #[prost(message, optional, tag = "8")]
    pub limits: Option<Limits>,
}

/// A child of a keeper that died; its descriptors come along.
#[derive(Clone, PartialEq, Message)]
pub struct Adopt {
    /// The terminal's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its process.
    #[prost(int32, tag = "2")]
    pub pid: i32,
    /// The kernel's start time of the process, in ticks since boot: with the pid it is unique.
    #[prost(uint64, tag = "3")]
    pub start_time: u64,
}

/// A signal.
#[derive(Clone, PartialEq, Message)]
pub struct Signal {
    /// The terminal's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its number.
    #[prost(int32, tag = "2")]
    pub signal: i32,
}

/// Ends one child.
#[derive(Clone, PartialEq, Message)]
pub struct Close {
    /// The terminal's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Time between SIGHUP and SIGKILL, in milliseconds.
    #[prost(uint64, tag = "2")]
    pub grace_ms: u64,
    /// Why, for the exit record.
    #[prost(enumeration = "Reason", tag = "3")]
    pub reason: i32,
    /// True: it begins with SIGTERM, too. A shell ignores that one, a program may put things in order.
    #[prost(bool, tag = "4")]
    pub terminate: bool,
    /// How its processes were found when it was started, as far as the asker knows.
    #[prost(enumeration = "Tracking", tag = "5")]
    pub tracking: i32,
}

/// Ends all children and the keeper.
#[derive(Clone, PartialEq, Message)]
pub struct StopAll {
    /// Time between SIGHUP and SIGKILL, in milliseconds.
    #[prost(uint64, tag = "1")]
    pub grace_ms: u64,
    /// Further terminals, 16 bytes each: what they left behind ends, too.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub also: Vec<Vec<u8>>,
}

/// An answer, or with id 0 something that happened.
#[derive(Clone, PartialEq, Message)]
pub struct Reply {
    /// The question's id; 0 for an exit that nobody asked about.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Set if it failed.
    #[prost(message, optional, tag = "2")]
    pub failure: Option<Failure>,
    /// The children asked for; one, if about one.
    #[prost(message, repeated, tag = "3")]
    pub children: Vec<Child>,
    /// What could not be ended.
    #[prost(message, repeated, tag = "4")]
    pub survivors: Vec<Survivor>,
    /// The database that the children belong to, 16 bytes; empty if none yet.
    #[prost(bytes = "vec", tag = "5")]
    pub database: Vec<u8>,
    /// The process group that got a signal.
    #[prost(int32, tag = "6")]
    pub process_group: i32,
    /// True if an upgrade is about to happen: the next message comes from the new program.
    #[prost(bool, tag = "7")]
    pub upgrading: bool,
    /// How a run ended.
    #[prost(message, optional, tag = "24")]
    pub ran: Option<Ran>,
    /// To a greeting: which keeper this is, 16 bytes. It stays the same through an upgrade, and another one that
    /// comes after its death is another. Empty from an older keeper.
    #[prost(bytes = "vec", tag = "20")]
    pub keeper: Vec<u8>,
    /// How the tree ended that was to be closed.
    #[prost(message, optional, tag = "8")]
    pub ending: Option<Ending>,
    /// True if a list goes on after its last child. An older keeper lists all at once.
    #[prost(bool, tag = "9")]
    pub more: bool,
}

/// Why a question could not be answered.
#[derive(Clone, PartialEq, Message)]
pub struct Failure {
    /// What kind.
    #[prost(enumeration = "FailureKind", tag = "1")]
    pub kind: i32,
    /// The system's error number, or 0.
    #[prost(int32, tag = "2")]
    pub errno: i32,
    /// The process in the way, or 0.
    #[prost(int32, tag = "3")]
    pub pid: i32,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum FailureKind {
    /// See `errno`.
    System = 0,
    /// Another server that is alive owns the masters; `pid` names it.
    OwnerAlive = 1,
    /// No such child.
    NoChild = 2,
    /// The working directory; see `errno`.
    Cwd = 3,
    /// The program; see `errno`.
    Exec = 4,
    /// Only the owner may ask this, or the question was not understood.
    Refused = 5,
    /// Not now: children are being ended, or as many programs run as may.
    Busy = 6,
    /// No process group is in the foreground.
    NoForeground = 7,
}

/// A child as the keeper knows it.
#[derive(Clone, PartialEq, Message)]
pub struct Child {
    /// The terminal's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its process.
    #[prost(int32, tag = "2")]
    pub pid: i32,
    /// The kernel's start time of the process.
    #[prost(uint64, tag = "3")]
    pub start_time: u64,
    /// How it ended, if it has.
    #[prost(message, optional, tag = "4")]
    pub exit: Option<Exit>,
    /// False if only the record of its end is left.
    #[prost(bool, tag = "5")]
    pub has_fds: bool,
    /// What holds its tree together; absent from an older keeper, and for an adopted child.
    #[prost(message, optional, tag = "6")]
    pub bounds: Option<Bounds>,
    /// How its tree was ended, if it was.
    #[prost(message, optional, tag = "7")]
    pub ending: Option<Ending>,
}

/// How a child ended. Also what an exit file holds.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Exit {
    /// Why.
    #[prost(enumeration = "Reason", tag = "1")]
    pub reason: i32,
    /// Exit code.
    #[prost(int32, optional, tag = "2")]
    pub code: Option<i32>,
    /// Signal number.
    #[prost(int32, optional, tag = "3")]
    pub signal: Option<i32>,
    /// Processor time in microseconds.
    #[prost(uint64, optional, tag = "4")]
    pub cpu_us: Option<u64>,
    /// Largest resident set in bytes.
    #[prost(uint64, optional, tag = "5")]
    pub peak_memory_bytes: Option<u64>,
    /// When, in milliseconds since 1970.
    #[prost(uint64, tag = "6")]
    pub time_ms: u64,
}

/// Why a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Reason {
    /// By itself.
    Exited = 0,
    /// Someone closed it.
    Closed = 1,
    /// Everything was ended.
    Killed = 2,
    /// It was idle too long.
    Idle = 3,
    /// It was lost and its remains were swept.
    Lost = 4,
    /// It ran for too long.
    TimeLimit = 5,
}

impl Reply {
    /// A plain yes.
    pub fn ok(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// A no.
    pub fn failed(id: u64, kind: FailureKind, errno: i32) -> Self {
        Self { id, failure: Some(Failure { kind: kind.into(), errno, pid: 0 }), ..Self::default() }
    }
}

/// Sends one message with descriptors. SEQPACKET keeps it whole or does not send it.
///
/// # Errors
/// What `sendmsg` says; `EAGAIN` on a socket that does not block, or whose send time-out is over.
pub fn send(socket: impl AsFd, message: &impl Message, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = message.encode_to_vec();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(CHILD_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let sent = sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives one message with its descriptors, without waiting; `None` when the peer is gone.
///
/// # Errors
/// What `recvmsg` says (`EAGAIN`: nothing there), or `InvalidData`.
pub fn receive<M: Message + Default>(socket: impl AsFd) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(CHILD_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    let message = bytes.get(..got.bytes).unwrap_or_default();
    M::decode(message)
        .map(|message| Some((message, fds)))
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
