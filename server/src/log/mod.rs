//! Append-only logs of bytes with readers that bring their own cursor.
//!
//! A log never knows who reads and never waits for a reader. What a reader was shown is in a file before it sees it,
//! so a cursor means the same before and after a kill. It knows nothing about terminals.

mod hole;
mod index;
mod reader;
mod segments;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io,
    os::{
        fd::BorrowedFd,
        unix::fs::{DirBuilderExt, FileExt as _},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::{
    io::Errno,
    pipe::{SpliceFlags, splice},
};
use tokio::sync::watch;

pub use index::{Mark, MarkKind};
pub use reader::{Chunk, Reader};

use self::{hole::Hole, index::Index, segments::Segments};

/// How much of a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub segment_bytes: u64,
    /// Bytes of all files.
    pub bytes_max: u64,
    /// Marks.
    pub index_entries_max: usize,
}

/// How far a log has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Offset after the newest byte.
    pub end: u64,
    /// Marks ever made.
    pub marks: u64,
    /// True if nothing more will come.
    pub finished: bool,
}

/// One log.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct State {
    segments: Segments,
    index: Index,
    /// Open while the disk is full.
    hole: Option<Hole>,
    /// When to try again to get room.
    retry_at: Option<Instant>,
}

/// While the disk is full, it is asked for room so often.
const FULL_RETRY: Duration = Duration::from_secs(1);
/// Bytes that are let go at once while the disk is full.
const DISCARD_BYTES: usize = 64 * 1024;

impl State {
    fn end(&self) -> u64 {
        self.hole.map_or(self.segments.end(), |hole| hole.to)
    }
}

fn directory(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

impl Log {
    /// Makes a log, or opens one for appending.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(dir: &Path, limits: Limits) -> io::Result<Self> {
        directory(dir)?;
        hole::reserve(dir)?;
        Self::open(dir, limits)
    }

    /// The same for a producer that only [appends](Self::append): there is never a hole in its log, and no file for one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create_for_append(dir: &Path, limits: Limits) -> io::Result<Self> {
        directory(dir)?;
        Self::open(dir, limits)
    }

    /// Opens a log to read it.
    ///
    /// # Errors
    /// What the file system says; `NotFound` if it is not there.
    pub fn open(dir: &Path, limits: Limits) -> io::Result<Self> {
        let segments = Segments::open(dir, limits.segment_bytes, limits.bytes_max)?;
        let mut index = Index::open(dir, limits.index_entries_max)?;
        // A hole that a later segment begins after is closed: the segments tell of it.
        let hole = hole::read(dir)?.filter(|hole| hole.to > segments.end());
        index.clamp(hole.map_or(segments.end(), |hole| hole.to));
        let finished = index.newest(|kind| *kind == MarkKind::End).is_some();
        let state = State { segments, index, hole, retry_at: None };
        let progress = Progress { end: state.end(), marks: state.index.count(), finished };
        let (progress, _) = watch::channel(progress);
        Ok(Self { dir: dir.to_owned(), state: Mutex::new(state), progress })
    }

    /// Forgets a log.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(dir: &Path) -> io::Result<()> {
        match fs::remove_dir_all(dir) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offset of the oldest byte kept.
    pub fn start(&self) -> u64 {
        self.state().segments.start()
    }

    /// Offset after the newest byte.
    pub fn end(&self) -> u64 {
        self.progress.borrow().end
    }

    /// Bytes within the log that were never kept.
    pub fn lost_bytes(&self) -> u64 {
        let state = self.state();
        state.segments.hole_bytes() + state.hole.map_or(0, |hole| hole.to - hole.from)
    }

    /// Offset of the newest title; 0 if there is none.
    pub fn title_offset(&self) -> u64 {
        self.state().index.newest(|kind| matches!(kind, MarkKind::Title { .. })).map_or(0, |mark| mark.offset)
    }

    /// How far it has got, now and later.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The newest title.
    pub fn title(&self) -> Option<String> {
        let state = self.state();
        let mark = state.index.newest(|kind| matches!(kind, MarkKind::Title { .. }))?;
        match &mark.kind {
            MarkKind::Title { title } => Some(title.clone()),
            _ => None,
        }
    }

    /// Moves what the pipe holds to the end of the log and tells the readers: everything, or as much as is known to be
    /// there. Returns how much it was.
    ///
    /// Does not fail for a full disk: what cannot be kept becomes a hole, and the writer lives on.
    ///
    /// # Errors
    /// Not even the hole can be written down. The bytes are still in the pipe: drain again before more goes in.
    pub fn drain(&self, pipe: BorrowedFd<'_>, known: Option<u64>) -> io::Result<u64> {
        // A terminal that has printed nothing costs no file.
        if known.is_none() && rustix::io::ioctl_fionread(pipe)? == 0 {
            return Ok(0);
        }
        let before = self.end();
        let mut total = 0;
        while known.is_none_or(|known| total < known) {
            let target = self.state().target(&self.dir);
            let moved = match target.and_then(|target| move_into(target, pipe)) {
                Ok(moved) => {
                    self.state().segments.appended(moved);
                    moved
                }
                // Whatever it is that keeps it from the disk: the writer lives on, and the hole says what is missing.
                Err(cause) => self.state().discard(&self.dir, pipe, &cause)?,
            };
            if moved == 0 {
                break;
            }
            total += moved;
        }
        let end = self.state().end();
        if end > before {
            self.progress.send_modify(|p| p.end = end);
        }
        Ok(end - before)
    }

    /// Puts bytes at the end of the log and tells the readers: all of them, or none. For producers that can be told
    /// of a full disk, and stop; the others [`drain`](Self::drain).
    ///
    /// One producer at a time. A kill in between may leave a part of the bytes in the file, which no reader was told of.
    ///
    /// # Errors
    /// What the file system says; the log is then as before.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let before = state.segments.end();
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = state.target(&self.dir).and_then(|(file, position, room)| {
                let (now, _) = rest.split_at(room.min(rest.len()));
                file.write_all_at(now, position)?;
                Ok(now.len())
            });
            match written {
                Ok(written) => {
                    state.segments.appended(written as u64);
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(cause) => {
                    state.segments.cut(before);
                    return Err(cause);
                }
            }
        }
        let end = state.end();
        drop(state);
        self.progress.send_modify(|p| p.end = end);
        Ok(())
    }

    /// True if nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.progress.borrow().finished
    }

    /// Nothing more will come, whether or not there is a mark that says so.
    pub fn finish(&self) {
        self.progress.send_modify(|p| p.finished = true);
    }

    /// Makes a mark at the end of the log, or at an offset before it.
    pub fn mark(&self, kind: MarkKind, offset: Option<u64>) {
        let mut state = self.state();
        let finished = kind == MarkKind::End;
        if finished {
            state.segments.trim();
        }
        let offset = offset.unwrap_or_else(|| state.end());
        let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        let mark = Mark { offset, time_ms: u64::try_from(time_ms).unwrap_or(u64::MAX), kind };
        if let Err(cause) = state.index.push(mark) {
            tracing::warn!(log = %self.dir.display(), %cause, "a mark is only in memory");
        }
        let marks = state.index.count();
        drop(state);
        self.progress.send_modify(|p| {
            p.marks = p.marks.max(marks);
            p.finished |= finished;
        });
    }
}

