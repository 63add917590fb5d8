//! `mosaic term new`: starts a program in a new terminal, then attaches, waits, or leaves it alone.
//!
//! It knows nothing about how attaching or printing works.

use std::{
    env,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use mosaic_client::{
    Client,
    proto::terminal::v1::{CreateTerminalResponse, Terminal},
    terminal::{CreateTerminal, Start},
};

use super::wait;
use crate::{
    Outcome,
    attach::{self, Options, RECONNECT_LIMIT},
    exit,
    failure::Failure,
    output::say,
    session::Session,
    target, text,
    values::{self, Size},
};

/// What to know about it.
pub(crate) const HELP: &str = "\
With a terminal on standard input and output it attaches; leave with Ctrl-\\ then d.
Without one, or with --detach, it prints the new terminal's name (and with --json
the terminal), and the program runs on.

--wait prints the output and exits with the program's code (128 + signal number if
a signal ended it; 125 to 127 if it is mosaic that failed, see `mosaic --help`).
Into a pipe the output is text without escape sequences; --raw keeps the bytes.
SIGINT, SIGTERM and SIGHUP are passed on to the program; the second one closes the
terminal.

Examples:
  mosaic term new                              a shell
  mosaic term new --name top -- htop
  mosaic term new -d --shell 'make && ./deploy'
  mosaic term new --wait -- make test";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct New {
    /// What to call it [default: made up, such as sh-1]
    #[arg(long, short)]
    name: Option<String>,
    /// Working directory [default: this one if the server is on this machine, else the home of the
    /// account that terminals run as]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Set an environment variable; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = values::variable)]
    env: Vec<(String, String)>,
    /// Run this command line in the login shell
    #[arg(long, value_name = "CMDLINE", conflicts_with = "command")]
    shell: Option<String>,
    /// Columns and rows, such as 120x40 [default: this window's, else 80x24]
    #[arg(long, value_name = "CxR", value_parser = values::size)]
    size: Option<Size>,
    /// Close it after so long without output and input, such as 10m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    idle_timeout: Option<Duration>,
    /// Close it when it has run for so long, such as 2h [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    time_limit: Option<Duration>,
    /// Attach to it, or fail where that is not possible
    #[arg(long, short, group = "then")]
    attach: bool,
    /// Leave it alone
    #[arg(long, short, group = "then")]
    detach: bool,
    /// Print its output and exit with its program's code; standard input is not passed on
    #[arg(long, short, group = "then")]
    wait: bool,
    /// With --wait: the bytes as they are, also into a pipe
    #[arg(long, requires = "wait")]
    raw: bool,
    /// The program and its arguments [default: the login shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Starts it.
pub(crate) async fn run(session: &Session, new: New) -> Outcome {
    let can_attach = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let attach = new.attach || (can_attach && !new.detach && !new.wait && !session.output.json);
    let passes_code_on = attach || new.wait;
    let outcome = start(session, new, attach).await;
    if passes_code_on { outcome.map_err(Failure::beside_a_program) } else { outcome }
}

async fn start(session: &Session, new: New, attach: bool) -> Outcome {
    if attach {
        attach::require_terminal()?;
    }
    let client = if attach { session.patient_client(RECONNECT_LIMIT)? } else { session.client()? };
    let terminal = create(&client, &new).await?;
    if attach {
        let options = Options { start: Start::Oldest, read_only: false, fresh: true };
        attach::run(&client, &terminal.id, options).await
    } else if new.wait {
        wait::output(session, &client, &terminal, new.raw).await
    } else {
        let name = text::escape(&terminal.name);
        session.output.show(&CreateTerminalResponse { terminal: Some(terminal) }, || name)?;
        Ok(exit::OK)
    }
}

async fn create(client: &Client, new: &New) -> Result<Terminal, Failure> {
    let Some(here) = here(new, client)? else { return Ok(request(client, new).send().await?.1) };
    let error = match request(client, new).cwd(&here).send().await {
        Ok((_, terminal)) => return Ok(terminal),
        Err(error) => error,
    };
    // A shell is as good elsewhere; a command that was meant for this directory is not.
    let any_directory = new.cwd.is_none() && new.shell.is_none() && new.command.is_empty();
    if !any_directory || !matches!(error.reason(), Some("CWD_NOT_FOUND" | "CWD_NOT_ACCESSIBLE")) {
        return Err(error.into());
    }
    say(&format!("[mosaic: a shell cannot start in {}; it starts at home]", text::escape(&here)));
    Ok(request(client, new).send().await?.1)
}

/// The request, but for the working directory. Each has a request id of its own.
fn request(client: &Client, new: &New) -> CreateTerminal {
    let mut request = client.terminals().create();
    if let Some(name) = &new.name {
        request = request.name(name);
    }
    if let Some(shell) = &new.shell {
        request = request.shell(shell);
    }
    if !new.command.is_empty() {
        request = request.command(&new.command);
    }
    for (name, value) in &new.env {
        request = request.env(name, value);
    }
    if let Some(timeout) = new.idle_timeout {
        request = request.idle_timeout(timeout);
    }
    if let Some(limit) = new.time_limit {
        request = request.time_limit(limit);
    }
    let window = || {
        let shown = std::io::stdout().is_terminal() && !new.detach;
        let (cols, rows) = shown.then(crate::surroundings::window)??;
        Some(Size { cols, rows })
    };
    if let Some(Size { cols, rows }) = new.size.or_else(window) {
        request = request.size(cols, rows);
    }
    request
}

/// The working directory to ask for: the one given, made absolute, or for a server on this machine
/// the directory that one is in.
fn here(new: &New, client: &Client) -> Result<Option<String>, Failure> {
    let current = || env::current_dir().map_err(|error| Failure::file("find", Path::new("."), &error));
    let directory = match &new.cwd {
        Some(directory) if directory.is_absolute() => directory.clone(),
        Some(directory) => current()?.join(directory).components().collect(),
        None if target::is_loopback(client.endpoint()) => current()?,
        None => return Ok(None),
    };
    match directory.into_os_string().into_string() {
        Ok(directory) => Ok(Some(directory)),
        Err(_) => {
            Err(Failure::usage("the working directory's name is not UTF-8").hint("Give one with --cwd."))
        }
    }
}
