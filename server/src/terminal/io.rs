//! The pump of one terminal: output from the PTY into the log, accepted input into the PTY.
//!
//! No byte is ever only in this process's memory: the kernel moves output from the master into a pipe and from there
//! into the segment file, and input from the journal into the master. The keeper holds all of them, too, so the next
//! server goes on at the next byte. It knows nothing about readers, writers or the database.

#![expect(unsafe_code, reason = "the reactor takes descriptors on our word that they stay open")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::{
    io::Errno,
    pipe::{SpliceFlags, splice},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    input::{Accepted, Journal, JournalFds, Pumped, Refused},
    record::now_ms,
    title::TitleScanner,
};
use crate::{
    ids::WriterId,
    keeper::{ChildIo, wire},
    log::{Chunk, Log, MarkKind, Reader},
};

/// Bytes moved in one call; the pipe holds as much.
const MOVE_BYTES: usize = 64 * 1024;
/// Buffers of a pipe of that size; each move from a PTY takes one.
const PIPE_PLACES: usize = 16;
/// Rounds of reading after the straggler time: more than a PTY holds.
const LAST_FILLS: usize = 16;
/// After a smaller move there is most likely nothing more.
const MUCH_BYTES: u64 = 2048;
/// Bytes typed at once by whoever brought them; the rest is left to the pump.
const INLINE_BYTES: u64 = 64 * 1024;
/// Titles are looked for when so much output has come, or when it pauses.
const TITLE_BYTES: u64 = 64 * 1024;
/// No slave is open, but the program has not ended: it may open its terminal again.
const REOPEN_PAUSE: Duration = Duration::from_millis(50);

/// The master within the descriptors of a child, for the reactor.
#[derive(Debug)]
struct Master(Arc<ChildIo>);

impl AsRawFd for Master {
    fn as_raw_fd(&self) -> RawFd {
        self.0.master.as_raw_fd()
    }
}

/// What the pump and whoever brings input share.
#[derive(Debug)]
pub struct TerminalIo {
    fds: Arc<ChildIo>,
    master: AsyncFd<Master>,
    journal: Mutex<Journal>,
    /// The pump has input to type.
    input_ready: Notify,
    /// Input was accepted or typed: whoever waits for an earlier sequence or for room looks again.
    input_moved: Notify,
    /// When something was last printed or typed, in milliseconds since 1970.
    active_ms: AtomicU64,
}

/// What one step of the output came to.
enum Step {
    Moved(u64),
    Empty,
    NoSlave,
}

