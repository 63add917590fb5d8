//! The output of a job: that of its attempts, one after the other, to its end.
//!
//! It must not know how one attempt's stream comes back (`tail`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use mosaic_proto::orchestrator::v1::agent::State;
use tokio::time::sleep;
use tonic::Code;
use uuid::Uuid;

use super::{Agent, Job, Until, present, wait::is_over};
use crate::{
    AgentInfo, Error, JobInfo, Reconnecting, Result,
    retry::Retry,
    terminal::{Event, Start, Watch},
};

/// How soon an attempt that is about to start is looked at again.
const START_WAIT: Duration = Duration::from_millis(100);
/// How long one call waits for the next attempt; then it is made again.
const CALL_MAX: Duration = Duration::from_secs(60);
/// How much later than asked an answer may come before the call is given up: the server may hang.
const CALL_GRACE: Duration = Duration::from_secs(2);
/// An attempt's output ends a moment before the server has decided what follows on it.
const DECISION_WAIT: Duration = Duration::from_millis(500);

/// A reading of a job's output to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct JobLogs {
    job: Job,
    newest: bool,
    start: Start,
    text: bool,
}

/// One step of a job's output.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogEvent {
    /// The output of this attempt follows.
    Attempt(Box<AgentInfo>),
    /// What happens in the attempt's terminal. [`Event::Ended`] ends the attempt's output, not the job's.
    Terminal(Event),
    /// The connection was lost between two attempts; the next try follows by itself.
    Reconnecting(Reconnecting),
    /// Last: the job is over, and all its output was given.
    Over(Box<JobInfo>),
}

/// The output of a job. Dropping it ends the stream; the job goes on.
///
/// After a lost connection or a restart of the server it goes on at the next byte. It ends after
/// [`LogEvent::Over`] or an error.
pub struct Logs {
    events: BoxStream<'static, Result<LogEvent>>,
}

impl JobLogs {
    pub(super) fn new(job: Job) -> Self {
        Self { job, newest: false, start: Start::Oldest, text: false }
    }

    /// Begins with the newest attempt. Default: with the first.
    pub fn newest(mut self) -> Self {
        self.newest = true;
        self
    }

    /// Where in the first attempt's output to begin. Default: at the oldest byte kept.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Text without escape sequences, in `Output.text`, instead of bytes in `Output.data`.
    pub fn text(mut self) -> Self {
        self.text = true;
        self
    }

    /// Opens the stream. If the job goes by its name, a server that cannot be reached is an error at once; later it
    /// is asked again.
    pub async fn open(self) -> Result<Logs> {
        // From now on the same job, even if its name goes to another. No name looks like an id.
        let is_id = Uuid::try_parse(&self.job.id).is_ok();
        let id = if is_id { self.job.id.clone() } else { self.job.get().await?.id };
        let job = Job::new(self.job.client.clone(), id);
        let retry = job.client.retry();
        let reader = Reader { request: Self { job, ..self }, retry, last: None, phase: Phase::Between(None) };
        let events = stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) });
        Ok(Logs { events: events.boxed() })
    }
}

impl Logs {
    /// The next step; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<LogEvent>> {
        self.events.next().await
    }
}

impl Stream for Logs {
    type Item = Result<LogEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

struct Reader {
    request: JobLogs,
    retry: Retry,
    /// The id of the agent whose output was given last.
    last: Option<String>,
    phase: Phase,
}

enum Phase {
    /// Look for the next attempt, after a pause if there is one.
    Between(Option<Duration>),
    /// Open this attempt's output.
    Opening(Box<AgentInfo>, Option<Duration>),
    /// Read it.
    Reading(Box<Watch>),
    /// Nothing comes any more.
    Over,
}

/// What follows on an attempt.
enum Next {
    Attempt(Box<AgentInfo>),
    Over(Box<JobInfo>),
}

impl Reader {
    /// The next step; None after the last one, which an error is, too.
    async fn next(&mut self) -> Option<Result<LogEvent>> {
        loop {
            let result = match &mut self.phase {
                Phase::Over => return None,
                Phase::Between(pause) => {
                    sleep(pause.take().unwrap_or_default()).await;
                    let next = self.look().await;
                    self.between(next)
                }
                Phase::Opening(agent, pause) => {
                    let agent = agent.clone();
                    sleep(pause.take().unwrap_or_default()).await;
                    self.open(agent).await
                }
                Phase::Reading(watch) => match watch.next().await {
                    Some(Ok(event)) => Ok(Some(LogEvent::Terminal(event))),
                    Some(Err(error)) => Err(error),
                    None => {
                        self.phase = Phase::Between(None);
                        Ok(None)
                    }
                },
            };
            match result {
                Ok(None) => {}
                Ok(Some(event)) => return Some(Ok(event)),
                Err(error) => {
                    self.phase = Phase::Over;
                    return Some(Err(error));
                }
            }
        }
    }

