//! Calls that read one thing or several on one stream: which of the two it is, and how many at most.
//!
//! It knows nothing about what is read.

use crate::error::{Error, Result};

/// Most things on one stream.
pub const MAX: usize = 64;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The one that its own field names.
    One,
    /// Those of `subscriptions`.
    Several,
}

impl Form {
    /// Reads which form it is: `field` is the one that names a single thing.
    ///
    /// # Errors
    /// `BAD_REQUEST` for both, for neither and for too many.
    pub fn of<T>(field: &str, value: &str, subscriptions: &[T]) -> Result<Self> {
        match (value.is_empty(), subscriptions.len()) {
            (false, 0) => Ok(Self::One),
            (true, 1..=MAX) => Ok(Self::Several),
            (true, more) if more > MAX => Err(Error::bad_request(
                "subscriptions",
                format!("are {more}; at most {MAX} fit on one stream"),
            )),
            (true, _) => Err(Error::bad_request(field, "is missing; give it, or `subscriptions`")),
            (false, _) => {
                Err(Error::bad_request(field, "and `subscriptions` are both there; give one of them"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_form_or_the_other() {
        let form = |value: &str, many: usize| {
            Form::of("id", value, &vec![(); many]).map_err(|error| error.to_string())
        };
        assert_eq!(form("a", 0), Ok(Form::One));
        assert_eq!(form("", 1), Ok(Form::Several));
        assert_eq!(form("", MAX), Ok(Form::Several));
        for (value, many, wanted) in
            [("", 0, "id"), ("a", 1, "id"), ("a", MAX + 1, "id"), ("", MAX + 1, "subscriptions")]
        {
            let error = form(value, many).unwrap_err();
            assert!(error.starts_with(&format!("BAD_REQUEST: {wanted}: ")), "{error}");
        }
    }
}
