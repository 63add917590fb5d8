//! A reader's place in an answer's log, and the calls that go on from there.
//!
//! It must not know what the events mean to the reader, nor when a stream is made again (`resume`).

use mosaic_proto::chat::v1::{self as proto, message_event, stream_ended};
use tonic::Status;

use super::event::Event;
use crate::{
    Client, Error, Raw, Reconnecting, Result,
    resume::{Messages, Source, Taken},
};

/// What a stream's message brings, whichever call it belongs to.
#[derive(Debug)]
pub(super) struct Step(Option<proto::MessageEvent>);

impl From<proto::SendMessageResponse> for Step {
    fn from(message: proto::SendMessageResponse) -> Self {
        Self(message.event)
    }
}

impl From<proto::RegenerateMessageResponse> for Step {
    fn from(message: proto::RegenerateMessageResponse) -> Self {
        Self(message.event)
    }
}

impl From<proto::WatchMessageResponse> for Step {
    fn from(message: proto::WatchMessageResponse) -> Self {
        Self(message.event)
    }
}

/// The call that begins a stream. Each may be made again until it has told the answer's id.
#[derive(Clone, Debug)]
pub(super) enum Begin {
    Send(Box<proto::SendMessageRequest>),
    Regenerate(Box<proto::RegenerateMessageRequest>),
    Watch,
}

/// An answer's log, from the place on that the reader has reached.
#[derive(Clone, Debug)]
pub(super) struct Log {
    client: Client,
    begin: Begin,
    /// The answer, and where its stream goes on; the id is empty before the first stream has told it.
    watch: proto::WatchMessageRequest,
    completed: bool,
}

/// An event, and the place of the newest one that the reader has with it.
pub(super) type Item = (u64, Event);

/// Where a stream starts, and which answer's it is.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) message_id: String,
    pub(super) opened: proto::Opened,
    /// As in [`Item`].
    sequence: u64,
}

impl Log {
    pub(super) fn new(client: Client, begin: Begin, watch: proto::WatchMessageRequest) -> Self {
        Self { client, begin, watch, completed: false }
    }

    /// True for a place in the log that comes next; false for one that the reader has.
    fn is_next(&self, sequence: u64) -> Result<bool> {
        let last = self.watch.after_sequence;
        if sequence > last + 1 {
            return Err(Error::protocol(format!("event {sequence} came, but {} comes next", last + 1)));
        }
        Ok(sequence > last)
    }

    fn give(&self, event: Event) -> Item {
        (self.watch.after_sequence, event)
    }
}

impl Source for Log {
    type Message = Step;
    type Item = Item;
    type Opened = Start;

    fn client(&self) -> &Client {
        &self.client
    }

    async fn call(&self, raw: &mut Raw) -> Result<Messages<Step>, Status> {
        Ok(match &self.begin {
            Begin::Send(request) if self.watch.message_id.is_empty() => {
                Messages::of(raw.chat.send_message(request.as_ref().clone()).await?.into_inner())
            }
            Begin::Regenerate(request) if self.watch.message_id.is_empty() => {
                Messages::of(raw.chat.regenerate_message(request.as_ref().clone()).await?.into_inner())
            }
            Begin::Send(_) | Begin::Regenerate(_) | Begin::Watch => {
                Messages::of(raw.chat.watch_message(self.watch.clone()).await?.into_inner())
            }
        })
    }

    fn open(&mut self, message: Step) -> Result<Start> {
        let Some(proto::MessageEvent {
            message_id, event: Some(message_event::Event::Opened(opened)), ..
        }) = message.0
        else {
            return Err(Error::protocol("the stream's first message does not say where it starts"));
        };
        if message_id.is_empty() {
            return Err(Error::protocol("the stream's first message does not say whose it is"));
        }
        self.watch.message_id.clone_from(&message_id);
        Ok(Start { message_id, opened, sequence: self.watch.after_sequence })
    }

