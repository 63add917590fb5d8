//! Which models there are, which a name stands for, and which failed a moment ago.
//!
//! It knows nothing about messages.

mod build;
mod cooldown;
mod known;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use tokio::time::{Instant, timeout};

use self::cooldown::Cooldowns;
use super::provider::{Failure, FailureKind, Offered, Provider};
use crate::{
    config::{Config, ProviderKind},
    error::{Error, Reason, Result},
};

/// The alias that stands where nothing is configured.
pub const DEFAULT: &str = "default";

/// How long a model server may take to say what it offers.
const LIST_MAX: Duration = Duration::from_secs(4);
/// For so long its word is taken without asking again.
const LIST_FRESH: Duration = Duration::from_secs(15);
/// And for so long that it did not answer: one that is away holds up one message, not each.
const LIST_RETRY: Duration = Duration::from_secs(2);
/// Models shown of one server.
const MODELS_MAX: usize = 200;

/// All models.
#[derive(Debug)]
pub struct Models {
    upstreams: BTreeMap<String, Upstream>,
    aliases: BTreeMap<String, Vec<String>>,
    default: Option<String>,
    output_tokens_max: u32,
    context_tokens: u32,
    cooldowns: Cooldowns,
}

/// A model server and what is known of it.
#[derive(Debug)]
struct Upstream {
    provider: Arc<dyn Provider>,
    kind: ProviderKind,
    /// Its model for the default list; empty: its first.
    model: String,
    /// 0: as known.
    context_tokens: u32,
    /// 0: the default.
    output_tokens_max: u32,
    offered: Mutex<Option<Said>>,
}

/// What a server said of its models, and when.
type Said = (Instant, Result<Vec<Offered>, Failure>);

/// A model to ask.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// `provider/model`.
    pub name: String,
    /// Whom to ask.
    pub provider: Arc<dyn Provider>,
    /// The provider's name for it.
    pub model: String,
    /// Tokens of prompt and answer together.
    pub context_tokens: u32,
    /// Tokens of an answer.
    pub output_tokens_max: u32,
    /// It is the small model on this machine.
    pub is_local: bool,
}

/// A model as lists show it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How a message names it.
    pub name: String,
    /// Its provider; empty: an alias.
    pub provider: String,
    /// Of an alias: what it stands for.
    pub candidates: Vec<String>,
    /// What it can do.
    pub offered: Offered,
    /// Tokens of prompt and answer together.
    pub context_tokens: u32,
    /// Why it cannot be asked now.
    pub problem: Option<Failure>,
    /// Messages that name none get it.
    pub is_default: bool,
}

impl Models {
    /// The models of a configuration, or else of the environment.
    ///
    /// # Errors
    /// A key that cannot be read, or a client that cannot be made, in words for whoever started the server.
    pub fn new(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let upstreams = build::upstreams(config, &variable)?;
        let aliases = config.model.iter().map(|(name, model)| (name.clone(), model.candidates.clone()));
        let chat = &config.chat;
        Ok(Self {
            upstreams,
            aliases: aliases.collect(),
            default: chat.default_model.clone(),
            output_tokens_max: chat.output_tokens_max,
            context_tokens: chat.context_tokens,
            cooldowns: Cooldowns::new(
                Duration::from_millis(chat.cooldown_ms),
                Duration::from_millis(chat.cooldown_ms_max),
            ),
        })
    }

    /// Checks a name without asking anybody. The empty name is the default.
    ///
    /// # Errors
    /// `MODEL_NOT_FOUND`.
    pub fn check(&self, name: &str) -> Result<()> {
        let known = name.is_empty()
            || name == DEFAULT
            || self.aliases.contains_key(name)
            || name
                .split_once('/')
                .is_some_and(|(provider, model)| self.upstreams.contains_key(provider) && !model.is_empty());
        if known { Ok(()) } else { Err(self.unknown(name)) }
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self.aliases.keys().chain(self.upstreams.keys()).map(String::as_str).collect();
        let message = format!(
            "no model is called {name:?} (aliases and providers here: {}); ListModels lists them",
            known.join(", ")
        );
        Error::new(Reason::ModelNotFound, message).with("model", name)
    }

