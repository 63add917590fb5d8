//! SendMessage, as a builder.
//!
//! It must not check values: the server's rules are the rules.

use bytes::Bytes;
use mosaic_proto::chat::v1 as proto;
use uuid::Uuid;

use super::{
    answer::Answer,
    log::{Begin, Log},
};
use crate::{Client, Result};

/// Something to be said. Opening it again, also after an error, reads the same answer: one builder says it once.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open` or `text`"]
pub struct SendMessage {
    client: Client,
    request: proto::SendMessageRequest,
}

impl SendMessage {
    pub(super) fn new(client: Client, content: String) -> Self {
        let request_id = Uuid::now_v7().to_string();
        Self { client, request: proto::SendMessageRequest { request_id, content, ..Default::default() } }
    }

    /// In this conversation. Default: a new one.
    pub fn conversation(mut self, conversation_id: impl Into<String>) -> Self {
        self.request.conversation_id = conversation_id.into();
        self
    }

    /// After this answer; an empty id begins the conversation anew. To edit a message, name its parent. Default:
    /// after the newest message of the branch that is shown.
    pub fn parent(mut self, message_id: impl Into<String>) -> Self {
        self.request.parent_id = Some(message_id.into());
        self
    }

    /// To this model: "provider/model" or an alias. Default: the conversation's.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = model.into();
        self
    }

    /// Instructions for the model; only for a new conversation.
    pub fn system(mut self, instructions: impl Into<String>) -> Self {
        self.request.system = instructions.into();
        self
    }

    /// How to sample. Default: as the conversation says.
    pub fn parameters(mut self, parameters: proto::Parameters) -> Self {
        self.request.parameters = Some(parameters);
        self
    }

    /// Adds an image: image/png, image/jpeg, image/gif or image/webp, and the file.
    pub fn image(mut self, media_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        let image = proto::Image { media_type: media_type.into(), data: data.into(), size_bytes: 0 };
        self.request.images.push(image);
        self
    }

    /// Adds a tool that the model may ask for. Mosaic does not run it: the caller does.
    pub fn tool(mut self, tool: proto::Tool) -> Self {
        self.request.tools.push(tool);
        self
    }

    /// Adds what a tool gave that the parent asked for.
    pub fn tool_result(mut self, call_id: impl Into<String>, content: impl Into<String>) -> Self {
        let (call_id, content) = (call_id.into(), content.into());
        self.request.tool_results.push(proto::ToolResult { call_id, content, is_error: false });
        self
    }

    /// Adds how a tool failed that the parent asked for.
    pub fn tool_error(mut self, call_id: impl Into<String>, content: impl Into<String>) -> Self {
        let (call_id, content) = (call_id.into(), content.into());
        self.request.tool_results.push(proto::ToolResult { call_id, content, is_error: true });
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

    /// Says it; the answer follows.
    pub async fn open(&self) -> Result<Answer> {
        let begin = Begin::Send(Box::new(self.request.clone()));
        Answer::open(Log::new(self.client.clone(), begin, proto::WatchMessageRequest::default())).await
    }

    /// Says it: the whole text of the answer. Errors as [`Answer::text`].
    pub async fn text(&self) -> Result<String> {
        self.open().await?.text().await
    }
}
