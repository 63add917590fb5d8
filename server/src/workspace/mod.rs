//! Workspaces, tokens, signing in and the event log: the types, and who may do what with them.
//!
//! It knows neither tonic nor SQL.

pub mod events;
pub mod first_start;
pub mod grpc;
pub mod page;
pub mod parse;
pub mod request;
pub mod sign_in;
pub mod store;
pub mod subscriptions;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use self::{
    events::{Start, Watch},
    page::{Page, Paged},
    request::RequestId,
    sign_in::Attempts,
};
use crate::{
    auth::{Digest, Principal, Role, Secret, Tokens},
    db::{Db, changes::Changes},
    error::Result,
    ids::{NodeId, TerminalId, TokenId, WorkspaceId},
    usage::{self, Budget, Day},
};

/// Terminals and tokens that only its own tokens can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Identity.
    pub id: WorkspaceId,
    /// Unique on this server.
    pub name: String,
    /// When it was made.
    pub create_time: SystemTime,
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Identity; not the secret.
    pub id: TokenId,
    /// Where it is good.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub create_time: SystemTime,
    /// From when on it is refused; absent: never.
    pub expire_time: Option<SystemTime>,
    /// When it was last used, to within a minute.
    pub last_use_time: Option<SystemTime>,
    /// When it was revoked.
    pub revoke_time: Option<SystemTime>,
    /// The only terminal it may see; absent: all.
    pub terminal: Option<TerminalId>,
    /// It may only read, whatever its role.
    pub read_only: bool,
}

/// A token about to be stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its identity.
    pub id: TokenId,
    /// Where it is good.
    pub workspace: WorkspaceId,
    /// What to call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Of its secret.
    pub hash: Digest,
    /// From when on it is refused.
    pub expire_time: Option<SystemTime>,
    /// Its only terminal.
    pub terminal: Option<TerminalId>,
    /// It may only read.
    pub read_only: bool,
}

/// What a caller asks of a new token.
#[derive(Clone, Debug)]
pub struct TokenWish {
    /// What to call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How long it is good for; absent: for ever.
    pub lifetime: Option<Duration>,
    /// Its only terminal, by id or name.
    pub terminal: Option<String>,
    /// It may only read.
    pub read_only: bool,
}

/// Under which account on this machine terminals run.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account's name.
    pub shell_user: String,
    /// It is the server's own: a token that can open terminals equals that account.
    pub shares_account: bool,
}

/// The limits of this service; each is a setting.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `auth.workspaces_max`.
    pub workspaces_max: u32,
    /// `auth.tokens_per_workspace_max`, counting those that are good.
    pub tokens_per_workspace_max: u32,
    /// `auth.sign_in_code_s`.
    pub sign_in_code: Duration,
    /// `auth.session_hours`.
    pub session: Duration,
    /// `auth.sign_in_attempts_per_minute_max`, for the whole server.
    pub sign_in_attempts_per_minute_max: u32,
    /// `streams.heartbeat_ms`.
    pub heartbeat: Duration,
    /// `chat.daily_budget_tokens`.
    pub daily_budget_tokens: u64,
}

/// The service.
pub struct Workspaces {
    db: Db,
    changes: Changes,
    tokens: Arc<Tokens>,
    limits: Limits,
    account: Account,
    node: NodeId,
    draining: CancellationToken,
    attempts: Attempts,
}

impl Workspaces {
    /// The service of a server. `draining` ends its streams with a last word.
    pub fn new(
        db: Db,
        changes: Changes,
        tokens: Arc<Tokens>,
        limits: Limits,
        (node, account): (NodeId, Account),
        draining: CancellationToken,
    ) -> Self {
        let attempts = Attempts::new(limits.sign_in_attempts_per_minute_max);
        Self { db, changes, tokens, limits, account, node, draining, attempts }
    }

    /// Makes a workspace with its first ADMIN token.
    ///
    /// # Errors
    /// `NAME_TAKEN`, `WORKSPACE_QUOTA`, `REQUEST_ID_SPENT`, `REQUEST_ID_REUSED`.
    pub async fn create_workspace(
        &self,
        who: &Principal,
        name: String,
        request: Option<RequestId>,
    ) -> Result<(Workspace, Token, Secret)> {
        who.require(Role::Operator)?;
        who.require_whole_workspace()?;
        let id = WorkspaceId::new();
        let (admin, secret) = new_token(id, "admin".into(), Role::Admin)?;
        let request = request.map(|request| (who.workspace, request));
        let max = self.limits.workspaces_max;
        let (workspace, token) = store::create_workspace(&self.db, id, &name, admin, request, max).await?;
        Ok((workspace, token, secret))
    }

    /// A page of all workspaces.
    ///
    /// # Errors
    /// Those of the role.
    pub async fn list_workspaces(&self, who: &Principal, page: Page) -> Result<Paged<Workspace>> {
        who.require(Role::Operator)?;
        let found = store::list_workspaces(&self.db, page).await?;
        Ok(page.cut(found, |workspace| workspace.id.0))
    }