    fn take(&mut self, message: Step) -> Result<Taken<Item>> {
        use message_event::Event as Wire;
        let Some(proto::MessageEvent { sequence, event, .. }) = message.0 else { return Ok(Taken::Skip) };
        // Those that are not in the log come first: they have no place of their own.
        let event = match event {
            Some(Wire::Opened(_)) => return Ok(Taken::Skip),
            Some(Wire::Heartbeat(proto::Heartbeat {})) => {
                return Ok(Taken::Give(self.give(Event::Heartbeat)));
            }
            Some(Wire::StreamEnded(ended)) if ended.reason() == stream_ended::Reason::ServerStopping => {
                return Ok(Taken::Resume);
            }
            Some(Wire::StreamEnded(ended)) => return Ok(Taken::Last(self.give(Event::Ended(ended)))),
            event => event,
        };
        if !self.is_next(sequence)? {
            return Ok(Taken::Skip);
        }
        self.watch.after_sequence = sequence;
        let event = match event {
            Some(Wire::Started(started)) => Event::Started(started),
            Some(Wire::TextDelta(delta)) => Event::Text(delta.text),
            Some(Wire::ThinkingDelta(delta)) => Event::Thinking(delta.text),
            Some(Wire::ToolCall(delta)) => Event::ToolCall(delta),
            Some(Wire::Retried(retried)) => Event::Retried(retried),
            Some(Wire::FellBack(fell_back)) => Event::FellBack(fell_back),
            Some(Wire::Superseded(superseded)) => Event::Superseded(superseded),
            Some(Wire::ContextTrimmed(trimmed)) => Event::ContextTrimmed(trimmed),
            Some(Wire::Usage(usage)) => Event::Usage(usage),
            Some(Wire::CommandResult(result)) => Event::CommandResult(Box::new(result)),
            Some(Wire::Completed(completed)) => {
                self.completed = true;
                Event::Completed(Box::new(super::present(completed.message, "message")?))
            }
            // A kind of event that this client does not know: a newer server's. Its place is taken all the same.
            _ => return Ok(Taken::Skip),
        };
        Ok(Taken::Give(self.give(event)))
    }

    fn finished(&self) -> Option<Item> {
        let reason = stream_ended::Reason::Completed.into();
        self.completed.then(|| self.give(Event::Ended(proto::StreamEnded { reason })))
    }

    fn reconnecting(notice: Reconnecting) -> Item {
        // The place did not change; 0 is never newer than the one that the reader has.
        (0, Event::Reconnecting(notice))
    }

    fn reconnected(start: Start) -> Item {
        (start.sequence, Event::Reconnected(start.opened))
    }
}

#[cfg(test)]
mod tests {
    use message_event::Event as Wire;

    use super::*;

    fn log(after_sequence: u64) -> Log {
        let client = Client::connect("http://127.0.0.1:1").build().expect("valid");
        let watch =
            proto::WatchMessageRequest { message_id: "m".to_owned(), after_sequence, ..Default::default() };
        Log::new(client, Begin::Watch, watch)
    }

    fn step(sequence: u64, event: Option<Wire>) -> Step {
        Step(Some(proto::MessageEvent { message_id: "m".to_owned(), sequence, event }))
    }

    fn text(sequence: u64) -> Step {
        step(sequence, Some(Wire::TextDelta(proto::TextDelta { text: "x".to_owned() })))
    }

    fn ended(reason: stream_ended::Reason) -> Step {
        step(0, Some(Wire::StreamEnded(proto::StreamEnded { reason: reason.into() })))
    }

    #[test]
    fn events_come_once_and_in_order() {
        let mut log = log(4);
        assert!(matches!(log.take(text(5)), Ok(Taken::Give((5, Event::Text(_))))));
        assert!(matches!(log.take(text(5)), Ok(Taken::Skip)));
        assert!(log.take(text(7)).is_err(), "6 is missing");
        assert_eq!(log.watch.after_sequence, 5);
    }

    #[test]
    fn an_event_of_a_newer_server_is_passed_over_with_its_place() {
        let mut log = log(4);
        assert!(matches!(log.take(step(5, None)), Ok(Taken::Skip)));
        assert!(matches!(log.take(text(6)), Ok(Taken::Give((6, _)))));
    }

    #[test]
    fn what_is_not_in_the_log_does_not_move_the_place() {
        let mut log = log(4);
        let heartbeat = step(9, Some(Wire::Heartbeat(proto::Heartbeat {})));
        assert!(matches!(log.take(heartbeat), Ok(Taken::Give((4, Event::Heartbeat)))));
        assert!(matches!(log.take(ended(stream_ended::Reason::ServerStopping)), Ok(Taken::Resume)));
        assert!(matches!(log.take(ended(stream_ended::Reason::Deleted)), Ok(Taken::Last(_))));
        assert_eq!(log.watch.after_sequence, 4);
    }

    #[test]
    fn after_the_answer_only_the_last_word_is_missing() {
        let mut log = log(0);
        assert!(log.finished().is_none());
        let completed = proto::Completed { message: Some(proto::Message::default()) };
        let completed = step(1, Some(Wire::Completed(completed)));
        assert!(matches!(log.take(completed), Ok(Taken::Give((1, Event::Completed(_))))));
        assert!(matches!(log.finished(), Some((1, Event::Ended(_)))));
    }
}
