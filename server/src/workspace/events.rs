//! Reading a workspace's event log: history first, then live, without a gap and without a duplicate.
//!
//! It knows nothing about what the events mean, nor who writes them.

use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;
use crate::{
    auth::Principal,
    db::{self, Db},
    error::{Error, Reason, Result},
    ids::{TerminalId, TokenId, WorkspaceId},
};

/// How often a reader looks for the events of other servers on the same database, whose word of them may be lost.
const POLL: Duration = Duration::from_secs(10);

/// Something that happened in the workspace.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the log.
    pub sequence: u64,
    /// When.
    pub time: std::time::SystemTime,
    /// Who caused it; absent: the server itself.
    pub principal: Option<TokenId>,
    /// That one's name.
    pub principal_name: String,
    /// What it is about, such as TERMINAL.
    pub resource: String,
    /// What happened, such as CREATED.
    pub kind: String,
    /// The resource after it, as its service writes it.
    pub payload: serde_json::Value,
}

/// Which events a caller wants.
#[derive(Clone, Debug)]
pub struct Start {
    /// Events after this one; absent: from now on.
    pub after: Option<u64>,
    /// Only of these; empty: all.
    pub resources: Vec<&'static str>,
    /// Go on with what comes.
    pub follow: bool,
}

/// Which events a reader sees.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Whose log.
    pub workspace: WorkspaceId,
    /// Only of these; empty: all.
    pub resources: Vec<&'static str>,
    /// Only about this one.
    pub terminal: Option<TerminalId>,
}

impl Filter {
    /// What the events must be about; absent: anything.
    pub fn subject(&self) -> Option<Uuid> {
        self.terminal.map(|id| id.0)
    }
}

/// What one look at the log found, all of one snapshot.
#[derive(Debug)]
pub struct Found {
    /// Sequence of the newest event; 0 if there never was one.
    pub newest: u64,
    /// Sequence of the oldest event kept; one more than the newest if none is.
    pub oldest: u64,
    /// The events wanted, oldest first.
    pub events: Vec<Event>,
    /// There may be more of them.
    pub more: bool,
}

/// One step of the stream.
#[derive(Debug)]
pub enum Step {
    /// First: events after the one follow; the other was the newest.
    Opened(u64, u64),
    /// An event.
    Event(Box<Event>),
    /// Nothing happened for a while; everything up to this was sent.
    Heartbeat(u64),
    /// Last: `follow` was false and everything up to this was sent.
    CaughtUp(u64),
    /// Last: the server is stopping; go on after this.
    ServerStopping(u64),
}

/// A reader.
pub struct Watch {
    db: Db,
    /// Told after each commit of this server.
    news: watch::Receiver<u64>,
    who: Arc<Principal>,
    filter: Filter,
    heartbeat: Duration,
    draining: CancellationToken,
    /// Everything up to this was sent or filtered.
    cursor: u64,
    /// Where to end; absent: never.
    until: Option<u64>,
    /// Taken by the first step.
    opened: Option<u64>,
    page: VecDeque<Event>,
    /// The log behind the page was looked at up to here.
    page_end: u64,
    /// There may be more in the log right now.
    more: bool,
    looked: Instant,
    sent: Instant,
    ended: bool,
}

enum Wake {
    News,
    Heartbeat,
    Draining,
    Ended(Error),
}

impl Watch {
    /// Opens a reader, checking its cursor.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED`, `CURSOR_AHEAD`, `DATABASE_UNAVAILABLE`.
    pub async fn open(
        db: Db,
        news: watch::Receiver<u64>,
        who: Arc<Principal>,
        start: Start,
        heartbeat: Duration,
        draining: CancellationToken,
    ) -> Result<Self> {
        let filter = Filter { workspace: who.workspace, resources: start.resources, terminal: who.terminal };
        let found = store::events(&db, &filter, (u64::MAX, None)).await?;
        let cursor = first_cursor(start.after, &found)?;
        let now = Instant::now();
        Ok(Self {
            db,
            news,
            who,
            filter,
            heartbeat,
            draining,
            cursor,
            until: if start.follow { None } else { Some(found.newest) },
            opened: Some(found.newest),
            page: VecDeque::new(),
            page_end: cursor,
            more: cursor < found.newest,
            looked: now,
            sent: now,
            ended: false,
        })
    }

    /// The next step; `None` after the last word.
    ///
    /// # Errors
    /// `TOKEN_UNKNOWN` and `TOKEN_EXPIRED` when the token ends, `CURSOR_EXPIRED` when the reader was
    /// so slow that events went away in front of it, `DATABASE_UNAVAILABLE` in the history.
    pub async fn next(&mut self) -> Result<Option<Step>> {
        if self.ended {
            return Ok(None);
        }
        let step = self.step().await?;
        self.sent = Instant::now();
        self.ended = matches!(step, Step::CaughtUp(_) | Step::ServerStopping(_));
        Ok(Some(step))
    }

