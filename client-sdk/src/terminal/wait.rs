//! Waiting for a terminal's end, for longer than one call and than one server lasts.
//!
//! It must not read output.

use std::time::Duration;

use mosaic_proto::terminal::v1 as proto;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Terminal, duration, present};
use crate::Result;

/// How long one call waits; then it is made again.
const CALL_MAX: Duration = Duration::from_secs(60);
/// How much later than asked an answer may come before the call is given up: the server may hang.
const CALL_GRACE: Duration = Duration::from_secs(2);

impl Terminal {
    /// Waits until the terminal has ended, over restarts of the server: how it ended. Also after the end.
    pub async fn wait(&self) -> Result<proto::Exit> {
        loop {
            if let Some(exit) = self.wait_until(None).await? {
                return Ok(exit);
            }
        }
    }

    /// The same, but no longer than `timeout`: None if the terminal has not ended by then.
    pub async fn wait_timeout(&self, timeout: Duration) -> Result<Option<proto::Exit>> {
        self.wait_until(Instant::now().checked_add(timeout)).await
    }

    async fn wait_until(&self, deadline: Option<Instant>) -> Result<Option<proto::Exit>> {
        let mut retry = self.client.retry();
        let mut id = self.id.clone();
        loop {
            let left = deadline.map_or(CALL_MAX, |at| at.saturating_duration_since(Instant::now()));
            let left = left.min(CALL_MAX);
            match timeout(left + CALL_GRACE, self.wait_once(&id, left)).await {
                Ok(Ok(answer)) if answer.timed_out => {
                    retry.succeeded();
                    // From now on the same terminal, even if its name goes to another.
                    id = present(answer.terminal)?.id;
                }
                Ok(Ok(answer)) => return present(answer.exit).map(Some),
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

    async fn wait_once(&self, id: &str, timeout: Duration) -> Result<proto::WaitTerminalResponse> {
        let timeout = Some(duration(timeout)?);
        let request = proto::WaitTerminalRequest { terminal_id: id.to_owned(), timeout };
        let answer = self.raw()?.wait_terminal(request).await;
        Ok(answer.map_err(|status| self.client.error(status))?.into_inner())
    }
}
