//! The one port: which requests are calls, which are for the page, and what surrounds both.
//!
//! It knows nothing about sockets (`listen` does) and nothing about what the methods do.

mod body;
pub mod browser;
pub mod call;
mod files;
pub mod listen;
pub mod methods;
mod page;

use std::{convert::Infallible, sync::Arc};

use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

#[cfg(test)]
pub(crate) use self::body::code_name;
pub use self::page::is_built_in;
use self::{
    browser::Rules,
    call::{Arrival, Calls},
};
use crate::telemetry::{REQUEST_ID, RequestId};

/// Answers every request of every connection.
#[derive(Clone)]
pub struct Front {
    rules: Arc<Rules>,
    stack: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
}

impl Front {
    /// Puts the layers around the calls.
    pub fn new(rules: Rules, calls: Calls) -> Self {
        let calls = Arc::new(calls);
        // Inside gRPC-Web, so that its clients get every refusal as a status, too.
        let calls = GrpcWebLayer::new().layer(service_fn(move |request: Request<Body>| {
            let calls = Arc::clone(&calls);
            async move { Ok::<_, Infallible>(calls.run(request).await) }
        }));
        let dispatch = service_fn(move |request: Request<Body>| {
            let calls = calls.clone();
            async move {
                match Speech::of(request.headers()) {
                    Speech::Other => Ok(page::respond(&request)),
                    Speech::Grpc if request.version() < Version::HTTP_2 => {
                        let text = "gRPC needs HTTP/2; HTTP/1.1 is for gRPC-Web (application/grpc-web)\n";
                        Ok(page::plain(StatusCode::HTTP_VERSION_NOT_SUPPORTED, text))
                    }
                    Speech::Grpc | Speech::GrpcWeb => calls.oneshot(request).await,
                }
            }
        });
        let stack = BoxCloneSyncService::new(rules.cors().layer(dispatch));
        Self { rules: Arc::new(rules), stack }
    }

    /// Answers a request.
    pub async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        let id = RequestId::of(request.headers());
        let speech = Speech::of(request.headers());
        let browser = self.rules.check(&request, speech != Speech::Grpc);
        let mut response = match browser {
            // What is not a call has no status to be refused with.
            Err(refusal) if speech == Speech::Other => {
                tracing::info!(refusal = refusal.message(), "refused a browser");
                page::plain(StatusCode::FORBIDDEN, format!("{}\n", refusal.message()))
            }
            browser => {
                request.extensions_mut().insert(Arrival { id: id.clone(), browser });
                match self.stack.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
        };
        response.headers_mut().insert(REQUEST_ID, id.header());
        response
    }
}

/// What a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Grpc,
    GrpcWeb,
    Other,
}

impl Speech {
    fn of(headers: &HeaderMap) -> Self {
        let content = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        if content.starts_with(b"application/grpc-web") {
            Self::GrpcWeb
        } else if content.starts_with(b"application/grpc") {
            Self::Grpc
        } else {
            Self::Other
        }
    }
}
