//! Signing a browser in: a code of one use becomes a session token.
//!
//! It knows nothing about browsers; the code's form is `auth`'s, the one use is `store`'s.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::{NewToken, Token, Workspaces, parse::NAME_BYTES_MAX, store};
use crate::{
    auth::{Principal, Role, Secret},
    error::{Error, Reason, Result},
    ids::TokenId,
};

/// A session's name is this and the name of the token that it comes from.
const SESSION_OF: &str = "session of ";
const WINDOW: Duration = Duration::from_secs(60);

/// Attempts of the whole server in this minute.
#[derive(Debug)]
pub struct Attempts {
    per_minute_max: u32,
    /// When the minute began, and how many there were.
    window: Mutex<(Instant, u32)>,
}

impl Attempts {
    /// None yet.
    pub fn new(per_minute_max: u32) -> Self {
        Self { per_minute_max, window: Mutex::new((Instant::now(), 0)) }
    }

    fn take(&self, now: Instant) -> Result<()> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.0) >= WINDOW {
            *window = (now, 0);
        }
        if window.1 >= self.per_minute_max {
            return Err(Error::quota(
                Reason::SignInAttempts,
                "auth.sign_in_attempts_per_minute_max",
                format!("more than {} attempts to sign in within a minute; wait one", self.per_minute_max),
            ));
        }
        window.1 += 1;
        Ok(())
    }
}

impl Workspaces {
    /// Makes a code that signs a browser in, and says until when it is good.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn create_sign_in_code(&self, who: &Principal) -> Result<(Secret, SystemTime)> {
        who.require(Role::Viewer)?;
        let code = Secret::new_code()?;
        let until = SystemTime::now() + self.limits.sign_in_code;
        store::create_sign_in_code(&self.db, code.digest(), who.token_id, until).await?;
        Ok((code, until))
    }

    /// Turns a code into a session token with the limits of the token that made the code.
    ///
    /// # Errors
    /// `CODE_SPENT`, `SIGN_IN_ATTEMPTS`, `TOKEN_QUOTA`.
    pub async fn exchange_sign_in_code(&self, code: &str) -> Result<(Token, Secret)> {
        self.attempts.take(Instant::now())?;
        let code = Secret::parse_code(code).ok_or_else(code_spent)?;
        let secret = Secret::new_token()?;
        let until = SystemTime::now() + self.limits.session;
        let hash = secret.digest();
        let max = self.limits.tokens_per_workspace_max;
        let session = |maker: &Token| session(maker, until, hash);
        let token = store::exchange_sign_in_code(&self.db, code.digest(), session, max).await?;
        Ok((token.ok_or_else(code_spent)?, secret))
    }
}

/// The session of a token: as good as its maker and never longer. OPERATOR stays with the first token.
fn session(maker: &Token, until: SystemTime, hash: crate::auth::Digest) -> NewToken {
    let room = NAME_BYTES_MAX - SESSION_OF.len();
    let end = maker.name.floor_char_boundary(room);
    NewToken {
        id: TokenId::new(),
        workspace: maker.workspace,
        name: format!("{SESSION_OF}{}", &maker.name[..end]),
        role: maker.role.min(Role::Admin),
        hash,
        expire_time: Some(maker.expire_time.map_or(until, |end| end.min(until))),
        terminal: maker.terminal,
        read_only: maker.read_only,
    }
}

fn code_spent() -> Error {
    Error::new(Reason::CodeSpent, "the sign-in code was used, has expired, or never was; make another")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{TerminalId, WorkspaceId};

    #[test]
    fn attempts_are_counted_by_the_minute() {
        let attempts = Attempts::new(2);
        let now = Instant::now();
        assert!(attempts.take(now).is_ok());
        assert!(attempts.take(now).is_ok());
        let refused = attempts.take(now + Duration::from_secs(59)).unwrap_err();
        assert_eq!(refused.reason(), Reason::SignInAttempts);
        assert!(attempts.take(now + Duration::from_secs(61)).is_ok());
    }

    #[test]
    fn a_session_has_the_limits_of_its_maker_and_is_never_operator() {
        let now = SystemTime::now();
        let mut maker = Token {
            id: TokenId::new(),
            workspace: WorkspaceId::new(),
            name: "ä".repeat(64),
            role: Role::Operator,
            create_time: now,
            expire_time: Some(now + Duration::from_secs(5)),
            last_use_time: None,
            revoke_time: None,
            terminal: Some(TerminalId::new()),
            read_only: true,
        };
        let made = session(&maker, now + Duration::from_secs(60), Default::default());
        assert_eq!(made.role, Role::Admin);
        assert_eq!((made.terminal, made.read_only), (maker.terminal, true));
        assert_eq!(made.expire_time, maker.expire_time);
        assert!(made.name.len() <= 128);
        maker.role = Role::Viewer;
        maker.expire_time = None;
        let made = session(&maker, now + Duration::from_secs(60), Default::default());
        assert_eq!((made.role, made.expire_time), (Role::Viewer, Some(now + Duration::from_secs(60))));
    }
}
