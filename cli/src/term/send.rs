//! `mosaic term send`: types text and keys into a terminal.
//!
//! It knows nothing about how a write is repeated safely; the SDK's writer does.

use std::{pin::pin, time::Duration};

use mosaic_client::proto::terminal::v1::WriteResponse;
use tokio::{io::AsyncReadExt as _, time::timeout};

use crate::{
    Outcome, exit,
    failure::{Failure, Lost},
    output::say,
    session::Session,
    text, values,
};

/// What to know about it.
pub(crate) const HELP: &str = "\
The text goes first, then the keys, then Enter. A password belongs on standard input
(`-`): arguments are there for everybody on the machine to see. With --json it prints
the number of the last input that the server accepted from it.

Keys go by the names that tmux uses: Enter, Tab, Escape, Space, BSpace, Up, F5,
PageUp, C-c, M-x, S-Tab, or a single character.

Examples:
  mosaic term send sh-1 --enter 'ls -l'
  mosaic term send sh-1 --keys C-c
  mosaic term send sh-1 --keys Escape,:,w,q,Enter
  mosaic term send sh-1 - < script.sh";

/// After how long without an answer it is said that it goes on trying.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// One read of standard input.
const READ_BYTES: usize = 64 * 1024;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Send {
    /// Name or id
    name: String,
    /// What to type; `-` reads standard input
    #[arg(required_unless_present_any = ["keys", "enter"])]
    text: Option<String>,
    /// Keys to press, with commas between their names
    #[arg(long, value_name = "KEYS", value_parser = values::keys, action = clap::ArgAction::Append)]
    keys: Vec<Vec<String>>,
    /// Press Enter after all else
    #[arg(long, short)]
    enter: bool,
    /// If the server is not there, try again for this long
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "15s")]
    retry: Duration,
}

/// Waits for the server, not for ever, and not without a word.
struct Patience {
    endpoint: String,
    limit: Duration,
    said: bool,
}

/// Types it.
pub(crate) async fn run(session: &Session, send: Send) -> Outcome {
    let client = session.patient_client(send.retry)?;
    let endpoint = client.endpoint().to_owned();
    let mut patience = Patience { endpoint, limit: send.retry, said: false };
    let mut writer = client.terminal(&send.name).writer();
    match send.text.as_deref() {
        None => {}
        Some("-") => {
            let mut input = tokio::io::stdin();
            let mut buffer = vec![0; READ_BYTES];
            loop {
                let length = input
                    .read(&mut buffer)
                    .await
                    .map_err(|error| Failure::error(format!("cannot read standard input: {error}")))?;
                if length == 0 {
                    break;
                }
                patience.with(writer.write(buffer[..length].to_vec())).await?;
            }
        }
        Some(text) => patience.with(writer.write(text.as_bytes().to_vec())).await?,
    }
    for keys in send.keys {
        patience.with(writer.keys(keys)).await?;
    }
    if send.enter {
        patience.with(writer.write("\r")).await?;
    }
    if session.output.json {
        session.output.message(&WriteResponse { highest_accepted_sequence: writer.accepted() })?;
    }
    Ok(exit::OK)
}

impl Patience {
    /// What comes of a write, which tries again by itself.
    async fn with(&mut self, write: impl Future<Output = mosaic_client::Result<()>>) -> Result<(), Failure> {
        let mut write = pin!(write);
        let written = match timeout(NOTICE_AFTER, &mut write).await {
            Ok(written) => written,
            Err(_) => {
                if !std::mem::replace(&mut self.said, true) {
                    let Self { endpoint, limit, .. } = self;
                    let endpoint = text::escape(endpoint);
                    say(&format!("[mosaic: {endpoint} does not answer; trying again for up to {limit:?}]"));
                }
                write.await
            }
        };
        written.map_err(|error| match Failure::from(error) {
            failure if failure.lost == Some(Lost::NotThere) => failure.after(&format!("{:?}", self.limit)),
            failure => failure,
        })
    }
}
