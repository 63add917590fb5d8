//! What others see of an agent that runs here, and how they tell it to end.
//!
//! It knows nothing about the program.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{agent::Agent, job::Stop};
use crate::ids::{AgentId, JobId};

/// An agent that runs here.
#[derive(Debug)]
pub struct Running {
    /// Identity.
    pub agent: AgentId,
    /// Its job.
    pub job: JobId,
    /// Set once somebody wants it to end; a later one may shorten the grace.
    stop: watch::Sender<Option<Stop>>,
    last_line: Mutex<String>,
    /// Its program runs, or has run.
    started: AtomicBool,
    /// Cancelled when its end is in the database.
    pub over: CancellationToken,
}

impl Running {
    pub(super) fn new(agent: &Agent) -> Self {
        Self {
            agent: agent.id,
            job: agent.job,
            stop: watch::channel(agent.stop.clone()).0,
            last_line: Mutex::default(),
            started: AtomicBool::new(agent.start_ms.is_some()),
            over: CancellationToken::new(),
        }
    }

    /// It is to end.
    pub fn stop(&self, stop: Stop) {
        self.stop.send_replace(Some(stop));
    }

    /// What somebody wants of it at this moment.
    pub(super) fn wish(&self) -> Option<Stop> {
        self.stop.borrow().clone()
    }

    /// Its program runs.
    pub(super) fn start(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// True once somebody wants it to end.
    pub fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// True once its program runs.
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Who wants it to end, now and later.
    pub(super) fn wishes(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    /// It printed this line last.
    pub(super) fn printed(&self, line: String) {
        *self.last_line.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    /// The last line that it printed.
    pub fn last_line(&self) -> String {
        self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
