//! The events of an answer, and the lines that they are in segment files and in the database.
//!
//! It knows nothing about who makes them and who reads them.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    commands::Done,
    provider::{Piece, Stop, ToolCall},
    record::{Attempt, Beside, Counted, Message},
};
use crate::ids::MessageId;

/// What can happen to an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The generation began.
    Started {
        /// The model that was asked for.
        model: String,
        /// The models that are asked in turn.
        candidates: Vec<String>,
        /// Tokens of the prompt, estimated, for whoever replays.
        input_tokens: u64,
    },
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Thinking {
        /// The thoughts.
        text: String,
        /// The provider's seal; empty: none yet.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        signature: String,
    },
    /// More of a tool call.
    ToolCall {
        /// Which, from 0.
        index: u32,
        /// More of it.
        #[serde(flatten)]
        call: ToolCall,
    },
    /// The same model is asked again. Carries the attempt that failed, for whoever replays.
    Retried {
        /// The attempt.
        attempt: Attempt,
        /// Milliseconds until then.
        delay_ms: u64,
    },
    /// The next model is asked.
    FellBack {
        /// The attempt that failed.
        attempt: Attempt,
        /// The next model.
        to: String,
    },
    /// What came since a sequence is void.
    Superseded {
        /// From this one on.
        from_sequence: u64,
    },
    /// The oldest messages were left out.
    ContextTrimmed {
        /// Which.
        dropped: Vec<MessageId>,
    },
    /// The count of tokens so far.
    Usage(Counted),
    /// What a command came to.
    CommandResult(Box<Done>),
    /// It is finished. [`write_completed`] writes it without a copy of the text.
    #[serde(deserialize_with = "completed", skip_serializing)]
    Completed(Box<Message>),
}

/// The last event as it is written: the text lies beside the record, which leaves it out.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Last<'m> {
    Completed { message: &'m Message, content: &'m str },
}

/// And as it is read.
#[derive(Deserialize)]
struct Completed {
    message: Box<Message>,
    content: String,
}

fn completed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Message>, D::Error> {
    let Completed { mut message, content } = Completed::deserialize(deserializer)?;
    message.content = content;
    Ok(message)
}

/// An event and its place in the log.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// From 1.
    pub sequence: u64,
    /// What happened.
    pub event: Event,
}

/// Writes an event as a line at the end of `lines`; not the last one.
pub fn write(lines: &mut Vec<u8>, sequence: u64, event: &Event) -> serde_json::Result<()> {
    write_line(lines, sequence, event)
}

/// Writes the last event as a line at the end of `lines`.
pub fn write_completed(lines: &mut Vec<u8>, sequence: u64, message: &Message) -> serde_json::Result<()> {
    let last = Last::Completed { message, content: &message.content };
    write_line(lines, sequence, &last)
}

fn write_line(lines: &mut Vec<u8>, sequence: u64, event: &impl Serialize) -> serde_json::Result<()> {
    lines.extend_from_slice(sequence.to_string().as_bytes());
    lines.push(b' ');
    serde_json::to_writer(&mut *lines, event)?;
    lines.push(b'\n');
    Ok(())
}

/// Reads a line, without its end.
pub fn read(line: &[u8]) -> Option<Numbered> {
    let (sequence, rest) = sequence_of(line)?;
    Some(Numbered { sequence, event: serde_json::from_slice(rest).ok()? })
}

/// The sequence of a line, and the rest of it.
pub fn sequence_of(line: &[u8]) -> Option<(u64, &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (number, rest) = line.split_at(space);
    let sequence = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some((sequence, rest.get(1..)?))
}

/// The whole lines of some bytes, and what is left behind the last one.
pub fn whole_lines(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1))
}

/// The answer as its events have made it so far.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The newest event.
    pub sequence: u64,
    /// The text.
    pub content: String,
    /// The rest.
    pub beside: Beside,
    /// The first event with content since the last time that content was void.
    pub content_from: Option<u64>,
    /// Attempts that were left.
    pub left: Vec<Attempt>,
    /// The last count of tokens since the last attempt that was left.
    pub counted: Option<Counted>,
    /// The models that are asked in turn.
    pub candidates: Vec<String>,
    /// Tokens of the prompt, estimated.
    pub input_tokens: u64,
    /// The last attempt that was left was left for the same model.
    pub retrying: bool,
    /// What a command came to.
    pub done: Option<Done>,
}

