//! An attachment as a pair of byte streams.
//!
//! It must not know more of events than which of them carry bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use mosaic_proto::terminal::v1 as proto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::PollSemaphore;

use super::{
    AttachmentReader, AttachmentWriter,
    outbox::{CHUNK_BYTES_MAX, WINDOW_BYTES, cost},
};
use crate::terminal::event::Event;

/// The bytes of an attachment.
///
/// Reading ends (0 bytes) with the attachment; [`exit`](Self::exit) then says how the program ended. Output
/// that is not kept any more is an error of kind `InvalidData`, after which reading goes on. Writing returns
/// when the bytes are on their way; flushing and shutting down wait until the server has accepted them.
#[derive(Debug)]
pub struct AttachmentIo {
    reader: AttachmentReader,
    writer: AttachmentWriter,
    /// Output that is not read yet.
    unread: Bytes,
    exit: Option<proto::Exit>,
    /// One for writing and flushing: asking for another amount gives up the place in the queue that a
    /// dropped write or flush had, where it would hold room for ever.
    room: PollSemaphore,
}

impl AttachmentIo {
    pub(super) fn new(reader: AttachmentReader, writer: AttachmentWriter) -> Self {
        let room = PollSemaphore::new(writer.outbox.window());
        Self { reader, writer, unread: Bytes::new(), exit: None, room }
    }

    /// How the program ended; None while it runs, and if the attachment ended before.
    pub fn exit(&self) -> Option<&proto::Exit> {
        self.exit.as_ref()
    }

    /// Tells the size of the window, in cells, 1 to 1000.
    pub fn resize(&self, cols: u32, rows: u32) -> crate::Result<()> {
        self.writer.resize(cols, rows)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            match ready!(self.reader.events.poll_recv(cx)).transpose()? {
                Some(Event::Output(output)) => return Poll::Ready(Ok(Some(output.data))),
                Some(Event::Gap(proto::Gap { from, to })) => {
                    let message = format!("bytes {from} to {to} of the output are not kept any more");
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
                }
                Some(Event::Exited(exited)) => self.exit = exited.exit,
                Some(_other) => {}
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl AsyncRead for AttachmentIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.poll_event(cx))? {
                Some(data) => self.unread = data,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread[..length]);
        self.unread.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AttachmentIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.writer.may_type()?;
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let chunk = Bytes::copy_from_slice(&data[..data.len().min(CHUNK_BYTES_MAX)]);
        let length = chunk.len();
        match ready!(self.room.poll_acquire_many(cx, cost(&chunk))) {
            Some(room) => {
                self.writer.outbox.push(chunk)?;
                room.forget();
                Poll::Ready(Ok(length))
            }
            None => Poll::Ready(Err(self.writer.outbox.reason().into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.room.poll_acquire_many(cx, WINDOW_BYTES)) {
            Some(_all_of_it) => Poll::Ready(Ok(())),
            None => Poll::Ready(self.writer.outbox.settled().map_err(Into::into)),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
