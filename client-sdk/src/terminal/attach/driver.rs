//! The task behind an attachment: reads one stream after the other until there is nothing more to read.
//!
//! It must not touch input but to acknowledge it: input goes from the sender straight into the stream.

use std::sync::Arc;

use mosaic_proto::terminal::v1::{self as proto, attach_response::Response};
use tokio::{sync::mpsc, time::sleep};
use tonic::Streaming;

use super::outbox::Outbox;
use crate::{
    Client, Error, Raw, Result,
    retry::Retry,
    terminal::{
        cursor::{Cursor, Step},
        event::Event,
    },
};

pub(super) struct Driver {
    pub(super) client: Client,
    pub(super) terminal_id: String,
    pub(super) read_only: bool,
    /// Empty for one that only reads.
    pub(super) writer_id: String,
    pub(super) cursor: Cursor,
    pub(super) retry: Retry,
    pub(super) outbox: Arc<Outbox>,
}

/// A stream, and the connection that it is on.
pub(super) struct Line {
    messages: Streaming<proto::AttachResponse>,
    _outgoing: HangUp,
    _raw: Raw,
}

/// Ends the outgoing half of a stream when it is dropped: the transport keeps a stream alive for as long as
/// that half has more to send, even when nobody reads the other.
struct HangUp(Arc<Outbox>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// Where the events go. A reader that went away is no reason to stop acknowledging input.
type Events = mpsc::Sender<Result<Event>>;

impl Driver {
    /// Reads until the end; the last thing given is [`Event::Ended`] or an error.
    pub(super) async fn run(mut self, mut line: Line, events: Events) {
        let last = loop {
            let cause = match self.read(&mut line, &events).await {
                Ok(ended) => break Ok(Event::Ended(ended)),
                Err(cause) => cause,
            };
            if let Some(ended) = self.cursor.finished() {
                break Ok(Event::Ended(ended));
            }
            drop(line);
            match self.reconnect(cause, &events).await {
                Ok(again) => line = again,
                Err(error) => break Err(error),
            }
        };
        self.outbox.close(match &last {
            Ok(_) => Error::closed("the attachment has ended; nothing can be sent any more"),
            Err(error) => error.clone(),
        });
        let _ = events.send(last).await;
    }

    /// Reads one stream to its last message, or to an error.
    async fn read(&mut self, line: &mut Line, events: &Events) -> Result<proto::StreamEnded> {
        loop {
            // Only the wait for the server counts: a slow reader is waited for below.
            let message = self.client.unless_silent(self.message(line)).await?;
            let event = match message.ok_or_else(|| self.client.cut_short())?.response {
                Some(Response::InputAccepted(accepted)) => {
                    self.outbox.accepted(accepted.sequence);
                    continue;
                }
                Some(Response::Event(event)) => event.event,
                None => None,
            };
            let event = event.ok_or_else(unknown)?;
            match self.cursor.accept(event)? {
                Step::Give(event) => {
                    let _ = events.send(Ok(event)).await;
                }
                Step::Skip | Step::Opened(_) => {}
                Step::Resume => return Err(self.client.stopping()),
                Step::End(ended) => return Ok(ended),
            }
        }
    }

    async fn message(&self, line: &mut Line) -> Result<Option<proto::AttachResponse>> {
        line.messages.message().await.map_err(|status| self.client.error(status))
    }

    async fn reconnect(&mut self, mut cause: Error, events: &Events) -> Result<Line> {
        loop {
            let notice = self.retry.failed(cause)?;
            let pause = notice.pause;
            let _ = events.send(Ok(Event::Reconnecting(notice))).await;
            sleep(pause).await;
            match self.connect().await {
                Ok((line, opened)) => {
                    let _ = events.send(Ok(Event::Reconnected(Box::new(opened)))).await;
                    return Ok(line);
                }
                Err(again) => cause = again,
            }
        }
    }

    /// One attempt, up to and with the server's first message.
    pub(super) async fn connect(&mut self) -> Result<(Line, proto::Opened)> {
        let client = self.client.clone();
        client.unless_silent(self.call()).await
    }

    async fn call(&mut self) -> Result<(Line, proto::Opened)> {
        let mut raw = self.client.raw_streams()?;
        let open = proto::Open {
            terminal_id: self.terminal_id.clone(),
            start: self.cursor.start().into(),
            read_only: self.read_only,
            writer_id: self.writer_id.clone(),
            cols: None,
            rows: None,
        };
        let hang_up = HangUp(self.outbox.clone());
        let answer = raw.terminals.attach(self.outbox.connect(open)).await;
        let messages = answer.map_err(|status| self.client.error(status))?.into_inner();
        let mut line = Line { messages, _outgoing: hang_up, _raw: raw };
        let first = self.message(&mut line).await?;
        let event = match first.ok_or_else(|| self.client.cut_short())?.response {
            Some(Response::Event(event)) => event.event,
            Some(Response::InputAccepted(_)) | None => None,
        };
        let Step::Opened(opened) = self.cursor.accept(event.ok_or_else(unknown)?)? else {
            return Err(Error::protocol("the stream's first message does not say where it starts"));
        };
        self.outbox.answered(opened.highest_accepted_sequence);
        self.retry.succeeded();
        Ok((line, *opened))
    }
}

fn unknown() -> Error {
    Error::protocol("the server sent a kind of message that this client does not know")
}