    /// What a name stands for, in the order to ask.
    ///
    /// # Errors
    /// `MODEL_NOT_FOUND`.
    pub async fn candidates(&self, name: &str) -> Result<Vec<Candidate>> {
        self.check(name)?;
        let name = if name.is_empty() { self.default.as_deref().unwrap_or(DEFAULT) } else { name };
        let names = match self.aliases.get(name) {
            Some(names) => names.clone(),
            None if name == DEFAULT => self.usual().await,
            None => vec![name.to_owned()],
        };
        let found = join_all(names.iter().map(|name| self.candidate(name))).await;
        let found: Vec<_> = found.into_iter().flatten().collect();
        if found.is_empty() { Err(self.unknown(name)) } else { Ok(found) }
    }

    /// The default list where nobody has made one: a model of each server, the small one last.
    async fn usual(&self) -> Vec<String> {
        let rank = |upstream: &Upstream| match upstream.kind {
            ProviderKind::Anthropic => 0,
            ProviderKind::Openai => 1,
            ProviderKind::Ollama => 2,
            ProviderKind::Local => 3,
        };
        let mut upstreams: Vec<_> = self.upstreams.iter().collect();
        upstreams.sort_by_key(|(_, upstream)| rank(upstream));
        let models = upstreams.into_iter().map(async |(name, upstream)| {
            let model = match upstream.model.as_str() {
                "" => upstream.offered().await.ok()?.first()?.name.clone(),
                model => model.to_owned(),
            };
            Some(format!("{name}/{model}"))
        });
        join_all(models).await.into_iter().flatten().collect()
    }

    async fn candidate(&self, name: &str) -> Option<Candidate> {
        let (provider, model) = name.split_once('/')?;
        let upstream = self.upstreams.get(provider)?;
        let offered = match known::of(model) {
            Some(known) => known,
            None => upstream.offer_of(model).await,
        };
        Some(Candidate {
            name: name.to_owned(),
            provider: Arc::clone(&upstream.provider),
            model: model.to_owned(),
            context_tokens: self.context_of(upstream, &offered),
            output_tokens_max: self.output_of(upstream, &offered),
            is_local: upstream.kind == ProviderKind::Local,
        })
    }

    fn context_of(&self, upstream: &Upstream, offered: &Offered) -> u32 {
        match upstream.context_tokens {
            0 => offered.context_tokens.unwrap_or(self.context_tokens),
            set => set,
        }
    }

    fn output_of(&self, upstream: &Upstream, offered: &Offered) -> u32 {
        let set = match upstream.output_tokens_max {
            0 => self.output_tokens_max,
            set => set,
        };
        // Half of a small window is the prompt's.
        let window = self.context_of(upstream, offered) / 2;
        set.min(offered.output_tokens_max.unwrap_or(u32::MAX)).min(window).max(1)
    }

    /// Whether a model may be asked: it did not fail a moment ago, or answers again.
    pub async fn is_usable(&self, candidate: &Candidate) -> bool {
        let probe =
            || timeout(LIST_MAX, candidate.provider.models()).map(|answer| matches!(answer, Ok(Ok(_))));
        self.cooldowns.is_usable(&candidate.name, probe).await
    }

    /// It failed in a way that may pass.
    pub fn failed(&self, candidate: &Candidate) {
        self.cooldowns.failed(&candidate.name);
    }

    /// It answered.
    pub fn answered(&self, candidate: &Candidate) {
        self.cooldowns.answered(&candidate.name);
    }

