//! One reader's stream: where it starts, history, live, and an explicit last word.
//!
//! It pulls from the log at its own pace. It knows nothing about tonic.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Instant, Sleep},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    live::Seat,
    record::{Exit, Record, Size},
};
use crate::{
    auth::Principal,
    error::{Error, Reason, Result},
    ids::{TerminalId, ViewerId, WriterId},
    log::{Chunk, Log, MarkKind, Reader},
};

/// Most bytes of one event.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest byte kept.
    Oldest,
    /// At this byte.
    Offset(u64),
    /// So many bytes before the end.
    Tail(u64),
    /// At the end.
    Live,
}

impl Start {
    /// The offset that it means in a log now.
    ///
    /// # Errors
    /// `CURSOR_AHEAD`.
    pub fn resolve(self, log: &Log) -> Result<u64> {
        let (start, end) = (log.start(), log.end());
        match self {
            Self::Oldest => Ok(start),
            Self::Live => Ok(end),
            Self::Tail(bytes) => Ok(end.saturating_sub(bytes).max(start)),
            Self::Offset(offset) if offset <= end => Ok(offset),
            Self::Offset(offset) => {
                let message = format!("offset {offset} is beyond the end of the output, {end}; begin there");
                Err(Error::new(Reason::CursorAhead, message).with("end", end))
            }
        }
    }
}

/// Why a stream ends in peace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The terminal is over and everything was sent.
    TerminalEnded,
    /// Everything was sent, and no more was asked for.
    CaughtUp,
    /// Someone ended this reader.
    Detached,
    /// The server stops.
    ServerStopping,
    /// The terminal and its log were deleted.
    Deleted,
}

/// One step of a stream.
#[derive(Clone, Debug)]
pub enum Event {
    /// First.
    Opened {
        /// The offset of the first byte that follows.
        offset: u64,
        /// The terminal.
        record: Box<Record>,
        /// Readers of the terminal.
        viewers: usize,
        /// The highest sequence accepted from this writer.
        highest: u64,
        /// This reader; absent when the terminal has ended.
        viewer: Option<ViewerId>,
        /// Who it types as.
        writer: Option<WriterId>,
    },
    /// Output.
    Output {
        /// Offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Output that is not kept.
    Gap {
        /// First missing byte.
        from: u64,
        /// Byte after the last missing one.
        to: u64,
    },
    /// Another size.
    Resized {
        /// The size.
        size: Size,
        /// The end of the output when it changed.
        offset: u64,
    },
    /// Another title.
    TitleChanged {
        /// The title.
        title: String,
        /// The offset after the sequence that set it.
        offset: u64,
    },
    /// The program ended and all output was sent.
    Exited {
        /// How.
        exit: Exit,
        /// The end of the output.
        final_offset: u64,
    },
    /// Nothing happened for a while.
    Heartbeat {
        /// Where this reader is.
        offset: u64,
        /// The end of the output.
        output_end: u64,
    },
    /// Input was accepted up to this sequence.
    InputAccepted(u64),
    /// Last.
    Ended {
        /// Why.
        reason: EndReason,
        /// Where to go on.
        offset: u64,
    },
}

/// What a reader reads from.
#[derive(Debug)]
pub struct Source {
    /// The output.
    pub log: Arc<Log>,
    /// The terminal as it is when the stream starts.
    pub record: Record,
    /// How it ended, now or later.
    pub ended: watch::Receiver<Option<Exit>>,
    /// The place of this reader; absent when the terminal has ended.
    pub seat: Option<Seat>,
}

/// The side of a stream that types.
#[derive(Debug)]
pub struct Typist {
    /// Who types.
    pub writer: WriterId,
    /// The highest sequence accepted before the stream.
    pub highest: u64,
    /// The highest sequence accepted by now.
    pub accepted: watch::Receiver<u64>,
    /// It was seen to grow, and not told yet.
    pub news: bool,
    /// Reads the client's messages; ends with the stream, or with an error that the stream ends with.
    pub task: AbortOnDropHandle<Result<()>>,
}

/// What ends a stream from outside.
enum Interrupt {
    Detached,
    Stopping,
    Refused(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Reading,
    /// `Exited` was said.
    LastWord,
    Over,
}

/// One reader's stream.
pub struct Session {
    source: Source,
    reader: Reader,
    typist: Option<Typist>,
    typist_done: bool,
    follow: bool,
    /// Where a reader that does not follow stops.
    stop_at: u64,
    phase: Phase,
    interrupt: Pin<Box<dyn Future<Output = Interrupt> + Send>>,
    heartbeat: Duration,
    timer: Pin<Box<Sleep>>,
    last_event: Instant,
}

impl Session {
    /// A stream from this offset on.
    pub fn new(
        source: Source,
        offset: u64,
        follow: bool,
        typist: Option<Typist>,
        principal: Arc<Principal>,
        draining: CancellationToken,
        heartbeat: Duration,
    ) -> Self {
        let detach = source.seat.as_ref().map(|seat| seat.viewer.detach.clone()).unwrap_or_default();
        let interrupt = Box::pin(async move {
            tokio::select! {
                () = detach.cancelled() => Interrupt::Detached,
                () = draining.cancelled() => Interrupt::Stopping,
                error = principal.ended() => Interrupt::Refused(error),
            }
        });
        Self {
            reader: Reader::new(Arc::clone(&source.log), offset),
            stop_at: source.log.end(),
            source,
            typist_done: typist.is_none(),
            typist,
            follow,
            phase: Phase::New,
            interrupt,
            heartbeat,
            timer: Box::pin(tokio::time::sleep(heartbeat)),
            last_event: Instant::now(),
        }
    }

