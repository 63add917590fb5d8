//! `mosaic chat send`: one thing said, one answer printed.
//!
//! It knows nothing about how an answer is read to its end (`follow`) or shown (`print`).

use std::{
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use mosaic_client::Error;

use super::{
    Ask,
    follow::{Followed, follow, refused},
    print::Printer,
};
use crate::{Outcome, exit, failure::Failure, output::say, session::Session, signals::Signals, stdin, text};

/// What to know about it.
pub(crate) const HELP: &str = "\
The text goes to standard output as it comes, all else to standard error, the id of
the conversation among it; with --json it is a line an event. Without TEXT, or with
`-`, what is said is read from standard input; a pipe or a file there follows a TEXT.
SIGINT and SIGTERM stop the answer; what came is kept. The exit code says how it ended:
0 whole, 6 failed, 7 stopped, 8 the server was killed meanwhile.

Examples:
  mosaic chat send 'What is a PTY?'
  mosaic chat send --model fast - < question.txt
  git diff | mosaic chat send 'Write a commit message for this:'
  mosaic chat send -c 'And in two sentences?'
  mosaic chat send '/spawn shell make test'      a command; `/help` lists them
  mosaic chat send -c /status                    in the same conversation
  mosaic chat send --image plot.png 'What is odd here?'
  mosaic --json chat send hi | jq -r '.textDelta.text // empty'";

/// The longest text that a server takes, in bytes.
const CONTENT_BYTES_MAX: u64 = 1024 * 1024;
/// The largest images that a server takes, together, in bytes.
const IMAGE_BYTES_MAX: u64 = 3 * 1024 * 1024;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Send {
    /// What to say; `-` reads standard input
    text: Option<String>,
    #[command(flatten)]
    ask: Ask,
    /// Show the model this PNG, JPEG, GIF or WebP; may be given several times
    #[arg(long, short, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// What becomes of the answer if this command is killed or loses the server
    #[arg(long, value_enum, value_name = "WHAT", default_value = "continue")]
    on_disconnect: OnDisconnect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnDisconnect {
    /// It is generated to its end
    Continue,
    /// It is stopped
    Stop,
}

/// Says it.
pub(crate) async fn run(session: &Session, send: Send) -> Outcome {
    let mut signals = Signals::listen()?;
    let content = content(send.text, &send.image).await?;
    let chat = session.client()?.chat();
    let conversation = send.ask.conversation(&chat).await?;
    let mut message = send.ask.fill(chat.send(content), conversation.as_deref());
    for path in &send.image {
        let (media_type, data) = image(path)?;
        message = message.image(media_type, data);
    }
    if send.on_disconnect == OnDisconnect::Stop {
        message = message.on_disconnect_stop();
    }
    let mut printer = Printer::new(session.output);
    let followed = follow(&chat, message.open(), &mut printer, &mut signals).await;
    // Where to go on, however it ended; JSON has it.
    if let Some(id) = printer.conversation_id().filter(|_| !session.output.json) {
        say(&format!("conversation {}", text::escape(id)));
    }
    match followed? {
        Followed::Ended { message, .. } => {
            let failed = Error::unfinished(&message).map(Failure::from).or_else(|| refused(&message));
            failed.map_or(Ok(exit::OK), Err)
        }
        Followed::Left(signal) => Ok(exit::of_signal(signal)),
    }
}

/// What is to be said.
async fn content(text: Option<String>, images: &[PathBuf]) -> Result<String, Failure> {
    match text {
        Some(text) if text != "-" && !stdin::is_given() => Ok(text),
        None if std::io::stdin().is_terminal() && images.is_empty() => {
            Err(Failure::usage("there is nothing to say")
                .hint("Give a TEXT, or pipe one in; `mosaic chat` talks."))
        }
        None if std::io::stdin().is_terminal() => Ok(String::new()),
        before => {
            let mut text = before.filter(|text| text != "-").map_or_else(String::new, |text| text + "\n\n");
            let given = text.len();
            let room = CONTENT_BYTES_MAX.saturating_sub(given as u64);
            text += &stdin::read(room, "what is said may have at most 1 MiB").await?;
            if text.len() == given {
                text.truncate(given.saturating_sub(2));
            }
            Ok(text)
        }
    }
}

/// An image's type, by what it begins with, and the file.
fn image(path: &Path) -> Result<(&'static str, Vec<u8>), Failure> {
    let failed = |error| Failure::file("read", path, &error);
    if fs::metadata(path).map_err(failed)?.len() > IMAGE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{} is too large: images may have 3 MiB together",
            path.display()
        )));
    }
    let data = fs::read(path).map_err(failed)?;
    let media_type = media_type(&data)
        .ok_or_else(|| Failure::usage(format!("{} is no PNG, JPEG, GIF or WebP", path.display())))?;
    Ok((media_type, data))
}

fn media_type(data: &[u8]) -> Option<&'static str> {
    match data {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_what_they_begin_with() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(media_type(b"<svg>"), None);
    }
}
