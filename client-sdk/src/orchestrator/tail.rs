//! Reading one agent's output.
//!
//! It must not know how streams come back (`resume`), nor what follows on the agent's end (`logs`).

use mosaic_proto::{
    orchestrator::v1::{self as proto, tail_log_request},
    terminal::v1::{self as terminal, terminal_event},
};
use tonic::Status;

use crate::{
    Client, Error, Raw, Reconnecting, Result,
    resume::{self, Messages, Source, Taken},
    terminal::{Cursor, Event, Start, Step, Watch},
};

/// A reading of an agent's output to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct TailLog {
    client: Client,
    agent_id: String,
    start: Start,
    follow: bool,
    format: terminal::Format,
}

impl TailLog {
    pub(super) fn new(client: Client, agent_id: String) -> Self {
        Self { client, agent_id, start: Start::Oldest, follow: true, format: terminal::Format::Raw }
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

    /// Text without escape sequences, in `Output.text`, instead of bytes in `Output.data`.
    pub fn text(mut self) -> Self {
        self.format = terminal::Format::Text;
        self
    }

    /// Opens the stream. The first connection is tried once; a lost one is made again.
    pub async fn open(mut self) -> Result<Watch> {
        // An offset belongs to one agent: from here on the same one, even if its name goes to another.
        self.agent_id = super::Agent::new(self.client.clone(), self.agent_id).get().await?.id;
        self.open_by_id().await
    }

    /// The same, for what already goes by an id.
    pub(super) async fn open_by_id(self) -> Result<Watch> {
        let cursor = Cursor::new(self.start);
        let (opened, events) = resume::open(Output { request: self, cursor }).await?;
        Ok(Watch::of(opened, events))
    }
}

/// The output of an agent, from the cursor on.
struct Output {
    request: TailLog,
    cursor: Cursor,
}

impl Source for Output {
    type Message = proto::TailLogResponse;
    type Item = Event;
    type Opened = terminal::Opened;

    fn client(&self) -> &Client {
        &self.request.client
    }

    async fn call(&self, raw: &mut Raw) -> Result<Messages<Self::Message>, Status> {
        let start = match self.cursor.start() {
            Start::Oldest => None,
            Start::Offset(offset) => Some(tail_log_request::Start::Offset(offset)),
            Start::Tail(bytes) => Some(tail_log_request::Start::TailBytes(bytes)),
            Start::Live => Some(tail_log_request::Start::Live(true)),
        };
        let request = proto::TailLogRequest {
            agent_id: self.request.agent_id.clone(),
            start,
            follow: Some(self.request.follow),
            format: self.request.format.into(),
        };
        Ok(Messages::of(raw.orchestrator.tail_log(request).await?.into_inner()))
    }

    fn open(&mut self, message: Self::Message) -> Result<Self::Opened> {
        let Step::Opened(opened) = self.cursor.accept(event(message)?)? else {
            return Err(Error::protocol("the stream's first message does not say where it starts"));
        };
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

fn event(message: proto::TailLogResponse) -> Result<terminal_event::Event> {
    let event = message.event.and_then(|event| event.event);
    event.ok_or_else(|| Error::protocol("the server sent a kind of event that this client does not know"))
}
