//! ListTerminals, page by page.
//!
//! It must not keep more than one page.

use futures_util::{Stream, stream};
use mosaic_proto::terminal::v1 as proto;

use crate::{Client, Result, TerminalInfo};

/// A list to ask for.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `page`, `pages` or `all`"]
pub struct ListTerminals {
    client: Client,
    request: proto::ListTerminalsRequest,
}

impl ListTerminals {
    pub(super) fn new(client: Client) -> Self {
        Self { client, request: proto::ListTerminalsRequest::default() }
    }

    /// Only terminals in this state; may be called for several.
    pub fn state(mut self, state: proto::terminal::State) -> Self {
        self.request.states.push(state.into());
        self
    }

    /// At most so many on a page: 1000, default 50.
    pub fn page_size(mut self, size: u32) -> Self {
        self.request.page_size = size;
        self
    }

    /// The page after a `next_page_token`; an empty one asks for the first.
    pub async fn page(&self, token: impl Into<String>) -> Result<proto::ListTerminalsResponse> {
        let request = proto::ListTerminalsRequest { page_token: token.into(), ..self.request.clone() };
        let answer = self.client.raw()?.terminals.list_terminals(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }

    /// All pages, each asked for when it is wanted.
    pub fn pages(self) -> impl Stream<Item = Result<proto::ListTerminalsResponse>> + Send {
        stream::try_unfold(Some(String::new()), move |token| {
            let list = self.clone();
            async move {
                let Some(token) = token else { return Ok(None) };
                let page = list.page(token).await?;
                let next = Some(page.next_page_token.clone()).filter(|token| !token.is_empty());
                Ok(Some((page, next)))
            }
        })
    }

    /// All terminals, and the event sequence of the first page: watch the events after it, and nothing that
    /// happened while the pages were read is missed.
    pub async fn all(&self) -> Result<(Vec<TerminalInfo>, u64)> {
        let mut page = self.page("").await?;
        let sequence = page.sequence;
        let mut terminals = std::mem::take(&mut page.terminals);
        while !page.next_page_token.is_empty() {
            page = self.page(page.next_page_token).await?;
            terminals.append(&mut page.terminals);
        }
        Ok((terminals, sequence))
    }
}
