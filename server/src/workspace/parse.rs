//! The values that callers give: which are allowed, and what is said about the others.
//!
//! It knows nothing about the messages they come in.

use std::time::Duration;

use crate::{
    auth::Role,
    error::{Error, Reason, Result},
    ids::TokenId,
};

/// The longest lifetime that a token may be given, about a hundred years; beyond it say "for ever".
const LIFETIME_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 3600);
/// Names are at most so many bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// A name that people see: 1 to 128 bytes, no control characters.
///
/// # Errors
/// `BAD_REQUEST` naming `field`.
pub fn name(field: &str, text: String) -> Result<String> {
    if text.is_empty() {
        return Err(Error::bad_request(field, "is missing; give 1 to 128 bytes"));
    }
    if text.len() > NAME_BYTES_MAX {
        let problem = format!("has {} bytes; at most {NAME_BYTES_MAX} are allowed", text.len());
        return Err(Error::bad_request(field, problem));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::bad_request(field, "holds a control character; leave it out"));
    }
    Ok(text)
}

/// A role that can be given out.
///
/// # Errors
/// `BAD_REQUEST`.
pub fn grantable(role: Option<Role>) -> Result<Role> {
    match role {
        Some(Role::Operator) => {
            Err(Error::bad_request("role", "OPERATOR is not given out; give VIEWER, MEMBER or ADMIN"))
        }
        Some(role) => Ok(role),
        None => Err(Error::bad_request("role", "is missing or unknown; give VIEWER, MEMBER or ADMIN")),
    }
}

/// How long a token is good for.
///
/// # Errors
/// `BAD_REQUEST` below a second or above a hundred years.
pub fn lifetime(span: Duration) -> Result<Duration> {
    if span < Duration::from_secs(1) {
        return Err(Error::bad_request("lifetime", "is less than one second; leave it out for ever"));
    }
    if span > LIFETIME_MAX {
        return Err(Error::bad_request("lifetime", "is more than a hundred years; leave it out for ever"));
    }
    Ok(span)
}

/// Days to look back, today included; 0 means 30.
///
/// # Errors
/// `BAD_REQUEST` above 366.
pub fn days(days: u32) -> Result<u32> {
    match days {
        0 => Ok(30),
        1..=366 => Ok(days),
        _ => Err(Error::bad_request("days", format!("{days} is more than 366"))),
    }
}

/// A token's id.
///
/// # Errors
/// `TOKEN_NOT_FOUND` for what is not one: no token has it.
pub fn token_id(text: &str) -> Result<TokenId> {
    if text.is_empty() {
        return Err(Error::bad_request("token_id", "is missing; ListTokens shows the ids"));
    }
    // What a caller sends may end on a screen: short, and without control characters.
    let shown = || text.chars().take(64).collect::<String>();
    text.parse().map_err(|_| token_not_found(shown().escape_debug()))
}

/// The error for a token that is not in the workspace.
pub fn token_not_found(named: impl std::fmt::Display) -> Error {
    Error::new(Reason::TokenNotFound, format!("no token {named} in this workspace; ListTokens shows the ids"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Result<T>) -> Option<Reason> {
        result.err().map(|error| error.reason())
    }

    #[test]
    fn names_have_their_rules() {
        assert_eq!(name("name", "é".repeat(64)).map_err(|e| e.reason()), Ok("é".repeat(64)));
        for bad in ["".to_owned(), "x".repeat(129), "a\nb".into(), "a\u{9b}b".into()] {
            assert_eq!(reason(name("name", bad)), Some(Reason::BadRequest));
        }
    }

    #[test]
    fn operator_is_not_given_out() {
        assert_eq!(reason(grantable(Some(Role::Operator))), Some(Reason::BadRequest));
        assert_eq!(reason(grantable(None)), Some(Reason::BadRequest));
        assert_eq!(grantable(Some(Role::Admin)).ok(), Some(Role::Admin));
    }

    #[test]
    fn lifetimes_have_their_bounds() {
        assert_eq!(reason(lifetime(Duration::from_millis(999))), Some(Reason::BadRequest));
        assert_eq!(reason(lifetime(LIFETIME_MAX + Duration::from_secs(1))), Some(Reason::BadRequest));
        assert_eq!(reason(lifetime(Duration::from_secs(1))), None);
    }
}
