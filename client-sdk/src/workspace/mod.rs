//! The token's workspace: who one is, tokens, workspaces, signing in.
//!
//! It must not know how the event stream resumes (`events`).

mod events;

use mosaic_proto::workspace::v1::{self as proto, workspace_service_client::WorkspaceServiceClient};

pub use self::events::{Events, WatchEvents, WorkspaceEvent};
use crate::{Client, Error, Result, client::Transport};

/// The workspace that the client's token belongs to.
#[derive(Clone, Debug)]
pub struct Workspace {
    client: Client,
}

impl Workspace {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Whom the token names, and what the server is.
    pub async fn who_am_i(&self) -> Result<proto::WhoAmIResponse> {
        let answer = self.raw()?.who_am_i(proto::WhoAmIRequest {}).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// Makes a workspace and its first ADMIN token, whose secret is shown this once. Role OPERATOR.
    pub async fn create(&self, name: impl Into<String>) -> Result<proto::CreateWorkspaceResponse> {
        let request = proto::CreateWorkspaceRequest { request_id: String::new(), name: name.into() };
        let answer = self.raw()?.create_workspace(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All workspaces of the server, newest first. Role OPERATOR.
    pub async fn list(&self) -> Result<Vec<proto::Workspace>> {
        let mut raw = self.raw()?;
        let mut all = Vec::new();
        let mut request = proto::ListWorkspacesRequest::default();
        loop {
            let answer = raw.list_workspaces(request).await;
            let mut page = answer.map_err(|status| self.client.error(status))?.into_inner();
            all.append(&mut page.workspaces);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request = proto::ListWorkspacesRequest { page_size: 0, page_token: page.next_page_token };
        }
    }

    /// Makes a token of this workspace; its secret is shown this once. Role ADMIN.
    ///
    /// Read the answer's `warning`: where terminals run under the server's own account, a token that can
    /// create them equals that account.
    pub async fn create_token(
        &self,
        request: proto::CreateTokenRequest,
    ) -> Result<proto::CreateTokenResponse> {
        let answer = self.raw()?.create_token(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// This workspace's tokens, newest first, without their secrets. Role ADMIN.
    pub async fn tokens(&self) -> Result<Vec<proto::Token>> {
        let mut raw = self.raw()?;
        let mut all = Vec::new();
        let mut request = proto::ListTokensRequest::default();
        loop {
            let answer = raw.list_tokens(request).await;
            let mut page = answer.map_err(|status| self.client.error(status))?.into_inner();
            all.append(&mut page.tokens);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request = proto::ListTokensRequest { page_size: 0, page_token: page.next_page_token };
        }
    }

    /// Makes a token useless at once; streams opened with it end. Role ADMIN.
    pub async fn revoke_token(&self, token_id: impl Into<String>) -> Result<proto::Token> {
        let request = proto::RevokeTokenRequest { token_id: token_id.into() };
        let answer = self.raw()?.revoke_token(request).await;
        let token = answer.map_err(|status| self.client.error(status))?.into_inner().token;
        token.ok_or_else(|| Error::protocol("the server's answer lacks its token"))
    }

    /// Makes a code that signs a browser in: good once, for ten minutes.
    pub async fn create_sign_in_code(&self) -> Result<proto::CreateSignInCodeResponse> {
        let answer = self.raw()?.create_sign_in_code(proto::CreateSignInCodeRequest {}).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// Turns a sign-in code into a session's token. Needs no token.
    pub async fn exchange_sign_in_code(
        &self,
        code: impl Into<String>,
    ) -> Result<proto::ExchangeSignInCodeResponse> {
        let request = proto::ExchangeSignInCodeRequest { code: code.into() };
        let answer = self.raw()?.exchange_sign_in_code(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// What models took and gave, by day and model, and today's budget: so many days back, today included;
    /// 0 means 30.
    pub async fn usage(&self, days: u32) -> Result<proto::GetUsageResponse> {
        let answer = self.raw()?.get_usage(proto::GetUsageRequest { days }).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// The workspace's events: history first, then live.
    pub fn watch_events(&self) -> WatchEvents {
        WatchEvents::new(self.client.clone())
    }

    fn raw(&self) -> Result<WorkspaceServiceClient<Transport>> {
        Ok(self.client.raw()?.workspace)
    }
}