impl TerminalIo {
    /// Must be called within the runtime that shall do the I/O.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(fds: Arc<ChildIo>, writers_max: usize, input_bytes_max: u64) -> io::Result<Self> {
        let journal = Journal::open(journal_fds(&fds), writers_max, input_bytes_max)?;
        // SAFETY: `Master` owns the descriptor and never closes or replaces it before the AsyncFd is dropped.
        let master =
            unsafe { AsyncFd::register_with_interest(Master(Arc::clone(&fds)), Interest::READABLE) }?;
        Ok(Self {
            fds,
            master,
            journal: Mutex::new(journal),
            input_ready: Notify::new(),
            input_moved: Notify::new(),
            active_ms: AtomicU64::new(now_ms()),
        })
    }

    /// The descriptors.
    pub fn fds(&self) -> &Arc<ChildIo> {
        &self.fds
    }

    /// The PTY's master.
    pub fn master(&self) -> BorrowedFd<'_> {
        self.fds.master.as_fd()
    }

    /// When something was last printed or typed, in milliseconds since 1970.
    pub fn active_ms(&self) -> u64 {
        self.active_ms.load(Ordering::Relaxed)
    }

    /// The highest sequence accepted from a writer; `None` if it is not known.
    pub fn highest(&self, writer: WriterId) -> Option<u64> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).highest(writer)
    }

    /// Resolves when input was accepted or typed after this call.
    pub fn input_moved(&self) -> tokio::sync::futures::Notified<'_> {
        self.input_moved.notified()
    }

    /// Accepts input and types what the terminal takes at once. Without a writer it has no sequence. `before_typing`
    /// is done when new input is accepted and before a byte of it is typed.
    ///
    /// # Errors
    /// [`Refused`]; nothing of it will be typed.
    pub fn accept(
        &self,
        writer: Option<(WriterId, u64)>,
        data: &[u8],
        before_typing: impl FnOnce(),
    ) -> Result<Accepted, Refused> {
        let fds = journal_fds(&self.fds);
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = match writer {
            Some((writer, sequence)) => journal.accept(fds, writer, sequence, data)?,
            None => journal.accept_unnumbered(fds, data).map(|()| Accepted::Now)?,
        };
        if accepted == Accepted::Now {
            before_typing();
            if !matches!(journal.pump(fds, self.master(), INLINE_BYTES), Ok(Pumped::Done)) {
                self.input_ready.notify_one();
            }
        }
        drop(journal);
        self.active_ms.store(now_ms(), Ordering::Relaxed);
        self.input_moved.notify_waiters();
        Ok(accepted)
    }

    /// Pumps until the terminal is over: its program has ended, and its output was read to the end, or for the
    /// straggler time, if something else still holds the terminal open.
    pub async fn run(
        &self,
        log: &Arc<Log>,
        exit: watch::Receiver<Option<wire::Exit>>,
        straggler_wait: Duration,
    ) {
        tokio::select! {
            () = self.output(log, exit, straggler_wait) => {}
            () = self.input() => {}
        }
    }

    async fn output(
        &self,
        log: &Arc<Log>,
        mut exit: watch::Receiver<Option<wire::Exit>>,
        straggler_wait: Duration,
    ) {
        let mut titles = Titles::new(log);
        // The former server may have been killed with bytes in the pipe.
        self.drain(log, None).await;
        let mut deadline = None;
        loop {
            if deadline.is_none() && exit.borrow_and_update().is_some() {
                deadline = Some(Instant::now() + straggler_wait);
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                // What is there by now still counts, but whoever holds the terminal open may not print for ever.
                for _ in 0..LAST_FILLS {
                    let (moved, _) = self.fill();
                    self.drain(log, Some(moved)).await;
                    if moved == 0 {
                        break;
                    }
                }
                break;
            }
            let ready = tokio::select! {
                ready = self.master.readable() => ready,
                _ = exit.changed(), if deadline.is_none() => continue,
                () = wait_until(deadline) => continue,
            };
            let (moved, last) = self.fill();
            if moved > 0 {
                self.drain(log, Some(moved)).await;
                titles.look(log, false);
                tokio::task::consume_budget().await;
            }
            match last {
                Ok(Step::Moved(_)) => {}
                Ok(Step::Empty) => {
                    titles.look(log, true);
                    if let Ok(mut ready) = ready {
                        ready.clear_ready();
                    }
                }
                Ok(Step::NoSlave) if deadline.is_some() => break,
                Ok(Step::NoSlave) => tokio::time::sleep(REOPEN_PAUSE).await,
                Err(cause) => {
                    tracing::error!(%cause, "the terminal cannot be read");
                    tokio::time::sleep(REOPEN_PAUSE).await;
                }
            }
        }
        self.drain(log, None).await;
        titles.look(log, true);
    }

    /// Moves what the master has into the pipe, which is empty before: as long as it brings much, so that a busy program
    /// costs one move to the log and one wake-up of the readers for many reads. Never to the pipe's last place: a full
    /// pipe could not be told from an empty master.
    fn fill(&self) -> (u64, io::Result<Step>) {
        let mut total = 0;
        for _ in 1..PIPE_PLACES {
            match self.step() {
                Ok(Step::Moved(n)) => {
                    total += n;
                    if n < MUCH_BYTES {
                        break;
                    }
                }
                last => return (total, last),
            }
        }
        (total, Ok(Step::Moved(total)))
    }

    /// Moves once what the master has into the pipe: the kernel gives at most about 4 KiB.
    fn step(&self) -> io::Result<Step> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match splice(&self.fds.master, None, &self.fds.pipe_write, None, MOVE_BYTES, flags) {
            Ok(0) | Err(Errno::IO) => Ok(Step::NoSlave),
            Ok(n) => Ok(Step::Moved(n as u64)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Step::Empty),
            Err(Errno::INVAL) => self.copy(),
            Err(cause) => Err(cause.into()),
        }
    }

    /// For kernels whose PTYs cannot splice: between the two calls the bytes are only in this process, so a kill at
    /// that instant loses them.
    fn copy(&self) -> io::Result<Step> {
        let mut bytes = [0; 4096];
        match rustix::io::read(&self.fds.master, &mut bytes) {
            Ok(0) | Err(Errno::IO) => Ok(Step::NoSlave),
            Ok(n) => {
                rustix::io::write(&self.fds.pipe_write, bytes.get(..n).unwrap_or_default())?;
                Ok(Step::Moved(n as u64))
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Step::Empty),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Empties the pipe into the log. Nothing may go into the pipe before that has succeeded: a pipe that is full could
    /// not be told from an empty master.
    async fn drain(&self, log: &Log, known: Option<u64>) {
        let mut known = known;
        loop {
            match log.drain(self.fds.pipe_read.as_fd(), known) {
                Ok(0) => return,
                Ok(_) => return self.active_ms.store(now_ms(), Ordering::Relaxed),
                Err(cause) => {
                    tracing::error!(%cause, "output cannot be written to the log; it waits in the pipe")
                }
            }
            // How much of it is left is not known.
            known = None;
            tokio::time::sleep(REOPEN_PAUSE).await;
        }
    }

    async fn input(&self) {
        loop {
            let more = self.input_ready.notified();
            let pumped = {
                let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
                journal.pump(journal_fds(&self.fds), self.master(), INLINE_BYTES)
            };
            self.input_moved.notify_waiters();
            match pumped {
                Ok(Pumped::Done) => more.await,
                Ok(Pumped::More) => tokio::task::yield_now().await,
                Ok(Pumped::Blocked) => self.until_writable().await,
                // No slave is open; the output side decides whether it is over.
                Err(_) => tokio::time::sleep(REOPEN_PAUSE).await,
            }
        }
    }

    /// Waits until the terminal takes input. The reactor watches for that only as long as it is needed: otherwise each
    /// key that a program reads would wake the pump.
    async fn until_writable(&self) {
        let Ok(master) = self.fds.master.try_clone() else {
            // No descriptor is left; one may be soon.
            return tokio::time::sleep(REOPEN_PAUSE).await;
        };
        // SAFETY: the AsyncFd owns this duplicate.
        let watched = unsafe { AsyncFd::register_with_interest(master, Interest::WRITABLE) };
        match watched {
            // Whoever waits tries again afterwards.
            Ok(watched) => drop(watched.writable().await),
            Err(_) => tokio::time::sleep(REOPEN_PAUSE).await,
        }
    }
}

fn journal_fds(fds: &ChildIo) -> JournalFds<'_> {
    JournalFds { data: fds.data.as_fd(), records: fds.records.as_fd() }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Follows the log and marks the titles in it.
struct Titles {
    reader: Reader,
    scanner: TitleScanner,
    newest: Option<String>,
}

impl Titles {
    fn new(log: &Arc<Log>) -> Self {
        // What the former server had not looked at yet is at most so much.
        let from = log.end().saturating_sub(2 * TITLE_BYTES).max(log.start()).max(log.title_offset());
        Self {
            reader: Reader::new(Arc::clone(log), from),
            scanner: TitleScanner::default(),
            newest: log.title(),
        }
    }

    fn look(&mut self, log: &Log, paused: bool) {
        if !paused && log.end() - self.reader.offset() < TITLE_BYTES {
            return;
        }
        let (scanner, newest) = (&mut self.scanner, &mut self.newest);
        while let Ok(Some(chunk)) = self.reader.read(MOVE_BYTES) {
            let Chunk::Data { offset, bytes } = chunk else { continue };
            scanner.scan(&bytes, |title, at| {
                if newest.as_ref() != Some(&title) {
                    log.mark(MarkKind::Title { title: title.clone() }, Some(offset + at as u64));
                    *newest = Some(title);
                }
            });
        }
    }
}
