//! The answer of one call on its way out: what it came to, its deadline, and its place among the calls.
//!
//! It knows nothing about methods and tokens.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::{Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Code, Status, body::Body};
use tracing::Span;

use crate::{
    error::{Error, Reason},
    telemetry::{self, Verdict, metrics},
};

/// A call that runs. Its end is counted and logged when this is dropped, whoever drops it.
pub(super) struct Call {
    span: Span,
    method: Arc<str>,
    began: Instant,
    /// What it came to; `CANCELLED` until known, since nobody waits for it if it never is.
    code: Code,
    /// Present for streams.
    stream: Option<metrics::OpenStream>,
}

impl Call {
    /// A call that begins now.
    pub(super) fn new(span: Span, method: Arc<str>, streams: bool) -> Self {
        let stream = streams.then(|| metrics::OpenStream::new(&method));
        Self { span, method, began: Instant::now(), code: Code::Cancelled, stream }
    }

    /// Notes the status among these headers or trailers.
    fn note(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.code = Code::from_bytes(status.as_bytes());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _within = self.span.enter();
        let status = code_name(self.code);
        let took = self.began.elapsed();
        let verdict = match self.code {
            Code::Ok => Verdict::Good,
            Code::Internal | Code::Unknown | Code::DataLoss => Verdict::Failed,
            _ => Verdict::Refused,
        };
        telemetry::call_ended(verdict, status, took);
        metrics::call_ended(&self.method, status, self.stream.is_none().then_some(took));
    }
}

/// When a call must end though it has not.
#[derive(Clone)]
pub(super) struct Limit {
    /// The caller's deadline; absent: none.
    pub(super) deadline: Option<Instant>,
    /// Cancelled when the server cuts what is left.
    pub(super) cut: CancellationToken,
}

/// The body of an answer.
struct CallBody {
    inner: Body,
    call: Call,
    limit: Limit,
    /// Made when the call has to wait for the first time; most never do.
    waits: Option<Waits>,
    ended: bool,
    /// The call's place among `server.calls_max`.
    _place: Option<OwnedSemaphorePermit>,
}

struct Waits {
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Puts the call's end into its answer.
pub(super) fn answer(
    response: Response<Body>,
    mut call: Call,
    limit: Limit,
    place: Option<OwnedSemaphorePermit>,
) -> Response<Body> {
    let (mut parts, inner) = response.into_parts();
    give_reason(&mut parts.headers);
    call.note(&parts.headers);
    let body = CallBody { inner, call, limit, waits: None, ended: false, _place: place };
    Response::from_parts(parts, Body::new(body))
}

/// What was refused before a handler saw it, because it was too large or no message at all, has no reason of its own.
fn give_reason(headers: &mut HeaderMap) {
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else { return };
    let error = match status.code() {
        Code::OutOfRange => {
            let text = format!("{} (server.message_bytes_max)", status.message());
            Error::quota(Reason::MessageTooLarge, "server.message_bytes_max", text)
        }
        Code::Internal => Error::bad_request("", format!("the request cannot be read: {}", status.message())),
        _ => return,
    };
    for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE] {
        headers.remove(name);
    }
    // It has at most the words that the headers had before.
    let _ = Status::from(error).add_header(headers);
}

impl CallBody {
    /// Resolves with the status that ends the call from outside.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let limit = &self.limit;
        let waits = self.waits.get_or_insert_with(|| Waits {
            cut: Box::pin(limit.cut.clone().cancelled_owned()),
            deadline: limit.deadline.map(|at| Box::pin(sleep_until(at))),
        });
        if waits.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(stopping().into());
        }
        match &mut waits.deadline {
            Some(deadline) => {
                ready!(deadline.as_mut().poll(cx));
                Poll::Ready(deadline_exceeded().into())
            }
            None => Poll::Pending,
        }
    }

    fn end(&mut self, status: &Status) -> Frame<Bytes> {
        self.ended = true;
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            // Only a message that no header can hold; the code is a header in any case.
            trailers.insert(Status::GRPC_STATUS, (status.code() as i32).into());
        }
        self.call.note(&trailers);
        Frame::trailers(trailers)
    }
}

impl hyper::body::Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let span = this.call.span.clone();
        let _within = span.enter();
        // A stream that always has something to say never waits for its deadline.
        if this.limit.deadline.is_some_and(|at| at <= Instant::now()) {
            return Poll::Ready(Some(Ok(this.end(&deadline_exceeded().into()))));
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                match &frame {
                    Some(Ok(frame)) => {
                        if let Some(trailers) = frame.trailers_ref() {
                            this.call.note(trailers);
                        }
                    }
                    Some(Err(status)) => this.call.code = status.code(),
                    None => this.ended = true,
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let status = ready!(this.poll_limit(cx));
                Poll::Ready(Some(Ok(this.end(&status))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The error for a call whose deadline has passed.
pub(super) fn deadline_exceeded() -> Error {
    Error::new(Reason::DeadlineExceeded, "the deadline that the caller set (grpc-timeout) has passed")
}

/// The error for a call that took longer than the server allows.
pub(super) fn too_long(allowed: Duration) -> Error {
    let message = format!("the call took longer than {allowed:?} (server.unary_deadline_ms_max)");
    Error::new(Reason::DeadlineExceeded, message)
}

/// The error for a call that the server's stop ends.
pub(super) fn stopping() -> Error {
    Error::new(Reason::ServerStopping, "the server is stopping; try again soon")
}

/// A code's name as the documentation of gRPC writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
