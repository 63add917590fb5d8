//! The messages about programs that the keeper runs without a terminal, and their limits.
//!
//! It knows nothing about what is run.

use prost::Message;

use super::Exit;

/// Programs without a terminal that may run at once.
pub const RUNS_MAX: usize = 16;
/// What one of them may print at most, and as much in errors: it is in memory.
pub const RUN_OUTPUT_BYTES_MAX: u64 = 1024 * 1024;
/// The longest that one of them may take: the first checkout of a very large repository.
pub const RUN_TIMEOUT_MS_MAX: u64 = 30 * 60 * 1000;

/// A program that is run to its end: no terminal, no input, what it prints into memory.
#[derive(Clone, PartialEq, Message)]
pub struct Run {
    /// 16 bytes, never used before: marks all that it starts, so that [`super::Close`] finds it.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Program and arguments.
    #[prost(string, repeated, tag = "2")]
    pub argv: Vec<String>,
    /// Working directory.
    #[prost(string, tag = "3")]
    pub cwd: String,
    /// The whole environment, `NAME=value`.
    #[prost(string, repeated, tag = "4")]
    pub env: Vec<String>,
    /// It and all that it started are ended after so long, in milliseconds.
    #[prost(uint64, tag = "5")]
    pub timeout_ms: u64,
    /// It can print so many bytes, and as many errors; at most [`RUN_OUTPUT_BYTES_MAX`].
    #[prost(uint64, tag = "6")]
    pub output_bytes_max: u64,
}

/// How a run ended. What it printed comes along: two descriptors, output and errors, whose file positions are how
/// much there is of each.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Ran {
    /// How the program ended; absent if it could not be ended.
    #[prost(message, optional, tag = "1")]
    pub exit: Option<Exit>,
    /// True if it took too long.
    #[prost(bool, tag = "2")]
    pub timed_out: bool,
}
