//! A cursor on a log: history first, then live, no gap, no duplicate.
//!
//! It pulls; nobody waits for it. It knows nothing about who reads.

use std::{fs::File, io, sync::Arc};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    Log, Mark, Progress,
    segments::{At, read_at},
};

/// What a reader gets next.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// Bytes from this offset on.
    Data {
        /// Offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// What was there is not kept.
    Gap {
        /// Offset of the first byte that is missing.
        from: u64,
        /// Offset of the byte after the last one missing.
        to: u64,
    },
    /// Something that happened.
    Mark(Mark),
}

/// A reader of a log.
#[derive(Debug)]
pub struct Reader {
    log: Arc<Log>,
    progress: watch::Receiver<Progress>,
    offset: u64,
    next_mark: u64,
    /// The file that was read last, with its base: a busy reader opens each file once.
    file: Option<(u64, Arc<File>)>,
}

impl Reader {
    /// A reader that begins at an offset.
    pub fn new(log: Arc<Log>, offset: u64) -> Self {
        let progress = log.progress();
        let next_mark = log.state().index.first_at(offset);
        Self { log, progress, offset, next_mark, file: None }
    }

    /// Where it is: the offset of the next byte it gets.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// True if it has got everything and nothing more will come.
    pub fn at_end(&self) -> bool {
        let progress = *self.progress.borrow();
        progress.finished && self.offset >= progress.end && self.next_mark >= progress.marks
    }

    /// What is there by now, at most `max` bytes; `None` if it has got everything.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(&mut self, max: usize) -> io::Result<Option<Chunk>> {
        let progress = *self.progress.borrow_and_update();
        let mark = if self.next_mark < progress.marks { self.peek_mark() } else { None };
        if let Some((number, mark)) = mark.as_ref().filter(|(_, m)| m.offset <= self.offset) {
            self.next_mark = number + 1;
            return Ok(Some(Chunk::Mark(mark.clone())));
        }
        let end = mark.map_or(progress.end, |(_, mark)| mark.offset.min(progress.end));
        if self.offset >= end {
            return Ok(None);
        }
        let max = max.min(usize::try_from(end - self.offset).unwrap_or(usize::MAX));
        self.read_bytes(max)
    }

    fn read_bytes(&mut self, max: usize) -> io::Result<Option<Chunk>> {
        // Within the file that was read last there is nothing to look up, unless that is its end.
        if let Some((base, file)) = &self.file {
            let bytes = read_at(file, self.offset - base, max)?;
            if !bytes.is_empty() {
                return Ok(Some(self.data(bytes)));
            }
            self.file = None;
        }
        let (hole_end, at) = {
            let state = self.log.state();
            (state.end(), state.segments.at(self.offset, state.end())?)
        };
        match at {
            At::Bytes { file, base, end } => {
                let max = max.min(usize::try_from(end - self.offset).unwrap_or(usize::MAX));
                let bytes = read_at(&file, self.offset - base, max)?;
                self.file = Some((base, file));
                Ok(Some(self.data(bytes)))
            }
            At::Gap(to) => {
                let from = std::mem::replace(&mut self.offset, to.min(hole_end));
                Ok(Some(Chunk::Gap { from, to: self.offset }))
            }
            At::End => Ok(None),
        }
    }

    fn data(&mut self, bytes: Vec<u8>) -> Chunk {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        Chunk::Data { offset, bytes: bytes.into() }
    }

    fn peek_mark(&self) -> Option<(u64, Mark)> {
        let state = self.log.state();
        state.index.get(self.next_mark).map(|(number, mark)| (number, mark.clone()))
    }

    /// Waits until there may be something to read. Cancel-safe.
    pub async fn changed(&mut self) {
        // The sender lives in the log that we hold.
        let _ = self.progress.changed().await;
    }
}
