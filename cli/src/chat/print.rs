//! An answer on standard output as it comes: for a screen, for a pipe, or as JSON.
//!
//! It knows nothing about where the events come from, or what ends them.

use std::io::{self, IsTerminal as _};

use mosaic_client::{
    chat::{Answer, Event},
    proto::chat::v1::{
        CommandResult, Completed, Heartbeat, MessageEvent, TextDelta, ThinkingDelta, command_result,
        message_event::Event as Wire,
    },
};
use tokio::io::AsyncWriteExt as _;

use super::markdown::Markdown;
use crate::{
    failure::Failure,
    output::{Output, say},
    table::Colour,
    text,
};

/// Prints the events of one answer.
pub(super) struct Printer {
    output: Output,
    form: Form,
    part: Part,
    conversation_id: Option<String>,
    /// The last thing that was printed is a line end, or nothing is.
    line_ended: bool,
}

enum Form {
    /// A line of JSON an event.
    Json,
    /// The text as it is, into a pipe.
    Raw,
    /// The text as it is but for what a terminal would do, to a terminal without colours.
    Safe,
    /// Markdown, to a terminal.
    Screen(Box<Markdown>),
}

/// What was printed last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Thinking,
    Text,
}

impl Printer {
    /// In the form that fits standard output.
    pub(super) fn new(output: Output) -> Self {
        let form = match (output.json, output.is_terminal, output.colours) {
            (true, _, _) => Form::Json,
            (false, false, _) => Form::Raw,
            (false, true, false) => Form::Safe,
            (false, true, true) => Form::Screen(Box::default()),
        };
        Self { output, form, part: Part::Nothing, conversation_id: None, line_ended: true }
    }

    /// The conversation that the answer belongs to, once it is known.
    pub(super) fn conversation_id(&self) -> Option<&str> {
        self.conversation_id.as_deref()
    }

    /// Where the stream begins.
    pub(super) fn open(&mut self, answer: &Answer) -> Result<(), Failure> {
        self.conversation_id = Some(answer.conversation_id().to_owned());
        match self.form {
            Form::Json => self.json(answer, Wire::Opened(answer.opened().clone())),
            _ => Ok(()),
        }
    }

