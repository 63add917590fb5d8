//! One reader of an answer: where it starts, what there is, what comes, and an explicit last word.
//!
//! It pulls at its own pace, from the log while the answer is being generated and from the database afterwards. It
//! knows nothing about tonic.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    event::{self, Event, Numbered},
    live::Live,
    record::Message,
    store,
};
use crate::{
    auth::Principal,
    db::{self, Db},
    error::{Error, Reason, Result},
    ids::{ConversationId, MessageId},
    log::{Chunk, Reader},
};

/// Bytes that are read of a log at once.
const READ_BYTES: usize = 32 * 1024;

/// Why a stream ends in peace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The answer is finished and everything was sent.
    Completed,
    /// Everything was sent, and no more was asked for.
    CaughtUp,
    /// The server stops.
    ServerStopping,
    /// The conversation was deleted.
    Deleted,
}

/// One step of a stream.
#[derive(Debug)]
pub enum Step {
    /// First: where it starts.
    Opened {
        /// Events after this one follow.
        after: u64,
        /// The newest when the stream began.
        newest: u64,
        /// The conversation.
        conversation: ConversationId,
        /// What is answered.
        parent: Option<MessageId>,
    },
    /// An event.
    Event(Numbered),
    /// Nothing happened for a while; everything up to this was sent.
    Heartbeat(u64),
    /// Last: everything up to this was sent.
    Ended(EndReason, u64),
}

/// What all readers share.
#[derive(Clone)]
pub struct Surroundings {
    /// The database.
    pub db: Db,
    /// From sign of life to sign of life.
    pub heartbeat: Duration,
    /// The server is stopping.
    pub draining: CancellationToken,
}

/// A reader.
pub struct Watch {
    around: Surroundings,
    who: Arc<Principal>,
    message: MessageId,
    source: Source,
    /// Everything up to this was sent.
    cursor: u64,
    /// Where to end; absent: with the answer.
    until: Option<u64>,
    /// Taken by the first step.
    opened: Option<Step>,
    ready: VecDeque<Numbered>,
    sent: Instant,
    completed: bool,
    ended: bool,
    /// Stops the answer if its caller goes away before its end.
    stops: Option<Arc<Live>>,
}

enum Source {
    /// It is being generated here, or was a moment ago.
    Live(Box<Lines>),
    /// All of it is in the database.
    Stored,
}

/// Lines of a log that is being written.
struct Lines {
    live: Arc<Live>,
    reader: Reader,
    torn: Vec<u8>,
}

enum Wake {
    More,
    Heartbeat,
    End(EndReason),
    Refused(Error),
}

impl Watch {
    /// A reader of an answer that is being generated here.
    ///
    /// # Errors
    /// `CURSOR_AHEAD`.
    pub fn live(
        around: Surroundings,
        who: Arc<Principal>,
        live: &Arc<Live>,
        after: u64,
        follow: bool,
    ) -> Result<Self> {
        let reader = Reader::new(Arc::clone(&live.log), 0);
        let lines = Lines { live: Arc::clone(live), reader, torn: Vec::new() };
        let (place, newest) = ((live.message, live.conversation, live.parent), live.newest());
        Self::open(around, who, Source::Live(Box::new(lines)), place, (after, newest, follow))
    }

    /// A reader of an answer that is finished.
    ///
    /// # Errors
    /// `CURSOR_AHEAD`.
    pub fn stored(around: Surroundings, who: Arc<Principal>, message: &Message, after: u64) -> Result<Self> {
        let place = (message.id, message.conversation, message.parent);
        Self::open(around, who, Source::Stored, place, (after, message.last_sequence, true))
    }

    fn open(
        around: Surroundings,
        who: Arc<Principal>,
        source: Source,
        (message, conversation, parent): (MessageId, ConversationId, Option<MessageId>),
        (after, newest, follow): (u64, u64, bool),
    ) -> Result<Self> {
        if after > newest {
            let text =
                format!("after_sequence {after} is beyond the newest event, {newest}; go on after that one");
            return Err(Error::new(Reason::CursorAhead, text).with("end", newest));
        }
        Ok(Self {
            around,
            who,
            message,
            source,
            cursor: after,
            until: (!follow).then_some(newest),
            opened: Some(Step::Opened { after, newest, conversation, parent }),
            ready: VecDeque::new(),
            sent: Instant::now(),
            completed: false,
            ended: false,
            stops: None,
        })
    }

    /// If the reader goes away before the end, so does the answer.
    pub fn stop_on_drop(&mut self, live: Arc<Live>) {
        self.stops = Some(live);
    }

