//! A child process that is reaped the moment it ends, and that both async code and destructors can wait for.
//!
//! It must not know what the child does.

use std::{
    process::{Child, ExitStatus},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Notify;

/// What became of the child, and who is told.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<ExitStatus>>,
    blocked: Condvar,
    waiting: Notify,
}

/// A running or ended child. Its zombie never stays: a thread waits for it and ends with it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pid: u32,
    end: Arc<End>,
}

impl Process {
    /// Takes over a child.
    pub(crate) fn watch(mut child: Child) -> Self {
        let process = Self { pid: child.id(), end: Arc::default() };
        let end = Arc::clone(&process.end);
        std::thread::spawn(move || {
            let status = child.wait();
            let mut slot = end.status.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = status.ok();
            end.blocked.notify_all();
            end.waiting.notify_waiters();
        });
        process
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        *self.end.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a signal, unless it has ended: its pid may then be somebody else's.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        if self.status().is_some() {
            bail!("process {} has ended", self.pid);
        }
        send(self.pid, signal)
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self, limit: Duration) -> Result<ExitStatus> {
        let wait = async {
            loop {
                // Registered before the look, so that an end in between is not missed.
                let notified = self.end.waiting.notified();
                if let Some(status) = self.status() {
                    return status;
                }
                notified.await;
            }
        };
        tokio::time::timeout(limit, wait)
            .await
            .with_context(|| format!("process {} still runs after {limit:?}", self.pid))
    }

    /// Waits for the end where nothing can be awaited. False if it still runs after `limit`.
    pub(crate) fn ended_blocking(&self, limit: Duration) -> bool {
        let slot = self.end.status.lock().unwrap_or_else(PoisonError::into_inner);
        match self.end.blocked.wait_timeout_while(slot, limit, |status| status.is_none()) {
            Ok((slot, _)) => slot.is_some(),
            Err(_) => false,
        }
    }
}

/// Sends a signal to any process.
pub(crate) fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("pid 0")?;
    kill_process(pid, signal).with_context(|| format!("signal {signal:?} to process {pid:?}"))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::Command};

    use super::*;

    #[tokio::test]
    async fn tells_everybody_who_waits_how_it_ended() -> Result<()> {
        let process = Process::watch(Command::new("sleep").arg("3600").spawn()?);
        assert!(process.status().is_none());
        process.signal(Signal::KILL)?;
        let status = process.ended(Duration::from_secs(30)).await?;
        assert_eq!(status.signal(), Some(9));
        assert!(process.ended_blocking(Duration::ZERO));
        assert!(process.signal(Signal::KILL).is_err(), "a signal to a pid that may be another's");
        Ok(())
    }
}
