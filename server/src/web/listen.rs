//! Sockets: accepting, TLS, HTTP/1.1 and HTTP/2 on one port, and closing in order.
//!
//! It knows nothing about gRPC.

use std::{convert::Infallible, io, path::Path, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::Front;
use crate::{config, telemetry::metrics::OpenConnection};

/// The time that a client has to begin: TLS, and the first bytes of HTTP.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The time that a client has to send the headers of a request on HTTP/1.1.
const HEADERS: Duration = Duration::from_secs(30);
/// Bytes of a request's headers: 100 times what a call needs.
const HEADER_BYTES_MAX: u32 = 32 * 1024;
/// Pings find the clients that went away without a word.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// What a client may send ahead: on loopback (0.1 ms there and back) enough for gigabytes a second, and
/// at 20 ms for 50 MB/s.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;
/// What the server buffers for one slow reader before its stream waits.
const SEND_BUFFER: usize = 256 * 1024;
/// After a failed accept (no descriptors left) others get time to close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The time between ending what is left and closing its connection.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// What a client of HTTP/2 begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why there is no TLS. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{setting}: cannot read {}: {cause}; give a PEM file", path.display())]
    File {
        /// Which setting names it.
        setting: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: rustls::pki_types::pem::Error,
    },
    /// The pair.
    #[error("server.tls_cert and server.tls_key: {0}; give a certificate chain and its key")]
    Pair(#[from] rustls::Error),
}

/// TLS with ALPN for both protocols; `None` where none is configured.
///
/// # Errors
/// The files cannot be read, or do not belong together.
pub fn tls(config: &config::Server) -> Result<Option<TlsAcceptor>, TlsError> {
    let (Some(cert), Some(key)) = (&config.tls_cert, &config.tls_key) else { return Ok(None) };
    let wrong = |setting: &'static str, path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::File { setting, path, cause }
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(wrong("server.tls_cert", cert))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(wrong("server.tls_key", key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(tls))))
}

/// The port.
pub struct Port {
    /// Where it listens.
    pub listener: TcpListener,
    /// TLS, if configured.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub front: Front,
    /// `server.connections_max`.
    pub connections_max: usize,
    /// `server.streams_per_connection_max`.
    pub streams_per_connection_max: u32,
    /// `server.drain_ms`.
    pub drain: Duration,
    /// Cancelled when no new calls are taken.
    pub draining: CancellationToken,
    /// Cancelled here when the calls that are left must end.
    pub cut: CancellationToken,
}

impl Port {
    /// Serves until `draining`, then lets the connections end for at most `drain`. It owns all of them:
    /// none is left when it returns, and dropping it closes them.
    pub async fn serve(self) {
        let Self { listener, tls, front, connections_max, streams_per_connection_max, .. } = self;
        let builder = http(streams_per_connection_max);
        let places = Arc::new(Semaphore::new(connections_max));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = self.draining.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(cause) => {
                    tracing::warn!(%cause, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                // Closing at once tells a client more than waiting does.
                tracing::warn!(connections_max, "refused a connection: server.connections_max");
                continue;
            };
            let connection = Connection {
                front: front.clone(),
                tls: tls.clone(),
                builder: builder.clone(),
                draining: self.draining.clone(),
                _place: place,
                _open: OpenConnection::new(),
            };
            connections.spawn(async move {
                if let Err(cause) = connection.serve(tcp).await {
                    tracing::debug!(%cause, "a connection broke");
                }
            });
        }
        drop(listener);
        drain(connections, self.drain, &self.cut).await;
    }
}

/// Waits for the connections; cuts their calls shortly before the end, then closes what is left.
async fn drain(mut connections: JoinSet<()>, longest: Duration, cut: &CancellationToken) {
    if all_end(&mut connections, longest.saturating_sub(LAST_WORDS)).await {
        return;
    }
    cut.cancel();
    if !all_end(&mut connections, LAST_WORDS).await {
        tracing::info!(left = connections.len(), "closing the connections that are left");
        connections.shutdown().await;
    }
}

async fn all_end(connections: &mut JoinSet<()>, within: Duration) -> bool {
    timeout(within, async { while connections.join_next().await.is_some() {} }).await.is_ok()
}

struct Connection {
    front: Front,
    tls: Option<TlsAcceptor>,
    builder: Builder<TokioExecutor>,
    draining: CancellationToken,
    _place: OwnedSemaphorePermit,
    _open: OpenConnection,
}

type Problem = Box<dyn std::error::Error + Send + Sync>;

impl Connection {
    async fn serve(self, tcp: TcpStream) -> Result<(), Problem> {
        // Keystrokes are small and each is wanted at once.
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let http2 = timeout(HANDSHAKE, speaks_http2(&tcp)).await??;
            return self.http(tcp, http2).await;
        };
        let tls = timeout(HANDSHAKE, tls.accept(tcp)).await??;
        // HTTP/2 over TLS begins with ALPN, by its definition.
        let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        self.http(tls, http2).await
    }

    async fn http<I>(self, io: I, http2: bool) -> Result<(), Problem>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let builder = if http2 { self.builder.http2_only() } else { self.builder.http1_only() };
        let front = self.front;
        let service = service_fn(move |request: Request<Incoming>| {
            let front = front.clone();
            async move { Ok::<_, Infallible>(front.answer(request.map(Body::new)).await) }
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.draining.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

/// Whether a client begins with HTTP/2. hyper would find out by itself, but wait for ever for a client
/// that sends half of it.
async fn speaks_http2(tcp: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let read = tcp.peek(&mut first).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[..read] != PREFACE[..read] {
            return Ok(false);
        }
        if read == PREFACE.len() {
            return Ok(true);
        }
        // The socket stays readable: there is no event for "more than before".
        sleep(Duration::from_millis(5)).await;
    }
}

fn http(streams_per_connection_max: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(2 * HEADER_BYTES_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_concurrent_streams(streams_per_connection_max)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
