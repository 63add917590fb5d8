//! HTTP to model servers: one client for all of them, and what one server needs to be asked.
//!
//! It knows no wire format. It follows no redirect (a key would go along, and the boundary of the configuration with
//! it) and never sends a request twice. Keys appear in no log, no `Debug` and no message.

use std::{fmt, fs, io, path::PathBuf, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{
    Client, Method, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Failure, FailureKind,
    decode::EVENT_BYTES_MAX,
    failure::{self, Words},
};
use crate::config::Secret;

/// Bytes that are read of the body of an error: its message stands at the front.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer that is no stream, such as a list of models.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// HTTP/2 pings find a server that went away without a word; TCP's own do it for HTTP/1.1.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long an idle connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(60);

/// How model servers are reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Certificates (PEM) of authorities to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The time that a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// Bytes that one event of a stream may have.
    pub event_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ca_file: None, connect_timeout: Duration::from_secs(10), event_bytes_max: EVENT_BYTES_MAX }
    }
}

/// Why there is no client. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The authorities.
    #[error("cannot read {}: {cause}; give a file of certificates in PEM", path.display())]
    CaFile {
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// TLS.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The rest.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// The client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    /// Through the proxy of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, except for `NO_PROXY`.
    outward: Client,
    /// To this machine: never through a proxy, which would reach itself.
    local: Client,
    event_bytes_max: usize,
}

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// The file of authorities cannot be read, or holds none.
    pub fn new(settings: &Settings) -> Result<Self, HttpError> {
        let provider = Arc::new(ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities(settings)?)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("mosaic/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(settings.connect_timeout)
                .tcp_nodelay(true)
                .tcp_keepalive(PING_EVERY)
                .http2_keep_alive_interval(PING_EVERY)
                .http2_keep_alive_timeout(PING_EVERY)
                .pool_idle_timeout(IDLE)
        };
        Ok(Self {
            outward: client().build()?,
            local: client().no_proxy().build()?,
            event_bytes_max: settings.event_bytes_max,
        })
    }

    /// Bytes that one event of a stream may have.
    pub fn event_bytes_max(&self) -> usize {
        self.event_bytes_max
    }
}

