//! What went wrong in the provider's own words, and what kind of failure that is.
//!
//! It knows the error bodies of all providers and of the servers that resemble them; it asks nobody anything.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use super::{Failure, FailureKind, MESSAGE_BYTES_MAX};
use crate::config::Secret;

/// No provider is waited for longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Makes failures of one server.
#[derive(Clone, Debug)]
pub(super) struct Words {
    host: String,
    key: Option<Secret>,
}

/// What a body says: its own words, and the names that it gives the error.
#[derive(Default)]
struct Said {
    message: String,
    kind: String,
    code: String,
}

impl Words {
    pub(super) fn new(host: String, key: Option<Secret>) -> Self {
        Self { host, key }
    }

    /// The failure of an answer that is no success.
    pub(super) fn of_answer(&self, status: u16, body: &[u8]) -> Failure {
        let said = said(body).unwrap_or_default();
        let message = if said.message.is_empty() {
            let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            format!("{} answered {status} {}", self.host, reason.unwrap_or_default())
        } else {
            said.message.clone()
        };
        let kind = kind_of_words(&said).unwrap_or_else(|| kind_of_status(status));
        Failure { status: Some(status), ..self.failure(kind, &message) }
    }

    /// The failure that an event, or a body with a status of success, speaks of; `None`: it speaks of none.
    pub(super) fn of_body(&self, body: &[u8]) -> Option<Failure> {
        self.of_value(&serde_json::from_slice(body).ok()?)
    }

    /// As [`of_body`](Self::of_body), of what was parsed already.
    pub(super) fn of_value(&self, value: &Value) -> Option<Failure> {
        let said = said_in(value)?;
        let status = said.code.parse().ok().filter(|status| (400..600).contains(status));
        let kind = kind_of_words(&said)
            .or_else(|| status.map(kind_of_status))
            .or_else(|| kind_of_type(&said.kind))
            // It had begun to answer: what stops it now is its own trouble.
            .unwrap_or(FailureKind::Overloaded);
        let message = if said.message.is_empty() {
            format!("{} ended the answer with an error without words", self.host)
        } else {
            said.message
        };
        Some(Failure { status, ..self.failure(kind, &message) })
    }

