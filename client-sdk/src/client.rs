//! The client: an endpoint, a token, and the way to each service.
//!
//! It must not know what the services do.

use std::{fmt, sync::Arc, time::Duration};

use mosaic_proto::{
    chat::v1::chat_service_client::ChatServiceClient,
    orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient,
    terminal::v1::terminal_service_client::TerminalServiceClient,
    workspace::v1::workspace_service_client::WorkspaceServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::{
    Error, Result,
    chat::Chat,
    orchestrator::Orchestrator,
    pool::{Lease, Pool},
    retry::{RECONNECT_LIMIT, Retry, SILENCE_LIMIT},
    terminal::{Terminal, Terminals},
    workspace::Workspace,
};

/// The largest answer taken: a page of 1000 terminals with the longest of names and commands.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A Mosaic server and the token to use there. Cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: String,
    pool: Pool,
    authorization: Authorization,
    reconnect_limit: Duration,
    silence_limit: Duration,
}

/// What a client is made of.
#[derive(Clone)]
pub struct ClientBuilder {
    endpoint: String,
    token: Option<String>,
    ca_pem: Option<Vec<u8>>,
    reconnect_limit: Duration,
    silence_limit: Duration,
}

/// The generated clients, for what the SDK has no word for. Errors are plain `tonic::Status`.
#[derive(Clone, Debug)]
pub struct Raw {
    /// `mosaic.chat.v1.ChatService`.
    pub chat: ChatServiceClient<Transport>,
    /// `mosaic.orchestrator.v1.OrchestratorService`.
    pub orchestrator: OrchestratorServiceClient<Transport>,
    /// `mosaic.terminal.v1.TerminalService`.
    pub terminals: TerminalServiceClient<Transport>,
    /// `mosaic.workspace.v1.WorkspaceService`.
    pub workspace: WorkspaceServiceClient<Transport>,
    _lease: Option<Lease>,
}

/// A connection that adds the token to every call.
pub type Transport = InterceptedService<Channel, Authorization>;

/// Adds `authorization: Bearer ...` to every call. Its `Debug` does not show the token.
#[derive(Clone)]
pub struct Authorization(Option<MetadataValue<Ascii>>);