impl Answer {
    /// Takes the next event.
    pub fn apply(&mut self, sequence: u64, event: &Event) {
        self.sequence = sequence;
        match event {
            Event::Started { candidates, input_tokens, .. } => {
                self.candidates.clone_from(candidates);
                self.input_tokens = *input_tokens;
            }
            Event::Text(text) => {
                self.content_from.get_or_insert(sequence);
                self.content.push_str(text);
            }
            Event::Thinking { text, signature } => {
                self.content_from.get_or_insert(sequence);
                self.beside.thinking.push_str(text);
                // A seal is for its own thoughts: those of several are told apart, and not sent back.
                let seal = &mut self.beside.thinking_signature;
                if !seal.is_empty() && !signature.is_empty() {
                    seal.push('\n');
                }
                seal.push_str(signature);
            }
            Event::ToolCall { index, call } => {
                self.content_from.get_or_insert(sequence);
                self.tool_call(*index, call);
            }
            Event::Retried { attempt, .. } | Event::FellBack { attempt, .. } => {
                self.left.push(attempt.clone());
                self.counted = None;
                self.retrying = matches!(event, Event::Retried { .. });
            }
            Event::Superseded { .. } => {
                self.content.clear();
                self.beside = Beside::default();
                self.content_from = None;
            }
            Event::Usage(counted) => self.counted = Some(*counted),
            Event::CommandResult(done) => {
                self.content.clone_from(&done.text);
                self.done = Some((**done).clone());
            }
            Event::ContextTrimmed { .. } | Event::Completed(_) => {}
        }
    }

    fn tool_call(&mut self, index: u32, more: &ToolCall) {
        let calls = &mut self.beside.tool_calls;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        // An adapter numbers its calls without a gap.
        if index >= calls.len() {
            calls.push(ToolCall::default());
        }
        if let Some(call) = calls.get_mut(index) {
            call.id.push_str(&more.id);
            call.name.push_str(&more.name);
            call.arguments.push_str(&more.arguments);
        }
    }

    /// Bytes of everything that counts as output.
    pub fn bytes(&self) -> usize {
        let calls = self.beside.tool_calls.iter().map(|call| call.name.len() + call.arguments.len());
        self.content.len() + self.beside.thinking.len() + calls.sum::<usize>()
    }
}

/// The event of a piece of content; `None` for the others.
pub fn of_content(piece: Piece) -> Option<Event> {
    match piece {
        Piece::Text(text) => Some(Event::Text(storable(text))),
        Piece::Thinking { text, signature } => {
            Some(Event::Thinking { text: storable(text), signature: storable(signature) })
        }
        Piece::ToolCall { index, id, name, arguments } => {
            let (id, name, arguments) = (storable(id), storable(name), storable(arguments));
            Some(Event::ToolCall { index, call: ToolCall { id, name, arguments } })
        }
        Piece::Usage(_) | Piece::Stop(_) => None,
    }
}

/// PostgreSQL's text cannot hold NUL, whoever said it.
pub fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Why an answer ended, in the words of the contract.
pub fn finish_reason(stop: &Stop) -> String {
    match stop {
        Stop::End => "END",
        Stop::Length => "LENGTH",
        Stop::Sequence => "SEQUENCE",
        Stop::ToolCall => "TOOL_CALL",
        Stop::Refused => "REFUSED",
        Stop::Other(word) => return storable(word.clone()),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut lines = Vec::new();
        write(&mut lines, 7, &Event::Text("a\nb \u{1F600}".into())).unwrap();
        let (whole, rest) = whole_lines(&lines);
        assert!(rest.is_empty());
        assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), 1, "a line is one line");
        let read = read(whole.trim_ascii_end()).unwrap();
        assert_eq!(read.sequence, 7);
        assert!(matches!(read.event, Event::Text(text) if text == "a\nb \u{1F600}"));
    }

    #[test]
    fn a_torn_line_is_no_line() {
        let mut lines = Vec::new();
        write(&mut lines, 1, &Event::Text("one".into())).unwrap();
        let first = lines.len();
        write(&mut lines, 2, &Event::Text("two".into())).unwrap();
        for cut in first..lines.len() - 1 {
            let (whole, rest) = whole_lines(&lines[..cut]);
            assert_eq!((whole.len(), rest.len()), (first, cut - first));
        }
    }

    #[test]
    fn what_is_superseded_is_gone() {
        let mut answer = Answer::default();
        let events = [
            Event::Text("bad".into()),
            Event::ToolCall { index: 0, call: ToolCall { id: "c".into(), ..ToolCall::default() } },
            Event::Superseded { from_sequence: 1 },
            Event::Text("good".into()),
        ];
        for (event, sequence) in events.iter().zip(1..) {
            answer.apply(sequence, event);
        }
        assert_eq!((answer.content.as_str(), answer.beside.tool_calls.len()), ("good", 0));
        assert_eq!((answer.content_from, answer.sequence), (Some(4), 4));
    }
}
