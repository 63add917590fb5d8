//! `mosaic agent wait` and `mosaic job wait`: how a job ended as an exit code.
//!
//! It knows nothing about output.

use std::time::Duration;

use clap::ValueEnum;
use mosaic_client::{
    Client,
    orchestrator::{Job, Until},
    proto::orchestrator::v1::WaitJobResponse,
};

use super::words::{job_end, waiting};
use crate::{Outcome, exit, failure::Failure, session::Session, text, values};

/// What to know about it.
pub(crate) const HELP: &str = "\
The exit code is that of the program, or says why there is none; see `mosaic --help`.
With --until started or input-required it is 0 when that has come; if the job is over
instead, it is as above. If the --timeout is over it is 124.

Examples:
  mosaic agent wait build --timeout 10m
  mosaic job wait build --until started";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Wait {
    /// Name or id
    name: String,
    /// Wait no longer than this, such as 90s or 10m; then exit with 124 [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// What to wait for
    #[arg(long, value_enum, value_name = "WHAT", default_value = "over")]
    until: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// An agent of it runs
    Started,
    /// It is over
    Over,
    /// It asks something
    InputRequired,
}

/// Waits for the job of an agent, which goes by its own id, or by the name of both.
pub(super) async fn agent(session: &Session, wait: Wait) -> Outcome {
    let client = session.client()?;
    let id = match client.orchestrator().agent(&wait.name).get().await {
        Ok(agent) => agent.job_id,
        // The job may still wait for its first agent.
        Err(error) if error.reason() == Some("AGENT_NOT_FOUND") => {
            client.orchestrator().job(&wait.name).get().await.map_err(|_| error)?.id
        }
        Err(error) => return Err(error.into()),
    };
    until(session, &client, &id, &wait).await
}

/// Waits for a job.
pub(crate) async fn job(session: &Session, wait: Wait) -> Outcome {
    let client = session.client()?;
    // By its id from now on: the name may go to another.
    let id = client.orchestrator().job(&wait.name).get().await?.id;
    until(session, &client, &id, &wait).await
}

async fn until(session: &Session, client: &Client, id: &str, wait: &Wait) -> Outcome {
    let job = client.orchestrator().job(id);
    let what = match wait.until {
        Stage::Started => Until::Started,
        Stage::Over => Until::Over,
        Stage::InputRequired => Until::InputRequired,
    };
    let name = text::quote(&wait.name);
    let Some(outcome) = forever(&job, what, wait.timeout).await? else {
        let info = job.get().await?;
        let why = waiting(&info).map_or_else(|| job_end(&info), |why| format!("{}: {why}", job_end(&info)));
        if session.output.json {
            session.output.message(&WaitJobResponse { timed_out: true, job: Some(info), agent: None })?;
        }
        return Err(Failure::timeout(format!("{name} did not get there within the --timeout; it is {why}")));
    };
    let over = outcome.is_over();
    let words = job_end(&outcome.job);
    let message = text::escape(&outcome.job.message);
    let code = exit::of_job(&outcome.job);
    let answer = WaitJobResponse { timed_out: false, job: Some(outcome.job), agent: outcome.agent };
    session.output.show(&answer, || match message.is_empty() {
        true => words,
        false => format!("{words}; {message}"),
    })?;
    Ok(if over { code } else { exit::OK })
}

async fn forever(
    job: &Job,
    until: Until,
    timeout: Option<Duration>,
) -> Result<Option<mosaic_client::orchestrator::Outcome>, Failure> {
    loop {
        let waited = job.wait_until(until, timeout).await?;
        if waited.is_some() || timeout.is_some() {
            return Ok(waited);
        }
    }
}