impl Client {
    /// Names a server: `http://HOST:PORT`, or `https://HOST:PORT` for TLS with the certificates that this
    /// machine trusts. Nothing is connected before the first call.
    pub fn connect(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            endpoint: endpoint.into(),
            token: None,
            ca_pem: None,
            reconnect_limit: RECONNECT_LIMIT,
            silence_limit: SILENCE_LIMIT,
        }
    }

    /// The endpoint as it was given.
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// The terminals of the token's workspace.
    pub fn terminals(&self) -> Terminals {
        Terminals::new(self.clone())
    }

    /// One terminal, by id or by name. No call is made.
    pub fn terminal(&self, id_or_name: impl Into<String>) -> Terminal {
        Terminal::new(self.clone(), id_or_name.into())
    }

    /// Conversations with models, in the token's workspace.
    pub fn chat(&self) -> Chat {
        Chat::new(self.clone())
    }

    /// Agents, jobs and the queue of the token's workspace.
    pub fn orchestrator(&self) -> Orchestrator {
        Orchestrator::new(self.clone())
    }

    /// The token's workspace: who one is, tokens, events.
    pub fn workspace(&self) -> Workspace {
        Workspace::new(self.clone())
    }

    /// The generated clients on the connection for unary calls.
    pub fn raw(&self) -> Result<Raw> {
        Ok(self.raw_on(self.shared.pool.unary()?, None))
    }

    /// The generated clients on a connection for streams; keep it for as long as the stream.
    pub fn raw_streams(&self) -> Result<Raw> {
        let (channel, lease) = self.shared.pool.stream()?;
        Ok(self.raw_on(channel, Some(lease)))
    }

    fn raw_on(&self, channel: Channel, lease: Option<Lease>) -> Raw {
        let transport = InterceptedService::new(channel, self.shared.authorization.clone());
        Raw {
            chat: ChatServiceClient::new(transport.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            orchestrator: OrchestratorServiceClient::new(transport.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
            terminals: TerminalServiceClient::new(transport.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
            workspace: WorkspaceServiceClient::new(transport).max_decoding_message_size(MESSAGE_BYTES_MAX),
            _lease: lease,
        }
    }

    pub(crate) fn error(&self, status: Status) -> Error {
        Error::from_status(status, &self.shared.endpoint)
    }

    pub(crate) fn cut_short(&self) -> Error {
        Error::cut_short(&self.shared.endpoint)
    }

    pub(crate) fn stopping(&self) -> Error {
        Error::stopping(&self.shared.endpoint)
    }

    /// What comes of `work` on a stream, or an error if it takes longer than a stream may be silent.
    pub(crate) async fn unless_silent<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.shared.silence_limit;
        let silent = || Error::silent(&self.shared.endpoint, limit);
        tokio::time::timeout(limit, work).await.map_err(|_| silent())?
    }

    pub(crate) fn retry(&self) -> Retry {
        Retry::new(self.shared.reconnect_limit)
    }
}

impl ClientBuilder {
    /// The bearer token, `mosaic_...`. Without one, every call but ExchangeSignInCode is refused.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Trusts this certificate authority, in PEM, and no other.
    #[must_use]
    pub fn tls_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// For how long a stream, a writer or a wait tries to get a lost server back. Default: five minutes.
    #[must_use]
    pub fn reconnect_limit(mut self, limit: Duration) -> Self {
        self.reconnect_limit = limit;
        self
    }

    /// For how long a stream may bring nothing, not even a heartbeat, before it counts as lost and is made
    /// again. Default: 45 seconds, three heartbeats of a server as it comes. It must be longer than the
    /// server's `streams.heartbeat_ms`, or streams on which nothing happens are made again and again.
    #[must_use]
    pub fn silence_limit(mut self, limit: Duration) -> Self {
        self.silence_limit = limit;
        self
    }

    /// The client. Does no I/O: a server that is not there shows with the first call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the endpoint or the token cannot be
    /// one.
    pub fn build(self) -> Result<Client> {
        let pool = Pool::new(&self.endpoint, self.ca_pem)?;
        let authorization = Authorization(self.token.as_deref().map(bearer).transpose()?);
        Ok(Client {
            shared: Arc::new(Shared {
                endpoint: self.endpoint,
                pool,
                authorization,
                reconnect_limit: self.reconnect_limit,
                silence_limit: self.silence_limit,
            }),
        })
    }
}

/// The error does not repeat the token: it may be a real one with a stray character.
fn bearer(token: &str) -> Result<MetadataValue<Ascii>> {
    let unusable =
        || Error::configuration("the token holds characters that no token has; check how it was read");
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable());
    }
    let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Authorization(set)" } else { "Authorization(none)" })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.shared.endpoint)
            .field("pool", &self.shared.pool)
            .field("authorization", &self.shared.authorization)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "mosaic_5ecret";

    #[test]
    fn a_client_is_built_without_a_runtime_and_shows_no_secret() {
        let builder = Client::connect("http://127.0.0.1:50051").token(SECRET);
        assert!(!format!("{builder:?}").contains(SECRET));
        let client = builder.build().expect("valid");
        assert!(!format!("{client:?}").contains(SECRET));
    }

    #[test]
    fn a_token_with_a_line_end_is_refused_and_not_repeated() {
        for token in ["mosaic_5ecret\n", "", "mosaic 5ecret", "mosaïc_5ecret"] {
            let error = Client::connect("http://x").token(token).build().expect_err(token);
            assert!(!format!("{error} {error:?}").contains("5ecret"), "{error:?}");
        }
    }
}