    async fn step(&mut self) -> Result<Step> {
        if let Some(newest) = self.opened.take() {
            return Ok(Step::Opened(self.cursor, newest));
        }
        loop {
            if self.who.revoked.is_cancelled() || self.who.is_expired() {
                return Err(self.who.ended().await);
            }
            if self.draining.is_cancelled() {
                return Ok(Step::ServerStopping(self.cursor));
            }
            if let Some(event) = self.page.pop_front() {
                self.cursor = event.sequence;
                return Ok(Step::Event(Box::new(event)));
            }
            self.cursor = self.page_end;
            if self.until.is_some_and(|until| self.cursor >= until) {
                return Ok(Step::CaughtUp(self.cursor));
            }
            if self.more {
                self.look().await?;
                continue;
            }
            match self.wait().await {
                Wake::News => self.look_live().await?,
                Wake::Heartbeat => return Ok(Step::Heartbeat(self.cursor)),
                Wake::Draining => return Ok(Step::ServerStopping(self.cursor)),
                Wake::Ended(error) => return Err(error),
            }
        }
    }

    /// A reader that has caught up outlives the database's absence: it has missed nothing yet.
    async fn look_live(&mut self) -> Result<()> {
        match self.look().await {
            Err(error) if error.reason() == Reason::DatabaseUnavailable => Ok(()),
            other => other,
        }
    }

    async fn look(&mut self) -> Result<()> {
        // Before the query: what is committed after it wakes the next wait.
        self.news.borrow_and_update();
        self.looked = Instant::now();
        let (db, filter, range) = (self.db.clone(), self.filter.clone(), (self.cursor, self.until));
        let found = db::detached(async move { store::events(&db, &filter, range).await }).await?;
        if found.oldest > self.cursor + 1 {
            return Err(expired(&found));
        }
        let read_to = self.until.map_or(found.newest, |until| until.min(found.newest));
        self.more = found.more;
        self.page_end = match found.events.last() {
            Some(last) if found.more => last.sequence,
            // A restored database may have fewer events than were shown: never go back.
            _ => read_to.max(self.cursor),
        };
        self.page = found.events.into();
        Ok(())
    }

    async fn wait(&mut self) -> Wake {
        let Self { news, who, draining, .. } = self;
        let news = async {
            if news.changed().await.is_err() {
                // The writer is gone with the server; the poll goes on.
                pending::<()>().await;
            }
        };
        tokio::select! {
            () = draining.cancelled() => Wake::Draining,
            error = who.ended() => Wake::Ended(error),
            () = news => Wake::News,
            () = sleep_until(self.looked + POLL) => Wake::News,
            () = sleep_until(self.sent + self.heartbeat) => Wake::Heartbeat,
        }
    }
}

/// Where a reader starts. 0 means "all that are kept" and so never expires.
fn first_cursor(after: Option<u64>, found: &Found) -> Result<u64> {
    match after {
        None => Ok(found.newest),
        Some(0) => Ok(found.oldest - 1),
        Some(after) if after > found.newest => {
            let newest = found.newest;
            let message = format!(
                "after_sequence {after} is beyond the end of the log: the machine lost its newest part; \
                 list again and go on after {newest}"
            );
            Err(Error::new(Reason::CursorAhead, message).with("end", newest))
        }
        Some(after) if after + 1 < found.oldest => Err(expired(found)),
        Some(after) => Ok(after),
    }
}

/// `oldest` is the lowest `after_sequence` that loses nothing.
fn expired(found: &Found) -> Error {
    let oldest = found.oldest - 1;
    let message =
        format!("the events after the cursor are not kept any more; list again, or go on after {oldest}");
    Error::new(Reason::CursorExpired, message).with("oldest", oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(oldest: u64, newest: u64) -> Found {
        Found { newest, oldest, events: Vec::new(), more: false }
    }

    fn start(after: Option<u64>, found: &Found) -> Result<u64, Reason> {
        first_cursor(after, found).map_err(|error| error.reason())
    }

    #[test]
    fn a_cursor_within_the_log_is_taken_as_it_is() {
        let log = found(5, 9);
        assert_eq!(start(None, &log), Ok(9));
        assert_eq!(start(Some(0), &log), Ok(4));
        assert_eq!(start(Some(4), &log), Ok(4));
        assert_eq!(start(Some(9), &log), Ok(9));
    }

    #[test]
    fn a_cursor_outside_is_answered() {
        let log = found(5, 9);
        assert_eq!(start(Some(3), &log), Err(Reason::CursorExpired));
        assert_eq!(start(Some(10), &log), Err(Reason::CursorAhead));
        assert_eq!(start(Some(u64::MAX), &log), Err(Reason::CursorAhead));
    }

    #[test]
    fn an_empty_log_has_one_cursor() {
        for log in [found(1, 0), found(10, 9)] {
            let only = log.newest;
            assert_eq!(start(None, &log), Ok(only));
            assert_eq!(start(Some(0), &log), Ok(only));
            assert_eq!(start(Some(only + 1), &log), Err(Reason::CursorAhead));
        }
        assert_eq!(start(Some(8), &found(10, 9)), Err(Reason::CursorExpired));
    }
}
