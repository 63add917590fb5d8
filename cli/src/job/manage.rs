//! `mosaic job cancel` and `retry`.
//!
//! It knows nothing about how a job is ended.

use std::time::Duration;

use mosaic_client::proto::orchestrator::v1::{CancelJobResponse, RetryJobResponse};

use crate::{Outcome, agent::job_end, exit, session::Session, term::each, text, values};

/// The arguments of `cancel`.
#[derive(clap::Args, Debug)]
pub(crate) struct Cancel {
    /// Names or ids
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Time between the first signal and SIGKILL, up to 60s [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    grace: Option<Duration>,
}

/// The arguments of `retry`.
#[derive(clap::Args, Debug)]
pub(crate) struct Retry {
    /// Names or ids
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Ends them, and prints how each is then.
pub(super) async fn cancel(session: &Session, cancel: Cancel) -> Outcome {
    let client = session.client()?;
    each(session, cancel.names, async |name| {
        let job = client.orchestrator().job(name).cancel(&cancel.reason, cancel.grace).await?;
        let words = format!("{}: {}", text::escape(&job.name), job_end(&job));
        session.output.show(&CancelJobResponse { job: Some(job) }, || words)?;
        Ok(exit::OK)
    })
    .await
}

/// Queues them again, and prints each name.
pub(super) async fn retry(session: &Session, retry: Retry) -> Outcome {
    let client = session.client()?;
    each(session, retry.names, async |name| {
        let job = client.orchestrator().job(name).retry().await?;
        let words = text::escape(&job.name);
        session.output.show(&RetryJobResponse { job: Some(job), agent: None }, || words)?;
        Ok(exit::OK)
    })
    .await
}
