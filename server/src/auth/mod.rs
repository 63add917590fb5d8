//! Who calls: roles, principals, and how a bearer token becomes one.
//!
//! It knows nothing about what the services let a principal do.

mod cache;
mod token;

use std::{
    fmt,
    future::pending,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

pub use self::{
    cache::Tokens,
    token::{Digest, Secret},
};
use crate::{
    error::{Error, Reason, Result},
    ids::{TerminalId, TokenId, WorkspaceId},
};

/// What a token may do. Each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read.
    Viewer,
    /// Read and write.
    Member,
    /// Also tokens.
    Admin,
    /// Also workspaces.
    Operator,
}

impl Role {
    /// The name that the database and errors use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "VIEWER",
            Self::Member => "MEMBER",
            Self::Admin => "ADMIN",
            Self::Operator => "OPERATOR",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "VIEWER" => Ok(Self::Viewer),
            "MEMBER" => Ok(Self::Member),
            "ADMIN" => Ok(Self::Admin),
            "OPERATOR" => Ok(Self::Operator),
            _ => Err(Error::internal(format!("the database holds the unknown role {text:?}"))),
        }
    }
}

/// Whom a token names. One value per token, shared by all its calls, so that
/// revoking it reaches every stream.
#[derive(Debug)]
pub struct Principal {
    /// The token (not its secret).
    pub token_id: TokenId,
    /// What people call it.
    pub token_name: String,
    /// The workspace that its calls are about.
    pub workspace: WorkspaceId,
    /// What it may do.
    pub role: Role,
    /// The only terminal it may see; absent: all of the workspace.
    pub terminal: Option<TerminalId>,
    /// It may only read, whatever its role.
    pub read_only: bool,
    /// From when on it is refused; absent: never.
    pub expires: Option<SystemTime>,
    /// Cancelled when it is known here that the token was revoked.
    pub revoked: CancellationToken,
}

/// Who did something.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The token; absent: the server itself.
    pub token: Option<TokenId>,
    /// Its name.
    pub name: String,
}

impl Actor {
    /// The server itself.
    pub fn system() -> Self {
        Self { token: None, name: "system".to_owned() }
    }

    /// Whom a token names.
    pub fn of(principal: &Principal) -> Self {
        Self { token: Some(principal.token_id), name: principal.token_name.clone() }
    }
}

/// The longest sleep until a token's end is looked at again: the wall clock may be set.
const CLOCK_CHECK: Duration = Duration::from_secs(60);

impl Principal {
    /// Checks that the token may do what needs `role`.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW` (with `needs`), or `TOKEN_READ_ONLY` if it may only read and `role` is more
    /// than that.
    pub fn require(&self, role: Role) -> Result<()> {
        if self.role < role {
            let message = format!(
                "this call needs the role {role}, and the token has {}; use a token of that role",
                self.role
            );
            return Err(Error::new(Reason::RoleTooLow, message).with("needs", role));
        }
        if self.read_only && role > Role::Viewer {
            let message = "the token may only read; use one that was made without read_only";
            return Err(Error::new(Reason::TokenReadOnly, message));
        }
        Ok(())
    }

    /// Checks that the token is not limited to one terminal, for what concerns the whole workspace.
    ///
    /// # Errors
    /// `TOKEN_LIMITED`.
    pub fn require_whole_workspace(&self) -> Result<()> {
        match self.terminal {
            None => Ok(()),
            Some(terminal) => {
                let message = format!("the token is limited to terminal {terminal}; use another for this");
                Err(Error::new(Reason::TokenLimited, message).with("terminal_id", terminal))
            }
        }
    }

    /// Whether it may see the terminal, if the terminal is of its workspace.
    pub fn may_see(&self, id: TerminalId) -> bool {
        self.terminal.is_none_or(|only| only == id)
    }

    /// Whether its time is over.
    pub fn is_expired(&self) -> bool {
        self.expires.is_some_and(|at| at <= SystemTime::now())
    }

    /// Resolves when the token is revoked or its time is over, with the error that a stream ends with.
    pub async fn ended(&self) -> Error {
        tokio::select! {
            () = self.revoked.cancelled() => token_unknown(),
            () = self.expiry() => token_expired(),
        }
    }

    async fn expiry(&self) {
        let Some(at) = self.expires else { return pending().await };
        while let Ok(left) = at.duration_since(SystemTime::now()) {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(CLOCK_CHECK)).await;
        }
    }
}

/// The principal of a call, as the front door put it there.
///
/// # Errors
/// `TOKEN_MISSING` where the call came without one.
pub fn principal<T>(request: &tonic::Request<T>) -> Result<Arc<Principal>> {
    request.extensions().get().cloned().ok_or_else(token_missing)
}

/// The secret in `authorization: Bearer ...`.
///
/// # Errors
/// `TOKEN_MISSING` where there is none.
pub fn bearer(headers: &http::HeaderMap) -> Result<&str> {
    let value = headers.get(http::header::AUTHORIZATION).ok_or_else(token_missing)?;
    let (scheme, secret) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(token_missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(secret.trim()) } else { Err(token_missing()) }
}

fn token_missing() -> Error {
    Error::new(Reason::TokenMissing, "no token: send the header `authorization: Bearer mosaic_...`")
}

fn token_unknown() -> Error {
    Error::new(Reason::TokenUnknown, "the token is not known here, or it was revoked; get another")
}

fn token_expired() -> Error {
    Error::new(Reason::TokenExpired, "the token's time is over; get another")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: Role, read_only: bool) -> Principal {
        Principal {
            token_id: TokenId::new(),
            token_name: "t".into(),
            workspace: WorkspaceId::new(),
            role,
            terminal: None,
            read_only,
            expires: None,
            revoked: CancellationToken::new(),
        }
    }

    fn refusal(who: &Principal, role: Role) -> Option<Reason> {
        who.require(role).err().map(|error| error.reason())
    }

    #[test]
    fn a_role_may_do_what_the_ones_before_it_may() {
        assert_eq!(refusal(&principal(Role::Admin, false), Role::Member), None);
        assert_eq!(refusal(&principal(Role::Viewer, false), Role::Member), Some(Reason::RoleTooLow));
    }

    #[test]
    fn a_read_only_token_reads_and_nothing_else() {
        assert_eq!(refusal(&principal(Role::Admin, true), Role::Viewer), None);
        assert_eq!(refusal(&principal(Role::Admin, true), Role::Member), Some(Reason::TokenReadOnly));
    }

    #[tokio::test]
    async fn revoking_and_expiring_end_it() {
        let mut who = principal(Role::Viewer, false);
        who.revoked.cancel();
        assert_eq!(who.ended().await.reason(), Reason::TokenUnknown);
        who.revoked = CancellationToken::new();
        who.expires = Some(SystemTime::now());
        assert!(who.is_expired());
        assert_eq!(who.ended().await.reason(), Reason::TokenExpired);
    }

    #[test]
    fn only_a_bearer_is_a_token() {
        let mut headers = http::HeaderMap::new();
        assert_eq!(bearer(&headers).map_err(|e| e.reason()), Err(Reason::TokenMissing));
        headers.insert("authorization", http::HeaderValue::from_static("Basic x"));
        assert_eq!(bearer(&headers).map_err(|e| e.reason()), Err(Reason::TokenMissing));
        headers.insert("authorization", http::HeaderValue::from_static("bearer x"));
        assert_eq!(bearer(&headers).map_err(|e| e.reason()), Ok("x"));
    }
}
