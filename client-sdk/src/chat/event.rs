//! What a reader of an answer sees.
//!
//! It must not know how the events arrive.

use mosaic_proto::chat::v1 as proto;

use crate::Reconnecting;

/// One step of an answer's stream.
///
/// The steps follow one another without a hole and without a duplicate, over all reconnections and restarts
/// of the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The generation began.
    Started(proto::Started),
    /// More text. It is untrusted.
    Text(String),
    /// More of what the model thinks. It is untrusted.
    Thinking(String),
    /// More of a tool call.
    ToolCall(proto::ToolCallDelta),
    /// An attempt failed before any content, and the same model is asked again.
    Retried(proto::Retried),
    /// An attempt failed before any content, and the next model is asked.
    FellBack(proto::FellBack),
    /// What came since a sequence is void: another model begins the answer anew.
    Superseded(proto::Superseded),
    /// The oldest messages were left out of the prompt.
    ContextTrimmed(proto::ContextTrimmed),
    /// The count of tokens.
    Usage(proto::Usage),
    /// What a command came to: the whole answer to it.
    CommandResult(Box<proto::CommandResult>),
    /// The answer is finished and stored: whole, stopped, failed or interrupted, as its `state` says.
    Completed(Box<proto::Message>),
    /// Nothing happened for 15 s.
    Heartbeat,
    /// The connection was lost; the next attempt follows by itself.
    Reconnecting(Reconnecting),
    /// The connection is back, and the stream goes on where it was.
    Reconnected(proto::Opened),
    /// Last: the stream ended, and why.
    Ended(proto::StreamEnded),
}
