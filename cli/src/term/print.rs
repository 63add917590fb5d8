//! A terminal's output on standard output: for a screen, for a pipe, or as JSON.
//!
//! It knows nothing about where the events come from or when they end.

use std::io;

use mosaic_client::{
    proto::terminal::v1::{TerminalEvent, terminal_event::Event as Payload},
    terminal::{Event, Watch, WatchTerminal},
};
use tokio::io::AsyncWriteExt as _;

use crate::{
    attach::{Modes, Replay},
    failure::Failure,
    output::{Output, say},
    show, text,
};

/// Prints the events of one terminal.
pub(crate) struct Printer {
    output: Output,
    terminal_id: String,
    form: Form,
    /// The last character was no line end.
    line_is_open: bool,
}

enum Form {
    /// A line of JSON an event.
    Json,
    /// The bytes as they are, into a pipe.
    Raw,
    /// Text without escapes, into a pipe.
    Text,
    /// With escapes, to a terminal: but nobody types the answers to a program's questions here.
    Screen(Box<(Replay, Modes)>),
}

impl Printer {
    /// In the form that fits standard output; `raw` keeps the bytes in any case.
    pub(crate) fn new(output: Output, raw: bool) -> Self {
        let form = match (output.json, raw, output.is_terminal) {
            (true, _, _) => Form::Json,
            (false, true, _) => Form::Raw,
            (false, false, false) => Form::Text,
            (false, false, true) => Form::Screen(Box::default()),
        };
        Self { output, terminal_id: String::new(), form, line_is_open: false }
    }

    /// As text without escapes, also on a screen.
    pub(crate) fn text(output: Output) -> Self {
        let form = if output.json { Form::Json } else { Form::Text };
        Self { output, terminal_id: String::new(), form, line_is_open: false }
    }

    /// True if it prints the text of events, and not their bytes.
    pub(crate) fn wants_text(&self) -> bool {
        matches!(self.form, Form::Text)
    }

    /// What follows is the output of this terminal.
    pub(crate) fn begin(&mut self, terminal_id: &str) {
        terminal_id.clone_into(&mut self.terminal_id);
    }

    /// Prints a line between the output of programs, on a line of its own.
    pub(crate) async fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.end_line().await?;
        Ok(write(format!("{line}\n").as_bytes()).await?)
    }

    /// Ends the line that a program left open.
    pub(crate) async fn end_line(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.line_is_open) {
            write(b"\n").await?;
        }
        Ok(())
    }

    /// Opens the stream in the format that this form needs.
    pub(crate) async fn open(&mut self, watch: WatchTerminal) -> Result<Watch, Failure> {
        let watch = if self.wants_text() { watch.text() } else { watch };
        let watch = watch.open().await?;
        self.opened(&watch);
        Ok(watch)
    }

    /// The output that follows is of the terminal that was opened.
    pub(crate) fn opened(&mut self, watch: &Watch) {
        self.terminal_id = watch.opened().terminal.as_ref().map(|it| it.id.clone()).unwrap_or_default();
    }

    /// The id of the terminal that was opened.
    pub(crate) fn terminal_id(&self) -> &str {
        &self.terminal_id
    }

    /// Prints one event.
    pub(crate) async fn print(&mut self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Reconnecting(lost) if lost.attempt == 1 => {
                say(&format!("[mosaic: {}, trying again]", show::lost(lost)));
            }
            Event::Reconnected(_) => say("[mosaic: connected again]"),
            Event::Reconnecting(_) | Event::Heartbeat(_) => {}
            event if matches!(self.form, Form::Json) => return self.json(event),
            Event::Gap(gap) => {
                let missing = show::bytes(gap.to.saturating_sub(gap.from));
                say(&format!("[mosaic: {missing} of output are not kept]"));
            }
            Event::Output(output) => {
                let data = match &mut self.form {
                    Form::Json => Vec::new(),
                    Form::Raw => output.data.to_vec(),
                    // Without escapes is not yet without every character that moves or hides text.
                    Form::Text if self.output.is_terminal => text::shown(&output.text).into_bytes(),
                    Form::Text => output.text.clone().into_bytes(),
                    Form::Screen(screen) => {
                        let shown = screen.0.feed(&output.data);
                        screen.1.feed(&shown);
                        shown
                    }
                };
                if let Some(last) = data.last() {
                    self.line_is_open = *last != b'\n';
                }
                write(&data).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives a screen back as it was.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        if let Form::Screen(screen) = self.form {
            write(&screen.1.restore()).await?;
        }
        Ok(())
    }

    fn json(&self, event: &Event) -> Result<(), Failure> {
        let payload = match event.clone() {
            Event::Output(output) => Payload::Output(output),
            Event::Gap(gap) => Payload::Gap(gap),
            Event::Resized(resized) => Payload::Resized(resized),
            Event::TitleChanged(title) => Payload::TitleChanged(title),
            Event::Exited(exited) => Payload::Exited(exited),
            Event::Ended(ended) => Payload::StreamEnded(ended),
            _ => return Ok(()),
        };
        self.output.message(&TerminalEvent { terminal_id: self.terminal_id.clone(), event: Some(payload) })
    }
}

/// Not the blocking way: signals are to be heard while whoever reads the output is slow.
async fn write(data: &[u8]) -> io::Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(data).await?;
    out.flush().await
}
