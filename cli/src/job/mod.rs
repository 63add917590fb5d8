//! `mosaic job`: the commands for jobs.
//!
//! One file a command, or one for a few small ones; this one only tells them apart.

mod list;
mod manage;
mod show;

use clap::Subcommand;

use crate::{Outcome, agent, failure::Failure, session::Session};

pub(crate) use self::show::shown;

/// What to do with jobs. A job goes by its name or its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List jobs
    #[command(visible_alias = "list")]
    Ls(list::List),
    /// Show one job: what it waits for, why it ended, what to do
    Show {
        /// Name or id
        name: String,
    },
    /// End jobs at whatever stage they are
    Cancel(manage::Cancel),
    /// Queue jobs that are over once more
    Retry(manage::Retry),
    /// Wait for a job, and exit as it ended
    #[command(after_help = agent::WAIT_HELP)]
    Wait(agent::Wait),
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    match command {
        Command::Ls(list) => list::run(session, list).await,
        Command::Show { name } => show::run(session, &name).await,
        Command::Cancel(cancel) => manage::cancel(session, cancel).await,
        Command::Retry(retry) => manage::retry(session, retry).await,
        Command::Wait(wait) => agent::wait_job(session, wait).await.map_err(Failure::beside_an_agent),
    }
}
