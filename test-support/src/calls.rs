//! Calls to a server under test through the generated clients, with a token.
//!
//! It must not use the SDK: the SDK is one of the things under test.

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
use tonic_types::StatusExt;

/// The terminal service with a token.
pub type TerminalClient = TerminalServiceClient<InterceptedService<Channel, Bearer>>;
/// The chat service with a token.
pub type ChatClient = ChatServiceClient<InterceptedService<Channel, Bearer>>;
/// The orchestrator service with a token.
pub type AgentClient = OrchestratorServiceClient<InterceptedService<Channel, Bearer>>;
/// The workspace service with a token.
pub type WorkspaceClient = WorkspaceServiceClient<InterceptedService<Channel, Bearer>>;

/// Adds a token to each call, or nothing.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// Sends `authorization: Bearer <token>`; an empty token sends nothing.
    pub fn new(token: &str) -> anyhow::Result<Self> {
        if token.is_empty() {
            return Ok(Self(None));
        }
        Ok(Self(Some(format!("Bearer {token}").parse()?)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// The stable reason of an error; empty if it carries none, which no error of the server may.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
