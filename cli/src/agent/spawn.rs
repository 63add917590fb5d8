//! `mosaic agent spawn`: makes a job, and leaves it alone.
//!
//! It knows nothing about what can be asked for; `ask` does.

use mosaic_client::proto::orchestrator::v1::SpawnAgentResponse;

use super::{ask::Ask, words::waiting};
use crate::{Outcome, exit, output::say, session::Session, text};

/// What to know about it.
pub(super) const HELP: &str = "\
It prints the name, and with --json the job. If there is no room, the job waits in the
queue; what it waits for is said on standard error.

Examples:
  mosaic agent spawn -- make test
  mosaic agent spawn --name lint --label run=42 -- 'npm ci && npm run lint'
  mosaic agent spawn --depends-on lint --attempts 3 -- ./deploy
  mosaic agent spawn --profile claude --repository . < task.md
  mosaic agent logs -f lint";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Spawn {
    #[command(flatten)]
    ask: Ask,
}

/// Makes it.
pub(super) async fn run(session: &Session, spawn: Spawn) -> Outcome {
    let client = session.client()?;
    let (_, job) = spawn.ask.request(&client).await?.send().await?;
    let name = text::escape(&job.name);
    if let Some(why) = waiting(&job).filter(|_| !session.output.json) {
        say(&format!("[mosaic: {name} waits: {why}]"));
    }
    session.output.show(&SpawnAgentResponse { job: Some(job), agent: None }, || name)?;
    Ok(exit::OK)
}
