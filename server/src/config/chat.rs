//! The settings of models: their types, and which values they may have.
//!
//! It knows nothing about how a model is asked.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, value};

/// `[chat]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The model of messages that name none.
    #[serde(deserialize_with = "value::optional")]
    pub default_model: Option<String>,
    /// Tokens of an answer.
    pub output_tokens_max: u32,
    /// Tokens of prompt and answer.
    pub context_tokens: u32,
    /// Answers at once on the server.
    pub generations_max: usize,
    /// Answers at once in a workspace.
    pub generations_per_workspace_max: usize,
    /// Bytes of an answer.
    pub answer_bytes_max: usize,
    /// Tokens of a workspace in a day; 0: any number.
    pub daily_budget_tokens: u64,
    /// Milliseconds to connect.
    pub connect_ms: u64,
    /// Milliseconds to the first content.
    pub first_content_ms: u64,
    /// Milliseconds from content to content.
    pub idle_ms: u64,
    /// Milliseconds of all attempts together.
    pub total_ms: u64,
    /// How often the same model is asked again.
    pub retries_max: u32,
    /// Milliseconds until the first time.
    pub retry_ms: u64,
    /// Milliseconds until the last.
    pub retry_ms_max: u64,
    /// Milliseconds that a failing model is left out, the first time.
    pub cooldown_ms: u64,
    /// The longest time that it is left out.
    pub cooldown_ms_max: u64,
    /// Begin anew with the next model after the first content.
    pub mid_stream_fallback: bool,
    /// Bytes of one event of a model server.
    pub event_bytes_max: usize,
    /// Milliseconds from batch to batch into the database.
    pub save_ms: u64,
    /// Seconds that this server is believed to be alive.
    pub lease_s: u64,
    /// Further certificate authorities.
    #[serde(deserialize_with = "value::optional")]
    pub ca_file: Option<PathBuf>,
    /// A model makes the titles.
    pub model_titles: bool,
}

/// `[provider.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What it speaks.
    pub kind: ProviderKind,
    /// Where it is.
    #[serde(default)]
    pub base_url: String,
    /// The variable that holds the key.
    #[serde(default)]
    pub api_key_env: String,
    /// The file that holds the key.
    #[serde(default)]
    pub api_key_file: String,
    /// Its model for the default list.
    #[serde(default)]
    pub model: String,
    /// Tokens of prompt and answer; 0: as known.
    #[serde(default)]
    pub context_tokens: u32,
    /// Tokens of an answer; 0: `chat.output_tokens_max`.
    #[serde(default)]
    pub output_tokens_max: u32,
}

/// What a model server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Anthropic Messages.
    Anthropic,
    /// `OpenAI` Chat Completions.
    Openai,
    /// Ollama's chat.
    Ollama,
    /// The model that comes with Mosaic.
    Local,
}

/// `[model.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The models that are asked in turn: `provider/model`.
    pub candidates: Vec<String>,
}

/// `[local_model]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalModel {
    /// Offer it.
    pub enabled: bool,
    /// The program.
    #[serde(deserialize_with = "value::optional")]
    pub program: Option<PathBuf>,
    /// The weights.
    #[serde(deserialize_with = "value::optional")]
    pub weights: Option<PathBuf>,
    /// Milliseconds that a start may take.
    pub start_ms: u64,
    /// Seconds until it is stopped.
    pub idle_s: u64,
}

/// Names of providers and aliases are short, and hold no slash: that parts provider and model.
const NAME_BYTES_MAX: usize = 64;
/// Models of one alias.
const CANDIDATES_MAX: usize = 16;

/// What a finished message has beside its answer, at most: attempts and their failures.
const BESIDE_ANSWER_BYTES: usize = 512 * 1024;

/// The first bad value: its key, and what is wrong.
pub(super) fn check(config: &Config) -> Result<(), (String, String)> {
    let room = config.server.message_bytes_max.saturating_sub(BESIDE_ANSWER_BYTES);
    if config.chat.answer_bytes_max > room {
        let problem = format!(
            "{} does not fit into one message; at most {room} with this server.message_bytes_max",
            config.chat.answer_bytes_max
        );
        return Err(("chat.answer_bytes_max".to_owned(), problem));
    }
    for (name, provider) in &config.provider {
        let wrong = |key: &str, problem: &str| Err((format!("provider.{name}.{key}"), problem.to_owned()));
        check_name("provider", name)?;
        let url = &provider.base_url;
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return wrong("base_url", "write http:// or https:// and the host");
        }
        if !provider.api_key_env.is_empty() && !provider.api_key_file.is_empty() {
            return wrong("api_key_file", "give api_key_env or api_key_file, not both");
        }
        if url.is_empty() && provider.kind == ProviderKind::Openai && key_of(provider).is_none() {
            return wrong(
                "kind",
                "needs api_key_env or api_key_file, or the base_url of a server without keys",
            );
        }
    }
    for (name, model) in &config.model {
        check_name("model", name)?;
        let key = || format!("model.{name}.candidates");
        if model.candidates.is_empty() || model.candidates.len() > CANDIDATES_MAX {
            return Err((key(), format!("name 1 to {CANDIDATES_MAX} models, as \"provider/model\"")));
        }
        for candidate in &model.candidates {
            let provider = candidate.split_once('/').filter(|(_, model)| !model.is_empty()).map(|(p, _)| p);
            let known = |provider: &str| config.provider.is_empty() || config.provider.contains_key(provider);
            match provider {
                None => return Err((key(), format!("{candidate:?}: write \"provider/model\""))),
                Some(provider) if !known(provider) && provider != "local" => {
                    return Err((key(), format!("{candidate:?}: there is no [provider.{provider}]")));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

fn key_of(provider: &Provider) -> Option<&str> {
    [&provider.api_key_env, &provider.api_key_file]
        .into_iter()
        .map(String::as_str)
        .find(|key| !key.is_empty())
}

pub(super) fn check_name(section: &str, name: &str) -> Result<(), (String, String)> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(letter) {
        let problem = format!("a name has 1 to {NAME_BYTES_MAX} letters, digits, \"-\", \"_\" and \".\"");
        return Err((format!("{section}.{name}"), problem));
    }
    Ok(())
}
