//! The scheduler: claims jobs while there is room, starts their agents, and looks after leases.
//!
//! It knows nothing about what agents do. It wakes when it is kicked (a job came, an agent went, another server says
//! so), when a lease is to be renewed, and once a second for what only time makes ready.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior};

use super::{
    Shared,
    agent::Agent,
    job::Job,
    now_ms,
    running::Running,
    store::{
        self,
        claim::{Begun, Limits, Room},
    },
};
use crate::{error::Result, ids::JobId};

/// How often it looks without being kicked: for jobs that have backed off long enough.
const TICK: Duration = Duration::from_secs(1);
/// How often old jobs are looked for.
const RETENTION_TICK: Duration = Duration::from_secs(600);

/// Jobs that this server has claimed and not started yet.
#[derive(Debug, Default)]
pub struct Claimed(Mutex<HashSet<JobId>>);

impl Claimed {
    fn all(&self) -> MutexGuard<'_, HashSet<JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True while a job is about to be started here.
    pub fn has(&self, job: JobId) -> bool {
        self.all().contains(&job)
    }

    fn ids(&self) -> Vec<JobId> {
        self.all().iter().copied().collect()
    }
}

impl Shared {
    /// Something may be ready. Answers the number of the first look that begins after this.
    pub(super) fn kick(&self) -> u64 {
        let next = self.looks.load(Ordering::Acquire) + 1;
        self.kicked.notify_one();
        next
    }

    /// Something will be ready then: the next attempt at a job. What is forgotten in a restart, the tick finds.
    pub(super) fn kick_at(self: &Arc<Self>, time_ms: u64) {
        let shared = Arc::clone(self);
        let wait = Duration::from_millis(time_ms.saturating_sub(now_ms()) + 1);
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(wait) => {
                    shared.kick();
                }
                () = shared.draining.cancelled() => {}
            }
        });
    }

    /// Schedules until the server stops.
    pub(super) async fn schedule(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut words = self.changes.words();
        loop {
            tokio::select! {
                () = self.kicked.notified() => {}
                _ = tick.tick() => {}
                // Another server may have queued something, or have made room.
                Ok(()) = words.changed() => {}
                () = self.draining.cancelled() => break,
            }
            let look = self.looks.fetch_add(1, Ordering::AcqRel) + 1;
            loop {
                match self.look().await {
                    // A full batch: there may be more.
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::debug!(%error, "the queue cannot be looked at");
                        break;
                    }
                }
            }
            self.looked.send_replace(look);
        }
        // What is claimed and not started is free at once, not only when its lease ends.
        if let Err(error) = store::claim::release(&self.db, self.node, None).await {
            tracing::debug!(%error, "claims are left to their lease");
        }
    }

    /// Claims once; true if there may be more to claim.
    async fn look(self: &Arc<Self>) -> Result<bool> {
        let busy = self.running().len() + self.claimed.all().len();
        let here = self.settings.running_max.saturating_sub(busy).min(self.settings.claim_batch_max);
        if here == 0 {
            return Ok(false);
        }
        let limited: Vec<(String, usize)> = self
            .profiles
            .all()
            .filter(|profile| profile.settings.running_max > 0)
            .map(|profile| (profile.name.clone(), profile.settings.running_max))
            .collect();
        let full = store::claim::full_profiles(&self.db, &limited).await?;
        let room = Room {
            here,
            per_workspace: self.settings.running_per_workspace_max,
            lease_s: self.settings.lease_s,
        };
        let jobs = store::claim::claim(&self.db, self.node, room, &full).await?;
        let more = jobs.len() == here;
        for job in jobs {
            self.claimed.all().insert(job.id);
            self.tasks.spawn(Arc::clone(self).start(job));
        }
        Ok(more)
    }

    /// Starts a claimed job's agent and follows it to its end.
    async fn start(self: Arc<Self>, job: Job) {
        let id = job.id;
        let begun = {
            // Not more starts at once than the machine can take.
            let place = self.starting.acquire().await;
            let begun = if place.is_ok() { self.begin(&job).await } else { None };
            drop(place);
            begun
        };
        let run = begun.map(|(job, agent)| {
            let running = Arc::new(Running::new(&agent));
            self.running().insert(agent.id, Arc::clone(&running));
            (job, agent, running)
        });
        self.claimed.all().remove(&id);
        self.hub.tell(id);
        if let Some((job, agent, running)) = run {
            self.run(job, agent, running).await;
        }
    }

    /// Records the agent; `None` if it is not this server's to start.
    async fn begin(&self, job: &Job) -> Option<(Job, Agent)> {
        let agent = Agent::starting(job, self.node, self.boot.clone());
        let per_profile =
            self.profiles.get(&job.spec.profile).map_or(0, |profile| profile.settings.running_max);
        let limits = Limits { per_workspace: self.settings.running_per_workspace_max, per_profile };
        let begun = self.persist(|| store::claim::begin(&self.changes, agent.clone(), limits)).await?;
        match begun {
            Begun::Starting(job, agent) => Some((*job, *agent)),
            Begun::NoRoom | Begun::Stale => None,
        }
    }

    /// Renews this server's lease and its claims, and looks after what others have left, until the server stops.
    pub(super) async fn look_after(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(self.settings.lease_s) / 3);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut retention = Instant::now();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.draining.cancelled() => break,
            }
            if let Err(error) = self.renew().await {
                tracing::debug!(%error, "leases cannot be renewed");
                continue;
            }
            if Instant::now() >= retention {
                let more = self.forget_old().await.unwrap_or(false);
                retention = Instant::now() + if more { Duration::ZERO } else { RETENTION_TICK };
            }
        }
        if let Err(error) = store::nodes::leave(&self.db, self.node).await {
            tracing::debug!(%error, "the lease is left to run out");
        }
    }

    async fn renew(self: &Arc<Self>) -> Result<()> {
        store::nodes::heartbeat(&self.db, self.node, self.settings.lease_s).await?;
        let claimed = self.claimed.ids();
        if !claimed.is_empty() {
            store::claim::renew(&self.db, self.node, &claimed, self.settings.lease_s).await?;
        }
        self.end_given_up().await?;
        self.look_after_others().await
    }

    async fn forget_old(&self) -> Result<bool> {
        let hours = i32::try_from(self.settings.ended_retention_hours).unwrap_or(i32::MAX);
        let most = i64::try_from(self.settings.ended_per_workspace_max).unwrap_or(i64::MAX);
        Ok(store::jobs::forget_old(&self.changes, hours, most).await? > 0)
    }

    /// What has waited too long is given up, and what others want ended here is ended; until the server stops.
    pub(super) async fn sweep_queue(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut words = self.changes.words();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                Ok(()) = words.changed() => {}
                () = self.draining.cancelled() => return,
            }
            match store::jobs::give_up(&self.changes, now_ms()).await {
                Ok(jobs) => jobs.into_iter().for_each(|job| self.hub.tell(job)),
                Err(error) => tracing::debug!(%error, "the queue cannot be swept"),
            }
            if let Err(error) = self.obey_others().await {
                tracing::debug!(%error, "what others want ended cannot be looked for");
            }
        }
    }
}
