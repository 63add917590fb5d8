//! A terminal that runs here: its record, its log, its I/O, and who is attached.
//!
//! It knows neither the database nor the keeper's socket; `lifecycle` brings their news.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    input::{Accepted, Refused},
    io::TerminalIo,
    record::{Exit, Record, Size, now_ms},
};
use crate::{
    error::{Error, Reason, Result},
    ids::{TerminalId, ViewerId, WorkspaceId, WriterId},
    keeper::wire,
    log::{Log, MarkKind},
};

/// One running terminal.
#[derive(Debug)]
pub struct Live {
    /// Identity.
    pub id: TerminalId,
    /// Its process and that process's start time.
    pub process: (i32, u64),
    /// Its output.
    pub log: Arc<Log>,
    /// Its PTY.
    pub io: TerminalIo,
    record: Mutex<Record>,
    /// How its program ended, as the keeper tells it.
    exit: watch::Sender<Option<wire::Exit>>,
    /// Set once every byte of output is in the log.
    ended: watch::Sender<Option<Exit>>,
    viewers: Mutex<Vec<Arc<Viewer>>>,
    viewers_max: usize,
    sizes: Mutex<HashMap<WriterId, Size>>,
    /// Calls that wait for an earlier sequence.
    waiting: AtomicUsize,
    /// How many are ending it at this moment.
    endings: watch::Sender<usize>,
    /// Cancelled when its end is in the database.
    pub recorded: CancellationToken,
}

/// Somebody ends a terminal; dropping it says that it is known what came of it.
#[derive(Debug)]
pub struct Ending(Arc<Live>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.endings.send_modify(|endings| *endings = endings.saturating_sub(1));
    }
}

/// A reader of a running terminal.
#[derive(Debug)]
pub struct Viewer {
    /// Identity.
    pub id: ViewerId,
    /// The name of its token.
    pub principal: String,
    /// Who it types as; absent for readers.
    pub writer: Option<WriterId>,
    /// Milliseconds since 1970.
    pub start_ms: u64,
    /// The offset of the next byte it gets.
    pub offset: AtomicU64,
    /// Ends its stream.
    pub detach: CancellationToken,
}

/// A viewer's place at a terminal; dropping it is leaving.
#[derive(Debug)]
pub struct Seat {
    live: Arc<Live>,
    /// The viewer.
    pub viewer: Arc<Viewer>,
}

/// A place among the calls that wait for an earlier sequence.
#[derive(Debug)]
pub struct WindowPlace<'a>(&'a AtomicUsize);

