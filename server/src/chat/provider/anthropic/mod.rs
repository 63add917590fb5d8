//! Anthropic's Messages API.
//!
//! It knows nothing about other providers and nothing about retries.

mod events;
mod request;

use futures_util::{FutureExt, future::BoxFuture};
use serde::Deserialize;

use super::{
    Failure, Offered, Pieces, Prompt, Provider,
    decode::Sse,
    http::{Endpoint, Http},
    stream,
};
use crate::config::Secret;

/// Models that are listed.
const MODELS_MAX: usize = 200;

/// A server that speaks Anthropic's Messages API.
#[derive(Debug)]
pub struct Anthropic(Endpoint);

impl Anthropic {
    /// A server at a base URL (`https://api.anthropic.com`: without `/v1`).
    pub fn new(http: &Http, base_url: &str, key: Option<Secret>) -> Self {
        let endpoint = Endpoint::new(http, base_url, key, ("x-api-key", ""));
        Self(endpoint.with("anthropic-version", "2023-06-01"))
    }
}

impl Provider for Anthropic {
    fn generate<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>> {
        async move {
            let body = self.0.stream("/v1/messages", &request::Request::new(prompt)).await?;
            let events = events::Events::new(self.0.words());
            Ok(stream::pieces(body, Sse::new(self.0.event_bytes_max()), events))
        }
        .boxed()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>> {
        async move {
            let list: List = self.0.get(&format!("/v1/models?limit={MODELS_MAX}")).await?;
            Ok(list.data.into_iter().take(MODELS_MAX).map(Model::offered).collect())
        }
        .boxed()
    }
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    max_input_tokens: Option<u32>,
    max_tokens: Option<u32>,
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
struct Capabilities {
    image_input: Option<Capability>,
    thinking: Option<Capability>,
}

#[derive(Deserialize)]
struct Capability {
    supported: Option<bool>,
}

impl Model {
    fn offered(self) -> Offered {
        let told = |capability: Option<Capability>| capability.and_then(|capability| capability.supported);
        Offered {
            name: self.id,
            context_tokens: self.max_input_tokens,
            output_tokens_max: self.max_tokens,
            tools: None,
            thinking: told(self.capabilities.thinking),
            images: told(self.capabilities.image_input),
        }
    }
}
