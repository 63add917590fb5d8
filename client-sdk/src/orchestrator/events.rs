//! What happens to one job and to its agents, out of the workspace's event log.
//!
//! It must not know how the log's stream comes back (`workspace`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use mosaic_proto::workspace::v1::{self as proto, Resource, agent_changed, event::Payload, job_changed};
use prost_types::Timestamp;

use super::{Job, wait::is_over};
use crate::{
    AgentInfo, JobInfo, Reconnecting, Result,
    workspace::{Events, WorkspaceEvent},
};

/// A watch on a job to be.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct WatchJob {
    job: Job,
    after: Option<u64>,
}

/// One step in a job's life.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JobEvent {
    /// First: the job as it is when the watch begins. What follows may tell once more of a change that it
    /// already shows; none is missed.
    Now(Box<JobInfo>),
    /// Something happened to the job.
    Job {
        /// The event's place in the log: a watch `after` it goes on there.
        sequence: u64,
        /// What.
        kind: job_changed::Kind,
        /// The job after it.
        job: Box<JobInfo>,
    },
    /// Something happened to an agent of it.
    Agent {
        /// The event's place in the log.
        sequence: u64,
        /// What.
        kind: agent_changed::Kind,
        /// The agent after it.
        agent: Box<AgentInfo>,
    },
    /// The connection was lost; the next attempt follows by itself.
    Reconnecting(Reconnecting),
    /// The connection is back, and the stream goes on where it was.
    Reconnected,
}

/// The events of a job, each once and in order. Dropping it ends the stream.
///
/// After a lost connection it goes on after the last event. It ends when the job is over, or with an error.
pub struct JobEvents {
    events: BoxStream<'static, Result<JobEvent>>,
}

impl WatchJob {
    pub(super) fn new(job: Job) -> Self {
        Self { job, after: None }
    }

    /// Events after this one: 0 for all that are kept. Default: those from now on.
    pub fn after(mut self, sequence: u64) -> Self {
        self.after = Some(sequence);
        self
    }

    /// Opens the stream. The first connection is tried once; a lost one is made again.
    pub async fn open(self) -> Result<JobEvents> {
        let client = self.job.client.clone();
        let after = match self.after {
            Some(after) => after,
            // Before the job is looked at, so that no change falls in between.
            None => client.orchestrator().jobs().page_size(1).page("").await?.sequence,
        };
        let now = self.job.get().await?;
        let watch = client.workspace().watch_events().after(after);
        let events = watch.resource(Resource::Job).resource(Resource::Agent).open().await?;
        // Its end may lie before what is asked for: then there is nothing to wait for beyond what is there.
        let newest = events.opened().newest_sequence.max(after);
        let over = is_over(now.state());
        let reader = Reader {
            id: now.id.clone(),
            events,
            newest,
            end_time: now.end_time.filter(|_| over),
            over: over && newest == after,
        };
        let later = stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) });
        let events = stream::iter([Ok(JobEvent::Now(Box::new(now)))]).chain(later);
        Ok(JobEvents { events: events.boxed() })
    }
}

impl JobEvents {
    /// The next event; None after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<JobEvent>> {
        self.events.next().await
    }
}

impl Stream for JobEvents {
    type Item = Result<JobEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for JobEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobEvents").finish_non_exhaustive()
    }
}

struct Reader {
    id: String,
    events: Events,
    /// The newest event when the watch began.
    newest: u64,
    /// When the job was over, if it was then: the end to read to. A job may have been queued again after another.
    end_time: Option<Timestamp>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<JobEvent>> {
        while !self.over {
            let event = match self.events.next().await? {
                Ok(WorkspaceEvent::Event(event)) => self.pick(*event),
                Ok(WorkspaceEvent::Reconnecting(notice)) => Some(JobEvent::Reconnecting(notice)),
                Ok(WorkspaceEvent::Reconnected) => Some(JobEvent::Reconnected),
                Ok(WorkspaceEvent::Heartbeat { sequence } | WorkspaceEvent::CaughtUp { sequence }) => {
                    self.over = self.end_time.is_some() && self.newest <= sequence;
                    None
                }
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            };
            if let Some(event) = event {
                return Some(Ok(event));
            }
        }
        None
    }

    /// The event, if it is of this job.
    fn pick(&mut self, event: proto::Event) -> Option<JobEvent> {
        let sequence = event.sequence;
        match event.payload? {
            Payload::Job(changed) => {
                let kind = changed.kind();
                let job = changed.job.filter(|job| job.id == self.id)?;
                let ended = kind == job_changed::Kind::Ended
                    && (sequence > self.newest || self.end_time.is_some() && job.end_time == self.end_time);
                self.over = ended || kind == job_changed::Kind::Deleted;
                Some(JobEvent::Job { sequence, kind, job: Box::new(job) })
            }
            Payload::Agent(changed) => {
                let kind = changed.kind();
                let agent = changed.agent.filter(|agent| agent.job_id == self.id)?;
                Some(JobEvent::Agent { sequence, kind, agent: Box::new(agent) })
            }
            _ => None,
        }
    }
}
