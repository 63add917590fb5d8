//! Which browsers may call: the `Host` and `Origin` rules, and CORS from the same list.
//!
//! It knows nothing about tokens: a page that may call still needs one. The rules keep other pages'
//! scripts out (`Origin`), also when a name was made to point here (`Host`, DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, HeaderValue, Method, Request, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::error::{Error, Reason};

/// The rules of a server.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// `server.allowed_hosts`: names without port.
    pub allowed_hosts: Vec<String>,
    /// `server.allowed_origins`: scheme, host and unusual port.
    pub allowed_origins: Vec<String>,
}

/// Why a browser may not call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    message: String,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.reason, refusal.message)
    }
}

impl Refusal {
    /// What was wrong and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// So much of a refused name is shown.
const SHOWN_CHARS: usize = 128;
/// What a page's script may read of an answer.
const EXPOSED: [HeaderName; 4] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    crate::telemetry::REQUEST_ID,
];
/// What it may send.
const ACCEPTED: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    crate::telemetry::REQUEST_ID,
];

impl Rules {
    /// Checks a request. `facing` says that only browsers send such a request: the page, gRPC-Web.
    ///
    /// # Errors
    /// `HOST_REFUSED`, `ORIGIN_REFUSED`.
    pub fn check<B>(&self, request: &Request<B>, facing: bool) -> Result<(), Refusal> {
        let origin = request.headers().get(header::ORIGIN);
        if !facing && origin.is_none() {
            return Ok(());
        }
        let host = host(request).unwrap_or_default();
        if !self.knows_host(host) {
            let message = format!(
                "the server is not known as {:?}; use the address it listens on, or add the name to \
                 server.allowed_hosts",
                shown(host)
            );
            return Err(Refusal { reason: Reason::HostRefused, message });
        }
        let Some(origin) = origin else { return Ok(()) };
        if same_origin(origin, host) || self.allows(origin) {
            return Ok(());
        }
        let message = format!(
            "pages of {:?} may not call this server; add the origin to server.allowed_origins if they should",
            shown(&String::from_utf8_lossy(origin.as_bytes()))
        );
        Err(Refusal { reason: Reason::OriginRefused, message })
    }

    /// CORS for the listed origins and nobody else.
    pub fn cors(&self) -> CorsLayer {
        let rules = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| rules.allows(origin)))
            .allow_methods([Method::POST])
            .allow_headers(ACCEPTED)
            .expose_headers(EXPOSED)
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let listed =
            |origin: &str| self.allowed_origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin));
        origin.to_str().is_ok_and(listed)
    }

    fn knows_host(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = address {
            // Where it listens on all addresses, each of them is one of its own; an address cannot be
            // made to point elsewhere, as a name can.
            return address.is_loopback() || address == self.listen.ip() || self.listen.ip().is_unspecified();
        }
        name.eq_ignore_ascii_case("localhost")
            || self.allowed_hosts.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

/// The `Host` header, or what takes its place in HTTP/2.
fn host<B>(request: &Request<B>) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST)?.to_str().ok(),
    }
}

/// The beginning of what a caller sent: an error must fit into a header.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of `[::1]` are inside the brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Browsers leave the usual port out of both, so that the texts can be compared. The scheme is not
/// compared: behind a proxy that ends TLS it differs, and one port never speaks both.
fn same_origin(origin: &HeaderValue, host: &str) -> bool {
    let authority = |origin: &str| {
        let host_and_port = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
        Some(host_and_port.eq_ignore_ascii_case(host))
    };
    origin.to_str().ok().and_then(authority).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(listen: &str) -> Rules {
        Rules {
            listen: listen.parse().unwrap(),
            allowed_hosts: vec!["mosaic.example".into()],
            allowed_origins: vec!["https://app.example".into()],
        }
    }

    fn check(rules: &Rules, host: &str, origin: Option<&str>, facing: bool) -> Option<Reason> {
        let mut request = Request::builder().uri("/").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        rules.check(&request.body(()).unwrap(), facing).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn known_hosts_may_be_used() {
        let rules = rules("192.0.2.7:50051");
        for host in [
            "localhost",
            "LOCALHOST:50051",
            "127.0.0.1:50051",
            "127.9.9.9",
            "[::1]:50051",
            "[::1]",
            "192.0.2.7:50051",
            "mosaic.example",
            "Mosaic.Example:443",
        ] {
            assert_eq!(check(&rules, host, None, true), None, "{host}");
        }
    }

    #[test]
    fn other_hosts_may_not() {
        let rules = rules("192.0.2.7:50051");
        for host in [
            "",
            "evil.example",
            "evil.example:50051",
            "localhost.evil.example",
            "mosaic.example.evil.example",
            "192.0.2.8",
            "127.0.0.1.evil.example",
            "[::2]:50051",
            "localhost:x",
        ] {
            assert_eq!(check(&rules, host, None, true), Some(Reason::HostRefused), "{host}");
        }
    }

    #[test]
    fn on_all_addresses_every_address_is_known_and_no_name() {
        let rules = rules("0.0.0.0:50051");
        assert_eq!(check(&rules, "198.51.100.4:50051", None, true), None);
        assert_eq!(check(&rules, "evil.example", None, true), Some(Reason::HostRefused));
    }

    #[test]
    fn native_clients_are_asked_nothing() {
        assert_eq!(check(&rules("127.0.0.1:1"), "evil.example", None, false), None);
    }

    #[test]
    fn an_origin_must_be_the_same_or_listed() {
        let rules = rules("127.0.0.1:50051");
        let host = "127.0.0.1:50051";
        for good in ["http://127.0.0.1:50051", "https://127.0.0.1:50051", "https://app.example"] {
            assert_eq!(check(&rules, host, Some(good), false), None, "{good}");
        }
        for bad in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:50052",
            "http://localhost:50051",
            "http://app.example",
            "https://app.example.evil.example",
            "ftp://127.0.0.1:50051",
            "",
        ] {
            for facing in [true, false] {
                assert_eq!(check(&rules, host, Some(bad), facing), Some(Reason::OriginRefused), "{bad}");
            }
        }
    }

    #[test]
    fn a_rebound_name_is_refused_though_its_origin_matches() {
        let rules = rules("127.0.0.1:50051");
        let evil = check(&rules, "evil.example:50051", Some("http://evil.example:50051"), false);
        assert_eq!(evil, Some(Reason::HostRefused));
    }

    #[test]
    fn a_refusal_is_short() {
        let host = "x".repeat(10_000);
        let request = Request::builder().uri("/").header("host", host).body(()).unwrap();
        let refusal = rules("127.0.0.1:1").check(&request, true).unwrap_err();
        assert!(refusal.message().len() < 300);
    }

    #[test]
    fn http2_has_its_authority() {
        let request = Request::builder().uri("http://evil.example/x").body(()).unwrap();
        assert!(rules("127.0.0.1:1").check(&request, true).is_err());
        let request = Request::builder().uri("http://localhost:1/x").body(()).unwrap();
        assert!(rules("127.0.0.1:1").check(&request, true).is_ok());
    }
}
