//! `mosaic term`: the commands for terminals.
//!
//! One file a command, or one for a few small ones; this one only tells them apart.

pub(crate) mod attach;
mod close;
mod list;
mod logs;
mod manage;
mod new;
pub(crate) mod print;
mod send;
pub(crate) mod tail;
mod viewers;
mod wait;

use clap::Subcommand;

use crate::{Outcome, exit, failure::Failure, session::Session};

/// What to do with terminals. A terminal goes by its name or its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a program (by default a shell) in a new terminal, and attach to it
    #[command(visible_alias = "create", after_help = new::HELP)]
    New(new::New),
    /// Go on in a terminal: type into it and see its output
    #[command(after_help = attach::HELP)]
    Attach(attach::Attach),
    /// List terminals
    #[command(visible_alias = "list")]
    Ls(list::List),
    /// Print a terminal's output, also after its end
    #[command(after_help = logs::HELP)]
    Logs(logs::Logs),
    /// Type text or keys into a terminal
    #[command(after_help = send::HELP)]
    Send(send::Send),
    /// Change the size of a terminal
    Resize(manage::Resize),
    /// Give a terminal another name
    Rename(manage::Rename),
    /// Wait for a terminal's end and exit with its program's code
    Wait(wait::Wait),
    /// End terminals and everything that they started: SIGHUP, a grace period, SIGKILL
    Close(close::Close),
    /// Forget ended terminals and their output
    Rm(close::Remove),
    /// Send a signal to what runs in the foreground of a terminal
    Signal(manage::Signal),
    /// List who reads a terminal at this moment
    Viewers(viewers::Viewers),
    /// End somebody's attachment; the terminal lives on
    Detach(viewers::Detach),
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    match command {
        Command::New(new) => new::run(session, new).await,
        Command::Attach(attach) => attach::run(session, attach).await.map_err(Failure::beside_a_program),
        Command::Ls(list) => list::run(session, list).await,
        Command::Logs(logs) => logs::run(session, logs).await,
        Command::Send(send) => send::run(session, send).await,
        Command::Resize(resize) => manage::resize(session, resize).await,
        Command::Rename(rename) => manage::rename(session, rename).await,
        Command::Wait(wait) => wait::run(session, wait).await.map_err(Failure::beside_a_program),
        Command::Close(close) => close::close(session, close).await,
        Command::Rm(remove) => close::remove(session, remove).await,
        Command::Signal(signal) => manage::signal(session, signal).await,
        Command::Viewers(viewers) => viewers::list(session, viewers).await,
        Command::Detach(detach) => viewers::detach(session, detach).await,
    }
}

/// Does the same with each of several: goes on after a failure, says each one, and exits with the code
/// of the first.
pub(crate) async fn each(
    session: &Session,
    names: Vec<String>,
    work: impl AsyncFn(String) -> Outcome,
) -> Outcome {
    let mut first = exit::OK;
    for name in names {
        let code = match work(name).await {
            Ok(code) => code,
            // Nobody reads any more.
            Err(failure) if failure.quiet => return Err(failure),
            Err(failure) => {
                let failure = session.explain(failure);
                failure.report();
                failure.code
            }
        };
        first = if first == exit::OK { code } else { first };
    }
    Ok(first)
}
