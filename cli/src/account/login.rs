//! `mosaic login`: remembers a server and a token for it.
//!
//! It knows nothing about the file's form. The token comes from standard input only: arguments are
//! there for everybody on the machine to see.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::absolute,
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::context;
use crate::{
    Outcome,
    contexts::{Context, Contexts},
    exit,
    failure::Failure,
    output::say,
    secret::Secret,
    session::{self, Session},
    show,
    target::{self, Target},
    text,
};

/// How the token gets in.
pub(crate) const HELP: &str = "\
Examples:
  mosaic login --endpoint https://HOST:PORT < token-file
  mosaic login --endpoint https://HOST:PORT --name lab      asks for the token

The token is tried at the server, then kept for your eyes only (mode 0600) in
$XDG_CONFIG_HOME/mosaic/contexts.toml. The context is in use from then on.";

/// More is no token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The arguments, beside the global --endpoint.
#[derive(clap::Args, Debug)]
pub(crate) struct Login {
    /// What to call it here [default: the server's host]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Logs in.
pub(crate) async fn run(session: &Session, login: Login) -> Outcome {
    let endpoint = session.flags.endpoint.as_deref().ok_or_else(|| {
        Failure::usage("login needs to know the server").hint("mosaic login --endpoint https://HOST:PORT")
    })?;
    let endpoint = target::normal(endpoint);
    let path = context::path()?;
    let mut contexts = Contexts::read(&path)?;
    if endpoint.starts_with("http://") && !target::is_loopback(&endpoint) {
        say("Warning: without TLS everybody on the way can read the token and all that you type.");
    }
    let ca = session.flags.ca.as_deref().map(absolute).transpose()?;
    let token = read_token()?;
    let target = Target { endpoint, token, ca, source: "login".to_owned() };
    let answer = session::client(&target)?.workspace().who_am_i().await?;
    let name = login.name.unwrap_or_else(|| host(&target.endpoint));
    let made = Context { endpoint: target.endpoint, token: target.token, ca: target.ca };
    contexts.contexts.insert(name.clone(), made);
    contexts.current = Some(name.clone());
    contexts.write(&path)?;
    let token = answer.token.clone().unwrap_or_default();
    let workspace = answer.workspace.clone().unwrap_or_default();
    say(&format!(
        "Logged in as {} ({}) in workspace {}; context {} is in use.",
        text::escape(&token.name),
        show::role(token.role()),
        text::escape(&workspace.name),
        text::escape(&name)
    ));
    context::warn_if_overridden();
    if session.output.json {
        session.output.message(&answer)?;
    }
    Ok(exit::OK)
}

/// The host and port of a URL.
fn host(endpoint: &str) -> String {
    endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).to_owned()
}

fn read_token() -> Result<Secret, Failure> {
    let token = if io::stdin().is_terminal() {
        say("Token (not shown), then Enter:");
        read_unseen()?
    } else {
        let mut text = String::new();
        io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
        text
    };
    match token.trim() {
        "" => Err(Failure::usage("there was no token on standard input")
            .hint("mosaic login --endpoint URL < token-file")),
        token => Ok(token.into()),
    }
}

/// Gives the terminal its echo back however the reading ends.
struct Unseen;

impl Unseen {
    fn begin() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to try.
        let _ = disable_raw_mode();
    }
}

/// A line from the terminal, which does not show it.
fn read_unseen() -> Result<String, Failure> {
    let _unseen = Unseen::begin()?;
    let mut line = Vec::new();
    for byte in io::stdin().lock().bytes().take(TOKEN_BYTES_MAX as usize) {
        match byte? {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => return Err(Failure::error("not logged in")),
            0x08 | 0x7f => drop(line.pop()),
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map_err(|_| Failure::usage("this is not a token"))
}
