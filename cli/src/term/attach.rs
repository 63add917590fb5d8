//! `mosaic term attach`: its arguments.
//!
//! It knows nothing about raw mode or keys; `crate::attach` does.

use mosaic_client::terminal::Start;

use crate::{
    Outcome, attach,
    attach::{Options, RECONNECT_LIMIT},
    session::Session,
    values,
};

/// What to know about it.
pub(crate) const HELP: &str = "\
Leave with Ctrl-\\ then d: the terminal lives on, and the exit code is 0. Ctrl-\\
twice types one. When the program ends, the exit code is its own.
A lost connection or a restart of the server is mended by itself.

Examples:
  mosaic term attach sh-1
  mosaic term attach sh-1 --read-only      look on; Ctrl-C leaves, too
  mosaic term attach sh-1 --tail all       replay all output that is kept";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Attach {
    /// Name or id
    name: String,
    /// Only look: nothing is typed, and this window's size counts nothing
    #[arg(long, short)]
    read_only: bool,
    /// How much of the past to show: bytes such as 4096 or 64k, 0 for none, or `all`
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, default_value = "64k")]
    tail: u64,
}

/// Attaches.
pub(crate) async fn run(session: &Session, attach: Attach) -> Outcome {
    attach::require_terminal()?;
    let start = start(attach.tail);
    let client = session.patient_client(RECONNECT_LIMIT)?;
    attach::run(&client, &attach.name, Options { start, read_only: attach.read_only, fresh: false }).await
}

/// So many bytes before the end; `u64::MAX` is all.
pub(crate) fn start(tail: u64) -> Start {
    match tail {
        0 => Start::Live,
        u64::MAX => Start::Oldest,
        bytes => Start::Tail(bytes),
    }
}
