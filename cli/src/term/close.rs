//! `mosaic term close` and `rm`: the end of terminals, and their being forgotten.
//!
//! It knows nothing about how a terminal is ended; the receipt says what came of it.

use std::time::Duration;

use mosaic_client::proto::terminal::v1::{CloseTerminalResponse, DeleteTerminalResponse};

use super::each;
use crate::{Outcome, exit, session::Session, show, text, values};

/// The arguments of `close`.
#[derive(clap::Args, Debug)]
pub(crate) struct Close {
    /// Names or ids
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Time between SIGHUP and SIGKILL, up to 60s [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    grace: Option<Duration>,
}

/// The arguments of `rm`.
#[derive(clap::Args, Debug)]
pub(crate) struct Remove {
    /// Names or ids of ended terminals
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Ends them, and prints a receipt for each. What could not be ended makes the exit code 1.
pub(crate) async fn close(session: &Session, close: Close) -> Outcome {
    let client = session.client()?;
    each(session, close.names, async |name| {
        let receipt = client.terminal(name).close(close.grace).await?;
        session.output.show(&receipt, || words(&receipt))?;
        Ok(if receipt.survivors.is_empty() { exit::OK } else { exit::ERROR })
    })
    .await
}

fn words(receipt: &CloseTerminalResponse) -> String {
    let terminal = receipt.terminal.clone().unwrap_or_default();
    let name = text::escape(&terminal.name);
    let end = show::end(&terminal.exit.unwrap_or_default());
    let survivors: Vec<String> = receipt
        .survivors
        .iter()
        .map(|survivor| {
            let perhaps = if survivor.possible { " (perhaps another terminal's)" } else { "" };
            format!("{} {}{perhaps}", survivor.pid, text::escape(&survivor.command))
        })
        .collect();
    match (receipt.proven, survivors.is_empty()) {
        (true, true) => format!("{name}: {end}; nothing of it is left"),
        (false, true) => format!("{name}: {end}; best effort: that nothing is left is not proven"),
        (_, false) => format!("{name}: {end}; STILL RUNNING: {}", survivors.join(", ")),
    }
}

/// Forgets them, and prints each name.
pub(crate) async fn remove(session: &Session, remove: Remove) -> Outcome {
    let client = session.client()?;
    each(session, remove.names, async |name| {
        client.terminal(&name).delete().await?;
        session.output.show(&DeleteTerminalResponse {}, || text::escape(&name))?;
        Ok(exit::OK)
    })
    .await
}
