//! Waiting for a job, for longer than one call and than one server lasts.
//!
//! It must not read output.

use std::time::Duration;

use mosaic_proto::orchestrator::v1::{self as proto, agent::State as AgentState, job::State};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Job, Until, duration, present};
use crate::{AgentInfo, JobInfo, Result};

/// How long one call waits; then it is made again.
const CALL_MAX: Duration = Duration::from_secs(60);
/// How much later than asked an answer may come before the call is given up: the server may hang.
const CALL_GRACE: Duration = Duration::from_secs(2);

/// How soon an agent that is about to run is looked at again.
const START_WAIT: Duration = Duration::from_millis(100);

/// What a wait came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The job as it is then.
    pub job: JobInfo,
    /// Its newest agent, if it has had one.
    pub agent: Option<AgentInfo>,
}

impl Outcome {
    /// True if the program did what it should.
    pub fn succeeded(&self) -> bool {
        self.job.state() == State::Succeeded
    }

    /// True if nothing more happens to the job, unless somebody queues it again.
    pub fn is_over(&self) -> bool {
        is_over(self.job.state())
    }

    /// The exit code of the last attempt's program, if it ended by itself and with one.
    pub fn exit_code(&self) -> Option<i32> {
        self.job.exit.as_ref().and_then(|exit| exit.code)
    }
}

/// True for a job whose agent is recorded, but does not run yet: nothing can be typed into it.
fn is_starting(answer: &proto::WaitJobResponse) -> bool {
    let starting = answer.agent.as_ref().is_some_and(|agent| agent.state() == AgentState::Starting);
    starting && answer.job.as_ref().is_some_and(|job| !is_over(job.state()))
}

/// True for a final state.
pub(super) fn is_over(state: State) -> bool {
    matches!(
        state,
        State::Succeeded
            | State::Failed
            | State::Cancelled
            | State::TimedOut
            | State::BudgetExceeded
            | State::Lost
    )
}

impl Job {
    /// Waits until the job is over, over restarts of the server. Also after the end.
    pub async fn wait(&self) -> Result<Outcome> {
        loop {
            if let Some(outcome) = self.wait_until(Until::Over, None).await? {
                return Ok(outcome);
            }
        }
    }

    /// The same, but no longer than `timeout`: None if the job is not over by then.
    pub async fn wait_timeout(&self, timeout: Duration) -> Result<Option<Outcome>> {
        self.wait_until(Until::Over, Some(timeout)).await
    }

    /// Waits for this, or until the job is over; without a timeout for as long as it takes. None if the time
    /// was up.
    pub async fn wait_until(&self, until: Until, timeout: Option<Duration>) -> Result<Option<Outcome>> {
        self.wait_to(until, timeout.and_then(|time| Instant::now().checked_add(time))).await
    }

    async fn wait_to(&self, until: Until, deadline: Option<Instant>) -> Result<Option<Outcome>> {
        let mut retry = self.client.retry();
        let mut id = self.id.clone();
        loop {
            let left = deadline.map_or(CALL_MAX, |at| at.saturating_duration_since(Instant::now()));
            let left = left.min(CALL_MAX);
            match timeout(left + CALL_GRACE, self.wait_once(&id, until, left)).await {
                Ok(Ok(answer)) if answer.timed_out => {
                    retry.succeeded();
                    // From now on the same job, even if its name goes to another.
                    id = present(answer.job, "job")?.id;
                }
                Ok(Ok(answer)) if until == Until::Started && is_starting(&answer) => {
                    retry.succeeded();
                    id = present(answer.job, "job")?.id;
                    let again = Instant::now() + START_WAIT;
                    sleep_until(deadline.map_or(again, |at| at.min(again))).await;
                }
                Ok(Ok(answer)) => {
                    return Ok(Some(Outcome { job: present(answer.job, "job")?, agent: answer.agent }));
                }
                Ok(Err(cause)) => {
                    let again = Instant::now() + retry.failed(cause)?.pause;
                    sleep_until(deadline.map_or(again, |at| at.min(again))).await;
                }
                Err(_hangs) => {}
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return Ok(None);
            }
        }
    }

    /// One call: what it came to, or that the time was up.
    pub(super) async fn wait_once(
        &self,
        id: &str,
        until: Until,
        timeout: Duration,
    ) -> Result<proto::WaitJobResponse> {
        let timeout = Some(duration(timeout)?);
        let request = proto::WaitJobRequest { job_id: id.to_owned(), timeout, until: until.into() };
        let answer = self.raw()?.wait_job(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }
}
