//! What an attachment has yet to tell the server: input until it is acknowledged, and the window's size.
//!
//! It must not know about connections. Each stream reads it by an [`Outgoing`] of its own, and only the
//! newest one gets anything.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::Stream;
use mosaic_proto::terminal::v1::{self as proto, attach_request::Request};
use tokio::sync::Semaphore;

use crate::{Error, Result, terminal::INPUT_BYTES_MAX};

/// What is kept until the server acknowledges it; then senders wait.
pub(super) const WINDOW_BYTES: u32 = 1024 * 1024;
/// What a message costs beside its bytes, so that single keystrokes are bounded, too.
const MESSAGE_COST_BYTES: u32 = 64;
/// The most bytes in one message.
pub(super) const CHUNK_BYTES_MAX: usize = INPUT_BYTES_MAX;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Free bytes of the window. Closed when nothing will be acknowledged any more.
    window: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    /// Input that is not acknowledged, oldest first.
    input: VecDeque<Pending>,
    /// The number of the next input.
    next_sequence: u64,
    /// The number of the last input that the stream has taken.
    sent: u64,
    /// The newest size, for the next stream's first message.
    size: Option<proto::WindowSize>,
    /// A size that the stream has not taken.
    resize: Option<proto::WindowSize>,
    /// Which stream is the newest.
    stream: u64,
    /// The first message of the stream, until it takes it.
    open: Option<proto::Open>,
    /// Whether the server has answered the first message: before, it is not known what it has.
    answered: bool,
    /// Wakes the newest stream.
    waker: Option<Waker>,
    /// Why nothing can be sent any more.
    over: Option<Error>,
}

#[derive(Debug)]
struct Pending {
    sequence: u64,
    data: Bytes,
}

/// The outgoing half of one stream.
pub(super) struct Outgoing {
    outbox: Arc<Outbox>,
    stream: u64,
}

impl Outbox {
    pub(super) fn new(size: Option<proto::WindowSize>) -> Self {
        Self {
            state: Mutex::new(State {
                input: VecDeque::new(),
                next_sequence: 1,
                sent: 0,
                size,
                resize: None,
                stream: 0,
                open: None,
                answered: false,
                waker: None,
                over: None,
            }),
            window: Arc::new(Semaphore::new(WINDOW_BYTES as usize)),
        }
    }

    /// The window, for who has to poll for room.
    pub(super) fn window(&self) -> Arc<Semaphore> {
        self.window.clone()
    }

    /// Takes input, in messages; waits while the window is full.
    pub(super) async fn send(&self, mut data: Bytes) -> Result<()> {
        while !data.is_empty() {
            let chunk = data.split_to(data.len().min(CHUNK_BYTES_MAX));
            let room = self.window.acquire_many(cost(&chunk)).await.map_err(|_| self.reason())?;
            self.push(chunk)?;
            // The acknowledgement gives it back.
            room.forget();
        }
        Ok(())
    }

    /// Takes one message of input whose room the caller has.
    pub(super) fn push(&self, data: Bytes) -> Result<()> {
        let mut state = self.lock();
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.input.push_back(Pending { sequence, data });
        wake(state);
        Ok(())
    }

    /// Takes a size; only the newest one counts.
    pub(super) fn resize(&self, size: proto::WindowSize) -> Result<()> {
        let mut state = self.lock();
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        state.size = Some(size);
        state.resize = Some(size);
        wake(state);
        Ok(())
    }

    /// Waits until everything taken so far is acknowledged.
    pub(super) async fn flush(&self) -> Result<()> {
        match self.window.acquire_many(WINDOW_BYTES).await {
            Ok(_all_of_it) => Ok(()),
            Err(_closed) => self.settled(),
        }
    }

    /// Whether everything taken was acknowledged before it was over.
    pub(super) fn settled(&self) -> Result<()> {
        if self.lock().input.is_empty() { Ok(()) } else { Err(self.reason()) }
    }

    /// Begins a new stream; what the stream before it had not taken, it does not get any more.
    pub(super) fn connect(self: &Arc<Self>, mut open: proto::Open) -> Outgoing {
        let mut state = self.lock();
        if let Some(size) = state.size {
            (open.cols, open.rows) = (Some(size.cols), Some(size.rows));
        }
        state.stream += 1;
        state.resize = None;
        state.open = Some(open);
        state.answered = false;
        let stream = state.stream;
        wake(state);
        Outgoing { outbox: self.clone(), stream }
    }

    /// The server answered: it has everything up to `accepted`, and gets what follows.
    pub(super) fn answered(&self, accepted: u64) {
        self.accepted(accepted);
        let mut state = self.lock();
        state.answered = true;
        state.sent = accepted;
        wake(state);
    }

    /// The server has everything up to here.
    pub(super) fn accepted(&self, sequence: u64) {
        let mut state = self.lock();
        let mut free = 0;
        while let Some(oldest) = state.input.pop_front_if(|oldest| oldest.sequence <= sequence) {
            free += cost(&oldest.data) as usize;
        }
        drop(state);
        self.window.add_permits(free);
    }

    /// Ends the newest stream's outgoing half.
    pub(super) fn hang_up(&self) {
        let mut state = self.lock();
        state.stream += 1;
        wake(state);
    }

    /// Nothing can be sent any more.
    pub(super) fn close(&self, why: Error) {
        let mut state = self.lock();
        state.over.get_or_insert(why);
        drop(state);
        self.window.close();
        self.hang_up();
    }

    /// Why nothing can be sent any more.
    pub(super) fn reason(&self) -> Error {
        self.lock().over.clone().unwrap_or_else(|| Error::closed("the attachment is over"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in the window for a message with these bytes; a message has at most 64 KiB.
pub(super) fn cost(data: &Bytes) -> u32 {
    u32::try_from(data.len()).unwrap_or(WINDOW_BYTES).saturating_add(MESSAGE_COST_BYTES)
}

/// Wakes the newest stream, outside of the lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Stream for Outgoing {
    type Item = proto::AttachRequest;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.outbox.lock();
        if state.stream != self.stream {
            return Poll::Ready(None);
        }
        match state.next() {
            Some(request) => Poll::Ready(Some(proto::AttachRequest { request: Some(request) })),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl State {
    fn next(&mut self) -> Option<Request> {
        if let Some(open) = self.open.take() {
            return Some(Request::Open(open));
        }
        if !self.answered {
            return None;
        }
        if let Some(size) = self.resize.take() {
            return Some(Request::Resize(size));
        }
        let oldest = self.input.front()?.sequence;
        let next = usize::try_from((self.sent + 1).saturating_sub(oldest)).ok()?;
        let Pending { sequence, data } = self.input.get(next)?;
        self.sent = *sequence;
        Some(Request::Input(proto::Input { sequence: *sequence, data: data.clone() }))
    }
}

#[cfg(test)]
mod tests;