impl Drop for WindowPlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.live.viewers).retain(|v| v.id != self.viewer.id);
        if let Some(writer) = self.viewer.writer {
            lock(&self.live.sizes).remove(&writer);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// A terminal whose program runs.
    pub fn new(
        record: Record,
        process: (i32, u64),
        log: Arc<Log>,
        io: TerminalIo,
        viewers_max: usize,
    ) -> Self {
        Self {
            id: record.id,
            process,
            log,
            io,
            record: Mutex::new(record),
            exit: watch::channel(None).0,
            ended: watch::channel(None).0,
            viewers: Mutex::default(),
            viewers_max,
            sizes: Mutex::default(),
            waiting: AtomicUsize::new(0),
            endings: watch::channel(0).0,
            recorded: CancellationToken::new(),
        }
    }

    /// The record, with what only the running terminal knows.
    pub fn record(&self) -> Record {
        let mut record = lock(&self.record).clone();
        record.title = self.log.title().unwrap_or_default();
        record.output_start = self.log.start();
        record.output_end = self.log.end();
        record.output_lost_bytes = self.log.lost_bytes();
        record
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        // The sender lives in `self`, so the wait ends with the news only.
        let _ = self.ended.subscribe().wait_for(Option::is_some).await;
    }

    /// Begins to end it.
    pub fn begin_ending(self: &Arc<Self>) -> Ending {
        self.endings.send_modify(|endings| *endings += 1);
        Ending(Arc::clone(self))
    }

    /// True while somebody ends it.
    pub fn is_being_ended(&self) -> bool {
        *self.endings.borrow() > 0
    }

    /// Waits until nobody ends it.
    pub async fn no_ending(&self) {
        // The sender lives in `self`, so the wait ends with the news only.
        let _ = self.endings.subscribe().wait_for(|endings| *endings == 0).await;
    }

    /// Changes the record.
    pub fn update(&self, change: impl FnOnce(&mut Record)) {
        change(&mut lock(&self.record));
    }

    /// Tells that the program ended.
    pub fn tell_exit(&self, exit: wire::Exit) {
        self.exit.send_if_modified(|known| {
            let news = known.is_none();
            *known = known.or(Some(exit));
            news
        });
    }

    /// How the program ended, now and later.
    pub fn exit(&self) -> watch::Receiver<Option<wire::Exit>> {
        self.exit.subscribe()
    }

    /// Tells that the terminal is over: no byte of output comes any more.
    pub fn tell_ended(&self, exit: Exit) {
        self.ended.send_replace(Some(exit));
    }

    /// Whether it is over, now and later.
    pub fn ended(&self) -> watch::Receiver<Option<Exit>> {
        self.ended.subscribe()
    }

    /// Accepts input; the terminal takes the size of the writer's window if it has another one.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn accept(&self, writer: Option<(WriterId, u64)>, data: &[u8]) -> Result<Accepted, Refused> {
        // Before the program can read it: what it starts with this key asks for the size.
        self.io.accept(writer, data, || {
            let size = writer.and_then(|(writer, _)| lock(&self.sizes).get(&writer).copied());
            if let Some(size) = size {
                // The input is accepted; a size that cannot be set is not the typist's trouble.
                let _ = self.set_size(size);
            }
        })
    }

    /// Sets the size, for a writer's window or for nobody's.
    ///
    /// # Errors
    /// The system refuses.
    pub fn resize(&self, writer: Option<WriterId>, size: Size) -> Result<()> {
        if let Some(writer) = writer {
            self.remember(writer, size);
        }
        self.set_size(size)
    }

    /// Remembers the window of a writer; one without a stream makes room first.
    fn remember(&self, writer: WriterId, size: Size) {
        let mut sizes = lock(&self.sizes);
        if sizes.len() >= self.viewers_max && !sizes.contains_key(&writer) {
            let seated: Vec<WriterId> = lock(&self.viewers).iter().filter_map(|v| v.writer).collect();
            sizes.retain(|writer, _| seated.contains(writer));
        }
        if sizes.len() < self.viewers_max {
            sizes.insert(writer, size);
        }
    }

    fn set_size(&self, size: Size) -> Result<()> {
        let mut record = lock(&self.record);
        if record.size == size {
            return Ok(());
        }
        let window = Winsize { ws_col: size.cols, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.io.master(), window).map_err(std::io::Error::from).map_err(Error::internal)?;
        record.size = size;
        self.log.mark(MarkKind::Resized { cols: size.cols, rows: size.rows }, None);
        Ok(())
    }

    /// The size as the kernel knows it: a former server may have changed it.
    pub fn reload_size(&self) {
        if let Ok(window) = tcgetwinsize(self.io.master()) {
            self.update(|r| r.size = Size { cols: window.ws_col, rows: window.ws_row });
        }
    }

    /// A writer opens a window of this size. The terminal takes it, unless another writer has a window here: then it
    /// waits until this one types, so that a client that merely reconnects changes nothing for the others.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open_window(&self, writer: WriterId, size: Size) -> Result<()> {
        let others =
            self.viewers().iter().any(|(v, size)| v.writer.is_some_and(|w| w != writer) && size.is_some());
        if others {
            self.remember(writer, size);
            return Ok(());
        }
        self.resize(Some(writer), size)
    }

    /// A place to wait for an earlier sequence.
    ///
    /// # Errors
    /// `REORDER_WINDOW_FULL`
    pub fn wait_in_window(&self, max: usize) -> Result<WindowPlace<'_>> {
        let waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
        let place = WindowPlace(&self.waiting);
        if waiting >= max {
            let message =
                format!("{waiting} calls wait for an earlier sequence, as many as may; send them in order");
            return Err(Error::quota(Reason::ReorderWindowFull, "terminal.reorder_window_max", message));
        }
        Ok(place)
    }

    /// Whose it is.
    pub fn workspace(&self) -> WorkspaceId {
        lock(&self.record).workspace
    }

    /// True if this is its name and its workspace.
    pub fn is_named(&self, workspace: WorkspaceId, name: &str) -> bool {
        let record = lock(&self.record);
        record.workspace == workspace && record.name == name && record.state.is_live()
    }

    /// Seats a viewer.
    ///
    /// # Errors
    /// `VIEWER_QUOTA`.
    pub fn seat(self: &Arc<Self>, principal: String, writer: Option<WriterId>, offset: u64) -> Result<Seat> {
        let viewer = Arc::new(Viewer {
            id: ViewerId::new(),
            principal,
            writer,
            start_ms: now_ms(),
            offset: AtomicU64::new(offset),
            detach: CancellationToken::new(),
        });
        let mut viewers = lock(&self.viewers);
        if viewers.len() >= self.viewers_max {
            let message =
                format!("the terminal has {} readers, as many as it may; detach one", viewers.len());
            return Err(Error::quota(Reason::ViewerQuota, "terminal.viewers_per_terminal_max", message));
        }
        viewers.push(Arc::clone(&viewer));
        drop(viewers);
        Ok(Seat { live: Arc::clone(self), viewer })
    }

    /// Who is attached, oldest first, and the size of each one's window.
    pub fn viewers(&self) -> Vec<(Arc<Viewer>, Option<Size>)> {
        let sizes = lock(&self.sizes);
        let size = |v: &Arc<Viewer>| v.writer.and_then(|w| sizes.get(&w).copied());
        lock(&self.viewers).iter().map(|v| (Arc::clone(v), size(v))).collect()
    }

    /// How many are attached.
    pub fn viewer_count(&self) -> usize {
        lock(&self.viewers).len()
    }
}

impl Viewer {
    /// Notes where it is.
    pub fn moved_to(&self, offset: u64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}
