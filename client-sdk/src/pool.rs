//! The connections of a client: one for unary calls, others for streams.
//!
//! It must not know what is called over them.
//!
//! A stream that nobody drains fills its flow-control window, and enough of them fill the connection's, after
//! which every call on that connection stands still. So unary calls have a connection of their own, and a
//! connection for streams has room for the full windows of all streams that it may carry.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::{Error, Result};

/// Streams on one connection; servers commonly allow 100 to 200, and more would wait silently.
const STREAMS_MAX: usize = 32;
/// What the server may send on a stream before somebody reads it.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// All windows of a connection at once.
const CONNECTION_WINDOW_BYTES: u32 = STREAM_WINDOW_BYTES * STREAMS_MAX as u32;
/// One event of output, 64 KiB and its envelope, comes in one frame; the default would make five of it.
const FRAME_BYTES_MAX: u32 = 128 * 1024;
/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection with open calls is asked for a sign of life this often...
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// ...and is lost if none comes within this time.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where to connect and how; the connections come about with the first call.
pub(crate) struct Pool {
    endpoint: Endpoint,
    tls: Option<ClientTlsConfig>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    unary: Option<Channel>,
    streams: Vec<(Channel, Arc<()>)>,
}

/// A stream's share of a connection; the connection is closed when nobody has one any more.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    _share: Arc<()>,
}

impl Pool {
    /// Checks the endpoint. No I/O: certificates are read with the first call.
    pub(crate) fn new(endpoint: &str, ca_pem: Option<Vec<u8>>) -> Result<Self> {
        let parsed = Endpoint::from_shared(endpoint.to_owned())
            .map_err(|cause| Error::configuration(format!("endpoint {endpoint:?}: {cause}; {EXAMPLE}")))?;
        let tls = match parsed.uri().scheme_str() {
            Some("http") if ca_pem.is_some() => {
                return Err(Error::configuration(format!(
                    "endpoint {endpoint:?} has a CA but no TLS; write https://"
                )));
            }
            Some("http") => None,
            Some("https") => Some(match ca_pem {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_native_roots(),
            }),
            _ => {
                return Err(Error::configuration(format!(
                    "endpoint {endpoint:?} must begin with http:// or https://; {EXAMPLE}"
                )));
            }
        };
        let endpoint = parsed
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .user_agent(concat!("mosaic-client/", env!("CARGO_PKG_VERSION")))
            .map_err(|cause| Error::configuration(cause.to_string()))?;
        Ok(Self { endpoint, tls, open: Mutex::default() })
    }

    /// The connection for unary calls.
    pub(crate) fn unary(&self) -> Result<Channel> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = &open.unary {
            return Ok(channel.clone());
        }
        Ok(open.unary.insert(self.connect()?).clone())
    }

    /// A connection with room for one more stream.
    pub(crate) fn stream(&self) -> Result<(Channel, Lease)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The pool's own share is the one that remains when no stream has any.
        open.streams.retain(|(_, shares)| Arc::strong_count(shares) > 1);
        let free = open.streams.iter().find(|(_, shares)| Arc::strong_count(shares) <= STREAMS_MAX);
        if let Some((channel, share)) = free {
            return Ok((channel.clone(), Lease { _share: share.clone() }));
        }
        let (channel, share) = (self.connect()?, Arc::new(()));
        open.streams.push((channel.clone(), share.clone()));
        Ok((channel, Lease { _share: share }))
    }

    fn connect(&self) -> Result<Channel> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::configuration("the client must be used inside a Tokio runtime"));
        }
        let endpoint = match &self.tls {
            Some(tls) => self.endpoint.clone().tls_config(tls.clone()).map_err(|cause| {
                let cause = std::error::Error::source(&cause).map_or(cause.to_string(), ToString::to_string);
                Error::configuration(format!("TLS cannot be set up: {cause}; check the CA certificate"))
            })?,
            None => self.endpoint.clone(),
        };
        Ok(endpoint.connect_lazy())
    }
}

const EXAMPLE: &str = "an example is http://127.0.0.1:50051";

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("endpoint", self.endpoint.uri()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_endpoint_says_what_to_write() {
        for endpoint in ["", "127.0.0.1:50051", "localhost:1", "ftp://x", "http://a b"] {
            let error = Pool::new(endpoint, None).expect_err(endpoint);
            assert!(error.to_string().contains("http://127.0.0.1:50051"), "{endpoint}: {error}");
        }
        let error = Pool::new("http://x", Some(Vec::new())).expect_err("a CA without TLS");
        assert!(error.to_string().contains("https://"), "{error}");
    }

    #[test]
    fn outside_of_a_runtime_a_call_is_an_error() {
        let pool = Pool::new("http://127.0.0.1:1", None).expect("valid");
        assert!(pool.unary().is_err());
    }

    #[tokio::test]
    async fn streams_share_connections_up_to_the_limit_and_give_them_back() {
        let pool = Pool::new("http://127.0.0.1:1", None).expect("valid");
        let connections = || pool.open.lock().expect("not poisoned").streams.len();
        let leases: Vec<_> = (0..=STREAMS_MAX).map(|_| pool.stream().expect("lazy")).collect();
        assert_eq!(connections(), 2);
        drop(leases);
        let _one = pool.stream().expect("lazy");
        assert_eq!(connections(), 1);
    }
}
