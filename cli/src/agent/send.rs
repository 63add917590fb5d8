//! `mosaic agent send`: types a line into an agent's terminal.
//!
//! It knows nothing about how a call is repeated safely; the SDK does.

use mosaic_client::proto::orchestrator::v1::SendInputResponse;
use tokio::io::AsyncReadExt as _;

use crate::{Outcome, exit, failure::Failure, session::Session};

/// What to know about it.
pub(super) const HELP: &str = "\
Enter is typed after the text. A password belongs on standard input (`-`): arguments
are there for everybody on the machine to see. For keys there is `mosaic term send`.

Examples:
  mosaic agent send shell-1 yes
  mosaic agent send shell-1 - < answer.txt";

/// The longest text that a server takes, in bytes.
const TEXT_BYTES_MAX: u64 = 64 * 1024;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Send {
    /// Name or id
    name: String,
    /// What to type; `-` reads standard input, without the line end at its end
    text: String,
    /// Type no Enter after it
    #[arg(long)]
    no_enter: bool,
}

/// Types it.
pub(super) async fn run(session: &Session, send: Send) -> Outcome {
    let text = if send.text == "-" { standard_input().await? } else { send.text };
    session.client()?.orchestrator().agent(send.name).send_input(text, !send.no_enter).await?;
    if session.output.json {
        session.output.message(&SendInputResponse {})?;
    }
    Ok(exit::OK)
}

async fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = tokio::io::stdin().take(TEXT_BYTES_MAX + 1).read_to_string(&mut text).await;
    read.map_err(|error| Failure::error(format!("cannot read standard input: {error}")))?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(Failure::usage("what is typed at once may have at most 64 KiB"));
    }
    let length = text.strip_suffix('\n').unwrap_or(&text).len();
    text.truncate(length);
    Ok(text)
}
