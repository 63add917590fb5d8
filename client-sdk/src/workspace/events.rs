//! The workspace's event log.
//!
//! It must not know what the events mean, nor how streams come back (`resume`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::BoxStream};
use mosaic_proto::workspace::v1::{self as proto, events_ended, watch_events_response::Response};
use tonic::Status;

use crate::{
    Client, Error, Raw, Reconnecting, Result,
    resume::{self, Messages, Source, Taken},
};

/// Events to be watched.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct WatchEvents {
    client: Client,
    request: proto::WatchEventsRequest,
}

/// One step of the event stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WorkspaceEvent {
    /// Something happened.
    Event(Box<proto::Event>),
    /// Nothing happened for 15 s; every event up to this sequence was given, filtered ones aside.
    Heartbeat {
        /// The sequence.
        sequence: u64,
    },
    /// The connection was lost; the next attempt follows by itself.
    Reconnecting(Reconnecting),
    /// The connection is back, and the stream goes on where it was.
    Reconnected,
    /// Last: `follow` was false and everything was given, up to this sequence.
    CaughtUp {
        /// The sequence.
        sequence: u64,
    },
}

/// The events of a workspace, each once and in order. Dropping it ends the stream.
///
/// After a lost connection it goes on after the last event. It ends after [`WorkspaceEvent::CaughtUp`] or
/// an error, such as [`ErrorKind::CursorExpired`](crate::ErrorKind::CursorExpired) if it was away for longer
/// than events are kept.
pub struct Events {
    opened: proto::EventsOpened,
    events: BoxStream<'static, Result<WorkspaceEvent>>,
}

impl WatchEvents {
    pub(super) fn new(client: Client) -> Self {
        Self { client, request: proto::WatchEventsRequest::default() }
    }

    /// Events after this one: 0 for all that are kept, a list's `sequence` for list-then-watch. Default:
    /// only those from now on.
    pub fn after(mut self, sequence: u64) -> Self {
        self.request.after_sequence = Some(sequence);
        self
    }

    /// Only events of this resource; may be called for several.
    pub fn resource(mut self, resource: proto::Resource) -> Self {
        self.request.resources.push(resource.into());
        self
    }

    /// Whether to go on with what comes; false ends the stream at the newest event. Default true.
    pub fn follow(mut self, follow: bool) -> Self {
        self.request.follow = Some(follow);
        self
    }

    /// Opens the stream. The first connection is tried once; a lost one is made again.
    pub async fn open(self) -> Result<Events> {
        let (opened, events) = resume::open(Log { client: self.client, request: self.request }).await?;
        Ok(Events { opened, events })
    }
}

impl Events {
    /// Where the stream began.
    pub fn opened(&self) -> &proto::EventsOpened {
        &self.opened
    }

    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<WorkspaceEvent>> {
        self.events.next().await
    }
}

impl Stream for Events {
    type Item = Result<WorkspaceEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// The events of a workspace, from `after_sequence` on, which moves along.
struct Log {
    client: Client,
    request: proto::WatchEventsRequest,
}

impl Source for Log {
    type Message = proto::WatchEventsResponse;
    type Item = WorkspaceEvent;
    type Opened = proto::EventsOpened;

    fn client(&self) -> &Client {
        &self.client
    }

    async fn call(&self, raw: &mut Raw) -> Result<Messages<Self::Message>, Status> {
        Ok(Messages::of(raw.workspace.watch_events(self.request.clone()).await?.into_inner()))
    }

    fn open(&mut self, message: Self::Message) -> Result<Self::Opened> {
        let Some(Response::Opened(opened)) = message.response else {
            return Err(Error::protocol("the stream's first message does not say where it starts"));
        };
        self.advance(opened.after_sequence);
        Ok(opened)
    }

    fn take(&mut self, message: Self::Message) -> Result<Taken<WorkspaceEvent>> {
        let unknown = || Error::protocol("the server sent a kind of message that this client does not know");
        match message.response.ok_or_else(unknown)? {
            Response::Event(event) => self.event(event),
            Response::Heartbeat(proto::EventsHeartbeat { sequence }) => {
                self.advance(sequence);
                Ok(Taken::Give(WorkspaceEvent::Heartbeat { sequence }))
            }
            Response::Ended(ended) if ended.reason() == events_ended::Reason::ServerStopping => {
                Ok(Taken::Resume)
            }
            Response::Ended(proto::EventsEnded { sequence, .. }) => {
                Ok(Taken::Last(WorkspaceEvent::CaughtUp { sequence }))
            }
            Response::Opened(_) => Ok(Taken::Skip),
        }
    }

    /// The end of an event stream is nothing but its last message.
    fn finished(&self) -> Option<WorkspaceEvent> {
        None
    }

    fn reconnecting(notice: Reconnecting) -> WorkspaceEvent {
        WorkspaceEvent::Reconnecting(notice)
    }

    fn reconnected(_opened: Self::Opened) -> WorkspaceEvent {
        WorkspaceEvent::Reconnected
    }
}

impl Log {
    fn event(&mut self, event: proto::Event) -> Result<Taken<WorkspaceEvent>> {
        let last = self.request.after_sequence.unwrap_or_default();
        if event.sequence <= last {
            return Ok(Taken::Skip);
        }
        // With a filter, the numbers between belong to others.
        if self.request.resources.is_empty() && event.sequence != last + 1 {
            let message = format!("event {} came, but {} comes next", event.sequence, last + 1);
            return Err(Error::protocol(message));
        }
        self.advance(event.sequence);
        Ok(Taken::Give(WorkspaceEvent::Event(Box::new(event))))
    }

    fn advance(&mut self, sequence: u64) {
        let after = self.request.after_sequence.get_or_insert(sequence);
        *after = sequence.max(*after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(after: Option<u64>, resources: Vec<i32>) -> Log {
        let client = Client::connect("http://127.0.0.1:1").build().expect("valid");
        let request = proto::WatchEventsRequest { after_sequence: after, resources, follow: None };
        Log { client, request }
    }

    fn event(sequence: u64) -> proto::WatchEventsResponse {
        let event = proto::Event { sequence, ..Default::default() };
        proto::WatchEventsResponse { response: Some(Response::Event(event)) }
    }

    #[test]
    fn events_come_once_and_in_order() {
        let mut log = log(Some(4), Vec::new());
        assert!(matches!(log.take(event(5)), Ok(Taken::Give(_))));
        assert!(matches!(log.take(event(5)), Ok(Taken::Skip)));
        assert!(log.take(event(7)).is_err(), "6 is missing");
        assert_eq!(log.request.after_sequence, Some(5));
    }

    #[test]
    fn with_a_filter_numbers_may_be_missing_and_heartbeats_move_the_cursor() {
        let mut log = log(Some(4), vec![proto::Resource::Terminal.into()]);
        assert!(matches!(log.take(event(7)), Ok(Taken::Give(_))));
        let heartbeat = Response::Heartbeat(proto::EventsHeartbeat { sequence: 9 });
        let heartbeat = proto::WatchEventsResponse { response: Some(heartbeat) };
        assert!(matches!(log.take(heartbeat), Ok(Taken::Give(_))));
        assert_eq!(log.request.after_sequence, Some(9));
    }

    #[test]
    fn from_now_on_means_from_the_first_connection_on() {
        let mut log = log(None, Vec::new());
        let opened = Response::Opened(proto::EventsOpened { after_sequence: 8, newest_sequence: 8 });
        log.open(proto::WatchEventsResponse { response: Some(opened) }).expect("opened");
        assert_eq!(log.request.after_sequence, Some(8));
    }
}