/// Whom to trust: the system's authorities and those of the file.
fn authorities(settings: &Settings) -> Result<RootCertStore, HttpError> {
    let found = rustls_native_certs::load_native_certs();
    for cause in found.errors {
        tracing::warn!(%cause, "cannot read a certificate of an authority");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    let Some(path) = &settings.ca_file else { return Ok(roots) };
    let wrong = |cause| HttpError::CaFile { path: path.clone(), cause };
    let pem = fs::read(path).map_err(wrong)?;
    let more: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|cause| wrong(io::Error::new(io::ErrorKind::InvalidData, cause)))?;
    if more.is_empty() {
        return Err(wrong(io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate")));
    }
    for certificate in more {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// One model server: where it is and how it knows us.
pub(super) struct Endpoint {
    client: Client,
    base: String,
    /// Host and port, for messages: no user, no password, no path.
    host: String,
    key: Option<Secret>,
    headers: Result<HeaderMap, Failure>,
    event_bytes_max: usize,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("host", &self.host).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// A server at a base URL that takes its key in a header, behind a prefix.
    pub(super) fn new(
        http: &Http,
        base: &str,
        key: Option<Secret>,
        (name, prefix): (&'static str, &str),
    ) -> Self {
        let url = Url::parse(base).ok();
        let host = url.as_ref().and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        });
        let client = if url.as_ref().is_some_and(is_this_machine) { &http.local } else { &http.outward };
        let mut headers = Ok(HeaderMap::new());
        if let Some(key) = &key {
            headers = HeaderValue::from_str(&format!("{prefix}{}", key.expose()))
                .map(|mut value| {
                    value.set_sensitive(true);
                    HeaderMap::from_iter([(HeaderName::from_static(name), value)])
                })
                .map_err(|_| {
                    Failure::new(
                        FailureKind::Denied,
                        "the key holds characters that no key has; is it one line of plain text?",
                    )
                });
        }
        Self {
            client: client.clone(),
            base: base.trim_end_matches('/').to_owned(),
            host: host.unwrap_or_else(|| "an address that is no URL".to_owned()),
            key,
            headers,
            event_bytes_max: http.event_bytes_max,
        }
    }

    /// Adds a header to every request.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        if let Ok(headers) = &mut self.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        self
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Bytes that one event of a stream may have.
    pub(super) fn event_bytes_max(&self) -> usize {
        self.event_bytes_max
    }

    /// What makes failures out of the server's words, without the key in them.
    pub(super) fn words(&self) -> Words {
        Words::new(self.host.clone(), self.key.clone())
    }

    /// Posts JSON and waits for the head of a stream of events.
    pub(super) async fn stream(&self, path: &str, body: &impl Serialize) -> Result<Body, Failure> {
        let response = self.send(Method::POST, path, Some(body)).await?;
        let words = self.words();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            // Some servers answer so with 200 where they should not; a reader of the web's pages is not here.
            "application/json" => {
                let bytes = head(response, ERROR_BYTES_MAX).await;
                Err(words.of_body(&bytes).unwrap_or_else(|| {
                    Failure::new(
                        FailureKind::Malformed,
                        format!("{} answered with one object instead of a stream", self.host),
                    )
                }))
            }
            "text/html" => Err(Failure::new(
                FailureKind::Malformed,
                format!("{} answered with a web page: is the base URL right?", self.host),
            )),
            _ => {
                let bytes = response.bytes_stream().fuse();
                let failed = move |cause| words.of_transport(&cause, FailureKind::Cut);
                Ok(bytes.map(move |bytes| bytes.map_err(&failed)).boxed())
            }
        }
    }

    /// Asks for an object.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.object(self.send(Method::GET, path, None::<&()>).await?).await
    }

    /// Posts JSON and asks for an object.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.object(self.send(Method::POST, path, Some(body)).await?).await
    }

    async fn object<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let malformed = |message| Failure::new(FailureKind::Malformed, message);
        let mut bytes = BytesMut::new();
        let mut body = response.bytes_stream();
        while let Some(more) = body.next().await {
            bytes.extend_from_slice(
                &more.map_err(|cause| self.words().of_transport(&cause, FailureKind::Cut))?,
            );
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(malformed(format!(
                    "{} answered with more than {ANSWER_BYTES_MAX} bytes",
                    self.host
                )));
            }
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| malformed(format!("{} answered with something else than expected", self.host)))
    }

    /// Sends one request; what is no success is a failure.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, Failure> {
        let refused = |message| Failure::new(FailureKind::Refused, message);
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = request.headers(self.headers.clone()?);
        if let Some(body) = body {
            let body = serde_json::to_vec(body)
                .map_err(|cause| refused(format!("the prompt cannot be written as JSON: {cause}")))?;
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        // Who cannot write a stream that is not compressed would hold pieces back.
        request = request.header(ACCEPT, "*/*");
        let response =
            request.send().await.map_err(|cause| self.words().of_transport(&cause, FailureKind::Cut))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(Failure {
                status: Some(status.as_u16()),
                ..refused(format!(
                    "{} sends elsewhere with a redirect ({}), and redirects are not followed: set the base URL to \
                     where the server really is",
                    self.host,
                    status.as_u16()
                ))
            });
        }
        let retry_after = failure::retry_after(response.headers());
        let bytes = head(response, ERROR_BYTES_MAX).await;
        Err(Failure { retry_after, ..self.words().of_answer(status.as_u16(), &bytes) })
    }
}

/// The body of a stream.
pub(super) type Body = BoxStream<'static, Result<Bytes, Failure>>;

/// The first bytes of a body; what came before it broke off.
async fn head(response: Response, bytes_max: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    let mut body = response.bytes_stream();
    while let Some(Ok(more)) = body.next().await {
        bytes.extend_from_slice(&more[..more.len().min(bytes_max - bytes.len())]);
        if bytes.len() == bytes_max {
            break;
        }
    }
    bytes
}

/// True for `localhost` and the loopback addresses.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
