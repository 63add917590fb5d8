//! Reading an answer to its end.
//!
//! It must not know which call began it, nor how streams come back (`resume`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::BoxStream};
use mosaic_proto::chat::v1 as proto;
use tokio::time::sleep;

use super::{
    event::Event,
    log::{Item, Log, Start},
    transcript::Transcript,
};
use crate::{Error, ErrorKind, Result, resume};

/// An answer as it comes. Dropping it ends the stream; the server generates on, unless it was told
/// `on_disconnect_stop`.
///
/// After a lost connection or a restart of the server it goes on at the next event, and says so by
/// [`Event::Reconnecting`] and [`Event::Reconnected`]. It ends after [`Event::Ended`] or an error.
pub struct Answer {
    start: Start,
    sequence: u64,
    events: BoxStream<'static, Result<Item>>,
}

impl Answer {
    /// Begins. A server that cannot be reached is an error at once; a call that may have been done is repeated,
    /// which does it once: it carries a request id.
    pub(super) async fn open(log: Log) -> Result<Self> {
        use resume::Source as _;
        let mut retry = log.client().retry();
        let mut tried = false;
        loop {
            match resume::open(log.clone()).await {
                Ok((start, events)) => {
                    return Ok(Self { sequence: start.opened.after_sequence, start, events });
                }
                Err(cause) if !tried && cause.kind() == ErrorKind::Connect => return Err(cause),
                Err(cause) => sleep(retry.failed(cause)?.pause).await,
            }
            tried = true;
        }
    }

    /// Where the stream began, the conversation, and the message that is answered.
    pub fn opened(&self) -> &proto::Opened {
        &self.start.opened
    }

    /// The id of the answer, for `stop`, `watch` and `regenerate`.
    pub fn message_id(&self) -> &str {
        &self.start.message_id
    }

    /// The conversation's id.
    pub fn conversation_id(&self) -> &str {
        &self.start.opened.conversation_id
    }

    /// The sequence of the newest event that was given: `watch(message_id).after(sequence)` goes on there.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        StreamExt::next(self).await
    }

    /// Reads to the end: the whole text.
    ///
    /// # Errors
    /// [`ErrorKind::Unfinished`] if it was stopped, failed, or the server was killed meanwhile.
    pub async fn text(mut self) -> Result<String> {
        let mut transcript = Transcript::default();
        while let Some(event) = self.next().await {
            let event = event?;
            transcript.take(self.sequence, &event);
            match event {
                Event::Completed(message) => {
                    return Error::unfinished(&message).map_or(Ok(message.content), Err);
                }
                Event::Ended(ended) if ended.reason() == proto::stream_ended::Reason::Deleted => {
                    return Err(Error::gone());
                }
                _ => {}
            }
        }
        // A stream that was told not to follow.
        Ok(transcript.into_text())
    }

    /// Reads to the end: the message as it is stored, however it ended.
    pub async fn message(mut self) -> Result<proto::Message> {
        while let Some(event) = self.next().await {
            if let Event::Completed(message) = event? {
                return Ok(*message);
            }
        }
        Err(Error::gone())
    }
}

impl Stream for Answer {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx).map(|item| {
            Some(item?.map(|(sequence, event)| {
                self.sequence = self.sequence.max(sequence);
                event
            }))
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("start", &self.start)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}
