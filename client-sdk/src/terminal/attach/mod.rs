//! An attachment: typing and reading on one stream that comes back by itself.
//!
//! It must not know how streams are made (`driver`) or how input is kept (`outbox`).

mod driver;
mod io;
mod outbox;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use mosaic_proto::terminal::v1 as proto;
use tokio::{sync::mpsc, task::AbortHandle};
use uuid::Uuid;

use self::{driver::Driver, outbox::Outbox};
use super::{
    cursor::Cursor,
    event::{Event, Start},
};
use crate::{Client, Error, Result};

pub use self::io::AttachmentIo;

/// Events that wait for the reader, each with at most 64 KiB of output; then the server waits.
const EVENTS_MAX: usize = 16;

/// An attachment to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct Attach {
    client: Client,
    terminal_id: String,
    start: Start,
    read_only: bool,
    size: Option<proto::WindowSize>,
}

/// A terminal to type into and to read from. Dropping it ends the stream at once; the terminal lives on.
///
/// It outlives lost connections and restarts of the server, as long as one comes back within the client's
/// [`reconnect_limit`](crate::ClientBuilder::reconnect_limit): output goes on at the next byte, and input
/// that was not acknowledged is sent again under its number, so nothing is lost or doubled in either
/// direction. It ends with the terminal, when somebody detaches it, and on an error that a retry cannot
/// mend.
///
/// Keep reading: what is unread holds back the acknowledgements of input, too.
#[derive(Debug)]
pub struct Attachment {
    reader: AttachmentReader,
    writer: AttachmentWriter,
}

/// The half of an attachment that reads. The attachment ends when both halves are dropped.
#[derive(Debug)]
pub struct AttachmentReader {
    opened: proto::Opened,
    events: mpsc::Receiver<Result<Event>>,
    _task: Arc<Task>,
}

/// The half of an attachment that types. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AttachmentWriter {
    outbox: Arc<Outbox>,
    read_only: bool,
    _task: Arc<Task>,
}

/// The task behind an attachment: it ends with the attachment.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Attach {
    pub(super) fn new(client: Client, terminal_id: String) -> Self {
        Self { client, terminal_id, start: Start::Oldest, read_only: false, size: None }
    }

    /// Where to begin. Default: at the oldest byte kept.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Only reads; this reader's size counts nothing.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The size of the window that the terminal is shown in, in cells.
    pub fn size(mut self, cols: u32, rows: u32) -> Self {
        self.size = Some(proto::WindowSize { cols, rows });
        self
    }

    /// Attaches. The first connection is tried once; a lost one is made again.
    pub async fn open(self) -> Result<Attachment> {
        let outbox = Arc::new(Outbox::new(self.size));
        let mut driver = Driver {
            cursor: Cursor::new(self.start),
            retry: self.client.retry(),
            client: self.client,
            terminal_id: self.terminal_id,
            read_only: self.read_only,
            writer_id: if self.read_only { String::new() } else { Uuid::now_v7().to_string() },
            outbox: outbox.clone(),
        };
        let (line, opened) = driver.connect().await?;
        if let Some(terminal) = &opened.terminal {
            // From now on the same terminal, even if its name goes to another.
            driver.terminal_id.clone_from(&terminal.id);
        }
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let task = Arc::new(Task(tokio::spawn(driver.run(line, sender)).abort_handle()));
        Ok(Attachment {
            reader: AttachmentReader { opened, events, _task: task.clone() },
            writer: AttachmentWriter { outbox, read_only: self.read_only, _task: task },
        })
    }
}

impl Attachment {
    /// Where the stream began, and the terminal at that moment.
    pub fn opened(&self) -> &proto::Opened {
        &self.reader.opened
    }

    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        self.reader.next().await
    }

    /// Types bytes; see [`AttachmentWriter::send`].
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<()> {
        self.writer.send(data).await
    }

    /// Tells the size of the window; see [`AttachmentWriter::resize`].
    pub fn resize(&self, cols: u32, rows: u32) -> Result<()> {
        self.writer.resize(cols, rows)
    }

    /// Waits until the server has all that was sent; see [`AttachmentWriter::flush`].
    pub async fn flush(&self) -> Result<()> {
        self.writer.flush().await
    }

    /// Waits until the server has all that was sent, then detaches. What comes in meanwhile is dropped.
    pub async fn close(self) -> Result<()> {
        let Self { reader, writer } = self;
        // Without a reader the output is read and thrown away, and so cannot hold back acknowledgements.
        drop(reader);
        writer.flush().await
    }

    /// Separates reading from typing, for two tasks.
    pub fn split(self) -> (AttachmentReader, AttachmentWriter) {
        (self.reader, self.writer)
    }

    /// The bytes alone, as `AsyncRead + AsyncWrite`.
    pub fn into_io(self) -> AttachmentIo {
        AttachmentIo::new(self.reader, self.writer)
    }
}

impl AttachmentReader {
    /// Where the stream began, and the terminal at that moment.
    pub fn opened(&self) -> &proto::Opened {
        &self.opened
    }

    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        self.events.recv().await
    }
}

impl Stream for AttachmentReader {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}

impl AttachmentWriter {
    /// Types bytes. Returns when they are on their way; [`flush`](Self::flush) waits until they are there.
    /// Waits itself while 1 MiB is not acknowledged.
    ///
    /// If the future is dropped, whole messages of 64 KiB may have been taken; up to that size it is all or
    /// nothing. Calls at the same time come in any order.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the attachment has ended or only reads; the error
    /// that it ended with.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<()> {
        self.may_type()?;
        self.outbox.send(data.into()).await
    }

    /// Tells the size of the window, in cells, 1 to 1000.
    pub fn resize(&self, cols: u32, rows: u32) -> Result<()> {
        self.may_type()?;
        self.outbox.resize(proto::WindowSize { cols, rows })
    }

    /// Waits until the server has accepted all that was sent: it will be typed, whatever happens to the
    /// server.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the attachment ended first: whether the rest was
    /// accepted is then not known. The error that it ended with.
    pub async fn flush(&self) -> Result<()> {
        self.outbox.flush().await
    }

    fn may_type(&self) -> Result<()> {
        if self.read_only { Err(Error::closed("the attachment only reads")) } else { Ok(()) }
    }
}
