//! The command line: what can be typed, and the help that explains it.
//!
//! It knows nothing about how a command works; each group describes its own arguments.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{account, agent, chat, exit, job, output::Format, queue, target::Flags, term, text};

const EXAMPLES: &str = "\
Examples:
  mosaic term new                           a shell; leave it with Ctrl-\\ then d
  mosaic term attach sh-1                   go on where you were, from anywhere
  mosaic term new -d --name build -- make   run it without looking on
  mosaic term logs -f build                 its output so far, and what comes
  mosaic term wait build                    its end, and its exit code
  mosaic term new --wait -- make test       output and exit code, for CI
  mosaic term send sh-1 --enter 'ls -l'     type into a terminal
  mosaic term ls --watch                    what runs, and what happens to it
  mosaic agent run -- make test             as a job that is watched to its end
  mosaic agent ls                           the agents that run
  mosaic chat                               talk to a model
  mosaic web                                all of it in the browser
  git diff | mosaic chat send --system 'Write a commit message for this.'
  mosaic --json term ls | jq .              the same for programs
  eval \"$(mosaic env)\"                      sets MOSAIC_ENDPOINT, MOSAIC_TOKEN
  mosaic login --endpoint https://HOST:PORT < token-file

Which server: --context or --endpoint; else MOSAIC_ENDPOINT with MOSAIC_TOKEN or
MOSAIC_TOKEN_FILE; else the context in use (`mosaic context ls`); else the one
that this account runs on this machine.";

/// Terminals and talks with models that outlive your connection, from the command line.
#[derive(Debug, Parser)]
#[command(name = "mosaic", version, arg_required_else_help = true)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", exit::HELP), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The server: http://HOST:PORT or https://HOST:PORT
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// A server that you logged in to, by name
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "endpoint")]
    context: Option<String>,
    /// Trust the certificate authority in this PEM file [env: MOSAIC_CA]
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Words for people, or Protobuf JSON (one object; one a line for streams)
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "text")]
    output: Format,
    /// The same as --output json
    #[arg(long, global = true)]
    json: bool,
}

