//! Tokens and generated clients for a server under test.
//!
//! It must not know how the server is run.

use anyhow::{Context, Result};
use mosaic_proto::{
    chat::v1::chat_service_client::ChatServiceClient,
    orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient,
    terminal::v1::terminal_service_client::TerminalServiceClient,
    workspace::v1::{
        CreateTokenRequest, CreateWorkspaceRequest, Role, workspace_service_client::WorkspaceServiceClient,
    },
};
use tonic::transport::Channel;

use super::Server;
use crate::{AgentClient, Bearer, ChatClient, TerminalClient, WorkspaceClient, cluster, postgres};

impl Server {
    /// The terminal service with a token; an empty one sends none.
    pub fn terminals_as(&self, token: &str) -> Result<TerminalClient> {
        Ok(TerminalServiceClient::with_interceptor(self.channel()?, Bearer::new(token)?))
    }

    /// The terminal service with the operator's token.
    pub fn terminals(&self) -> Result<TerminalClient> {
        self.terminals_as(&self.token()?)
    }

    /// The chat service with a token; an empty one sends none.
    pub fn chat_as(&self, token: &str) -> Result<ChatClient> {
        Ok(ChatServiceClient::with_interceptor(self.channel()?, Bearer::new(token)?))
    }

    /// The chat service with the operator's token.
    pub fn chat(&self) -> Result<ChatClient> {
        self.chat_as(&self.token()?)
    }

    /// The orchestrator service with a token; an empty one sends none.
    pub fn agents_as(&self, token: &str) -> Result<AgentClient> {
        Ok(OrchestratorServiceClient::with_interceptor(self.channel()?, Bearer::new(token)?))
    }

    /// The orchestrator service with the operator's token.
    pub fn agents(&self) -> Result<AgentClient> {
        self.agents_as(&self.token()?)
    }

    /// The workspace service with a token; an empty one sends none.
    pub fn workspace_as(&self, token: &str) -> Result<WorkspaceClient> {
        Ok(WorkspaceServiceClient::with_interceptor(self.channel()?, Bearer::new(token)?))
    }

    /// The workspace service with the operator's token.
    pub fn workspace(&self) -> Result<WorkspaceClient> {
        self.workspace_as(&self.token()?)
    }

    /// A new token of the workspace `default` with this role.
    pub async fn token_for(&self, role: Role) -> Result<String> {
        self.token_with(CreateTokenRequest {
            name: format!("test {}", role.as_str_name()),
            role: role.into(),
            ..Default::default()
        })
        .await
    }

    /// A new token of the workspace `default`, as asked for.
    pub async fn token_with(&self, request: CreateTokenRequest) -> Result<String> {
        Ok(self.workspace()?.create_token(request).await?.into_inner().secret)
    }

    /// A token whose time is over.
    pub async fn expired_token(&self) -> Result<String> {
        let created = self
            .workspace()?
            .create_token(CreateTokenRequest {
                name: "expired".to_owned(),
                role: Role::Admin.into(),
                lifetime: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
                ..Default::default()
            })
            .await?
            .into_inner();
        let id = created.token.context("no token in the answer")?.id;
        // Not by waiting: the past is where an expired token's end lies.
        self.sql(&format!("UPDATE tokens SET expire_time = now() - interval '1 minute' WHERE id = '{id}'"))
            .await?;
        Ok(created.secret)
    }

    /// A new workspace's first ADMIN token.
    pub async fn other_workspace_token(&self) -> Result<String> {
        let request = CreateWorkspaceRequest {
            name: format!("other {}", postgres::short_name()),
            ..Default::default()
        };
        Ok(self.workspace()?.create_workspace(request).await?.into_inner().secret)
    }

    /// Runs SQL in the server's database. Not with an embedded one.
    pub async fn sql(&self, statements: &str) -> Result<()> {
        let url = self.database_url().context("the server runs its own database")?;
        Ok(cluster::connect(&url).await?.batch_execute(statements).await?)
    }

    fn channel(&self) -> Result<Channel> {
        Ok(Channel::from_shared(self.endpoint())?.connect_lazy())
    }
}
