//! RegenerateMessage and WatchMessage, as builders.
//!
//! It must not check values: the server's rules are the rules.

use mosaic_proto::chat::v1 as proto;
use uuid::Uuid;

use super::{
    answer::Answer,
    log::{Begin, Log},
};
use crate::{Client, Result};

/// Another answer to be. Opening it again reads the same one.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open` or `text`"]
pub struct RegenerateMessage {
    client: Client,
    request: proto::RegenerateMessageRequest,
}

/// An answer to be read.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct WatchMessage {
    client: Client,
    request: proto::WatchMessageRequest,
}

impl RegenerateMessage {
    pub(super) fn new(client: Client, message_id: String) -> Self {
        let request_id = Uuid::now_v7().to_string();
        let request = proto::RegenerateMessageRequest { request_id, message_id, ..Default::default() };
        Self { client, request }
    }

    /// From this model. Default: the one that was asked for before.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = model.into();
        self
    }

    /// How to sample. Default: as the conversation says.
    pub fn parameters(mut self, parameters: proto::Parameters) -> Self {
        self.request.parameters = Some(parameters);
        self
    }

    /// Adds a tool that the model may ask for.
    pub fn tool(mut self, tool: proto::Tool) -> Self {
        self.request.tools.push(tool);
        self
    }

    /// Stops the generation when the stream is dropped or its connection is lost. Default: it goes on.
    pub fn on_disconnect_stop(mut self) -> Self {
        self.request.on_disconnect = proto::OnDisconnect::Stop.into();
        self
    }

    /// Makes it repeatable under this id also from another process. Default: an id of this builder's.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request.request_id = id.into();
        self
    }

    /// Asks for it; the answer follows.
    pub async fn open(&self) -> Result<Answer> {
        let begin = Begin::Regenerate(Box::new(self.request.clone()));
        Answer::open(Log::new(self.client.clone(), begin, proto::WatchMessageRequest::default())).await
    }

    /// Asks for it: the whole text. Errors as [`Answer::text`].
    pub async fn text(&self) -> Result<String> {
        self.open().await?.text().await
    }
}

impl WatchMessage {
    pub(super) fn new(client: Client, message_id: String) -> Self {
        Self { client, request: proto::WatchMessageRequest { message_id, ..Default::default() } }
    }

    /// Events after this one. Default: all.
    pub fn after(mut self, sequence: u64) -> Self {
        self.request.after_sequence = sequence;
        self
    }

    /// Whether to go on with what comes; false ends the stream at the newest event. Default true.
    pub fn follow(mut self, follow: bool) -> Self {
        self.request.follow = Some(follow);
        self
    }

    /// Opens the stream.
    pub async fn open(self) -> Result<Answer> {
        Answer::open(Log::new(self.client, Begin::Watch, self.request)).await
    }
}
