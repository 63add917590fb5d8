//! One gRPC call from its arrival to its answer: who may call, how many at once, and for how long.
//!
//! It knows nothing about what the methods do. gRPC-Web has become gRPC before it comes here.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::Service;
use tracing::{Instrument, Span};

use super::{
    body::{Call, Limit, answer, deadline_exceeded, stopping, too_long},
    browser::Refusal,
    methods::{Kind, Method, Methods},
};
use crate::{
    auth::{self, Tokens},
    error::{Error, Reason, Result},
    telemetry::{self, RequestId},
};

/// What is known about a request before it is a call.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its name.
    pub id: RequestId,
    /// Whether its `Host` and `Origin` are in order.
    pub browser: Result<(), Refusal>,
}

/// Everything that all calls share.
pub struct Calls {
    /// The services.
    pub routes: Routes,
    /// Their methods.
    pub methods: Methods,
    /// Whom tokens name.
    pub tokens: Arc<Tokens>,
    /// `server.calls_max` places.
    pub places: Arc<Semaphore>,
    /// `server.unary_deadline_ms_max`.
    pub unary_max: Duration,
    /// The server takes no new calls.
    pub draining: CancellationToken,
    /// The server ends those that are left.
    pub cut: CancellationToken,
}

impl Calls {
    /// Answers a call. It never fails: what goes wrong is a status.
    pub async fn run(&self, mut request: Request<Body>) -> Response<Body> {
        let Some(arrival) = request.extensions_mut().remove::<Arrival>() else {
            return refuse(Error::internal("a request without its arrival"));
        };
        let method = self.methods.get(request.uri().path());
        let span = telemetry::call_span(&arrival.id, &method.path, request.headers());
        let call = Call::new(span.clone(), Arc::clone(&method.path), method.streams);
        let deadline = deadline(request.headers());
        let limit = self.limit(deadline.as_ref().ok().copied().flatten(), method.kind);
        let answered = async {
            deadline?;
            self.within(&limit, self.admit_and_call(&method, &arrival, request)).await
        };
        let (response, place) = match answered.instrument(span.clone()).await {
            Ok((response, place)) => (response, Some(place)),
            Err(error) => (span.in_scope(|| refuse(error)), None),
        };
        answer(response, call, limit, place)
    }

    /// Ends what takes too long, up to its answer; the answer's body has the same limit.
    async fn within<T>(&self, limit: &Limit, work: impl Future<Output = Result<T>>) -> Result<T> {
        let longest = Instant::now() + self.unary_max;
        let until = limit.deadline.map_or(longest, |deadline| deadline.min(longest));
        tokio::select! {
            // The call first: most are done at once, and then no timer is ever set.
            biased;
            done = work => done,
            () = sleep_until(until) => Err(match until < longest {
                true => deadline_exceeded(),
                false => too_long(self.unary_max),
            }),
            () = limit.cut.cancelled() => Err(stopping()),
        }
    }

    async fn admit_and_call(
        &self,
        method: &Method,
        arrival: &Arrival,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, OwnedSemaphorePermit)> {
        let place = self.admit(method, arrival, &mut request).await?;
        match self.routes.clone().call(request).await {
            Ok(response) => Ok((response, place)),
            Err(never) => match never {},
        }
    }

    /// Checks everything that does not depend on the method's own rules.
    async fn admit(
        &self,
        method: &Method,
        arrival: &Arrival,
        request: &mut Request<Body>,
    ) -> Result<OwnedSemaphorePermit> {
        // Health says NOT_SERVING to those who ask while the server drains.
        if self.draining.is_cancelled() && method.kind != Kind::Infrastructure {
            return Err(stopping());
        }
        arrival.browser.clone()?;
        if method.kind == Kind::Unknown {
            let message = "the server has no such method; `grpcurl HOST:PORT list` shows the services it has";
            return Err(Error::new(Reason::MethodUnknown, message));
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message = "the server has as many calls at once as it may; try later";
            Error::quota(Reason::ServerBusy, "server.calls_max", message)
        })?;
        if method.kind == Kind::Ordinary {
            let who = self.tokens.authenticate(auth::bearer(request.headers())?).await?;
            Span::current().record("principal", who.token_name.as_str());
            request.extensions_mut().insert(who);
        }
        // Nobody behind this point needs the secret, so nobody can log it.
        request.headers_mut().remove(header::AUTHORIZATION);
        Ok(place)
    }

    fn limit(&self, deadline: Option<Instant>, kind: Kind) -> Limit {
        // Health watches have no end of their own.
        let cut = if kind == Kind::Infrastructure { &self.draining } else { &self.cut };
        Limit { deadline, cut: cut.clone() }
    }
}

/// An answer that is nothing but a status.
fn refuse(error: Error) -> Response<Body> {
    Status::from(error).into_http()
}

/// When the caller's `grpc-timeout` is over; absent: never.
fn deadline(headers: &HeaderMap) -> Result<Option<Instant>> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let timeout = value.to_str().ok().and_then(parse_timeout).ok_or_else(|| {
        Error::bad_request("grpc-timeout", "is not 1 to 8 digits and one of H, M, S, m, u, n")
    })?;
    // Beyond what the clock can name it is no deadline.
    Ok(Instant::now().checked_add(timeout))
}

/// As "gRPC over HTTP2" defines it.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse_timeout("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse_timeout("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("7n"), Some(Duration::from_nanos(7)));
        for bad in ["", "S", "1", "1s", "-1S", "+1S", "123456789S", "1.5S", "1é"] {
            assert_eq!(parse_timeout(bad), None, "{bad:?}");
        }
    }
}
