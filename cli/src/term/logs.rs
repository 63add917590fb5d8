//! `mosaic term logs`: a terminal's output, from anywhere, to its end or on and on.
//!
//! It knows nothing about the forms of output; `print` does.

use mosaic_client::terminal::Start;

use super::{attach::start, print::Printer, tail};
use crate::{Outcome, exit, session::Session, surroundings, values};

/// What to know about it.
pub(crate) const HELP: &str = "\
Into a pipe the output is text without escape sequences; --raw keeps the bytes. With
--json it is a line an event, with offsets.

Examples:
  mosaic term logs build                 all that is kept
  mosaic term logs build -f -n 20        the last lines, and what comes
  mosaic term logs build --raw > build.typescript";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Logs {
    /// Name or id
    name: String,
    /// Go on with what comes, until the program ends
    #[arg(long, short)]
    follow: bool,
    /// Begin so many bytes before the end, such as 4096 or 64k
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, group = "begin")]
    tail: Option<u64>,
    /// Begin so many lines before the end
    #[arg(long, short = 'n', value_name = "LINES", group = "begin")]
    lines: Option<u64>,
    /// Begin at this byte
    #[arg(long, value_name = "N", group = "begin")]
    offset: Option<u64>,
    /// The bytes as they are, also into a pipe
    #[arg(long)]
    raw: bool,
}

/// Prints it.
pub(crate) async fn run(session: &Session, logs: Logs) -> Outcome {
    let terminal = session.client()?.terminal(&logs.name);
    let start = match (logs.tail, logs.lines, logs.offset) {
        (Some(bytes), _, _) => start(bytes),
        (_, Some(lines), _) => Start::Offset(tail::lines(&terminal, lines).await?),
        (_, _, Some(offset)) => Start::Offset(offset),
        (None, None, None) => Start::Oldest,
    };
    let mut printer = Printer::new(session.output, logs.raw);
    let mut watch = printer.open(terminal.watch().start(start).follow(logs.follow)).await?;
    if logs.follow {
        surroundings::require_elsewhere(printer.terminal_id())?;
    }
    while let Some(event) = watch.next().await {
        printer.print(&event?).await?;
    }
    printer.finish().await?;
    Ok(exit::OK)
}
