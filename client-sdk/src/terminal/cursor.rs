//! A reader's place in a terminal's output, and the proof that nothing before it is lost or doubled.
//!
//! It must not know about connections: it only sees what came over one after the other, from a terminal or from an
//! agent.

use bytes::Buf;
use mosaic_proto::terminal::v1::{self as proto, stream_ended, terminal_event};

use super::event::{Event, Start};
use crate::{Error, Result, resume::Taken};

/// Where a reader is.
#[derive(Debug)]
pub(crate) struct Cursor {
    start: Start,
    /// The offset of the next byte; None before the first stream said where it starts.
    position: Option<u64>,
    /// Told once, even when the last stream is cut just after it.
    exited: Option<proto::Exited>,
}

/// What to do with an event of the server's.
#[derive(Debug)]
pub(crate) enum Step {
    /// Where the stream starts or goes on.
    Opened(Box<proto::Opened>),
    /// Give it to the reader.
    Give(Event),
    /// The reader has it already.
    Skip,
    /// The server goes away; connect again.
    Resume,
    /// Give it to the reader, and then nothing more.
    End(proto::StreamEnded),
}

impl From<Step> for Taken<Event> {
    /// For the messages after the first.
    fn from(step: Step) -> Self {
        match step {
            Step::Give(event) => Self::Give(event),
            Step::Skip | Step::Opened(_) => Self::Skip,
            Step::Resume => Self::Resume,
            Step::End(ended) => Self::Last(Event::Ended(ended)),
        }
    }
}

impl Cursor {
    pub(crate) fn new(start: Start) -> Self {
        let position = match start {
            Start::Offset(offset) => Some(offset),
            Start::Oldest | Start::Tail(_) | Start::Live => None,
        };
        Self { start, position, exited: None }
    }

    /// Where the next stream has to begin.
    pub(crate) fn start(&self) -> Start {
        self.position.map_or(self.start, Start::Offset)
    }

    /// The last message, if everything was read and only that message is missing.
    pub(crate) fn finished(&self) -> Option<proto::StreamEnded> {
        let exited = self.exited.as_ref()?;
        let reason = stream_ended::Reason::TerminalEnded.into();
        Some(proto::StreamEnded { reason, offset: exited.final_offset })
    }

    /// Takes the next event of a stream.
    pub(crate) fn accept(&mut self, event: terminal_event::Event) -> Result<Step> {
        use terminal_event::Event as Wire;
        Ok(match event {
            Wire::Opened(opened) => {
                self.position.get_or_insert(opened.offset);
                Step::Opened(Box::new(opened))
            }
            Wire::Output(output) => self.output(output)?,
            Wire::Gap(gap) => self.gap(gap)?,
            Wire::Resized(resized) => Step::Give(Event::Resized(resized)),
            Wire::TitleChanged(title) => Step::Give(Event::TitleChanged(title)),
            Wire::Exited(_) if self.exited.is_some() => Step::Skip,
            Wire::Exited(exited) => {
                self.at(exited.final_offset, "the end of the output")?;
                self.exited = Some(exited.clone());
                Step::Give(Event::Exited(exited))
            }
            Wire::Heartbeat(heartbeat) => Step::Give(Event::Heartbeat(heartbeat)),
            Wire::StreamEnded(ended) if ended.reason() == stream_ended::Reason::ServerStopping => {
                Step::Resume
            }
            Wire::StreamEnded(ended) => Step::End(ended),
        })
    }

    fn output(&mut self, mut output: proto::Output) -> Result<Step> {
        let position = self.position()?;
        if output.end_offset <= position {
            return Ok(Step::Skip);
        }
        if output.offset < position && output.text.is_empty() {
            let known = usize::try_from(position - output.offset).unwrap_or(usize::MAX);
            output.data.advance(known.min(output.data.len()));
            output.offset = position;
        }
        self.at(output.offset, "output")?;
        self.position = Some(output.end_offset);
        Ok(Step::Give(Event::Output(output)))
    }

