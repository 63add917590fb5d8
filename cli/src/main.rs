//! `mosaic`: arguments in, an exit code out.
//!
//! It knows nothing about what the commands do.

mod account;
mod agent;
mod args;
mod attach;
mod browser;
mod chat;
mod commands;
mod contexts;
mod exit;
mod failure;
mod job;
mod json;
mod output;
mod private;
mod queue;
mod reach;
mod secret;
mod session;
mod show;
mod signals;
mod stdin;
mod surroundings;
mod table;
mod target;
mod term;
mod text;
mod values;

use std::process::ExitCode;

use crate::{
    args::{Cli, Command, parse},
    failure::Failure,
    output::Output,
    session::Session,
};

/// What a command answers: the exit code, or why it failed.
type Outcome = Result<u8, Failure>;

fn main() -> ExitCode {
    // Wrong usage ends here, as do help and version.
    let cli = match parse(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    attach::restore_terminal_on_panic();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            Failure::from(error).report();
            return ExitCode::from(exit::ERROR);
        }
    };
    let outcome = runtime.block_on(run(cli));
    // A read from a terminal cannot be interrupted: whatever still waits for input ends with the process.
    runtime.shutdown_background();
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        failure.report();
        failure.code
    }))
}

async fn run(cli: Cli) -> Outcome {
    let output = Output::new(cli.global.format());
    let session = Session { output, flags: cli.global.flags() };
    command(&session, cli.command).await.map_err(|failure| session.explain(failure))
}

async fn command(session: &Session, command: Command) -> Outcome {
    match command {
        Command::Term(command) => term::run(session, command).await,
        Command::Agent(command) => agent::run(session, command).await,
        Command::Job(command) => job::run(session, command).await,
        Command::Queue(command) => queue::run(session, command).await,
        Command::Chat(command) => chat::run(session, command).await,
        Command::Conversation(command) => chat::conversation::run(session, command).await,
        Command::Models => chat::models(session).await,
        Command::Usage(usage) => chat::usage::run(session, usage).await,
        Command::Web(web) => account::web::run(session, web).await,
        Command::Status => account::status::run(session).await,
        Command::Whoami => account::whoami::run(session).await,
        Command::Token(command) => account::token::run(session, command).await,
        Command::Workspace(command) => account::workspace::run(session, command).await,
        Command::Events(events) => account::events::run(session, events).await,
        Command::Env => account::env::run(session),
        Command::Login(login) => account::login::run(session, login).await,
        Command::Context(command) => account::context::run(session, command),
        Command::Completions(completions) => account::completions::run(completions),
    }
}
