//! When to try again and when to give up: exponential, with jitter, within a total time.
//!
//! It must not know what is tried.

use std::time::{Duration, Instant};

use crate::Error;

/// The pause after the first failure.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long to try to get a lost connection back, unless the client's builder says otherwise.
pub(crate) const RECONNECT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// How long a stream may bring nothing, unless the client's builder says otherwise: three heartbeats.
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// A lost connection that is about to be made again.
#[derive(Clone, Debug)]
pub struct Reconnecting {
    /// What became of the connection, or of the last attempt.
    pub cause: Error,
    /// 1 for the first attempt since the connection was lost.
    pub attempt: u32,
    /// How long from now to the attempt.
    pub pause: Duration,
}

/// The attempts since the last success.
#[derive(Debug)]
pub(crate) struct Retry {
    limit: Duration,
    since: Option<Instant>,
    attempt: u32,
}

impl Retry {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None, attempt: 0 }
    }

    /// It worked: the next failure is a first one again.
    pub(crate) fn succeeded(&mut self) {
        self.since = None;
        self.attempt = 0;
    }

    /// How long to pause before the next attempt, or the error back if there shall be none.
    pub(crate) fn failed(&mut self, cause: Error) -> Result<Reconnecting, Error> {
        if !cause.is_retryable() {
            return Err(cause);
        }
        if self.since.get_or_insert_with(Instant::now).elapsed() >= self.limit {
            return Err(cause);
        }
        let pause = pause(self.attempt, random());
        self.attempt = self.attempt.saturating_add(1);
        Ok(Reconnecting { cause, attempt: self.attempt, pause })
    }
}

/// Between half and all of the exponential step: clients that lost one server come back spread out.
fn pause(attempt: u32, random: u32) -> Duration {
    let step = PAUSE_MIN.saturating_mul(1 << attempt.min(16)).min(PAUSE_MAX);
    let share = f64::from(random) / f64::from(u32::MAX);
    step.mul_f64(0.5 + share / 2.0)
}

/// Without randomness (a sandbox may refuse it) there is no jitter, which is no reason to fail.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_maximum_and_no_further() {
        assert_eq!(pause(0, u32::MAX), PAUSE_MIN);
        assert_eq!(pause(0, 0), PAUSE_MIN / 2);
        assert_eq!(pause(3, u32::MAX), PAUSE_MIN * 8);
        assert_eq!(pause(u32::MAX, u32::MAX), PAUSE_MAX);
    }

    #[test]
    fn only_retryable_errors_are_tried_again_and_not_for_ever() {
        let mut retry = Retry::new(Duration::from_secs(60));
        assert!(retry.failed(Error::closed("over")).is_err());
        let again = retry.failed(Error::cut_short("http://x")).expect("worth another attempt");
        assert_eq!(again.attempt, 1);
        let mut out_of_time = Retry::new(Duration::ZERO);
        assert!(out_of_time.failed(Error::cut_short("http://x")).is_err());
    }
}