    fn gap(&mut self, mut gap: proto::Gap) -> Result<Step> {
        let position = self.position()?;
        if gap.to <= position && gap.from < position {
            return Ok(Step::Skip);
        }
        gap.from = gap.from.max(position.min(gap.to));
        // A stream that starts at the oldest byte may still name what lies before it.
        if gap.to > position {
            self.at(gap.from, "a gap")?;
        }
        self.position = Some(gap.to.max(position));
        Ok(Step::Give(Event::Gap(gap)))
    }

    fn position(&self) -> Result<u64> {
        self.position.ok_or_else(|| Error::protocol("the server sent output before it said where it starts"))
    }

    fn at(&self, offset: u64, what: &str) -> Result<()> {
        let position = self.position()?;
        if offset == position {
            return Ok(());
        }
        Err(Error::protocol(format!("{what} is at byte {offset}, but byte {position} comes next")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(offset: u64) -> terminal_event::Event {
        terminal_event::Event::Opened(proto::Opened { offset, ..Default::default() })
    }

    fn output(offset: u64, data: &'static str) -> terminal_event::Event {
        let end_offset = offset + data.len() as u64;
        let data = data.into();
        terminal_event::Event::Output(proto::Output { offset, end_offset, data, text: String::new() })
    }

    fn at(offset: u64) -> Cursor {
        let mut cursor = Cursor::new(Start::Oldest);
        cursor.accept(opened(offset)).expect("first");
        cursor
    }

    #[test]
    fn output_moves_the_cursor_and_the_next_stream_begins_there() {
        let mut cursor = at(10);
        assert!(matches!(cursor.accept(output(10, "abc")), Ok(Step::Give(Event::Output(_)))));
        assert_eq!(cursor.start(), Start::Offset(13));
    }

    #[test]
    fn what_was_given_is_not_given_again() {
        let mut cursor = at(10);
        cursor.accept(output(10, "abc")).expect("in order");
        assert!(matches!(cursor.accept(output(11, "bc")), Ok(Step::Skip)));
        let Ok(Step::Give(Event::Output(rest))) = cursor.accept(output(11, "bcd")) else {
            panic!("the new part is given")
        };
        assert_eq!((rest.offset, &rest.data[..]), (13, &b"d"[..]));
    }

    #[test]
    fn a_hole_that_is_not_a_gap_is_an_error() {
        let mut cursor = at(10);
        assert!(cursor.accept(output(11, "b")).is_err());
        assert!(Cursor::new(Start::Oldest).accept(output(0, "a")).is_err());
        let exited = proto::Exited { exit: None, final_offset: 11 };
        assert!(cursor.accept(terminal_event::Event::Exited(exited)).is_err());
    }

    #[test]
    fn a_gap_leads_to_what_is_kept() {
        let mut cursor = Cursor::new(Start::Offset(5));
        cursor.accept(opened(20)).expect("opened");
        let gap = proto::Gap { from: 5, to: 20 };
        let step = cursor.accept(terminal_event::Event::Gap(gap));
        assert!(matches!(step, Ok(Step::Give(Event::Gap(proto::Gap { from: 5, to: 20 })))), "{step:?}");
        assert!(cursor.accept(output(20, "x")).is_ok());
    }

    #[test]
    fn the_exit_is_told_once_and_suffices_as_an_end() {
        let mut cursor = at(3);
        let exited = terminal_event::Event::Exited(proto::Exited { exit: None, final_offset: 3 });
        assert!(cursor.finished().is_none());
        assert!(matches!(cursor.accept(exited.clone()), Ok(Step::Give(Event::Exited(_)))));
        assert!(matches!(cursor.accept(exited), Ok(Step::Skip)));
        assert_eq!(cursor.finished().map(|ended| ended.offset), Some(3));
    }

    #[test]
    fn only_a_stopping_server_is_worth_another_stream() {
        let ended = |reason: stream_ended::Reason| {
            terminal_event::Event::StreamEnded(proto::StreamEnded { reason: reason.into(), offset: 3 })
        };
        let mut cursor = at(3);
        assert!(matches!(cursor.accept(ended(stream_ended::Reason::ServerStopping)), Ok(Step::Resume)));
        for reason in [stream_ended::Reason::Detached, stream_ended::Reason::Deleted] {
            assert!(matches!(cursor.accept(ended(reason)), Ok(Step::End(_))));
        }
    }
}
