//! Conversations and answers, with a scripted model server on the other side.
//!
//! It must not test wire formats: `providers` does.

mod access;
mod answers;
mod command_faults;
mod command_names;
mod commands;
mod conversations;
mod events;
mod fallback;
mod input;
mod orphans;
mod survive;
mod third_party;
mod titles;
mod two_servers;
mod usage;
mod watch_several;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mosaic_proto::chat::v1::{
    Message, MessageEvent, SendMessageRequest, WatchMessageRequest, message_event::Event as Kind,
    stream_ended::Reason,
};
use test_support::{
    Builder, ChatClient, Server,
    fake_llm::{FakeLlm, Reply, Script, Wire},
};
use tonic::{Status, Streaming};

/// Longer than anything here takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server whose models are scripted.
pub(crate) struct Chat {
    pub(crate) server: Server,
    pub(crate) fake: FakeLlm,
}

/// The section for a fake as provider `fake`, and how a test wants the rest.
pub(crate) fn configuration(fake: &FakeLlm, more: &str) -> String {
    let url = fake.base_url(Wire::OpenAi);
    format!(
        "[provider.fake]\nkind = \"openai\"\nbase_url = \"{url}\"\nmodel = \"m\"\ncontext_tokens = 8192\n\
         [chat]\nmodel_titles = false\n{more}\n"
    )
}

impl Chat {
    /// A server with one provider, `fake`, whose default model is `m`.
    pub(crate) async fn start(script: Script) -> Result<Self> {
        Self::start_with(script, "", Server::builder()).await
    }

    /// The same, with more lines behind `[chat]`.
    pub(crate) async fn start_with(script: Script, more: &str, builder: Builder) -> Result<Self> {
        let fake = FakeLlm::start(script).await?;
        let server = builder.config_file(configuration(&fake, more)).start().await?;
        Ok(Self { server, fake })
    }

    /// A server whose model `m` says this.
    pub(crate) async fn saying(reply: Reply) -> Result<Self> {
        Self::start(Script::new().reply("m", reply)).await
    }

    pub(crate) fn client(&self) -> Result<ChatClient> {
        self.server.chat()
    }
}

/// A request to say something, and nothing else.
pub(crate) fn say(content: &str) -> SendMessageRequest {
    SendMessageRequest { content: content.to_owned(), ..Default::default() }
}

/// The stream of an answer, whatever method it came from.
pub(crate) struct Answer {
    stream: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<MessageEvent, Status>> + Send>>,
    pub(crate) message: String,
    pub(crate) conversation: String,
}

fn event<R>(stream: Streaming<R>, event: fn(R) -> Option<MessageEvent>) -> Streamed
where
    R: Send + 'static,
{
    use futures_util::StreamExt as _;
    Box::pin(stream.map(move |response| {
        response.and_then(|response| event(response).ok_or_else(|| Status::internal("an empty response")))
    }))
}

type Streamed = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<MessageEvent, Status>> + Send>>;

impl Answer {
    async fn open(stream: Streamed) -> Result<Self> {
        let mut answer = Self { stream, message: String::new(), conversation: String::new() };
        let first = answer.step().await?.context("an empty stream")?;
        let Some(Kind::Opened(opened)) = first.event else { bail!("not opened first: {first:?}") };
        answer.message = first.message_id;
        answer.conversation = opened.conversation_id;
        Ok(answer)
    }

    /// Says something, and reads the answer.
    pub(crate) async fn to(client: &mut ChatClient, request: SendMessageRequest) -> Result<Self> {
        let stream = client.send_message(request).await?.into_inner();
        Self::open(event(stream, |response| response.event)).await
    }

    /// Reads an answer after a sequence.
    pub(crate) async fn after(client: &mut ChatClient, message: &str, after: u64) -> Result<Self> {
        let request = WatchMessageRequest {
            message_id: message.to_owned(),
            after_sequence: after,
            ..Default::default()
        };
        let stream = client.watch_message(request).await?.into_inner();
        Self::open(event(stream, |response| response.event)).await
    }

    /// The next step, heartbeats among them; `None` where the stream ends.
    pub(crate) async fn step(&mut self) -> Result<Option<MessageEvent>> {
        use futures_util::StreamExt as _;
        let step =
            tokio::time::timeout(PATIENCE, self.stream.next()).await.context("the stream says nothing")?;
        Ok(step.transpose()?)
    }

    /// The next event of the log; `None` after the last word.
    pub(crate) async fn next(&mut self) -> Result<Option<MessageEvent>> {
        loop {
            let step = self.step().await?.context("the stream was cut short")?;
            match &step.event {
                Some(Kind::Heartbeat(_)) => {}
                Some(Kind::StreamEnded(ended)) => {
                    ensure!(self.step().await?.is_none(), "something follows the last word");
                    ensure!(ended.reason() != Reason::Unspecified, "no reason");
                    return Ok(None);
                }
                _ => return Ok(Some(step)),
            }
        }
    }

    /// All events that are left.
    pub(crate) async fn rest(&mut self) -> Result<Vec<MessageEvent>> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }

    /// The message that it ends with.
    pub(crate) async fn completed(&mut self) -> Result<Message> {
        completed(&self.rest().await?)
    }

    /// Reads until there is text, and gives the first.
    pub(crate) async fn first_text(&mut self) -> Result<String> {
        loop {
            let event = self.next().await?.context("it ended without text")?;
            if let Some(Kind::TextDelta(delta)) = event.event {
                return Ok(delta.text);
            }
        }
    }
}

/// The message of the last event.
pub(crate) fn completed(events: &[MessageEvent]) -> Result<Message> {
    match events.last().and_then(|last| last.event.clone()) {
        Some(Kind::Completed(completed)) => completed.message.context("no message"),
        other => bail!("the last event is no completed: {other:?}"),
    }
}

/// The text that the events make.
pub(crate) fn text(events: &[MessageEvent]) -> String {
    let mut text = String::new();
    for event in events {
        match &event.event {
            Some(Kind::TextDelta(delta)) => text.push_str(&delta.text),
            Some(Kind::Superseded(_)) => text.clear(),
            _ => {}
        }
    }
    text
}

/// Fails unless the events are numbered from `first` on, without a gap and without a duplicate.
pub(crate) fn ensure_numbered(events: &[MessageEvent], first: u64) -> Result<()> {
    for (event, expected) in events.iter().zip(first..) {
        ensure!(event.sequence == expected, "{expected} is missing: {event:?}");
    }
    Ok(())
}
