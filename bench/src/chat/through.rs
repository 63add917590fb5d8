//! The real server in front of the same model server, storing everything, and a client with the SDK's windows.
//!
//! It must not know what is measured.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use mosaic_client::proto::chat::v1::{
    MessageEvent, SendMessageRequest, SendMessageResponse, chat_service_client::ChatServiceClient,
    message_event::Event, stream_ended::Reason,
};
use test_support::{Postgres, Server};
use tonic::{
    Request, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::machine;

/// As the SDK has them.
const STREAMS_MAX: usize = 32;
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 32 * STREAM_WINDOW_BYTES;
const FRAME_BYTES_MAX: u32 = 128 * 1024;

/// A server with a PostgreSQL, and connections to it.
pub(super) struct Through {
    server: Server,
    /// One that does not flush; absent: the server's own, which does.
    unflushed: Option<Postgres>,
    channels: Vec<Channel>,
    next: AtomicUsize,
    authorization: MetadataValue<Ascii>,
}

impl Through {
    /// Starts one with empty directories and its own PostgreSQL, and connects for so many streams at once.
    pub(super) async fn start(upstream: &str, streams: usize) -> Result<Self> {
        Self::start_on(None, upstream, streams).await
    }

    /// The same on a PostgreSQL whose commits do not wait for the disk.
    pub(super) async fn start_unflushed(upstream: &str, streams: usize) -> Result<Self> {
        Self::start_on(Some(Postgres::start_without_flush().await?), upstream, streams).await
    }

    async fn start_on(unflushed: Option<Postgres>, upstream: &str, streams: usize) -> Result<Self> {
        let file = format!(
            "[provider.fake]\nkind = \"openai\"\nbase_url = \"http://{upstream}/v1\"\n\
             [chat]\ndaily_budget_tokens = 0\nmodel_titles = false\ngenerations_per_workspace_max = 1000\n\
             [local_model]\nenabled = false\n"
        );
        let builder = Server::builder().config_file(file).config("log.filter", "error");
        let builder = match &unflushed {
            Some(postgres) => builder.database_url(postgres.url()),
            None => builder.embedded_postgres(),
        };
        let server = builder.start().await?;
        let endpoint = Endpoint::from_shared(server.endpoint())?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX);
        let mut channels = Vec::new();
        for _ in 0..streams.div_ceil(STREAMS_MAX) {
            channels.push(endpoint.connect().await?);
        }
        let authorization = format!("Bearer {}", server.token()?).parse()?;
        Ok(Self { server, unflushed, channels, next: AtomicUsize::new(0), authorization })
    }

    /// Says something, in a new conversation if none is named. The answer's stream.
    pub(super) async fn say(
        &self,
        model: &str,
        conversation: &str,
    ) -> Result<Streaming<SendMessageResponse>> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.channels.len();
        let channel = self.channels.get(next).context("no connection")?.clone();
        let mut request = Request::new(SendMessageRequest {
            content: super::QUESTION.to_owned(),
            model: format!("fake/{model}"),
            conversation_id: conversation.to_owned(),
            ..SendMessageRequest::default()
        });
        request.metadata_mut().insert("authorization", self.authorization.clone());
        Ok(ChatServiceClient::new(channel).send_message(request).await?.into_inner())
    }

    /// Asks a model and reads its answer to the end: `text` is told of each piece and its length. The conversation.
    pub(super) async fn ask(
        &self,
        model: &str,
        conversation: &str,
        mut text: impl FnMut(usize),
    ) -> Result<String> {
        let mut stream = self.say(model, conversation).await?;
        let mut conversation = String::new();
        while let Some(event) = next(&mut stream).await? {
            match event {
                Event::Opened(opened) => conversation = opened.conversation_id,
                Event::TextDelta(delta) => text(delta.text.len()),
                Event::Completed(completed) => {
                    let message = completed.message.context("no message")?;
                    ensure!(message.error.is_none(), "the answer failed: {:?}", message.error);
                }
                Event::StreamEnded(ended) => {
                    ensure!(ended.reason() == Reason::Completed, "{:?}", ended.reason());
                    return Ok(conversation);
                }
                _ => {}
            }
        }
        bail!("the stream was cut short")
    }

    pub(super) fn pid(&self) -> Result<u32> {
        self.server.pid()
    }

    /// The directory of the server's data, which is on the same disk as its PostgreSQL.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.server.data_dir()
    }

    /// The processor time of PostgreSQL, all of its processes that live.
    pub(super) fn database_time(&self) -> Result<Duration> {
        let found = self.server.processes();
        let main =
            found.iter().find(|seen| seen.command.contains("postgres") && seen.command.contains(" -D "));
        let main = main.with_context(|| format!("no PostgreSQL among {found:?}"))?.pid;
        let mut sum = machine::processor_time(main)?;
        for pid in test_support::descendants(main) {
            // One that has ended meanwhile counts as nothing.
            sum += machine::processor_time(pid).unwrap_or_default();
        }
        Ok(sum)
    }

    /// Ends everything and checks that nothing is left.
    pub(super) async fn stop(self) -> Result<()> {
        tokio::task::spawn_blocking(move || {
            self.server.stop_all()?;
            drop(self.unflushed);
            Ok(())
        })
        .await?
    }
}

/// The next event; none at the end of the stream.
pub(super) async fn next(stream: &mut Streaming<SendMessageResponse>) -> Result<Option<Event>> {
    let Some(SendMessageResponse { event }) = stream.message().await? else { return Ok(None) };
    let MessageEvent { event, .. } = event.context("an empty response")?;
    Ok(Some(event.context("an empty event")?))
}
