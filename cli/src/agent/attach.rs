//! `mosaic agent attach`: an agent's terminal in the terminal that one sits at.
//!
//! It knows nothing about raw mode or keys; `crate::attach` does.

use super::find;
use crate::{
    Outcome, attach,
    attach::{Options, RECONNECT_LIMIT},
    session::Session,
    term, values,
};

/// What to know about it.
pub(super) const HELP: &str = "\
It is `mosaic term attach` on the agent's terminal. Leave with Ctrl-\\ then d: the agent
goes on, and the exit code is 0. When its program ends, the exit code is its own.

Examples:
  mosaic agent attach shell-1
  mosaic agent attach shell-1 --read-only      look on; Ctrl-C leaves, too";

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

/// Attaches, as soon as it runs.
pub(super) async fn run(session: &Session, attach: Attach) -> Outcome {
    attach::require_terminal()?;
    let client = session.patient_client(RECONNECT_LIMIT)?;
    let agent = find::started(&client, &attach.name).await?;
    let start = term::attach::start(attach.tail);
    let options = Options { start, read_only: attach.read_only, fresh: false };
    attach::run(&client, &agent.terminal_id, options).await
}
