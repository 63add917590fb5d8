//! The form of tokens and sign-in codes: 256 random bits behind a prefix, kept as a SHA-256 only.
//!
//! It knows nothing about who holds one.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::Digest as _;

use crate::error::{Error, Result};

/// SHA-256 of a secret. 256 random bits need neither salt nor a slow hash.
pub type Digest = [u8; 32];

/// What every token begins with, so that scanners for leaked secrets find it.
const TOKEN_PREFIX: &str = "mosaic_";
/// What every sign-in code begins with.
const CODE_PREFIX: &str = "code_";
/// Length of the random part: 256 bits in base64url without padding.
const RANDOM_CHARS: usize = 43;

/// A token's or a code's text. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new token: `mosaic_` and 43 characters.
    ///
    /// # Errors
    /// `INTERNAL` if the system gives no random bytes.
    pub fn new_token() -> Result<Self> {
        Self::random(TOKEN_PREFIX)
    }

    /// A new sign-in code.
    ///
    /// # Errors
    /// `INTERNAL` if the system gives no random bytes.
    pub fn new_code() -> Result<Self> {
        Self::random(CODE_PREFIX)
    }

    /// The token in a text, if it has the form of one. Anything else never reaches the database.
    pub fn parse_token(text: &str) -> Option<Self> {
        Self::parse(TOKEN_PREFIX, text)
    }

    /// The sign-in code in a text, if it has the form of one.
    pub fn parse_code(text: &str) -> Option<Self> {
        Self::parse(CODE_PREFIX, text)
    }

    /// What is stored and compared.
    pub fn digest(&self) -> Digest {
        sha2::Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text itself, for the one who asked for it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn random(prefix: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|cause| Error::internal(format!("no random bytes: {cause}")))?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    fn parse(prefix: &str, text: &str) -> Option<Self> {
        let random = text.strip_prefix(prefix)?;
        let whole = random.len() == RANDOM_CHARS && URL_SAFE_NO_PAD.decode(random).is_ok();
        whole.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_has_the_promised_form() {
        let token = Secret::new_token().unwrap();
        assert_eq!(token.expose().len(), "mosaic_".len() + 43);
        assert_eq!(Secret::parse_token(token.expose()), Some(token.clone()));
        assert_ne!(Secret::new_token().unwrap(), token);
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn nothing_else_is_a_token() {
        let token = Secret::new_token().unwrap();
        let text = token.expose();
        for bad in ["", "mosaic_", &text[1..], &text[..text.len() - 1], &format!("{text}A"), "mosaic_é"] {
            assert_eq!(Secret::parse_token(bad), None, "{bad:?}");
        }
        let blank = text.replace(char::is_alphanumeric, " ");
        assert_eq!(Secret::parse_token(&blank), None);
        assert_eq!(Secret::parse_code(text), None);
    }
}