    /// Prints one event of this answer.
    pub(super) async fn print(&mut self, answer: &Answer, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Reconnecting(lost) if lost.attempt == 1 => {
                self.note("connection lost, trying again").await?;
            }
            Event::Reconnecting(_) => {}
            Event::Reconnected(_) => self.note("connected again").await?,
            event if matches!(self.form, Form::Json) => return self.event(answer, event),
            Event::Text(text) => self.text(text).await?,
            Event::Thinking(text) => self.thinking(text).await?,
            Event::CommandResult(result) => self.result(result).await?,
            event => {
                if matches!(event, Event::Superseded(_) | Event::Completed(_)) {
                    // What comes is a text of its own, or nothing.
                    self.finish().await?;
                }
                if let Some(words) = words(event) {
                    self.note(&words).await?;
                }
            }
        }
        Ok(())
    }

    /// Nothing has come for a while: a person wants to know that this is no defect.
    pub(super) async fn waiting(&mut self) -> Result<(), Failure> {
        if io::stderr().is_terminal() && !matches!(self.form, Form::Json) {
            self.note("waiting for the model…").await?;
        }
        Ok(())
    }

    /// Nothing of the answer was printed yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.part == Part::Nothing
    }

    /// Ends what was printed with a line end.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        if let Form::Screen(markdown) = &mut self.form {
            let rest = markdown.finish();
            self.write(&rest).await?;
        }
        self.end_line().await
    }

    /// Says something that is not data, on a line of its own.
    async fn note(&mut self, words: &str) -> Result<(), Failure> {
        self.end_line().await?;
        say(&self.output.paint_aside(&format!("[mosaic: {words}]"), Colour::Dim));
        Ok(())
    }

    async fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.part == Part::Thinking {
            self.end_line().await?;
        }
        self.part = Part::Text;
        let shown = match &mut self.form {
            Form::Screen(markdown) => markdown.feed(text),
            Form::Safe => text::shown(text),
            Form::Raw | Form::Json => text.to_owned(),
        };
        self.write(&shown).await
    }

    /// What a command came to is a table or a few lines. One that failed is told as failures are, by whoever asked.
    async fn result(&mut self, result: &CommandResult) -> Result<(), Failure> {
        if matches!(result.result, Some(command_result::Result::Error(_))) {
            return Ok(());
        }
        self.part = Part::Text;
        let shown = if self.output.is_terminal { text::shown(&result.text) } else { result.text.clone() };
        self.write(&shown).await
    }

    /// What the model thinks is for people to watch, not for programs to read.
    async fn thinking(&mut self, text: &str) -> Result<(), Failure> {
        if matches!(self.form, Form::Raw) {
            return Ok(());
        }
        if self.part == Part::Text {
            self.finish().await?;
        }
        self.part = Part::Thinking;
        let shown = self.output.paint(&text::shown(text), Colour::Dim);
        self.write(&shown).await?;
        self.line_ended = text.ends_with('\n');
        Ok(())
    }

    async fn end_line(&mut self) -> Result<(), Failure> {
        if !self.line_ended && !matches!(self.form, Form::Json) {
            self.write("\n").await?;
        }
        Ok(())
    }

    /// Not the blocking way: signals are to be heard while whoever reads the output is slow.
    async fn write(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let mut out = tokio::io::stdout();
        let written: io::Result<()> = async {
            out.write_all(text.as_bytes()).await?;
            out.flush().await
        }
        .await;
        self.line_ended = text.ends_with('\n');
        Ok(written?)
    }

    fn event(&self, answer: &Answer, event: &Event) -> Result<(), Failure> {
        let wire = match event.clone() {
            Event::Started(started) => Wire::Started(started),
            Event::Text(text) => Wire::TextDelta(TextDelta { text }),
            Event::Thinking(text) => Wire::ThinkingDelta(ThinkingDelta { text }),
            Event::ToolCall(delta) => Wire::ToolCall(delta),
            Event::Retried(retried) => Wire::Retried(retried),
            Event::FellBack(fell_back) => Wire::FellBack(fell_back),
            Event::Superseded(superseded) => Wire::Superseded(superseded),
            Event::ContextTrimmed(trimmed) => Wire::ContextTrimmed(trimmed),
            Event::Usage(usage) => Wire::Usage(usage),
            Event::CommandResult(result) => Wire::CommandResult(*result),
            Event::Completed(message) => Wire::Completed(Completed { message: Some(*message) }),
            Event::Heartbeat => Wire::Heartbeat(Heartbeat {}),
            Event::Ended(ended) => Wire::StreamEnded(ended),
            _ => return Ok(()),
        };
        self.json(answer, wire)
    }

    fn json(&self, answer: &Answer, event: Wire) -> Result<(), Failure> {
        self.output.message(&MessageEvent {
            message_id: answer.message_id().to_owned(),
            sequence: answer.sequence(),
            event: Some(event),
        })
    }
}

/// What a person should know of an event that is not text.
fn words(event: &Event) -> Option<String> {
    let safe = text::escape;
    Some(match event {
        Event::Retried(retried) => {
            format!(
                "{} {}: {}; it is asked again",
                safe(&retried.model),
                safe(&retried.reason),
                safe(&retried.message)
            )
        }
        Event::FellBack(left) => {
            let (from, to) = (safe(&left.from), safe(&left.to));
            format!("{from} {}: {}; {to} is asked now", safe(&left.reason), safe(&left.message))
        }
        Event::Superseded(_) => "what came so far is void; the answer begins anew".to_owned(),
        Event::ContextTrimmed(trimmed) => {
            format!("the model does not see the {} oldest messages", trimmed.dropped.len())
        }
        Event::Completed(message) if message.finish_reason == "LENGTH" => {
            "cut at the limit of tokens".to_owned()
        }
        Event::ToolCall(delta) if !delta.name.is_empty() => {
            format!("the model wants the tool {} called", safe(&delta.name))
        }
        _ => return None,
    })
}
