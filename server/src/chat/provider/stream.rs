//! From the bytes of a body to the pieces of an answer: what all adapters do the same way.
//!
//! It knows no wire format; a [`Wire`] says what an event means.

use std::collections::VecDeque;

use futures_util::{FutureExt, StreamExt, stream};

use super::{
    Failure, FailureKind, Piece, Pieces,
    decode::{Decode, Event},
    http::Body,
};

/// What the events of one answer mean.
pub(super) trait Wire: Send + 'static {
    /// Takes an event and appends the pieces that it makes: none, or a few. [`Piece::Stop`] ends the answer.
    fn event(&mut self, event: &Event, pieces: &mut VecDeque<Piece>) -> Result<(), Failure>;

    /// The body has ended, or broke off: the last piece if the answer was whole by then, else
    /// [`FailureKind::Cut`].
    fn end(&mut self) -> Result<Piece, Failure>;
}

/// One answer under way.
struct Answer<D, W> {
    body: Body,
    decoder: D,
    wire: W,
    /// Pieces of the last event.
    ready: VecDeque<Piece>,
    over: bool,
}

/// The pieces of a body. Dropping them closes it.
pub(super) fn pieces(body: Body, decoder: impl Decode, wire: impl Wire) -> Pieces {
    let answer = Answer { body, decoder, wire, ready: VecDeque::new(), over: false };
    stream::unfold(answer, |mut answer| async move {
        let piece = answer.next().await?;
        Some((piece, answer))
    })
    // Asked again after its end it has nothing, instead of a panic.
    .fuse()
    .boxed()
}

impl<D: Decode, W: Wire> Answer<D, W> {
    async fn next(&mut self) -> Option<Result<Piece, Failure>> {
        if self.over {
            return None;
        }
        let piece = self.piece().await;
        self.over = matches!(piece, Ok(Piece::Stop(_)) | Err(_));
        if matches!(piece, Ok(Piece::Stop(_))) {
            // A body read to its end leaves a connection for the next request; nobody waits for that.
            let _ = self.body.next().now_or_never();
        }
        Some(piece)
    }

    async fn piece(&mut self) -> Result<Piece, Failure> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(piece);
            }
            if let Some(event) = self.decoder.event()? {
                self.wire.event(&event, &mut self.ready)?;
                continue;
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.decoder.feed(&bytes),
                // A connection that breaks after the answer's last word takes nothing away from it.
                Some(Err(failure)) => return self.wire.end().map_err(|_| failure),
                None => match self.decoder.rest() {
                    Some(event) => match self.wire.event(&event, &mut self.ready) {
                        // Half an event: it was cut there.
                        Err(failure) if failure.kind == FailureKind::Malformed => return self.wire.end(),
                        taken => taken?,
                    },
                    None => return self.wire.end(),
                },
            }
        }
    }
}
