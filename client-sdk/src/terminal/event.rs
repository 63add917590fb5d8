//! What a reader of a terminal sees.
//!
//! It must not know how the events arrive.

use mosaic_proto::terminal::v1::{self as proto, open, watch_request};

use crate::Reconnecting;

/// One step of a terminal's stream.
///
/// Between an [`Opened`](proto::Opened) and the end, the [`Output`](proto::Output)s and
/// [`Gap`](proto::Gap)s follow one another without a hole and without a duplicate, over all reconnections.
/// A change of size or title may be told twice around one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Output.
    Output(proto::Output),
    /// Output that is not kept any more, or never was.
    Gap(proto::Gap),
    /// The size changed.
    Resized(proto::Resized),
    /// The title changed. It is untrusted text.
    TitleChanged(proto::TitleChanged),
    /// The program ended and every byte of output was given.
    Exited(proto::Exited),
    /// Nothing happened for 15 s.
    Heartbeat(proto::Heartbeat),
    /// The connection was lost; the next attempt follows by itself.
    Reconnecting(Reconnecting),
    /// The connection is back, and the stream goes on where it was.
    Reconnected(Box<proto::Opened>),
    /// Last: the stream ended, and why.
    Ended(proto::StreamEnded),
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the oldest byte that is kept.
    #[default]
    Oldest,
    /// At this byte.
    Offset(u64),
    /// So many bytes before the end.
    Tail(u64),
    /// At the end: only what comes from now on.
    Live,
}

impl From<Start> for Option<open::Start> {
    fn from(start: Start) -> Self {
        match start {
            Start::Oldest => None,
            Start::Offset(offset) => Some(open::Start::Offset(offset)),
            Start::Tail(bytes) => Some(open::Start::TailBytes(bytes)),
            Start::Live => Some(open::Start::Live(true)),
        }
    }
}

impl From<Start> for Option<watch_request::Start> {
    fn from(start: Start) -> Self {
        match start {
            Start::Oldest => None,
            Start::Offset(offset) => Some(watch_request::Start::Offset(offset)),
            Start::Tail(bytes) => Some(watch_request::Start::TailBytes(bytes)),
            Start::Live => Some(watch_request::Start::Live(true)),
        }
    }
}