    fn between(&mut self, next: Result<Next>) -> Result<Option<LogEvent>> {
        match next {
            Ok(Next::Attempt(agent)) => {
                self.retry.succeeded();
                self.last = Some(agent.id.clone());
                self.phase = Phase::Opening(agent.clone(), None);
                Ok(Some(LogEvent::Attempt(agent)))
            }
            Ok(Next::Over(job)) => {
                self.phase = Phase::Over;
                Ok(Some(LogEvent::Over(job)))
            }
            Err(cause) => {
                let notice = self.retry.failed(cause)?;
                self.phase = Phase::Between(Some(notice.pause));
                Ok(Some(LogEvent::Reconnecting(notice)))
            }
        }
    }

    async fn open(&mut self, agent: Box<AgentInfo>) -> Result<Option<LogEvent>> {
        // Where to begin was said of the first one.
        let start = std::mem::take(&mut self.request.start);
        let tail = Agent::new(self.request.job.client.clone(), agent.id.clone()).log().start(start);
        let tail = if self.request.text { tail.text() } else { tail };
        match tail.open_by_id().await {
            Ok(watch) => {
                self.retry.succeeded();
                self.phase = Phase::Reading(Box::new(watch));
                Ok(None)
            }
            Err(cause) => {
                self.request.start = start;
                self.not_open(agent, cause).await
            }
        }
    }

    /// An attempt that is about to start has no terminal yet; one that could not be started has never had one, and
    /// printed nothing.
    async fn not_open(&mut self, agent: Box<AgentInfo>, cause: Error) -> Result<Option<LogEvent>> {
        let cause = match cause.code() {
            Code::NotFound | Code::FailedPrecondition => {
                let handle = Agent::new(self.request.job.client.clone(), agent.id.clone());
                match handle.get().await {
                    Ok(now) if now.state() == State::Starting => {
                        self.phase = Phase::Opening(agent, Some(START_WAIT));
                        return Ok(None);
                    }
                    // It has started in between, and may have ended, too: there may be output now.
                    Ok(now) if agent.state() == State::Starting => {
                        self.phase = Phase::Opening(Box::new(now), None);
                        return Ok(None);
                    }
                    Ok(now) if matches!(now.state(), State::Exited | State::Lost) => {
                        self.phase = Phase::Between(None);
                        return Ok(None);
                    }
                    Ok(_) => cause,
                    Err(error) => error,
                }
            }
            _ => cause,
        };
        let notice = self.retry.failed(cause)?;
        self.phase = Phase::Opening(agent, Some(notice.pause));
        Ok(Some(LogEvent::Reconnecting(notice)))
    }

    /// Waits for the next attempt, or for the job's end.
    async fn look(&mut self) -> Result<Next> {
        let job = self.request.job.clone();
        let mut until = (Until::Started, CALL_MAX);
        loop {
            if let Some(agent) = self.attempt().await? {
                return Ok(Next::Attempt(agent));
            }
            let (what, time) = until;
            let waited = tokio::time::timeout(time + CALL_GRACE, job.wait_once(&job.id, what, time));
            let Ok(answer) = waited.await else { continue };
            let answer = answer?;
            let info = present(answer.job, "job")?;
            if is_over(info.state()) {
                // An attempt may have come and gone in between.
                return Ok(match self.attempt().await? {
                    Some(agent) => Next::Attempt(agent),
                    None => Next::Over(Box::new(info)),
                });
            }
            let known = answer.agent.is_some_and(|agent| Some(agent.id) == self.last);
            // While it still counts as running, its being started tells nothing.
            until = if known && what == Until::Started && !answer.timed_out {
                (Until::Over, DECISION_WAIT)
            } else {
                (Until::Started, CALL_MAX)
            };
        }
    }

    /// The attempt that follows on the last one, if there is one.
    async fn attempt(&mut self) -> Result<Option<Box<AgentInfo>>> {
        let list = self.request.job.agents();
        let (mut agents, _) = list.all().await?;
        agents.reverse();
        let next = match &self.last {
            Some(last) => agents.iter().position(|agent| agent.id == *last).map_or(0, |at| at + 1),
            None if self.request.newest => agents.len().saturating_sub(1),
            None => 0,
        };
        Ok(agents.into_iter().nth(next).map(Box::new))
    }
}