impl State {
    /// Where the next bytes go. Closes a hole as soon as there is room.
    fn target(&mut self, dir: &Path) -> io::Result<(Arc<File>, u64, usize)> {
        if let Some(hole) = self.hole {
            if self.retry_at.is_some_and(|at| at > Instant::now()) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.segments.begin_at(hole.to)?;
            self.hole = None;
            let bytes = hole.to - hole.from;
            tracing::info!(log = %dir.display(), bytes, "the disk has room again; a hole is left");
        }
        self.segments.target()
    }

    fn discard(&mut self, dir: &Path, pipe: BorrowedFd<'_>, cause: &io::Error) -> io::Result<u64> {
        let waiting = rustix::io::ioctl_fionread(pipe)?.min(DISCARD_BYTES as u64);
        if waiting == 0 {
            return Ok(0);
        }
        let end = self.segments.end();
        let hole = match self.hole {
            Some(hole) => Hole { to: hole.to + waiting, ..hole },
            None => {
                tracing::error!(log = %dir.display(), offset = end, %cause, "output cannot be kept");
                Hole { from: end, to: end + waiting }
            }
        };
        if self.retry_at.is_none_or(|at| at <= Instant::now()) {
            self.retry_at = Some(Instant::now() + FULL_RETRY);
        }
        hole::write(dir, hole)?;
        self.hole = Some(hole);
        let mut rest = vec![0; usize::try_from(waiting).unwrap_or(DISCARD_BYTES)];
        let mut read = 0;
        while read < rest.len() {
            read += rustix::io::read(pipe, rest.get_mut(read..).unwrap_or_default())?;
        }
        Ok(waiting)
    }
}

/// The kernel moves the bytes: at no instant are they only in this process. Without the lock, because a slow disk
/// may take its time and there is only one producer. Returns 0 when the pipe is empty.
fn move_into((file, mut position, room): (Arc<File>, u64, usize), pipe: BorrowedFd<'_>) -> io::Result<u64> {
    match splice(pipe, None, &*file, Some(&mut position), room, SpliceFlags::NONBLOCK | SpliceFlags::MOVE) {
        Ok(n) => Ok(n as u64),
        Err(Errno::AGAIN) => Ok(0),
        Err(cause) => Err(cause.into()),
    }
}
