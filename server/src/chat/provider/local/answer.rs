//! The lines of an answer as pieces.
//!
//! It must not know how the program is kept.

use std::{io, time::Duration};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{
    super::{Failure, FailureKind, Piece, Pieces, Stop, Usage},
    program::Use,
};

/// Bytes of a line: a token, or a sentence about what was wrong.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A line as the program writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Text { text: String },
    Done { done: Done, usage: Counted },
    Error { error: String, kind: String },
    // Last: it takes everything. A sign of life, or what a later version says.
    Other {},
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Stop,
    Length,
    Sequence,
}

#[derive(Deserialize)]
struct Counted {
    input: u64,
    output: u64,
}

/// Reads the answer. The process is in use until the stream is dropped; dropping it ends the generation.
pub(super) fn pieces(stream: BufReader<UnixStream>, process: Use, silence: Duration) -> Pieces {
    stream::unfold(Some((stream, process)), move |state| async move {
        let (mut stream, process) = state?;
        match next(&mut stream, silence).await {
            Ok(Next::Text(text)) => Some((vec![Ok(Piece::Text(text))], Some((stream, process)))),
            Ok(Next::End(usage, stop)) => Some((vec![Ok(Piece::Usage(usage)), Ok(Piece::Stop(stop))], None)),
            Err(failure) => {
                if failure.kind == FailureKind::Cut {
                    process.settle().await;
                }
                Some((vec![Err(failure)], None))
            }
        }
    })
    .flat_map(stream::iter)
    .boxed()
}

enum Next {
    Text(String),
    End(Usage, Stop),
}

async fn next(stream: &mut BufReader<UnixStream>, silence: Duration) -> Result<Next, Failure> {
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut *stream).take(LINE_BYTES_MAX);
        let read = timeout(silence, limited.read_until(b'\n', &mut line)).await;
        let read = read.map_err(|_| {
            let message = format!("the local model said nothing for {} s", silence.as_secs());
            Failure::new(FailureKind::Timeout, message)
        })?;
        let whole = match read {
            Ok(_) => line.last() == Some(&b'\n'),
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionReset => false,
            Err(cause) => return Err(cut(&format!(": {cause}"))),
        };
        match serde_json::from_slice(&line) {
            _ if !whole && limited.limit() > 0 => return Err(cut("")),
            Ok(Line::Text { text }) if !text.is_empty() => return Ok(Next::Text(text)),
            Ok(Line::Text { .. } | Line::Other {}) => {}
            Ok(Line::Done { done, usage }) => return Ok(Next::End(counted(&usage), stop(&done))),
            Ok(Line::Error { error, kind }) => return Err(failure(&kind, error)),
            Err(_) => {
                return Err(Failure::new(
                    FailureKind::Malformed,
                    "the local model's line is not of its protocol",
                ));
            }
        }
    }
}

fn cut(why: &str) -> Failure {
    Failure::new(FailureKind::Cut, format!("the local model ended in the middle of its answer{why}"))
}

fn counted(usage: &Counted) -> Usage {
    Usage { input: usage.input, output: usage.output, ..Usage::default() }
}

fn stop(done: &Done) -> Stop {
    match done {
        Done::Stop => Stop::End,
        Done::Length => Stop::Length,
        Done::Sequence => Stop::Sequence,
    }
}

fn failure(kind: &str, error: String) -> Failure {
    let kind = match kind {
        "context_too_long" => FailureKind::ContextTooLong,
        "busy" => FailureKind::Overloaded,
        _ => FailureKind::Refused,
    };
    let mut failure = Failure::new(kind, error);
    failure.message.truncate(failure.message.floor_char_boundary(super::super::MESSAGE_BYTES_MAX));
    failure
}
