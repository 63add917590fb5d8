//! Model servers out of the configuration, or else out of the environment.
//!
//! It reads keys and never shows them.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::Upstream;
use crate::{
    chat::provider::{
        Provider,
        anthropic::Anthropic,
        http::{Http, Settings},
        local::{self, Local},
        ollama::Ollama,
        openai::OpenAi,
    },
    config::{self, Config, ProviderKind, Secret},
};

/// The models of the default list, where nobody says which.
const ANTHROPIC_MODEL: &str = "claude-sonnet-4-5";
const OPENAI_MODEL: &str = "gpt-5-mini";

const ANTHROPIC_URL: &str = "https://api.anthropic.com";
const OPENAI_URL: &str = "https://api.openai.com/v1";
const OLLAMA_URL: &str = "http://127.0.0.1:11434";

/// Every model server.
pub(super) fn upstreams(
    config: &Config,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, Upstream>, String> {
    let chat = &config.chat;
    let settings = Settings {
        ca_file: chat.ca_file.clone(),
        connect_timeout: Duration::from_millis(chat.connect_ms),
        event_bytes_max: chat.event_bytes_max,
    };
    let http = Http::new(&settings).map_err(|cause| cause.to_string())?;
    let given = match config.provider.is_empty() {
        false => config.provider.clone(),
        true => offered(config, variable),
    };
    let mut upstreams = BTreeMap::new();
    for (name, settings) in given {
        let upstream = upstream(&name, &settings, &http, config, variable)?;
        upstreams.insert(name, upstream);
    }
    Ok(upstreams)
}

/// What the environment offers.
fn offered(
    config: &Config,
    variable: &impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, config::Provider> {
    let provider = |kind, base_url: String, key: &str| config::Provider {
        kind,
        base_url,
        api_key_env: key.to_owned(),
        api_key_file: String::new(),
        model: String::new(),
        context_tokens: 0,
        output_tokens_max: 0,
    };
    let mut offered = BTreeMap::new();
    if variable("ANTHROPIC_API_KEY").is_some() {
        let url = variable("ANTHROPIC_BASE_URL").unwrap_or_default();
        offered.insert("anthropic".to_owned(), provider(ProviderKind::Anthropic, url, "ANTHROPIC_API_KEY"));
    }
    if variable("OPENAI_API_KEY").is_some() {
        let url = variable("OPENAI_BASE_URL").unwrap_or_default();
        offered.insert("openai".to_owned(), provider(ProviderKind::Openai, url, "OPENAI_API_KEY"));
    }
    let ollama = variable("OLLAMA_HOST").map(|host| match host.contains("://") {
        true => host,
        false if host.contains(':') => format!("http://{host}"),
        false => format!("http://{host}:11434"),
    });
    offered.insert("ollama".to_owned(), provider(ProviderKind::Ollama, ollama.unwrap_or_default(), ""));
    if config.local_model.enabled {
        offered.insert("local".to_owned(), provider(ProviderKind::Local, String::new(), ""));
    }
    offered
}

fn upstream(
    name: &str,
    settings: &config::Provider,
    http: &Http,
    config: &Config,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Upstream, String> {
    let key = key(name, settings, variable)?;
    let url = |usual: &'static str| match settings.base_url.as_str() {
        "" => usual.to_owned(),
        url => url.trim_end_matches('/').to_owned(),
    };
    let (provider, usual): (Arc<dyn Provider>, &str) = match settings.kind {
        ProviderKind::Anthropic => {
            (Arc::new(Anthropic::new(http, &url(ANTHROPIC_URL), key)), ANTHROPIC_MODEL)
        }
        ProviderKind::Openai if settings.base_url.is_empty() => {
            (Arc::new(OpenAi::new(http, OPENAI_URL, key)), OPENAI_MODEL)
        }
        // What a compatible server has, only it knows.
        ProviderKind::Openai => (Arc::new(OpenAi::new(http, &url(OPENAI_URL), key)), ""),
        ProviderKind::Ollama => (Arc::new(Ollama::new(http, &url(OLLAMA_URL), key)), ""),
        ProviderKind::Local => (local(config), local::MODEL),
    };
    let model = if settings.model.is_empty() { usual.to_owned() } else { settings.model.clone() };
    Ok(Upstream {
        provider,
        kind: settings.kind,
        model,
        context_tokens: settings.context_tokens,
        output_tokens_max: settings.output_tokens_max,
        offered: Mutex::default(),
    })
}

/// The model that comes with Mosaic.
fn local(config: &Config) -> Arc<dyn Provider> {
    let config::LocalModel { program, weights, start_ms, idle_s, .. } = &config.local_model;
    let mut settings = local::Settings::of(&config.data.dir, &config.data.run_dir);
    if let Some(program) = program {
        settings.programs = vec![program.clone()];
    }
    if let Some(weights) = weights {
        settings.weights.clone_from(weights);
    }
    settings.start_wait = Duration::from_millis(*start_ms);
    settings.idle_stop = Duration::from_secs(*idle_s);
    Arc::new(Local::new(settings))
}

/// The key, out of the variable or the file that the settings name.
fn key(
    name: &str,
    settings: &config::Provider,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, String> {
    let text = match (settings.api_key_env.as_str(), settings.api_key_file.as_str()) {
        ("", "") => return Ok(None),
        ("", file) => fs::read_to_string(file)
            .map_err(|cause| format!("provider.{name}.api_key_file: cannot read {file}: {cause}"))?,
        (name_of_variable, _) => variable(name_of_variable).ok_or_else(|| {
            format!("provider.{name}.api_key_env: the variable {name_of_variable} is not set; set it, or remove the provider")
        })?,
    };
    let key = text.trim();
    if key.is_empty() || key.chars().any(|c| c.is_control()) {
        return Err(format!("provider.{name}: the key is empty, or more than one line"));
    }
    Ok(key.parse().ok())
}
