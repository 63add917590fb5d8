//! Ollama's own API.
//!
//! It knows nothing about other providers and nothing about retries.

mod events;
mod request;

use std::collections::BTreeMap;

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Offered, Pieces, Prompt, Provider,
    decode::Ndjson,
    http::{Endpoint, Http},
};
use crate::config::Secret;

/// Models that are listed.
const MODELS_MAX: usize = 200;
/// Models that are asked after at once.
const SHOWS_MAX: usize = 4;

/// A server of Ollama's.
#[derive(Debug)]
pub struct Ollama(Endpoint);

impl Ollama {
    /// A server at a base URL (`http://127.0.0.1:11434`: without `/api`). A key is for a proxy in front of it.
    pub fn new(http: &Http, base_url: &str, key: Option<Secret>) -> Self {
        Self(Endpoint::new(http, base_url, key, ("authorization", "Bearer ")))
    }

    /// What a model can do, as far as the server tells; a model without an answer is offered all the same, one
    /// that does not talk is not.
    async fn offered(&self, name: String) -> Option<Offered> {
        let shown: Shown = self.0.post("/api/show", &json!({"model": name})).await.unwrap_or_default();
        let can = |what: &str| shown.capabilities.as_ref().map(|all| all.iter().any(|one| one == what));
        if can("completion") == Some(false) {
            return None;
        }
        let context = shown.model_info.iter().find(|(key, _)| key.ends_with(".context_length"));
        Some(Offered {
            name,
            context_tokens: context.and_then(|(_, length)| length.as_u64()?.try_into().ok()),
            output_tokens_max: None,
            tools: can("tools"),
            thinking: can("thinking"),
            images: can("vision"),
        })
    }
}

impl Provider for Ollama {
    fn generate<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>> {
        async move {
            let body = self.0.stream("/api/chat", &request::Request::new(prompt)).await?;
            let events = events::Events::new(self.0.words());
            Ok(super::stream::pieces(body, Ndjson::new(self.0.event_bytes_max()), events))
        }
        .boxed()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>> {
        async move {
            let tags: Tags = self.0.get("/api/tags").await?;
            let names = tags.models.into_iter().take(MODELS_MAX).map(|tag| tag.name);
            let offered = stream::iter(names).map(|name| self.offered(name)).buffered(SHOWS_MAX);
            Ok(offered.filter_map(std::future::ready).collect().await)
        }
        .boxed()
    }
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

#[derive(Default, Deserialize)]
struct Shown {
    #[serde(default)]
    model_info: BTreeMap<String, Value>,
    capabilities: Option<Vec<String>>,
}
