//! `mosaic agent`: the commands for agents.
//!
//! One file a command, or one for a few small ones; this one only tells them apart.

mod ask;
mod attach;
mod find;
mod kill;
mod list;
mod logs;
mod profiles;
mod run;
mod send;
mod show;
mod spawn;
mod wait;
mod words;

use clap::Subcommand;

use crate::{Outcome, failure::Failure, session::Session};

pub(crate) use self::{
    wait::{HELP as WAIT_HELP, Wait, job as wait_job},
    words::{detail, event, job_cell, job_end, waits},
};

/// What to do with agents. An agent goes by its id, or by its name, which is that of its job.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an agent here: its output, its exit code, and its end if this command is interrupted
    #[command(after_help = run::HELP)]
    Run(run::Run),
    /// Make a job for an agent, and leave it alone
    #[command(visible_alias = "new", after_help = spawn::HELP)]
    Spawn(spawn::Spawn),
    /// List agents
    #[command(visible_alias = "list")]
    Ls(list::List),
    /// Show one agent: its state, its job, its terminal, how it ended
    Show {
        /// Name or id
        name: String,
    },
    /// Print what an agent printed, also after its end
    #[command(after_help = logs::HELP)]
    Logs(logs::Logs),
    /// Type into an agent's terminal and see its output
    #[command(after_help = attach::HELP)]
    Attach(attach::Attach),
    /// Type a line into an agent's terminal
    #[command(after_help = send::HELP)]
    Send(send::Send),
    /// End agents and everything that they started
    #[command(after_help = kill::HELP)]
    Kill(kill::Kill),
    /// Wait for an agent's job, and exit as it ended
    #[command(after_help = wait::HELP)]
    Wait(wait::Wait),
    /// List the profiles that agents can be spawned with
    Profiles,
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    match command {
        Command::Run(run) => run::run(session, run).await.map_err(Failure::beside_an_agent),
        Command::Spawn(spawn) => spawn::run(session, spawn).await,
        Command::Ls(list) => list::run(session, list).await,
        Command::Show { name } => show::run(session, &name).await,
        Command::Logs(logs) => logs::run(session, logs).await,
        Command::Attach(attach) => attach::run(session, attach).await.map_err(Failure::beside_a_program),
        Command::Send(send) => send::run(session, send).await,
        Command::Kill(kill) => kill::run(session, kill).await,
        Command::Wait(wait) => wait::agent(session, wait).await.map_err(Failure::beside_an_agent),
        Command::Profiles => profiles::run(session).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_screen_of_90_columns() {
        for help in [attach::HELP, kill::HELP, logs::HELP, run::HELP, send::HELP, spawn::HELP, wait::HELP] {
            assert!(help.lines().all(|line| line.chars().count() <= 90), "{help}");
        }
    }
}
