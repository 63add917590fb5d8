//! OpenAI's Chat Completions API, and the many servers that speak it.
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
/// Only OpenAI's own servers know the newer name of the answer's limit, and some of its models only that.
const OFFICIAL: &str = "api.openai.com";

/// A server that speaks OpenAI's Chat Completions API.
#[derive(Debug)]
pub struct OpenAi(Endpoint);

impl OpenAi {
    /// A server at a base URL (`https://api.openai.com/v1`: with `/v1`, where the server has it).
    pub fn new(http: &Http, base_url: &str, key: Option<Secret>) -> Self {
        Self(Endpoint::new(http, base_url, key, ("authorization", "Bearer ")))
    }

    fn is_official(&self) -> bool {
        self.0.host() == OFFICIAL
            || self.0.host().strip_suffix(OFFICIAL).is_some_and(|region| region.ends_with('.'))
    }
}

impl Provider for OpenAi {
    fn generate<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>> {
        async move {
            let request = request::Request::new(prompt, self.is_official());
            let body = self.0.stream("/chat/completions", &request).await?;
            let events = events::Events::new(self.0.words());
            Ok(stream::pieces(body, Sse::new(self.0.event_bytes_max()), events))
        }
        .boxed()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>> {
        async move {
            let list: List = self.0.get("/models").await?;
            Ok(list.data.into_iter().take(MODELS_MAX).map(Model::offered).collect())
        }
        .boxed()
    }
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

/// What OpenAI tells (the id), and what others tell besides.
#[derive(Deserialize)]
struct Model {
    id: String,
    /// OpenRouter.
    context_length: Option<u32>,
    /// vLLM.
    max_model_len: Option<u32>,
    /// llama.cpp.
    meta: Option<Meta>,
    /// OpenRouter, as all that follow.
    top_provider: Option<TopProvider>,
    supported_parameters: Option<Vec<String>>,
    architecture: Option<Architecture>,
}

#[derive(Deserialize)]
struct Meta {
    n_ctx: Option<u32>,
}

#[derive(Deserialize)]
struct TopProvider {
    max_completion_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Architecture {
    input_modalities: Option<Vec<String>>,
}

impl Model {
    fn offered(self) -> Offered {
        let takes = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().map(|list| list.iter().any(|one| one == name))
        };
        let inputs = self.architecture.and_then(|architecture| architecture.input_modalities);
        let n_ctx = self.meta.and_then(|meta| meta.n_ctx);
        Offered {
            name: self.id,
            context_tokens: self.context_length.or(self.max_model_len).or(n_ctx),
            output_tokens_max: self.top_provider.and_then(|provider| provider.max_completion_tokens),
            tools: takes(&self.supported_parameters, "tools"),
            thinking: takes(&self.supported_parameters, "reasoning"),
            images: takes(&inputs, "image"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::provider::http::Settings;

    #[test]
    fn only_openai_itself_knows_the_newer_limit() {
        let http = Http::new(&Settings::default()).unwrap();
        let official = |base: &str| OpenAi::new(&http, base, None).is_official();
        assert!(official("https://api.openai.com/v1") && official("https://eu.api.openai.com/v1/"));
        assert!(!official("http://127.0.0.1:8000/v1") && !official("https://notapi.openai.com/v1"));
        let secret = OpenAi::new(&http, "http://user:pass@host:1/v1", "sk-1".parse().ok());
        let shown = format!("{secret:?}");
        assert!(shown.contains("host:1") && !shown.contains("pass") && !shown.contains("sk-1"), "{shown}");
    }
}
