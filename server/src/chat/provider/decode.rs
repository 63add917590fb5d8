//! Bytes of a stream as they come, cut into events: server-sent events, and JSON a line.
//!
//! It knows nothing about what an event says, nor where the bytes come from. An event under way is all that it
//! holds of what it was fed, and that has a limit. Every byte is looked at once, however the bytes are split.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

use super::{Failure, FailureKind};

/// Bytes that one event may have, unless the caller says otherwise.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// Some programs begin a stream with it; it is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What `event:` said; empty: nothing, as always in NDJSON.
    pub name: String,
    /// Its data: lines joined by `\n` in server-sent events, one line in NDJSON.
    pub data: Bytes,
}

/// What cuts bytes into events. Feed bytes, then take events until there are none.
pub trait Decode: Send + 'static {
    /// Takes more bytes. Take all events before feeding more, or they pile up.
    fn feed(&mut self, bytes: &[u8]);

    /// The next whole event; `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`FailureKind::Malformed`]: an event is larger than the limit. Nothing more can be decoded then.
    fn event(&mut self) -> Result<Option<Event>, Failure>;

    /// What stands there unfinished when the bytes have ended, where the format lets it count as an event.
    fn rest(&mut self) -> Option<Event>;
}

/// Lines of bytes as they come.
#[derive(Debug)]
struct Lines {
    bytes: BytesMut,
    /// So many of the bytes hold no end of a line.
    scanned: usize,
    line_bytes_max: usize,
    /// A carriage return ends a line too.
    returns: bool,
    /// The line before ended in a carriage return: a newline that follows belongs to it.
    returned: bool,
}

impl Lines {
    fn new(line_bytes_max: usize, returns: bool) -> Self {
        Self { bytes: BytesMut::new(), scanned: 0, line_bytes_max, returns, returned: false }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line without its end.
    fn line(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.returned && !self.bytes.is_empty() {
            self.returned = false;
            if self.bytes[0] == b'\n' {
                self.bytes.advance(1);
            }
        }
        let fresh = &self.bytes[self.scanned..];
        let end = if self.returns { memchr2(b'\n', b'\r', fresh) } else { memchr(b'\n', fresh) };
        let length = end.map_or(self.bytes.len(), |at| self.scanned + at);
        if length > self.line_bytes_max {
            return Err(too_large(self.line_bytes_max));
        }
        let Some(_) = end else {
            self.scanned = length;
            return Ok(None);
        };
        self.scanned = 0;
        let line = self.bytes.split_to(length).freeze();
        self.returned = self.bytes[0] == b'\r';
        self.bytes.advance(1);
        Ok(Some(line))
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(
        FailureKind::Malformed,
        format!("the model server sent an event of more than {limit} bytes, which is the limit"),
    )
}

/// Server-sent events, as the HTML standard has them. `id` and `retry` are ignored: a stream is never asked for twice.
#[derive(Debug)]
pub struct Sse {
    lines: Lines,
    first: bool,
    name: String,
    /// Lines of data so far, each with a newline behind it.
    data: BytesMut,
    event_bytes_max: usize,
}

impl Sse {
    /// Decodes events of at most so many bytes each.
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            lines: Lines::new(event_bytes_max, true),
            first: true,
            name: String::new(),
            data: BytesMut::new(),
            event_bytes_max,
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Failure> {
        let (name, value) = match memchr(b':', line) {
            // A comment.
            Some(0) => return Ok(()),
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &line[line.len()..]),
        };
        match name {
            b"data" => {
                if self.data.len() + value.len() >= self.event_bytes_max {
                    return Err(too_large(self.event_bytes_max));
                }
                self.data.extend_from_slice(value);
                self.data.extend_from_slice(b"\n");
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
        Ok(())
    }
}

impl Decode for Sse {
    fn feed(&mut self, bytes: &[u8]) {
        self.lines.feed(bytes);
    }

    fn event(&mut self) -> Result<Option<Event>, Failure> {
        while let Some(mut line) = self.lines.line()? {
            if std::mem::take(&mut self.first) && line.starts_with(BYTE_ORDER_MARK) {
                line.advance(BYTE_ORDER_MARK.len());
            }
            if !line.is_empty() {
                self.field(&line)?;
                continue;
            }
            let name = std::mem::take(&mut self.name);
            // An event without a line of data is none.
            if let Some(length) = self.data.len().checked_sub(1) {
                let data = self.data.split_to(length).freeze();
                self.data.clear();
                return Ok(Some(Event { name, data }));
            }
        }
        Ok(None)
    }

    fn rest(&mut self) -> Option<Event> {
        // The standard: an event that no empty line ended is discarded.
        None
    }
}

/// JSON a line. Empty lines are ignored.
#[derive(Debug)]
pub struct Ndjson(Lines);

impl Ndjson {
    /// Decodes lines of at most so many bytes each.
    pub fn new(event_bytes_max: usize) -> Self {
        Self(Lines::new(event_bytes_max, false))
    }
}

impl Decode for Ndjson {
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
    }

    fn event(&mut self) -> Result<Option<Event>, Failure> {
        while let Some(line) = self.0.line()? {
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Event { name: String::new(), data: line }));
            }
        }
        Ok(None)
    }

    fn rest(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.0.bytes).freeze();
        self.0.scanned = 0;
        (!line.trim_ascii().is_empty()).then_some(Event { name: String::new(), data: line })
    }
}

#[cfg(test)]
mod tests;
