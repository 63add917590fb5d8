//! How far one answer is in the database, and what of its log is not there yet.
//!
//! It knows nothing about the database.

use std::sync::Arc;

use crate::{
    chat::{event, live::Live, record::Message, store::Chunk},
    ids::MessageId,
    log::{self, Reader},
};

/// How far an answer is in the database.
pub(super) struct Cursor {
    message: MessageId,
    reader: Reader,
    /// Whole and torn lines that are not in the database.
    lines: Vec<u8>,
    /// The first of them.
    first: u64,
}

impl Cursor {
    pub(super) fn new(live: &Live) -> Self {
        let reader = Reader::new(Arc::clone(&live.log), 0);
        Self { message: live.message, reader, lines: Vec::new(), first: 1 }
    }

    /// Reads on until so many bytes are there.
    fn read(&mut self, most: usize) -> std::io::Result<()> {
        while self.lines.len() < most {
            match self.reader.read(most - self.lines.len())? {
                Some(log::Chunk::Data { bytes, .. }) => self.lines.extend_from_slice(&bytes),
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }

    pub(super) fn pending(&mut self, mut most: usize) -> std::io::Result<Option<Chunk>> {
        loop {
            self.read(most)?;
            let (whole, torn) = event::whole_lines(&self.lines);
            if !whole.is_empty() || torn.len() < most {
                return Ok(chunk(self.message, self.first, whole));
            }
            // One event that is larger than that goes in alone.
            most = most.saturating_mul(2);
        }
    }

    /// Events up to this one are in the database.
    pub(super) fn saved(&mut self, last: u64) {
        let (whole, _) = event::whole_lines(&self.lines);
        let mut kept = whole.len();
        for line in whole.split_inclusive(|byte| *byte == b'\n').rev() {
            match event::sequence_of(line) {
                Some((sequence, _)) if sequence > last => kept -= line.len(),
                _ => break,
            }
        }
        self.lines.drain(..kept);
        // There may be many answers, and most of them have nothing to wait for.
        self.lines.shrink_to_fit();
        self.first = last + 1;
    }

    /// Everything that is left, and the line of the last event.
    pub(super) fn rest(&mut self, message: &Message) -> std::io::Result<Chunk> {
        self.read(usize::MAX)?;
        let mut lines = std::mem::take(&mut self.lines);
        lines.truncate(event::whole_lines(&lines).0.len());
        event::write_completed(&mut lines, message.last_sequence, message)?;
        // They are JSON of ours.
        let lines = String::from_utf8(lines).map_err(std::io::Error::other)?;
        Ok(Chunk { message: self.message, first: self.first, last: message.last_sequence, lines })
    }
}

fn chunk(message: MessageId, first: u64, whole: &[u8]) -> Option<Chunk> {
    let last_line = whole.split_inclusive(|byte| *byte == b'\n').next_back()?;
    let (last, _) = event::sequence_of(last_line)?;
    Some(Chunk { message, first, last, lines: String::from_utf8_lossy(whole).into_owned() })
}
