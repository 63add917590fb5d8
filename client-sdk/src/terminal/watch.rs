//! Reading one terminal's output, without typing.
//!
//! It must not know how streams come back (`resume`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::BoxStream};
use mosaic_proto::terminal::v1 as proto;
use tonic::Status;

use super::{
    cursor::{Cursor, Step},
    event::{Event, Start},
};
use crate::{
    Client, Error, Raw, Reconnecting, Result,
    resume::{self, Messages, Source, Taken},
};

/// A watch to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct WatchTerminal {
    client: Client,
    terminal_id: String,
    start: Start,
    follow: bool,
    format: proto::Format,
}

/// A terminal's events, read-only. Dropping it ends the stream.
///
/// After a lost connection it goes on at the next byte, and says so by
/// [`Event::Reconnecting`] and [`Event::Reconnected`]. It ends after [`Event::Ended`] or an error.
pub struct Watch {
    opened: proto::Opened,
    events: BoxStream<'static, Result<Event>>,
}

impl WatchTerminal {
    pub(super) fn new(client: Client, terminal_id: String) -> Self {
        Self { client, terminal_id, start: Start::Oldest, follow: true, format: proto::Format::Raw }
    }

    /// Where to begin. Default: at the oldest byte kept.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Whether to go on with what comes; false ends the stream at the end of the output. Default true.
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Text without escape sequences, in `Output.text`, instead of bytes in `Output.data`. A connection lost
    /// in the middle of an escape sequence or of a character may damage that one.
    pub fn text(mut self) -> Self {
        self.format = proto::Format::Text;
        self
    }

    /// Opens the stream. The first connection is tried once; a lost one is made again.
    pub async fn open(self) -> Result<Watch> {
        let cursor = Cursor::new(self.start);
        let (opened, events) = resume::open(Output { request: self, cursor }).await?;
        Ok(Watch { opened, events })
    }
}

impl Watch {
    /// The same for output that is read another way.
    pub(crate) fn of(opened: proto::Opened, events: BoxStream<'static, Result<Event>>) -> Self {
        Self { opened, events }
    }

    /// Where the stream began, and the terminal at that moment.
    pub fn opened(&self) -> &proto::Opened {
        &self.opened
    }

    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        self.events.next().await
    }
}

impl Stream for Watch {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// The output of a terminal, from the cursor on.
struct Output {
    request: WatchTerminal,
    cursor: Cursor,
}

impl Source for Output {
    type Message = proto::WatchResponse;
    type Item = Event;
    type Opened = proto::Opened;

    fn client(&self) -> &Client {
        &self.request.client
    }

    async fn call(&self, raw: &mut Raw) -> Result<Messages<Self::Message>, Status> {
        let request = proto::WatchRequest {
            terminal_id: self.request.terminal_id.clone(),
            start: self.cursor.start().into(),
            follow: Some(self.request.follow),
            format: self.request.format.into(),
            subscriptions: Vec::new(),
        };
        Ok(Messages::of(raw.terminals.watch(request).await?.into_inner()))
    }

    fn open(&mut self, message: Self::Message) -> Result<Self::Opened> {
        let Step::Opened(opened) = self.cursor.accept(event(message)?)? else {
            return Err(Error::protocol("the stream's first message does not say where it starts"));
        };
        if let Some(terminal) = &opened.terminal {
            // From now on the same terminal, even if its name goes to another.
            self.request.terminal_id.clone_from(&terminal.id);
        }
        Ok(*opened)
    }

    fn take(&mut self, message: Self::Message) -> Result<Taken<Event>> {
        Ok(Taken::from(self.cursor.accept(event(message)?)?))
    }

    fn finished(&self) -> Option<Event> {
        self.cursor.finished().map(Event::Ended)
    }

    fn reconnecting(notice: Reconnecting) -> Event {
        Event::Reconnecting(notice)
    }

    fn reconnected(opened: Self::Opened) -> Event {
        Event::Reconnected(Box::new(opened))
    }
}

fn event(message: proto::WatchResponse) -> Result<proto::terminal_event::Event> {
    let event = message.event.and_then(|event| event.event);
    event.ok_or_else(|| Error::protocol("the server sent a kind of event that this client does not know"))
}
