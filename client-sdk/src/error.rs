//! The one error of the SDK: what the server said, or what became of the connection.
//!
//! It must not know which call failed; callers branch on `kind()` and `reason()`.

use std::{collections::HashMap, error::Error as StdError, fmt, sync::Arc, time::Duration};

use mosaic_proto::chat::v1::{Message, message::State as MessageState};
use tonic::{Code, ConnectError, Status};
use tonic_types::StatusExt;

/// What a call of the SDK answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The `domain` of every `google.rpc.ErrorInfo` that a Mosaic server sends.
const DOMAIN: &str = "mosaic";

/// Why something failed. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    code: Code,
    reason: Option<String>,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure it is: the first thing to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The endpoint, the token or a certificate is not usable. Nothing was sent.
    Configuration,
    /// No connection came about, or none that can be trusted. Nothing was sent.
    Connect,
    /// The connection was cut: whether the call was done is not known.
    Disconnected,
    /// The server refused; `reason()` says why.
    Server,
    /// The cursor is beyond the end of the log, because the machine lost its newest part. Begin again at
    /// `end`.
    CursorAhead {
        /// The end of the log: a byte offset, or an event sequence.
        end: Option<u64>,
    },
    /// The cursor is older than what is kept. Begin again at `oldest`.
    CursorExpired {
        /// The oldest event sequence that is kept.
        oldest: Option<u64>,
    },
    /// The server broke the contract, such as by skipping bytes of a log.
    Protocol,
    /// The attachment is over, or reads only: nothing can be sent.
    Closed,
    /// The answer ended without being whole: it was stopped, it failed (`reason()` says why), or the server
    /// was killed meanwhile. What had come is kept: GetMessage shows it.
    Unfinished {
        /// How it ended.
        state: MessageState,
    },
}

