//! `mosaic context`: the servers that one has logged in to.
//!
//! It knows nothing about connections; `login` makes contexts.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::{
    Outcome,
    contexts::Contexts,
    exit,
    failure::Failure,
    output::say,
    session::Session,
    surroundings::contexts_path,
    table::{Cell, Colour},
    text,
};

/// What to do with contexts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them
    #[command(visible_alias = "list")]
    Ls,
    /// Use one from now on
    Use {
        /// Its name
        name: String,
    },
    /// Forget one and its token
    #[command(after_help = "The server still accepts the token: `mosaic token revoke` ends it.")]
    Rm {
        /// Its name
        name: String,
    },
}

/// Runs it.
pub(crate) fn run(session: &Session, command: Command) -> Outcome {
    let path = path()?;
    let mut contexts = Contexts::read(&path)?;
    match command {
        Command::Ls => return list(session, &contexts),
        Command::Use { name } => {
            contexts.get(&name)?;
            contexts.current = Some(name);
            warn_if_overridden();
        }
        Command::Rm { name } => {
            contexts.get(&name)?;
            contexts.contexts.remove(&name);
            if contexts.current.as_ref() == Some(&name) {
                contexts.current = None;
                say("No context is in use now: commands go to the server on this machine.");
            }
        }
    }
    contexts.write(&path)?;
    Ok(exit::OK)
}

/// Where contexts are kept.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    contexts_path().ok_or_else(|| {
        Failure::error("there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set")
            .hint("Use MOSAIC_ENDPOINT and MOSAIC_TOKEN_FILE instead.")
    })
}

/// Says so where a context in use does not count.
pub(crate) fn warn_if_overridden() {
    for variable in ["MOSAIC_ENDPOINT", "MOSAIC_TOKEN", "MOSAIC_TOKEN_FILE"] {
        if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            say(&format!(
                "Note: {variable} is set and goes before the context; `unset {variable}` ends that."
            ));
        }
    }
}

fn list(session: &Session, contexts: &Contexts) -> Outcome {
    let current = |name: &String| contexts.current.as_ref() == Some(name);
    if session.output.json {
        for (name, context) in &contexts.contexts {
            let value = json!({"name": name, "endpoint": context.endpoint, "current": current(name)});
            session.output.value(&value)?;
        }
    } else {
        let row = |(name, context): (&String, &crate::contexts::Context)| {
            let mark = if current(name) { Cell::coloured("*", Colour::Green) } else { "".into() };
            [mark, text::escape(name).into(), text::escape(&context.endpoint).into()]
        };
        let rows = contexts.contexts.iter().map(row).collect();
        session.output.table(["", "NAME", "ENDPOINT"], rows)?;
    }
    Ok(exit::OK)
}