    /// The failure of a connection; `otherwise`: if it was there and broke.
    pub(super) fn of_transport(&self, error: &reqwest::Error, otherwise: FailureKind) -> Failure {
        let mut cause: &(dyn std::error::Error + 'static) = error;
        let mut parse = false;
        while let Some(deeper) = cause.source() {
            cause = deeper;
            parse |= cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        }
        let host = &self.host;
        if error.is_builder() {
            return self.failure(FailureKind::Refused, &format!("cannot ask {host}: {cause}"));
        }
        if error.is_connect() {
            return self.failure(FailureKind::Connect, &format!("no connection to {host}: {cause}"));
        }
        if parse {
            return self.failure(FailureKind::Malformed, &format!("{host} does not speak HTTP: {cause}"));
        }
        self.failure(otherwise, &format!("the connection to {host} broke off: {cause}"))
    }

    /// The failure of an event that cannot be read.
    pub(super) fn malformed(&self, cause: &serde_json::Error) -> Failure {
        self.failure(
            FailureKind::Malformed,
            &format!("{} sent an event that cannot be read: {cause}", self.host),
        )
    }

    /// The failure of a stream that ended too early.
    pub(super) fn cut(&self) -> Failure {
        self.failure(FailureKind::Cut, &format!("{} ended the answer before its end", self.host))
    }

    /// A failure whose message is fit to be shown: one line, not too long, no key in it.
    fn failure(&self, kind: FailureKind, message: &str) -> Failure {
        let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(key) = self.key.as_ref().map(Secret::expose).filter(|key| !key.is_empty()) {
            message = message.replace(key, "<hidden>");
        }
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        Failure::new(kind, message)
    }
}

/// What a body says, if it is JSON of a kind that is known.
fn said(body: &[u8]) -> Option<Said> {
    said_in(&serde_json::from_slice(body).ok()?)
}

/// The shapes of all: `{"error": {"message", "type" | "status", "code"}}`, `{"error": "…"}`, `{"object": "error",
/// "message"}`, `{"detail": "…"}`, and any of these in a list.
fn said_in(value: &Value) -> Option<Said> {
    let text = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let all = |value: &Value| {
        let kind = Some(text(value, "type")).filter(|kind| !kind.is_empty());
        Said {
            message: text(value, "message"),
            kind: kind.unwrap_or_else(|| text(value, "status")),
            code: text(value, "code"),
        }
    };
    match value {
        Value::Array(list) => said_in(list.first()?),
        Value::Object(object) => match object.get("error") {
            Some(Value::String(message)) => Some(Said { message: message.clone(), ..Said::default() }),
            Some(error @ Value::Object(_)) => Some(all(error)),
            _ if object.contains_key("message") => Some(all(value)),
            _ if object.contains_key("detail") => {
                Some(Said { message: text(value, "detail"), ..Said::default() })
            }
            _ => None,
        },
        _ => None,
    }
}

/// The kind where words tell more than a status does.
fn kind_of_words(said: &Said) -> Option<FailureKind> {
    let names = [said.code.as_str(), said.kind.as_str()];
    let named = |name: &str| names.contains(&name);
    // Retrying does not fill an account.
    if named("insufficient_quota") {
        return Some(FailureKind::Denied);
    }
    if named("model_not_found") {
        return Some(FailureKind::ModelNotFound);
    }
    let message = said.message.to_ascii_lowercase();
    let too_long = [
        "prompt is too long",
        "exceed context limit",
        "maximum context length",
        "exceeds the context",
        "context length exceeded",
        "exceeds the available context size",
    ];
    let long = named("context_length_exceeded")
        || named("exceed_context_size_error")
        || too_long.iter().any(|words| message.contains(words));
    long.then_some(FailureKind::ContextTooLong)
}

fn kind_of_status(status: u16) -> FailureKind {
    match status {
        401..=403 => FailureKind::Denied,
        404 => FailureKind::ModelNotFound,
        408 | 409 | 500.. => FailureKind::Overloaded,
        413 => FailureKind::ContextTooLong,
        429 => FailureKind::RateLimited,
        _ => FailureKind::Refused,
    }
}

/// The kind by the name that a provider gives an error inside a stream, where no status tells.
fn kind_of_type(name: &str) -> Option<FailureKind> {
    Some(match name {
        "authentication_error" | "permission_error" | "billing_error" => FailureKind::Denied,
        "not_found_error" => FailureKind::ModelNotFound,
        "request_too_large" => FailureKind::ContextTooLong,
        "rate_limit_error" | "rate_limit_exceeded" | "tokens" | "requests" => FailureKind::RateLimited,
        "invalid_request_error" => FailureKind::Refused,
        _ => return None,
    })
}

/// When the provider wants to be asked again, at most a minute from now.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let after = match text("retry-after-ms").and_then(number) {
        Some(ms) => ms / 1000.0,
        None => {
            let after = text(RETRY_AFTER.as_str())?;
            match number(after) {
                Some(seconds) => seconds,
                None => {
                    let date = httpdate::parse_http_date(after).ok()?;
                    date.duration_since(SystemTime::now()).unwrap_or_default().as_secs_f64()
                }
            }
        }
    };
    Some(Duration::from_secs_f64(after.min(RETRY_AFTER_MAX.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn words() -> Words {
        Words::new("host".to_owned(), "sk-secret".parse().ok())
    }

    fn answer(status: u16, body: &str) -> (FailureKind, String) {
        let failure = words().of_answer(status, body.as_bytes());
        assert_eq!(failure.status, Some(status));
        (failure.kind, failure.message)
    }

    #[test]
    fn a_status_and_words_make_a_kind() {
        use FailureKind::{ContextTooLong, Denied, ModelNotFound, Overloaded, RateLimited, Refused};
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(answer(529, error), (Overloaded, "Overloaded".to_owned()));
        assert_eq!(answer(404, r#"{"error":"model 'x' not found"}"#).0, ModelNotFound);
        assert_eq!(answer(401, r#"{"detail":"no"}"#), (Denied, "no".to_owned()));
        assert_eq!(answer(502, "<html>"), (Overloaded, "host answered 502 Bad Gateway".to_owned()));
        assert_eq!(answer(400, r#"[{"error":{"message":"bad","status":"X"}}]"#), (Refused, "bad".to_owned()));
        assert_eq!(answer(400, r#"{"error":{"code":"context_length_exceeded"}}"#).0, ContextTooLong);
        let long =
            r#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens"}}"#;
        assert_eq!(answer(400, long).0, ContextTooLong);
        assert_eq!(answer(429, "{}").0, RateLimited);
        assert_eq!(answer(429, r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#).0, Denied);
    }

    #[test]
    fn inside_a_stream_names_and_numbers_make_a_kind() {
        let kind = |body: &str| words().of_body(body.as_bytes()).map(|failure| failure.kind);
        assert_eq!(kind(r#"{"error":{"code":429,"message":"slow"}}"#), Some(FailureKind::RateLimited));
        assert_eq!(kind(r#"{"error":{"type":"rate_limit_error"}}"#), Some(FailureKind::RateLimited));
        assert_eq!(kind(r#"{"error":"unexpected EOF"}"#), Some(FailureKind::Overloaded));
        assert_eq!(kind(r#"{"choices":[]}"#), None);
    }

    #[test]
    fn no_message_holds_a_key_or_is_too_long() {
        let (_, message) = answer(401, r#"{"error":"wrong key\n sk-secret!"}"#);
        assert_eq!(message, "wrong key <hidden>!");
        let (_, message) = answer(400, &format!(r#"{{"error":"{}"}}"#, "ü".repeat(5000)));
        assert_eq!(message.len(), MESSAGE_BYTES_MAX);
        assert!(!format!("{:?}", words()).contains("secret"));
    }

    #[test]
    fn waits_are_read_and_cut() -> Result<(), Box<dyn Error>> {
        let after = |name: &'static str, value: &str| -> Result<_, Box<dyn Error>> {
            Ok(retry_after(&HeaderMap::from_iter([(name.parse()?, value.parse()?)])))
        };
        let (ms, s) = ("retry-after-ms", "retry-after");
        assert_eq!(after(ms, "1500")?, Some(Duration::from_millis(1500)));
        assert_eq!(after(s, "2")?, Some(Duration::from_secs(2)));
        assert_eq!(after(s, "9999999999999")?, Some(RETRY_AFTER_MAX));
        assert_eq!(after(s, "-1")?, None);
        assert_eq!(after(s, "NaN")?, None);
        assert_eq!(after(s, "Wed, 21 Oct 2015 07:28:00 GMT")?, Some(Duration::ZERO));
        let later = SystemTime::now() + Duration::from_secs(30);
        let wait = after(s, &httpdate::fmt_http_date(later))?.ok_or("no wait")?;
        assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
        Ok(())
    }
}