/// A field of the request with a value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The path of the field, in proto names.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable reason that the server gave, such as `NAME_TAKEN`. None if the server never answered.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The gRPC code. A connection that failed or was cut is `UNAVAILABLE`, one that is not to be trusted
    /// `FAILED_PRECONDITION`.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What was wrong and what to do, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A fact for programs that came with the reason, such as `end` with `CURSOR_AHEAD`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.0.metadata.get(key).map(String::as_str)
    }

    /// The fields of the request that were not allowed.
    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// After how long the server suggests to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// True if the same call may succeed later: `UNAVAILABLE`, and nothing else.
    ///
    /// After [`ErrorKind::Disconnected`] the call may have been done; repeat it if it is idempotent or
    /// carries the same request id.
    pub fn is_retryable(&self) -> bool {
        self.0.code == Code::Unavailable
    }

    fn local(kind: ErrorKind, code: Code, message: impl Into<String>) -> Self {
        Self::caused(kind, code, message, None)
    }

    fn caused(
        kind: ErrorKind,
        code: Code,
        message: impl Into<String>,
        source: Option<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            code,
            reason: None,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
            source,
        }))
    }

    /// With the reason that the server gave otherwise than in a status.
    fn told(kind: ErrorKind, code: Code, reason: Option<String>, message: String) -> Self {
        Self(Arc::new(Inner {
            kind,
            code,
            reason,
            message,
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::local(ErrorKind::Configuration, Code::InvalidArgument, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::local(ErrorKind::Protocol, Code::Internal, message)
    }

    pub(crate) fn closed(message: impl Into<String>) -> Self {
        Self::local(ErrorKind::Closed, Code::FailedPrecondition, message)
    }

    /// What is wrong with an answer that is not whole ([`ErrorKind::Unfinished`]); None if it is.
    pub fn unfinished(message: &Message) -> Option<Self> {
        let state = message.state();
        if state == MessageState::Complete {
            return None;
        }
        let (reason, words) = match (state, &message.error) {
            (MessageState::Failed, Some(error)) => (Some(error.reason.clone()), error.message.clone()),
            (MessageState::Failed, None) => (None, "the answer failed".to_owned()),
            (MessageState::Stopped, _) => {
                (None, format!("the answer was stopped by token {}", message.stopped_by))
            }
            (MessageState::Interrupted, _) => (None, "the server was killed during the answer".to_owned()),
            _ => (None, "the answer is not finished".to_owned()),
        };
        Some(Self::told(ErrorKind::Unfinished { state }, Code::Aborted, reason, words))
    }

    /// An answer whose conversation was deleted while it was read.
    pub(crate) fn gone() -> Self {
        Self::local(ErrorKind::Server, Code::NotFound, "the conversation was deleted meanwhile")
    }

    /// A stream that ended without its last message.
    pub(crate) fn cut_short(endpoint: &str) -> Self {
        let message = format!("the stream from {endpoint} was cut short; try again");
        Self::local(ErrorKind::Disconnected, Code::Unavailable, message)
    }

    /// A server that said it goes away: the last word of a stream, with the reason that a call would get.
    pub(crate) fn stopping(endpoint: &str) -> Self {
        let message = format!("the server at {endpoint} is stopping; try again soon");
        let reason = Some("SERVER_STOPPING".to_owned());
        Self::told(ErrorKind::Disconnected, Code::Unavailable, reason, message)
    }

    /// A stream on which nothing came for too long, not even a heartbeat.
    pub(crate) fn silent(endpoint: &str, limit: Duration) -> Self {
        let message = format!("nothing came from {endpoint} for {limit:?}, not even a heartbeat; try again");
        Self::local(ErrorKind::Disconnected, Code::Unavailable, message)
    }

    /// Tells what the server said from what the transport made up.
    pub(crate) fn from_status(status: Status, endpoint: &str) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
        match info {
            Some(info) => Self::answered(&status, info),
            None if is_tls(&status) && is_plain(&status) => {
                let message = format!("{endpoint} does not speak TLS; if this is the server, write http://");
                let code = Code::FailedPrecondition;
                Self::caused(ErrorKind::Connect, code, message, Some(status.into()))
            }
            None if is_tls(&status) => {
                let message = format!(
                    "TLS with {endpoint} failed: {}; name the authority that vouches for the server (a private \
                     one is not known here by itself), or correct the endpoint",
                    root_cause(&status)
                );
                let code = Code::FailedPrecondition;
                Self::caused(ErrorKind::Connect, code, message, Some(status.into()))
            }
            None if is_connect(&status) => {
                let message = format!(
                    "cannot reach {endpoint}: {}; check that the server runs there, or correct the endpoint",
                    root_cause(&status)
                );
                Self::caused(ErrorKind::Connect, Code::Unavailable, message, Some(status.into()))
            }
            None if is_disconnect(&status) => {
                let message = format!("the connection to {endpoint} was cut: {}", root_cause(&status));
                Self::caused(ErrorKind::Disconnected, Code::Unavailable, message, Some(status.into()))
            }
            None => {
                let message = format!("{endpoint} answered: {}", status.message());
                Self::caused(ErrorKind::Server, status.code(), message, Some(status.into()))
            }
        }
    }

    fn answered(status: &Status, info: tonic_types::ErrorInfo) -> Self {
        let number = |key: &str| info.metadata.get(key).and_then(|value| value.parse().ok());
        let kind = match info.reason.as_str() {
            "CURSOR_AHEAD" => ErrorKind::CursorAhead { end: number("end") },
            "CURSOR_EXPIRED" => ErrorKind::CursorExpired { oldest: number("oldest") },
            _ => ErrorKind::Server,
        };
        let violations = status.get_details_bad_request().map_or_else(Vec::new, |bad| {
            let field = |v: tonic_types::FieldViolation| FieldViolation {
                field: v.field,
                description: v.description,
            };
            bad.field_violations.into_iter().map(field).collect()
        });
        Self(Arc::new(Inner {
            kind,
            code: status.code(),
            reason: Some(info.reason),
            message: status.message().to_owned(),
            metadata: info.metadata,
            violations,
            retry_after: status.get_details_retry_info().and_then(|info| info.retry_delay),
            source: None,
        }))
    }
}

/// True if the transport never got a connection.
fn is_connect(status: &Status) -> bool {
    chain(status).any(|cause| cause.is::<ConnectError>())
}

/// True if there was a connection, but no agreement on TLS: rustls says so by invalid data.
fn is_tls(status: &Status) -> bool {
    let invalid = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::InvalidData;
    is_connect(status) && chain(status).any(|cause| cause.downcast_ref().is_some_and(invalid))
}

/// True if what came in answer to the first bytes of TLS was something else. rustls has no `io::ErrorKind` for
/// it, only this word.
fn is_plain(status: &Status) -> bool {
    root_cause(status).contains("InvalidContentType")
}

/// True if the transport lost the connection, or somebody between here and the server ended the stream.
///
/// A status that came over the wire has no source, and from a Mosaic server always an `ErrorInfo`. Without
/// one these codes are what the transport makes of a reset stream, a missing trailer or a proxy's 503.
fn is_disconnect(status: &Status) -> bool {
    status.source().is_some() || matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
}

fn chain(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(status.source(), |&cause| cause.source())
}

/// The innermost cause says most: "Connection refused", not "transport error".
fn root_cause(status: &Status) -> String {
    chain(status).last().map_or_else(|| status.message().to_owned(), ToString::to_string)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{reason}: {}", self.message()),
            None => f.write_str(self.message()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("reason", &self.0.reason)
            .field("message", &self.0.message)
            .field("metadata", &self.0.metadata)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            ErrorKind::Connect => Io::NotConnected,
            ErrorKind::Disconnected => Io::ConnectionReset,
            ErrorKind::Closed => Io::BrokenPipe,
            _ => Io::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn answer(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Error {
        let metadata: HashMap<_, _> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        Error::from_status(Status::with_error_details(code, "what and why", details), "http://x")
    }

    #[test]
    fn a_refusal_keeps_reason_and_facts() {
        let error = answer(Code::AlreadyExists, "NAME_TAKEN", &[("name", "sh-1")]);
        assert_eq!(error.reason(), Some("NAME_TAKEN"));
        assert_eq!(error.metadata("name"), Some("sh-1"));
        assert_eq!(error.kind(), ErrorKind::Server);
        assert!(!error.is_retryable());
        assert_eq!(error.to_string(), "NAME_TAKEN: what and why");
    }

    #[test]
    fn cursors_are_typed() {
        let ahead = answer(Code::OutOfRange, "CURSOR_AHEAD", &[("end", "17")]);
        assert_eq!(ahead.kind(), ErrorKind::CursorAhead { end: Some(17) });
        let expired = answer(Code::OutOfRange, "CURSOR_EXPIRED", &[("oldest", "3")]);
        assert_eq!(expired.kind(), ErrorKind::CursorExpired { oldest: Some(3) });
    }

    #[test]
    fn only_unavailable_is_retryable() {
        for code in (0..17).map(Code::from) {
            assert_eq!(answer(code, "ANY", &[]).is_retryable(), code == Code::Unavailable, "{code:?}");
        }
    }

    #[test]
    fn a_stream_without_a_final_status_is_a_lost_connection() {
        let error = Error::from_status(Status::unknown("missing grpc-status trailer"), "http://x");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert!(error.is_retryable());
    }

    #[test]
    fn another_server_that_does_not_know_the_method_is_not_retried() {
        let error = Error::from_status(Status::unimplemented(""), "http://x");
        assert_eq!(error.kind(), ErrorKind::Server);
        assert!(!error.is_retryable());
    }
}