    /// Makes a token. The last value says what its holder can do beyond Mosaic.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW` for a role above the caller's, `TOKEN_QUOTA`, `TERMINAL_NOT_FOUND`,
    /// `REQUEST_ID_SPENT`, `REQUEST_ID_REUSED`.
    pub async fn create_token(
        &self,
        who: &Principal,
        wish: TokenWish,
        request: Option<RequestId>,
    ) -> Result<(Token, Secret, String)> {
        who.require(Role::Admin)?;
        // Else a limited token could make itself an unlimited one.
        who.require_whole_workspace()?;
        who.require(wish.role)?;
        let terminal = match &wish.terminal {
            None => None,
            Some(named) => Some(store::terminal(&self.db, who.workspace, named).await?),
        };
        let (mut token, secret) = new_token(who.workspace, wish.name, wish.role)?;
        token.expire_time = wish.lifetime.map(|lifetime| SystemTime::now() + lifetime);
        token.terminal = terminal;
        token.read_only = wish.read_only;
        let max = self.limits.tokens_per_workspace_max;
        let token = store::create_token(&self.db, token, request, max).await?;
        let warning = self.account.warning(&token);
        Ok((token, secret, warning))
    }

    /// A page of the workspace's tokens.
    ///
    /// # Errors
    /// Those of the role, `TOKEN_LIMITED`.
    pub async fn list_tokens(&self, who: &Principal, page: Page) -> Result<Paged<Token>> {
        who.require(Role::Admin)?;
        who.require_whole_workspace()?;
        let found = store::list_tokens(&self.db, who.workspace, page).await?;
        Ok(page.cut(found, |token| token.id.0))
    }

    /// Revokes a token; its calls on this server end before the answer, on others within
    /// `auth.token_cache_s`.
    ///
    /// # Errors
    /// `TOKEN_NOT_FOUND`; `ROLE_TOO_LOW` if the token's role is above the caller's.
    pub async fn revoke_token(&self, who: &Principal, id: TokenId) -> Result<Token> {
        who.require(Role::Admin)?;
        who.require_whole_workspace()?;
        let token = store::token(&self.db, who.workspace, id).await?;
        who.require(token.role)?;
        let token = store::revoke_token(&self.db, who.workspace, id).await?;
        self.tokens.revoke(id);
        Ok(token)
    }

    /// Whom the token names.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn who_am_i(&self, who: &Principal) -> Result<(Workspace, Token)> {
        who.require(Role::Viewer)?;
        store::workspace_and_token(&self.db, who.workspace, who.token_id).await
    }

    /// What models took and gave in the last days, today's budget, and how much a day's budget is.
    ///
    /// # Errors
    /// `TOKEN_LIMITED`, `DATABASE_UNAVAILABLE`.
    pub async fn usage(&self, who: &Principal, days: u32) -> Result<(Vec<Day>, Budget, u64)> {
        who.require(Role::Viewer)?;
        who.require_whole_workspace()?;
        let (days, budget) = usage::store::days(&self.db, who.workspace, days).await?;
        Ok((days, budget, self.limits.daily_budget_tokens))
    }

    /// The event log after a sequence.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED`, `CURSOR_AHEAD`.
    pub async fn watch(&self, who: Arc<Principal>, start: Start) -> Result<Watch> {
        who.require(Role::Viewer)?;
        let news = self.changes.newest(who.workspace);
        Watch::open(self.db.clone(), news, who, start, self.limits.heartbeat, self.draining.clone()).await
    }

    /// Where terminals run.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// This server's id.
    pub fn node(&self) -> NodeId {
        self.node
    }
}

impl Account {
    /// What the holder of a token can do beyond Mosaic, in words; empty if nothing.
    fn warning(&self, token: &Token) -> String {
        if token.role < Role::Member || token.read_only {
            return String::new();
        }
        let user = &self.shell_user;
        if self.shares_account {
            format!(
                "This token EQUALS THE ACCOUNT {user:?} on the server's machine: terminals run under it, and \
                 the server does too. Give it only to whom you would give that account."
            )
        } else {
            format!(
                "The holder can run any program as the account {user:?} on the server's machine. The terminals of all \
                 workspaces run under it: to each other they are no boundary."
            )
        }
    }
}

fn new_token(workspace: WorkspaceId, name: String, role: Role) -> Result<(NewToken, Secret)> {
    let secret = Secret::new_token()?;
    let token = NewToken {
        id: TokenId::new(),
        workspace,
        name,
        role,
        hash: secret.digest(),
        expire_time: None,
        terminal: None,
        read_only: false,
    };
    Ok((token, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_the_account_where_it_is_shared() {
        let shared = Account { shell_user: "ann".into(), shares_account: true };
        let (new, _) = new_token(WorkspaceId::new(), "t".into(), Role::Member).unwrap();
        let mut token = Token {
            id: new.id,
            workspace: new.workspace,
            name: new.name,
            role: new.role,
            create_time: SystemTime::now(),
            expire_time: None,
            last_use_time: None,
            revoke_time: None,
            terminal: None,
            read_only: false,
        };
        assert!(shared.warning(&token).contains("EQUALS THE ACCOUNT \"ann\""));
        token.read_only = true;
        assert_eq!(shared.warning(&token), "");
        token.read_only = false;
        token.role = Role::Viewer;
        assert_eq!(shared.warning(&token), "");
    }
}
