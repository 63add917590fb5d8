//! The part of the wire that is about trees of processes: what limits them, how they are followed, how they ended.
//!
//! It knows nothing about who limits, follows or ends them. What is absent is an older peer's silence.

use prost::Message;

/// Processes that an answer names at most.
pub const SURVIVORS_MAX: usize = 32;

/// What a child with all that it starts may use; 0 is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Limits {
    /// Bytes of memory.
    #[prost(uint64, tag = "1")]
    pub memory_bytes_max: u64,
    /// Processes and threads.
    #[prost(uint64, tag = "2")]
    pub processes_max: u64,
    /// Thousandths of a processor core.
    #[prost(uint64, tag = "3")]
    pub cpu_millis_max: u64,
}

/// Who keeps a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Enforcement {
    /// None was asked for.
    NotAsked = 0,
    /// A cgroup of version 2, for the whole tree.
    CgroupV2 = 1,
    /// A cgroup of version 1, for the whole tree.
    CgroupV1 = 2,
    /// A resource limit: memory for each process by itself, processes for the whole account.
    Rlimit = 3,
    /// Nobody.
    Unenforced = 4,
}

/// How the processes of a tree are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Tracking {
    /// It is not known.
    Unknown = 0,
    /// By session, mark and ancestry, in the table of processes.
    ProcessTable = 1,
    /// Besides, by a cgroup of version 1.
    CgroupV1 = 2,
    /// Besides, by a cgroup of version 2.
    CgroupV2 = 3,
}

/// What holds a child's tree together.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Bounds {
    /// How its processes are found.
    #[prost(enumeration = "Tracking", tag = "1")]
    pub tracking: i32,
    /// Who keeps the limit of memory.
    #[prost(enumeration = "Enforcement", tag = "2")]
    pub memory: i32,
    /// Who keeps the limit of processes.
    #[prost(enumeration = "Enforcement", tag = "3")]
    pub processes: i32,
    /// Who keeps the limit of processor time.
    #[prost(enumeration = "Enforcement", tag = "4")]
    pub cpu: i32,
}

/// How a tree was ended.
#[derive(Clone, PartialEq, Message)]
pub struct Ending {
    /// True if nothing of it is left for certain.
    #[prost(bool, tag = "1")]
    pub proven: bool,
    /// What is left, or may be; at most [`SURVIVORS_MAX`].
    #[prost(message, repeated, tag = "2")]
    pub survivors: Vec<Survivor>,
    /// What was sent, in this order.
    #[prost(message, repeated, tag = "3")]
    pub steps: Vec<Step>,
    /// How its processes were found.
    #[prost(enumeration = "Tracking", tag = "4")]
    pub tracking: i32,
    /// When it was over, in milliseconds since 1970.
    #[prost(uint64, tag = "5")]
    pub time_ms: u64,
}

/// One thing that was sent to a tree.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Step {
    /// When first, in milliseconds since 1970.
    #[prost(uint64, tag = "1")]
    pub time_ms: u64,
    /// What.
    #[prost(enumeration = "Sent", tag = "2")]
    pub sent: i32,
    /// To how many processes at once, at most.
    #[prost(uint32, tag = "3")]
    pub processes: u32,
}

/// What can be sent to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Sent {
    /// An older peer's.
    Unknown = 0,
    /// SIGHUP, and SIGCONT for what is stopped.
    Hup = 1,
    /// SIGTERM.
    Term = 2,
    /// SIGKILL.
    Kill = 3,
    /// The end of a whole cgroup.
    CgroupKill = 4,
}

/// A process that could not be ended.
#[derive(Clone, PartialEq, Message)]
pub struct Survivor {
    /// Its process id.
    #[prost(int32, tag = "1")]
    pub pid: i32,
    /// Its name.
    #[prost(string, tag = "2")]
    pub command: String,
    /// True if another terminal may have started it as well: it was left alone.
    #[prost(bool, tag = "3")]
    pub possible: bool,
}