    /// Whose stream it is.
    pub fn terminal(&self) -> TerminalId {
        self.source.record.id
    }

    /// The next event; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        let event = match self.phase {
            Phase::New => {
                self.phase = Phase::Reading;
                Ok(self.opened())
            }
            Phase::Reading => self.read().await,
            Phase::LastWord => Ok(self.end(EndReason::TerminalEnded)),
            Phase::Over => return None,
        };
        if event.is_err() {
            self.phase = Phase::Over;
        }
        self.last_event = Instant::now();
        if let Some(seat) = &self.source.seat {
            seat.viewer.moved_to(self.reader.offset());
        }
        Some(event)
    }

    fn opened(&self) -> Event {
        Event::Opened {
            offset: self.reader.offset(),
            record: Box::new(self.source.record.clone()),
            viewers: usize::from(self.source.seat.is_some()),
            highest: self.typist.as_ref().map_or(0, |t| t.highest),
            viewer: self.source.seat.as_ref().map(|seat| seat.viewer.id),
            writer: self.typist.as_ref().map(|t| t.writer),
        }
    }

    fn end(&mut self, reason: EndReason) -> Event {
        self.phase = Phase::Over;
        Event::Ended { reason, offset: self.reader.offset() }
    }

    async fn read(&mut self) -> Result<Event> {
        loop {
            if let Some(accepted) = self.accepted() {
                return Ok(accepted);
            }
            // Also while there is always more to read.
            if let Some(interrupt) = self.interrupt.as_mut().now_or_never() {
                return self.interrupted(interrupt);
            }
            let chunk = match self.reader.read(OUTPUT_BYTES_MAX) {
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                    return Ok(self.end(EndReason::Deleted));
                }
                chunk => chunk.map_err(Error::internal)?,
            };
            if let Some(event) = chunk.and_then(event) {
                return Ok(event);
            }
            if self.reader.at_end()
                && let Some(exit) = *self.source.ended.borrow_and_update()
            {
                self.phase = Phase::LastWord;
                return Ok(Event::Exited { exit, final_offset: self.reader.offset() });
            }
            if !self.follow && self.reader.offset() >= self.stop_at {
                return Ok(self.end(EndReason::CaughtUp));
            }
            if let Some(event) = self.wait().await? {
                return Ok(event);
            }
        }
    }

    fn accepted(&mut self) -> Option<Event> {
        let typist = self.typist.as_mut()?;
        // A channel that is closed no longer tells that it has changed; what was seen before it closed counts.
        let news = std::mem::take(&mut typist.news) || typist.accepted.has_changed().unwrap_or(false);
        news.then(|| Event::InputAccepted(*typist.accepted.borrow_and_update()))
    }

    fn interrupted(&mut self, interrupt: Interrupt) -> Result<Event> {
        match interrupt {
            Interrupt::Detached => Ok(self.end(EndReason::Detached)),
            Interrupt::Stopping => Ok(self.end(EndReason::ServerStopping)),
            Interrupt::Refused(error) => Err(error),
        }
    }

    /// Waits until something may have happened.
    async fn wait(&mut self) -> Result<Option<Event>> {
        let typist = &mut self.typist;
        let done = &mut self.typist_done;
        tokio::select! {
            biased;
            interrupt = &mut self.interrupt => self.interrupted(interrupt).map(Some),
            () = self.reader.changed() => Ok(None),
            result = typing(typist), if !*done => match result {
                Typing::Accepted => Ok(None),
                Typing::Over(result) => { *done = true; result.map(|()| None) }
            },
            Ok(()) = self.source.ended.changed() => Ok(None),
            () = &mut self.timer => {
                // One timer for the stream's life: most events come and go without touching it.
                let due = self.last_event + self.heartbeat;
                let late = due <= Instant::now();
                self.timer.as_mut().reset(if late { Instant::now() + self.heartbeat } else { due });
                let (offset, output_end) = (self.reader.offset(), self.source.log.end());
                Ok(late.then_some(Event::Heartbeat { offset, output_end }))
            }
        }
    }
}

enum Typing {
    Accepted,
    Over(Result<()>),
}

async fn typing(typist: &mut Option<Typist>) -> Typing {
    let Some(typist) = typist else { return std::future::pending().await };
    tokio::select! {
        biased;
        Ok(()) = typist.accepted.changed() => {
            typist.news = true;
            Typing::Accepted
        }
        result = &mut typist.task => Typing::Over(result.unwrap_or_else(|cause| Err(Error::internal(cause)))),
    }
}

fn event(chunk: Chunk) -> Option<Event> {
    match chunk {
        Chunk::Data { offset, bytes } => Some(Event::Output { offset, bytes }),
        Chunk::Gap { from, to } => Some(Event::Gap { from, to }),
        Chunk::Mark(mark) => match mark.kind {
            MarkKind::Resized { cols, rows } => {
                Some(Event::Resized { size: Size { cols, rows }, offset: mark.offset })
            }
            MarkKind::Title { title } => Some(Event::TitleChanged { title, offset: mark.offset }),
            MarkKind::End => None,
        },
    }
}
