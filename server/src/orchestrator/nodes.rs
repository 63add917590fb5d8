//! Other servers on the same database: what of theirs is unreachable or lost, and what they want of this one.
//!
//! A started agent belongs to its server for ever: nobody else ends it or runs it again, unless the job says so.

use std::sync::Arc;

use super::{Shared, store};
use crate::error::Result;

impl Shared {
    /// Marks agents of servers that do not answer, and gives up those of servers that do not come back.
    pub(super) async fn look_after_others(self: &Arc<Self>) -> Result<()> {
        let silent = store::nodes::silent(&self.db, self.node, self.settings.node_lost_after_s).await?;
        if !silent.unreachable.is_empty() {
            let marked = store::agents::reach(&self.changes, silent.unreachable, false).await?;
            for agent in marked {
                tracing::warn!(agent = %agent.id, node = %agent.node, "an agent's server does not answer");
                self.hub.tell(agent.job);
            }
        }
        for agent in silent.lost {
            if let Some(both) = self.lose(agent, "the server that ran it did not come back").await {
                tracing::warn!(agent = %agent, node = %both.agent.node, "an agent is lost with its server");
                self.hub.tell(both.job.id);
                self.kick();
            }
        }
        let back = store::nodes::called_unreachable(&self.db, self.node).await?;
        if !back.is_empty() {
            for agent in store::agents::reach(&self.changes, back, true).await? {
                self.hub.tell(agent.job);
            }
        }
        Ok(())
    }

    /// Ends agents of this server that somebody stopped through another one, or that were given up meanwhile.
    pub(super) async fn obey_others(self: &Arc<Self>) -> Result<()> {
        for id in store::read::stopping_of_node(&self.db, self.node).await? {
            let running = self.running().get(&id).cloned();
            let Some(running) = running.filter(|running| !running.is_stopping()) else { continue };
            if let Some((agent, _)) = store::read::both(&self.db, id).await?
                && let Some(stop) = agent.stop
            {
                running.stop(stop);
            }
        }
        Ok(())
    }

    /// Agents that run here although the database says that they are over: others have given them up, and may run
    /// their jobs again. They are ended.
    pub(super) async fn end_given_up(self: &Arc<Self>) -> Result<()> {
        let here: Vec<_> = self.running().keys().copied().collect();
        for id in store::read::over(&self.db, &here).await? {
            let running = self.running().get(&id).cloned();
            let Some(running) = running.filter(|running| !running.is_stopping()) else { continue };
            tracing::warn!(agent = %id, "an agent that others have given up is ended");
            running.stop(super::stop::given_up(self.settings.kill_grace_ms));
        }
        Ok(())
    }
}