impl Global {
    /// How to write data.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// Which server was named.
    pub(crate) fn flags(self) -> Flags {
        Flags { endpoint: self.endpoint, context: self.context, ca: self.ca }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Terminals: start, attach, read, type, end
    #[command(subcommand, visible_alias = "terminal")]
    Term(term::Command),
    /// Agents: programs that run as jobs; spawn, watch, answer, end them, run one from CI
    #[command(subcommand)]
    Agent(agent::Command),
    /// Jobs: what agents were asked to do; list, wait, cancel, retry
    #[command(subcommand)]
    Job(job::Command),
    /// The queue that jobs wait in: pause, resume, status
    #[command(subcommand)]
    Queue(queue::Command),
    /// Talk to a model; `chat send` says one thing
    #[command(after_help = chat::HELP)]
    Chat(chat::Chat),
    /// What was said: list, search, show, export, delete
    #[command(subcommand, after_help = chat::conversation::HELP)]
    Conversation(chat::conversation::Command),
    /// The models that may be asked, and whether they can be reached
    Models,
    /// The tokens that models took and gave, and today's budget
    Usage(chat::usage::Usage),
    /// The page in the browser, signed in
    #[command(after_help = account::web::HELP)]
    Web(account::web::Web),
    /// The server, its version and node, this account, the terminals
    Status,
    /// Whom the token names
    Whoami,
    /// Tokens of this workspace: create, list, revoke
    #[command(subcommand)]
    Token(account::token::Command),
    /// Workspaces of the server (for its operator): create, list
    #[command(subcommand)]
    Workspace(account::workspace::Command),
    /// What happens in the workspace, as it happens
    Events(account::events::Events),
    /// Print `export` lines for a shell to eval. THIS PRINTS A SECRET
    #[command(after_help = account::env::HELP)]
    Env,
    /// Remember a server; the token is read from standard input
    #[command(after_help = account::login::HELP)]
    Login(account::login::Login),
    /// Servers that you logged in to: list, use, remove
    #[command(subcommand)]
    Context(account::context::Command),
    /// Completions for a shell
    #[command(after_help = account::completions::HELP)]
    Completions(account::completions::Completions),
}

/// The command line, or the exit code if it ends here: it is wrong, or asks for help or the version.
pub(crate) fn parse(words: &[OsString]) -> Result<Cli, u8> {
    let mut error = match Cli::try_parse_from(words) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(meant) = with_dashes(&error, &words).or_else(|| with_send(&error, &words)) {
        let tip = format!("did you mean `{meant}`?");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    // Nothing is left to be done if nobody sees it.
    let _ = error.print();
    Err(match error.exit_code() {
        0 => exit::OK,
        _ if passes_code_on(&words) => exit::MOSAIC,
        _ => exit::USAGE,
    })
}

/// Whether this is a command that exits with a program's code, as far as a wrong command line tells.
fn passes_code_on(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str).take_while(|word| *word != "--");
    let group = |word: &str| matches!(word, "term" | "terminal" | "agent" | "job");
    let mut commands = words.by_ref().skip_while(|word| !group(word));
    let of_agents = commands.next().is_some_and(|word| word == "agent");
    match commands.find(|word| !group(word) && !word.starts_with('-')) {
        Some("wait" | "attach") => true,
        Some("run") => of_agents,
        Some("new" | "create") => words.any(|word| matches!(word, "--wait" | "-w" | "--attach" | "-a")),
        _ => false,
    }
}

/// The command line with the `--` that `term new`, `agent run` and `agent spawn` need before a command, if that is what is missing.
fn with_dashes(error: &clap::Error, words: &[String]) -> Option<String> {
    let Some(ContextValue::String(stray)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || stray.starts_with('-') {
        return None;
    }
    let new = words.iter().position(|word| matches!(word.as_str(), "new" | "create" | "run" | "spawn"))?;
    let command = new + words[new..].iter().position(|word| word == stray)?;
    let tail: Vec<String> = words[command..].iter().filter(|word| *word != "--").cloned().collect();
    Some(format!("mosaic {} -- {}", text::command(&words[1..command]), text::command(&tail)))
}

/// The command line with the `send` that is missing between `chat` and a text.
fn with_send(error: &clap::Error, words: &[String]) -> Option<String> {
    let Some(ContextValue::String(stray)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let chat = words.iter().position(|word| word == "chat")?;
    let at = chat + 1 + words.get(chat + 1..)?.iter().position(|word| word == stray)?;
    let (before, after) = (words.get(1..=chat)?, words.get(at..)?);
    let between = words.get(chat + 1..at)?;
    let text = after.join(" ");
    let line: Vec<String> = before
        .iter()
        .cloned()
        .chain(["send".to_owned()])
        .chain(between.iter().cloned())
        .chain([text])
        .collect();
    Some(format!("mosaic {}", text::command(&line)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_a_screen_of_80_columns() {
        for line in EXAMPLES.lines().chain(exit::HELP.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_without_dashes_is_understood_but_not_run() {
        let meant = |line: &str| {
            let words = words(line);
            with_dashes(&Cli::try_parse_from(&words).expect_err(line), &words)
        };
        let expected = "mosaic term new --wait --name b -- make -j2 test";
        assert_eq!(meant("mosaic term new --wait --name b make -j2 test").as_deref(), Some(expected));
        assert_eq!(meant("mosaic term new htop").as_deref(), Some("mosaic term new -- htop"));
        assert_eq!(meant("mosaic agent run make").as_deref(), Some("mosaic agent run -- make"));
        assert_eq!(meant("mosaic term new --frobnicate"), None);
        assert_eq!(meant("mosaic term close"), None);
    }

    #[test]
    fn a_text_for_a_model_without_send_is_understood_but_not_sent() {
        let meant = |line: &str| {
            let words = words(line);
            with_send(&Cli::try_parse_from(&words).expect_err(line), &words)
        };
        assert_eq!(meant("mosaic chat hello").as_deref(), Some("mosaic chat send hello"));
        assert_eq!(meant("mosaic chat hello you").as_deref(), Some("mosaic chat send 'hello you'"));
        assert_eq!(meant("mosaic frob"), None);
        assert_eq!(meant("mosaic frob chat"), None);
    }

    #[test]
    fn a_wrong_command_line_is_not_taken_for_a_programs_code() {
        for line in [
            "mosaic term new --wait --bad",
            "mosaic --json terminal create -w make",
            "mosaic term wait",
            "mosaic agent run --bad",
            "mosaic --json job wait",
        ] {
            assert!(passes_code_on(&words(line)), "{line}");
        }
        for line in [
            "mosaic term new -- x --wait",
            "mosaic term ls -w --bad",
            "mosaic frob wait",
            "mosaic job ls --bad",
            "mosaic",
        ] {
            assert!(!passes_code_on(&words(line)), "{line}");
        }
    }

    #[test]
    fn a_token_can_not_be_an_argument() {
        assert!(Cli::try_parse_from(["mosaic", "status", "--token", "mosaic_x"]).is_err());
        assert!(Cli::try_parse_from(["mosaic", "login", "--endpoint", "http://a", "mosaic_x"]).is_err());
    }
}
