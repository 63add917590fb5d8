//! What is piped into a command: whether there is anything, and all of it, up to a limit.
//!
//! It knows nothing about what it is for.

use rustix::fs::FileType;
use tokio::io::AsyncReadExt as _;

use crate::failure::Failure;

/// Whether something was given on standard input: a pipe or a file. A terminal, `/dev/null` or a socket that this
/// command only inherited is not waited for.
pub(crate) fn is_given() -> bool {
    rustix::fs::fstat(std::io::stdin()).is_ok_and(|stat| {
        matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::RegularFile)
    })
}

/// All of it. What is longer than `bytes_max` is refused with these words.
pub(crate) async fn read(bytes_max: u64, too_long: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = tokio::io::stdin().take(bytes_max + 1).read_to_string(&mut text).await;
    read.map_err(|error| Failure::error(format!("cannot read standard input: {error}")))?;
    if text.len() as u64 > bytes_max { Err(Failure::usage(too_long)) } else { Ok(text) }
}
