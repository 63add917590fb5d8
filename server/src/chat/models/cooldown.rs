//! Models that failed a moment ago: left out for a while, and looked at before they come back.
//!
//! It knows nothing about requests.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Names of which failures are remembered; beyond it the one that ends first is forgotten.
const NAMES_MAX: usize = 1000;

/// Who is left out.
#[derive(Debug)]
pub(super) struct Cooldowns {
    first: Duration,
    longest: Duration,
    cooling: Mutex<HashMap<String, Cooling>>,
}

#[derive(Clone, Copy, Debug)]
struct Cooling {
    until: Instant,
    /// How long this time.
    length: Duration,
    /// Somebody is looking whether it is back.
    probed: bool,
}

impl Cooldowns {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest: longest.max(first), cooling: Mutex::default() }
    }

    fn cooling(&self) -> MutexGuard<'_, HashMap<String, Cooling>> {
        self.cooling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It failed: out it goes, twice as long as the last time.
    pub(super) fn failed(&self, name: &str) {
        if self.first.is_zero() {
            return;
        }
        let mut cooling = self.cooling();
        let length = match cooling.get(name) {
            // Several requests failed in the same outage.
            Some(known) if known.until > Instant::now() => return,
            Some(known) => (known.length * 2).min(self.longest),
            None => self.first,
        };
        if cooling.len() >= NAMES_MAX
            && let Some(first) = cooling.iter().min_by_key(|(_, c)| c.until).map(|(name, _)| name.clone())
        {
            cooling.remove(&first);
        }
        cooling.insert(name.to_owned(), Cooling { until: Instant::now() + length, length, probed: false });
    }

    /// It works.
    pub(super) fn answered(&self, name: &str) {
        self.cooling().remove(name);
    }

    /// True while it is left out.
    pub(super) fn is_cooling(&self, name: &str) -> bool {
        self.cooling().get(name).is_some_and(|known| known.until > Instant::now())
    }

    /// Whether it may be used. After its time one caller probes, and the others wait for nothing: they go elsewhere.
    pub(super) async fn is_usable<F: Future<Output = bool>>(
        &self,
        name: &str,
        probe: impl FnOnce() -> F,
    ) -> bool {
        {
            let mut cooling = self.cooling();
            match cooling.get_mut(name) {
                None => return true,
                Some(known) if known.probed || known.until > Instant::now() => return false,
                Some(known) => known.probed = true,
            }
        }
        // Given back also if the caller goes away meanwhile.
        let probing = Probing { all: self, name };
        let back = probe().await;
        drop(probing);
        if back {
            self.answered(name)
        } else {
            self.failed(name)
        }
        back
    }
}

struct Probing<'a> {
    all: &'a Cooldowns,
    name: &'a str,
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.all.cooling().get_mut(self.name) {
            known.probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn usable(cooldowns: &Cooldowns, back: bool) -> bool {
        cooldowns.is_usable("m", || async move { back }).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_model_is_left_out_longer_each_time_and_looked_at_before_it_returns() {
        let cooldowns = Cooldowns::new(10 * SECOND, 30 * SECOND);
        assert!(usable(&cooldowns, false).await, "nobody looks at one that works");
        cooldowns.failed("m");
        assert!(cooldowns.is_cooling("m") && !usable(&cooldowns, true).await);
        tokio::time::advance(11 * SECOND).await;
        assert!(!usable(&cooldowns, false).await, "it is not back");
        tokio::time::advance(11 * SECOND).await;
        assert!(!usable(&cooldowns, true).await, "twice as long this time");
        tokio::time::advance(10 * SECOND).await;
        assert!(usable(&cooldowns, true).await);
        assert!(usable(&cooldowns, false).await, "it is as if it had never failed");
    }

    #[tokio::test(start_paused = true)]
    async fn one_looks_and_the_others_go_elsewhere() {
        let cooldowns = Cooldowns::new(SECOND, SECOND);
        cooldowns.failed("m");
        tokio::time::advance(2 * SECOND).await;
        let looking = cooldowns.is_usable("m", std::future::pending);
        let mut looking = Box::pin(looking);
        assert!(futures_util::poll!(looking.as_mut()).is_pending());
        assert!(!usable(&cooldowns, true).await, "somebody looks already");
        drop(looking);
        assert!(usable(&cooldowns, true).await, "whoever looked has gone");
    }
}
