//! `mosaic queue`: what waits and what runs, and whether more may start.
//!
//! It knows nothing about single jobs.

use std::time::Duration;

use clap::Subcommand;
use mosaic_client::proto::orchestrator::v1::{
    GetQueueResponse, PauseQueueResponse, Queue, ResumeQueueResponse,
};

use crate::{Outcome, agent::detail, exit, session::Session, text};

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start no further agent until `resume`; those that run go on
    Pause {
        /// Why, for those who ask
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Start agents again
    Resume,
    /// Count what waits and what runs
    Status,
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    let orchestrator = session.client()?.orchestrator();
    match command {
        Command::Pause { reason } => {
            let queue = orchestrator.pause(reason).await?;
            let words = words(&queue);
            session.output.show(&PauseQueueResponse { queue: Some(queue) }, || words)?;
        }
        Command::Resume => {
            let queue = orchestrator.resume().await?;
            let words = words(&queue);
            session.output.show(&ResumeQueueResponse { queue: Some(queue) }, || words)?;
        }
        Command::Status => {
            let queue = orchestrator.queue().await?;
            let words = words(&queue);
            session.output.show(&GetQueueResponse { queue: Some(queue) }, || words)?;
        }
    }
    Ok(exit::OK)
}

fn words(queue: &Queue) -> String {
    let state = match (queue.paused, queue.pause_reason.is_empty()) {
        (false, _) => "open".to_owned(),
        (true, true) => "paused; `mosaic queue resume` goes on".to_owned(),
        (true, false) => {
            format!("paused: {}; `mosaic queue resume` goes on", text::escape(&queue.pause_reason))
        }
    };
    let oldest = queue.oldest_wait.and_then(|wait| Duration::try_from(wait).ok());
    let oldest = oldest.map(|wait| format!(", the oldest for {}s", wait.as_secs())).unwrap_or_default();
    [
        detail("queue", &state),
        detail("running", &format!("{} of {}", queue.running, queue.running_max)),
        detail("ready", &format!("{}{oldest}", queue.ready)),
        detail("blocked", &format!("{} wait for others", queue.blocked)),
        detail("backing off", &queue.backing_off.to_string()),
    ]
    .join("\n")
}
