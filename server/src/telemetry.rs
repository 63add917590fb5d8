//! The log and the request ids in it.
//!
//! It knows nothing about what the calls do, and no token ever comes here. Numbers are in `metrics`.

pub mod metrics;

use std::{
    io::{IsTerminal, stderr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::{Span, field};
use tracing_subscriber::{EnvFilter, filter::ParseError, util::TryInitError};
use uuid::Uuid;

use crate::config::{Log, LogFormat};

/// The header that names a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A caller's request id is at most so long; others are replaced.
const REQUEST_ID_MAX: usize = 64;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter.
    #[error("log.filter: {0}; use levels such as \"info\" or \"info,mosaic_server=debug\"")]
    Filter(#[from] ParseError),
    /// There is a log already.
    #[error("the log cannot begin: {0}")]
    Init(#[from] TryInitError),
}

/// Begins to log to standard error.
///
/// # Errors
/// The filter cannot be read, or there is a log already.
pub fn init(config: &Log) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_new(&config.filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match config.format {
        LogFormat::Json => log.json().finish().try_init()?,
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).finish().try_init()?,
    }
    Ok(())
}

/// The name of one request: the caller's if it is sane, else a new one.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Reads the header, or makes an id.
    pub fn of(headers: &HeaderMap) -> Self {
        let sane = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
            !bytes.is_empty() && bytes.len() <= REQUEST_ID_MAX && bytes.iter().all(allowed)
        };
        if let Some(given) = headers.get(REQUEST_ID).filter(sane) {
            return Self(given.clone());
        }
        let mut text = Uuid::encode_buffer();
        let text = Uuid::now_v7().as_simple().encode_lower(&mut text);
        // Hexadecimal digits are a header value; the other arm is never taken.
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The value of the header in the answer.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The span of one call. Everything logged within it bears its request id, and the trace id of the
/// caller's `traceparent`.
pub fn call_span(id: &RequestId, method: &Arc<str>, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "call",
        request_id = id.as_str(),
        method = &**method,
        trace_id = field::Empty,
        principal = field::Empty
    );
    if let Some(trace) = headers.get(TRACEPARENT).and_then(|value| trace_id(value.to_str().ok()?)) {
        span.record("trace_id", trace);
    }
    span
}

/// The trace id of a W3C `traceparent`.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let named = |text: &str| text.bytes().any(|byte| byte != b'0');
    // Version 00 has four parts; later ones may have more.
    let whole = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let good = whole && hex(trace, 32) && hex(parent, 16) && hex(flags, 2) && named(trace) && named(parent);
    good.then_some(trace)
}

/// How a call went, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Good,
    /// Not, and the caller can do something about it; or the caller left.
    Refused,
    /// The server failed.
    Failed,
}

/// Logs the end of a call: the server's faults where everybody looks, the caller's below, and what
/// went well only for who asks, since each keystroke is a call.
pub fn call_ended(verdict: Verdict, status: &'static str, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1e3;
    match verdict {
        Verdict::Good => tracing::debug!(status, milliseconds, "call ended"),
        Verdict::Refused => tracing::info!(status, milliseconds, "call ended"),
        Verdict::Failed => tracing::warn!(status, milliseconds, "call ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_request_id_is_kept_and_another_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("build-7.a_b:c"));
        assert_eq!(RequestId::of(&headers).as_str(), "build-7.a_b:c");
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            headers.insert(REQUEST_ID, HeaderValue::from_str(bad).unwrap());
            assert_eq!(RequestId::of(&headers).as_str().len(), 32, "{bad:?}");
        }
    }

    #[test]
    fn traceparent_is_read_as_w3c_writes_it() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{trace}-00f067aa0ba902b7-01")), Some(trace));
        assert_eq!(trace_id(&format!("cc-{trace}-00f067aa0ba902b7-01-later")), Some(trace));
        for bad in [
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            "00".to_owned(),
        ] {
            assert_eq!(trace_id(&bad), None, "{bad}");
        }
    }
}
