//! `mosaic agent kill`: the end of one agent, of several, or of all.
//!
//! It knows nothing about how an agent is ended; the receipt says what came of it.

use std::{
    io::{IsTerminal as _, stdin},
    time::Duration,
};

use mosaic_client::{
    Client,
    proto::orchestrator::v1::{KillAgentResponse, KillAllResponse},
};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::words;
use crate::{Outcome, exit, failure::Failure, output::say, session::Session, term::each, text, values};

/// What to know about it.
pub(super) const HELP: &str = "\
Its job is cancelled, so there is no further attempt; a name whose job still waits is
cancelled, too. It prints what came of each; what could not be ended makes the exit
code 1.
--all is the kill switch: it first cancels every job that waits, then ends every agent of
the workspace. It needs an admin's token, and on a terminal it asks.

Examples:
  mosaic agent kill shell-1 --reason 'wrong branch'
  mosaic agent kill --all --pause --yes";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Kill {
    /// Names or ids
    #[arg(required_unless_present = "all", value_name = "NAME")]
    names: Vec<String>,
    /// Every agent of the workspace, and every job that waits
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// With --all: also pause the queue, so that jobs made from now on wait
    #[arg(long, requires = "all")]
    pause: bool,
    /// With --all: do not ask
    #[arg(long, short)]
    yes: bool,
    /// Why, for the receipt
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Time between the first signal and SIGKILL, up to 60s [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    grace: Option<Duration>,
    /// SIGKILL at once
    #[arg(long, conflicts_with = "grace")]
    force: bool,
}

/// Ends them.
pub(super) async fn run(session: &Session, kill: Kill) -> Outcome {
    let client = session.client()?;
    if kill.all {
        return all(session, &client, kill).await;
    }
    each(session, kill.names.clone(), async |name| {
        let mut request = client.orchestrator().agent(&name).kill().reason(&kill.reason);
        if let Some(grace) = kill.grace {
            request = request.grace(grace);
        }
        let answer = if kill.force { request.force() } else { request }.send().await?;
        session.output.show(&answer, || one(&answer, &name))?;
        let left = answer.receipt.is_some_and(|receipt| !receipt.survivors.is_empty());
        Ok(if left { exit::ERROR } else { exit::OK })
    })
    .await
}

fn one(answer: &KillAgentResponse, name: &str) -> String {
    let job = answer.job.clone().unwrap_or_default();
    let name = if job.name.is_empty() { text::escape(name) } else { text::escape(&job.name) };
    let end = words::job_end(&job);
    match &answer.receipt {
        Some(receipt) => format!("{name}: {end}; {}", words::receipt(receipt)),
        None => format!("{name}: {end}; there was nothing to end"),
    }
}

async fn all(session: &Session, client: &Client, kill: Kill) -> Outcome {
    if !(kill.yes || stdin().is_terminal() && confirmed(client).await?) {
        say("[mosaic: nothing was ended; --yes does it without asking]");
        return Ok(exit::ERROR);
    }
    let mut request = client.orchestrator().kill_all().reason(kill.reason);
    if let Some(grace) = kill.grace {
        request = request.grace(grace);
    }
    if kill.force {
        request = request.force();
    }
    if kill.pause {
        request = request.pause();
    }
    let answer = request.send().await?;
    session.output.show(&answer, || every(&answer))?;
    let left = |receipt: &mosaic_client::proto::orchestrator::v1::Receipt| !receipt.survivors.is_empty();
    let survivors = answer.agents.iter().filter_map(|agent| agent.receipt.as_ref()).any(left);
    Ok(if survivors { exit::ERROR } else { exit::OK })
}

fn every(answer: &KillAllResponse) -> String {
    let mut lines: Vec<String> = answer
        .agents
        .iter()
        .map(|agent| {
            let what = agent.receipt.as_ref().map_or_else(|| "stopping".to_owned(), words::receipt);
            format!("{}: {what}", text::escape(&agent.name))
        })
        .collect();
    lines.push(format!("{} agents ended, {} jobs cancelled", answer.agents.len(), answer.cancelled_jobs));
    lines.join("\n")
}

async fn confirmed(client: &Client) -> Result<bool, Failure> {
    let queue = client.orchestrator().queue().await?;
    let waiting = queue.ready + queue.blocked + queue.backing_off;
    say(&format!("End all {} agents and cancel {waiting} jobs that wait? [y/N]", queue.running));
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