    /// All models, with whether they can be asked right now.
    pub async fn list(&self) -> Vec<Listed> {
        let default = self.default.clone().unwrap_or_else(|| DEFAULT.to_owned());
        let asked =
            self.upstreams.iter().map(async |(name, upstream)| (name, upstream, upstream.offered().await));
        let asked = join_all(asked).await;
        let mut models = Vec::new();
        for (provider, upstream, offered) in asked {
            match offered {
                Ok(offered) => models.extend(offered.into_iter().take(MODELS_MAX).map(|offered| {
                    let offered = known::completed(offered);
                    let context_tokens = self.context_of(upstream, &offered);
                    self.listed(
                        format!("{provider}/{}", offered.name),
                        provider,
                        offered,
                        context_tokens,
                        None,
                    )
                })),
                Err(problem) => {
                    let offered = Offered { name: upstream.model.clone(), ..Offered::default() };
                    let name = match upstream.model.as_str() {
                        "" => format!("{provider}/"),
                        model => format!("{provider}/{model}"),
                    };
                    let offered = known::completed(offered);
                    let context_tokens = self.context_of(upstream, &offered);
                    models.push(self.listed(name, provider, offered, context_tokens, Some(problem)));
                }
            }
        }
        let mut aliases = self.aliases.clone();
        if !aliases.contains_key(DEFAULT) && self.default.is_none() {
            aliases.insert(DEFAULT.to_owned(), self.usual().await);
        }
        let aliases = aliases.into_iter().map(|(name, candidates)| alias(name, candidates, &models));
        let mut all: Vec<_> = aliases.collect();
        all.append(&mut models);
        for model in &mut all {
            model.is_default = model.name == default;
        }
        all
    }

    fn listed(
        &self,
        name: String,
        provider: &str,
        offered: Offered,
        context_tokens: u32,
        problem: Option<Failure>,
    ) -> Listed {
        let problem = problem.or_else(|| {
            let message = "it failed a moment ago, and is asked again soon";
            self.cooldowns.is_cooling(&name).then(|| Failure::new(FailureKind::Overloaded, message))
        });
        let provider = provider.to_owned();
        Listed { name, provider, candidates: Vec::new(), offered, context_tokens, problem, is_default: false }
    }
}

/// An alias is there if one of its models is.
fn alias(name: String, candidates: Vec<String>, models: &[Listed]) -> Listed {
    let known = |wanted: &String| models.iter().find(|model| model.name == *wanted);
    let found: Vec<&Listed> = candidates.iter().filter_map(known).collect();
    let ready = found.iter().find(|model| model.problem.is_none());
    let shown = ready.or(found.first());
    let nothing = || Failure::new(FailureKind::Unavailable, "none of its models is there");
    Listed {
        provider: String::new(),
        offered: shown.map(|model| model.offered.clone()).unwrap_or_default(),
        context_tokens: shown.map_or(0, |model| model.context_tokens),
        problem: match (ready, shown) {
            (Some(_), _) => None,
            (None, Some(first)) => first.problem.clone(),
            (None, None) => Some(nothing()),
        },
        name,
        candidates,
        is_default: false,
    }
}

impl Upstream {
    /// What it offers, asked a moment ago at most.
    async fn offered(&self) -> Result<Vec<Offered>, Failure> {
        // That it did not answer holds for a shorter time: somebody may just be starting it.
        let known = |(at, said): &&Said| at.elapsed() < if said.is_ok() { LIST_FRESH } else { LIST_RETRY };
        if let Some((_, said)) = self.last().as_ref().filter(known) {
            return said.clone();
        }
        let late = || Failure::new(FailureKind::Timeout, "it does not say what it offers");
        let said = timeout(LIST_MAX, self.provider.models()).await.unwrap_or_else(|_| Err(late()));
        *self.last() = Some((Instant::now(), said.clone()));
        said
    }

    /// What it said a moment ago, if it was asked.
    fn lately(&self) -> Option<Result<Vec<Offered>, Failure>> {
        self.last().as_ref().filter(|(at, _)| at.elapsed() < LIST_FRESH).map(|(_, said)| said.clone())
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Said>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it says of one model, without insisting: a server that did not answer a moment ago holds up nobody.
    async fn offer_of(&self, model: &str) -> Offered {
        // What a model takes in does not change from minute to minute.
        let before = self.last().as_ref().and_then(|(_, said)| said.clone().ok());
        let offered = match before.map(Ok).or_else(|| self.lately()) {
            Some(said) => said.unwrap_or_default(),
            None => self.offered().await.unwrap_or_default(),
        };
        offered.into_iter().find(|offered| offered.name == model).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
