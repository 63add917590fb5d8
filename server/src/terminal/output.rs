//! The output of one terminal, wherever it is in its life: a range of it, or a place to read it from.
//!
//! It knows nothing about who may read.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    live::Live,
    record::{Exit, Record},
    session::Source,
};
use crate::{
    auth::Principal,
    error::{Error, Result},
    ids::WriterId,
    log::{Chunk, Log, Reader},
};

/// The output of one terminal.
#[derive(Debug)]
pub(crate) struct Output {
    pub(super) log: Arc<Log>,
    pub(super) record: Record,
    pub(super) ended: watch::Receiver<Option<Exit>>,
    /// Present if it runs here.
    pub(super) live: Option<Arc<Live>>,
}

impl Output {
    /// Seats a reader.
    pub(super) fn source(
        self,
        principal: &Principal,
        writer: Option<WriterId>,
        offset: u64,
    ) -> Result<Source> {
        let Self { log, record, ended, live } = self;
        let seat = live.map(|live| live.seat(principal.token_name.clone(), writer, offset)).transpose()?;
        Ok(Source { log, record, ended, seat })
    }
}

/// A range of output.
#[derive(Debug)]
pub(crate) struct Range {
    /// Offset of the first byte.
    pub(crate) offset: u64,
    /// The bytes.
    pub(crate) bytes: bytes::Bytes,
    /// What is missing before them.
    pub(crate) gap: Option<(u64, u64)>,
    /// The end of the output.
    pub(crate) output_end: u64,
    /// True if the terminal has ended and nothing comes after them.
    pub(crate) at_end: bool,
}

impl Output {
    /// The log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// At most so many bytes from an offset on.
    pub(crate) async fn read(self, offset: u64, length: usize) -> Result<Range> {
        let read = tokio::task::spawn_blocking(move || self.read_now(offset, length)).await;
        read.map_err(Error::internal)?.map_err(Error::internal)
    }

    fn read_now(&self, offset: u64, length: usize) -> std::io::Result<Range> {
        let mut reader = Reader::new(Arc::clone(&self.log), offset);
        let (mut start, mut bytes, mut gap) = (offset, Vec::new(), None);
        while bytes.len() < length {
            match reader.read(length - bytes.len())? {
                Some(Chunk::Data { bytes: more, .. }) => bytes.extend_from_slice(&more),
                // A hole after bytes is the next call's to tell.
                Some(Chunk::Gap { .. }) if !bytes.is_empty() => break,
                Some(Chunk::Gap { from, to }) => {
                    gap = Some((from, to));
                    start = to;
                }
                Some(Chunk::Mark(_)) => {}
                None => break,
            }
        }
        let end_offset = start + bytes.len() as u64;
        let output_end = self.log.end();
        let at_end = self.log.is_finished() && end_offset >= output_end;
        Ok(Range { offset: start, bytes: bytes.into(), gap, output_end, at_end })
    }
}
