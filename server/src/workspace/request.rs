//! `request_id`: what makes a call safe to send again.
//!
//! It knows nothing about what the calls do; `store` keeps the ids for a day.

use sha2::Digest as _;
use uuid::Uuid;

use crate::{
    auth::Digest,
    error::{Error, Reason, Result},
};

/// Ids are at most so many bytes.
const BYTES_MAX: usize = 128;

/// A caller's id for a call, with a fingerprint of what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// What the caller made up.
    pub id: String,
    /// The method's name: the same id on another method is another request.
    pub method: &'static str,
    /// SHA-256 over the parsed fields.
    pub fingerprint: Digest,
}

/// What is known about a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new, and now taken for the given resource.
    New,
    /// The same request made this resource before.
    Same(Uuid),
    /// It belongs to a different request.
    Different,
}

impl RequestId {
    /// Reads a `request_id`; empty means none. `fields` are the parsed request, in a fixed order.
    ///
    /// # Errors
    /// `BAD_REQUEST` if it is too long.
    pub fn parse(id: String, method: &'static str, fields: &[&[u8]]) -> Result<Option<Self>> {
        if id.is_empty() {
            return Ok(None);
        }
        if id.len() > BYTES_MAX {
            let problem = format!("has {} bytes; at most {BYTES_MAX} are allowed", id.len());
            return Err(Error::bad_request("request_id", problem));
        }
        // PostgreSQL's text cannot hold NUL.
        if id.contains('\0') {
            return Err(Error::bad_request("request_id", "holds NUL; leave it out"));
        }
        let mut hash = sha2::Sha256::new();
        for field in fields {
            // With the length in front two requests never run into the same bytes.
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        Ok(Some(Self { id, method, fingerprint: hash.finalize().into() }))
    }

    /// The error for an id that belongs to a different request.
    pub fn reused(&self) -> Error {
        let message = "the request_id was used for a different request; make up a new one";
        Error::new(Reason::RequestIdReused, message)
    }

    /// The error for a repeated request whose answer was a secret; `made` is what it made.
    pub fn spent(&self, made: Uuid) -> Error {
        let message = "the request was done before, and its secret was shown then; use a new request_id";
        Error::new(Reason::RequestIdSpent, message).with("resource_id", made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(fields: &[&[u8]]) -> Digest {
        RequestId::parse("r".into(), "M", fields).unwrap().unwrap().fingerprint
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_eq!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"ab", b"c"]));
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }

    #[test]
    fn an_id_is_optional_and_short() {
        assert_eq!(RequestId::parse(String::new(), "M", &[]).unwrap(), None);
        assert!(RequestId::parse("x".repeat(128), "M", &[]).unwrap().is_some());
        for bad in ["x".repeat(129), "a\0".into()] {
            let refused = RequestId::parse(bad, "M", &[]).unwrap_err();
            assert_eq!(refused.reason(), Reason::BadRequest);
        }
    }
}
