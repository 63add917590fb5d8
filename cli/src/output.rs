//! Where words go: data to standard output, everything else to standard error.
//!
//! It knows nothing about what is shown. Text that others wrote must have been made safe before.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use serde_json::Value;

use crate::{
    failure::Failure,
    json::{self, Named},
    table::{self, Cell, Colour},
    text,
};

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    // Words and tables for people. (Doc comments here would go into every command's help.)
    Text,
    // Protobuf JSON.
    Json,
}

/// Standard output, and how this command writes to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// True for JSON.
    pub(crate) json: bool,
    /// True if standard output is a terminal.
    pub(crate) is_terminal: bool,
    /// True if it shows colours.
    pub(crate) colours: bool,
}

impl Output {
    /// Standard output as it is: colours only on a terminal, and not with NO_COLOR or TERM=dumb.
    pub(crate) fn new(format: Format) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { json: format == Format::Json, is_terminal, colours: is_terminal && !no_colour && !dumb }
    }

    /// One line of data.
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(io::stdout(), "{line}")?)
    }

    /// A message as one line of JSON.
    pub(crate) fn message<M: Named>(&self, message: &M) -> Result<(), Failure> {
        self.line(&text::escape_json(&json::text(message)?))
    }

    /// A value as one line of JSON.
    pub(crate) fn value(&self, value: &Value) -> Result<(), Failure> {
        self.line(&text::escape_json(&value.to_string()))
    }

    /// The message as JSON, or else `text`, which is made only if it is needed.
    pub(crate) fn show<M: Named>(&self, message: &M, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json { self.message(message) } else { self.line(&text()) }
    }

    /// A table; on a terminal no line is longer than the window is wide.
    pub(crate) fn table<const N: usize>(
        &self,
        header: [&str; N],
        rows: Vec<[Cell; N]>,
    ) -> Result<(), Failure> {
        let width = self.is_terminal.then(crossterm::terminal::size).and_then(Result::ok);
        let width = width.map(|(cols, _)| usize::from(cols));
        let text = table::render(header, rows, width, self.colours);
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    /// The text in a colour, where colours are wanted.
    pub(crate) fn paint(&self, text: &str, colour: Colour) -> String {
        if self.colours { format!("{}{text}\x1b[0m", colour.start()) } else { text.to_owned() }
    }

    /// The same for standard error, which is on the same screen or on none.
    pub(crate) fn paint_aside(&self, text: &str, colour: Colour) -> String {
        if io::stderr().is_terminal() { self.paint(text, colour) } else { text.to_owned() }
    }
}

/// Says something that is not data, on standard error.
pub(crate) fn say(text: &str) {
    // Nothing is left to be done if standard error is gone, too.
    let _ = writeln!(io::stderr(), "{text}");
}
