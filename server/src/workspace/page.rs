//! Pages of lists, newest first, and the opaque tokens between them.
//!
//! It knows nothing about what is listed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The page size when the caller names none.
const DEFAULT: u32 = 50;
/// Larger wishes are taken as this.
const MAX: u32 = 1000;

/// Which page a caller wants. Ids are UUIDv7, so that newest first is highest id first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Names the list: a token of one list is refused by another.
    list: u8,
    size: u32,
    before: Option<Uuid>,
}

/// A page and how to get the next one.
#[derive(Debug)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// Empty on the last page.
    pub next_page_token: String,
}

impl Page {
    /// Reads `page_size` and `page_token` of a list whose letter is `list`.
    ///
    /// # Errors
    /// `BAD_REQUEST` for a token that this list did not give.
    pub fn parse(list: u8, size: u32, token: &str) -> Result<Self> {
        let size = if size == 0 { DEFAULT } else { size.min(MAX) };
        let before = if token.is_empty() { None } else { Some(decode(list, token).ok_or_else(bad_token)?) };
        Ok(Self { list, size, before })
    }

    /// Only items whose id is below this one; absent: from the newest.
    pub fn before(&self) -> Option<Uuid> {
        self.before
    }

    /// How many items to fetch: one more than the page holds, which tells whether there is another.
    pub fn fetch(&self) -> i64 {
        i64::from(self.size) + 1
    }

    /// Ends a page where its items together would be larger than this; one item stays in any case.
    pub fn shorten<T>(
        &self,
        mut page: Paged<T>,
        bytes_max: usize,
        id: impl Fn(&T) -> Uuid,
        bytes: impl Fn(&T) -> usize,
    ) -> Paged<T> {
        let mut sum = 0;
        let fits = page.items.iter().take_while(|item| {
            sum += bytes(item);
            sum <= bytes_max
        });
        let keep = fits.count().max(1);
        if keep < page.items.len() {
            page.items.truncate(keep);
            page.next_page_token =
                page.items.last().map(|last| encode(self.list, id(last))).unwrap_or_default();
        }
        page
    }

    /// Makes the page of what was fetched.
    pub fn cut<T>(&self, mut fetched: Vec<T>, id: impl Fn(&T) -> Uuid) -> Paged<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = fetched.len() > size;
        fetched.truncate(size);
        let last = fetched.last().filter(|_| more);
        let next_page_token = last.map(|last| encode(self.list, id(last))).unwrap_or_default();
        Paged { items: fetched, next_page_token }
    }
}

fn encode(list: u8, id: Uuid) -> String {
    let mut bytes = vec![list];
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(list: u8, token: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (&letter, id) = bytes.split_first()?;
    if letter == list { Uuid::from_slice(id).ok() } else { None }
}

fn bad_token() -> Error {
    Error::bad_request("page_token", "is not one that this list gave; leave it out for the first page")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;

    #[test]
    fn pages_follow_each_other_until_the_last() {
        let ids: Vec<Uuid> = (0..5u128).rev().map(Uuid::from_u128).collect();
        let page = Page::parse(b'x', 2, "").unwrap();
        assert_eq!(page.fetch(), 3);
        let first = page.cut(ids[..3].to_vec(), |id| *id);
        assert_eq!(first.items, ids[..2]);
        let page = Page::parse(b'x', 2, &first.next_page_token).unwrap();
        assert_eq!(page.before(), Some(ids[1]));
        assert_eq!(page.cut(ids[2..4].to_vec(), |id| *id).next_page_token, "");
    }

    #[test]
    fn sizes_have_a_default_and_a_limit() {
        assert_eq!(Page::parse(b'x', 0, "").unwrap().fetch(), 51);
        assert_eq!(Page::parse(b'x', 5000, "").unwrap().fetch(), 1001);
    }

    #[test]
    fn a_token_of_another_list_or_of_nobody_is_refused() {
        let other = encode(b'y', Uuid::nil());
        for bad in [other.as_str(), "?", "AAAA", " "] {
            let refused = Page::parse(b'x', 0, bad).unwrap_err();
            assert_eq!(refused.reason(), Reason::BadRequest, "{bad:?}");
        }
    }
}
