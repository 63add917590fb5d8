//! `mosaic term send`: types text and keys into a terminal.
//!
//! It knows nothing about how a write is repeated safely; the SDK's writer does.

use tokio::io::AsyncReadExt as _;

use crate::{Outcome, exit, failure::Failure, session::Session, values};

/// What to know about it.
pub(crate) const HELP: &str = "\
The text goes first, then the keys, then Enter. A password belongs on standard input
(`-`): arguments are there for everybody on the machine to see.

Keys go by the names that tmux uses: Enter, Tab, Escape, Space, BSpace, Up, F5,
PageUp, C-c, M-x, S-Tab, or a single character.

Examples:
  mosaic term send sh-1 --enter 'ls -l'
  mosaic term send sh-1 --keys C-c
  mosaic term send sh-1 --keys Escape,:,w,q,Enter
  mosaic term send sh-1 - < script.sh";

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
}

/// Types it.
pub(crate) async fn run(session: &Session, send: Send) -> Outcome {
    let mut writer = session.client()?.terminal(&send.name).writer();
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
                writer.write(buffer[..length].to_vec()).await?;
            }
        }
        Some(text) => writer.write(text.as_bytes().to_vec()).await?,
    }
    for keys in send.keys {
        writer.keys(keys).await?;
    }
    if send.enter {
        writer.write("\r").await?;
    }
    Ok(exit::OK)
}
