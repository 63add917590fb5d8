//! At the start: what a former server left running is taken over, and what it left half done is finished.
//!
//! The terminals have been settled before: whatever they say of an agent's terminal is true.

use std::sync::Arc;

use super::{Shared, run::Running, store};
use crate::error::Result;

impl Shared {
    /// Goes on with every agent of this server. Each one's own task finds out how far it was.
    pub(super) async fn settle(self: &Arc<Self>) -> Result<()> {
        // Nothing that the former server had claimed was started; it may start at once.
        store::claim::release(&self.db, self.node, None).await?;
        store::nodes::heartbeat(&self.db, self.node, self.settings.lease_s).await?;
        for (agent, job) in store::read::of_node(&self.db, self.node).await? {
            let running = Arc::new(Running::new(&agent));
            self.running().insert(agent.id, Arc::clone(&running));
            self.tasks.spawn(Arc::clone(self).run(job, agent, running));
        }
        Ok(())
    }
}
