//! Tells those who wait for a job that it has changed.
//!
//! It knows nothing about what changed; whoever waits looks again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::ids::JobId;

/// One channel for each job that someone waits for.
#[derive(Debug, Default)]
pub struct Hub(Mutex<HashMap<JobId, watch::Sender<()>>>);

/// Someone's wait for a job.
#[derive(Debug)]
pub struct Ear {
    hub: Arc<Hub>,
    job: JobId,
    news: watch::Receiver<()>,
}

impl Hub {
    fn all(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on no change of this job is missed.
    pub fn listen(self: &Arc<Self>, job: JobId) -> Ear {
        let news = self.all().entry(job).or_default().subscribe();
        Ear { hub: Arc::clone(self), job, news }
    }

    /// A job has changed.
    pub fn tell(&self, job: JobId) {
        if let Some(channel) = self.all().get(&job) {
            channel.send_replace(());
        }
    }
}

impl Ear {
    /// Waits for the next change.
    pub async fn changed(&mut self) {
        // The sender stays as long as this ear.
        let _ = self.news.changed().await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut all = self.hub.all();
        // This one is still counted.
        if all.get(&self.job).is_some_and(|channel| channel.receiver_count() <= 1) {
            all.remove(&self.job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_kept_for_nobody() {
        let hub = Arc::new(Hub::default());
        let job = JobId::new();
        let (mut one, two) = (hub.listen(job), hub.listen(job));
        hub.tell(job);
        one.changed().await;
        drop(two);
        assert_eq!(hub.all().len(), 1);
        drop(one);
        assert!(hub.all().is_empty());
        hub.tell(job);
    }
}