    /// Which answer it reads.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// The next step; `None` after the last word.
    ///
    /// # Errors
    /// `TOKEN_UNKNOWN` and `TOKEN_EXPIRED` when the token ends, `DATABASE_UNAVAILABLE` in the history.
    pub async fn next(&mut self) -> Result<Option<Step>> {
        if self.ended {
            return Ok(None);
        }
        let step = self.step().await?;
        match &step {
            Step::Event(numbered) => {
                self.cursor = numbered.sequence;
                self.completed = matches!(numbered.event, Event::Completed(_));
            }
            Step::Ended(reason, _) => {
                self.ended = true;
                // A server that stops ends the answer itself.
                if *reason != EndReason::CaughtUp {
                    self.stops = None;
                }
            }
            Step::Opened { .. } | Step::Heartbeat(_) => {}
        }
        self.sent = Instant::now();
        Ok(Some(step))
    }

    async fn step(&mut self) -> Result<Step> {
        if let Some(opened) = self.opened.take() {
            return Ok(opened);
        }
        loop {
            if self.completed {
                return Ok(Step::Ended(EndReason::Completed, self.cursor));
            }
            if self.who.revoked.is_cancelled() || self.who.is_expired() {
                return Err(self.who.ended().await);
            }
            if let Some(event) = self.ready.pop_front() {
                return Ok(Step::Event(event));
            }
            if self.until.is_some_and(|until| self.cursor >= until) {
                return Ok(Step::Ended(EndReason::CaughtUp, self.cursor));
            }
            if self.read().await? {
                continue;
            }
            match self.wait().await {
                Wake::More => {}
                Wake::Heartbeat => return Ok(Step::Heartbeat(self.cursor)),
                Wake::End(reason) => return Ok(Step::Ended(reason, self.cursor)),
                Wake::Refused(error) => return Err(error),
            }
        }
    }

    /// Gets what there is; false if that is nothing.
    async fn read(&mut self) -> Result<bool> {
        match &mut self.source {
            Source::Live(lines) => {
                if lines.read(self.cursor, &mut self.ready)? {
                    return Ok(true);
                }
                // The log is over, and the last event was not in it: a full disk. The database has it.
                let over = lines.reader.at_end() && lines.live.is_finished();
                if over && !lines.live.is_deleted() {
                    self.source = Source::Stored;
                }
                Ok(over && matches!(self.source, Source::Stored))
            }
            Source::Stored => {
                let (db, message, cursor) = (self.around.db.clone(), self.message, self.cursor);
                let chunks = db::detached(async move { store::lines(&db, message, cursor).await }).await?;
                if chunks.is_empty() {
                    // Everything was sent before, or it went away under its reader.
                    let (db, workspace) = (self.around.db.clone(), self.who.workspace);
                    db::detached(async move { store::find_without_text(&db, workspace, message).await })
                        .await?;
                    self.completed = true;
                }
                for lines in chunks {
                    let cursor = self.ready.back().map_or(self.cursor, |last| last.sequence);
                    parse(lines.as_bytes(), cursor, &mut self.ready);
                }
                Ok(true)
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let Source::Live(lines) = &mut self.source else { return Wake::More };
        let live = Arc::clone(&lines.live);
        tokio::select! {
            biased;
            () = lines.reader.changed() => Wake::More,
            () = live.deleted() => Wake::End(EndReason::Deleted),
            () = self.around.draining.cancelled() => self.drained(),
            error = self.who.ended() => Wake::Refused(error),
            () = live.lost() => {
                let text = "the end of the answer could not be stored; ask for it again soon";
                Wake::Refused(Error::new(Reason::DatabaseUnavailable, text))
            }
            () = sleep_until(self.sent + self.around.heartbeat) => Wake::Heartbeat,
        }
    }

    fn drained(&self) -> Wake {
        Wake::End(EndReason::ServerStopping)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(live) = self.stops.take().filter(|_| !self.completed) {
            live.stop(&self.who.token_name);
        }
    }
}

impl Lines {
    /// Reads on; false if there was nothing.
    fn read(&mut self, cursor: u64, ready: &mut VecDeque<Numbered>) -> Result<bool> {
        let mut found = false;
        while ready.is_empty() {
            match self.reader.read(READ_BYTES).map_err(Error::internal)? {
                Some(Chunk::Data { bytes, .. }) => {
                    found = true;
                    self.torn.extend_from_slice(&bytes);
                    let (whole, torn) = event::whole_lines(&self.torn);
                    parse(whole, cursor, ready);
                    self.torn = torn.to_vec();
                }
                Some(Chunk::Gap { .. } | Chunk::Mark(_)) => {}
                None => break,
            }
        }
        Ok(found)
    }
}

fn parse(lines: &[u8], cursor: u64, ready: &mut VecDeque<Numbered>) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // Of what was sent before only the number is read.
        if event::sequence_of(line).is_some_and(|(sequence, _)| sequence > cursor)
            && let Some(numbered) = event::read(line)
        {
            ready.push_back(numbered);
        }
    }
}
