//! Readers of answers as gRPC streams.
//!
//! It decides nothing; the reader does.

use futures_util::stream;
use mosaic_proto::chat::v1 as pb;
use tonic::Status;

use super::{Events, show::show_step};
use crate::chat::watch::Watch;

/// The steps of several readers: those of each in their order, fairly.
pub(super) fn watched(watches: Vec<Watch>) -> Events<pb::WatchMessageResponse> {
    let response = |event| pb::WatchMessageResponse { event: Some(event) };
    Box::pin(stream::select_all(watches.into_iter().map(|watch| steps(watch, response))))
}

/// The steps of a reader, each in the response of its method.
pub(super) fn steps<R: Send + 'static>(
    watch: Watch,
    response: impl Fn(pb::MessageEvent) -> R + Send + 'static,
) -> Events<R> {
    let id = watch.message().to_string();
    Box::pin(stream::unfold((Some(watch), id, response), |(watch, id, response)| async {
        let mut watch = watch?;
        match watch.next().await {
            Ok(None) => None,
            Ok(Some(step)) => {
                let shown = response(show_step(&id, step));
                Some((Ok(shown), (Some(watch), id, response)))
            }
            // An error is the last thing on a stream.
            Err(error) => Some((Err(Status::from(error)), (None, id, response))),
        }
    }))
}
