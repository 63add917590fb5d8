//! At the start: what a former server left running is taken over, and what it left half done is finished.
//!
//! The terminals have been settled before: whatever they say of an agent's terminal is true.

use std::{sync::Arc, time::Duration};

use super::{Shared, running::Running, store};
use crate::{error::Result, keeper::wire, terminal::How};

impl Shared {
    /// Goes on with every agent of this server. Each one's own task finds out how far it was.
    pub(super) async fn settle(self: &Arc<Self>) -> Result<()> {
        // Nothing that the former server had claimed was started; it may start at once.
        store::claim::release(&self.db, self.node, None).await?;
        store::nodes::heartbeat(&self.db, self.node, self.settings.lease_s).await?;
        let mut strays = self.terminals.of_agents();
        for (agent, job) in store::read::of_node(&self.db, self.node).await? {
            strays.retain(|(id, _)| *id != agent.id);
            let running = Arc::new(Running::new(&agent));
            self.running().insert(agent.id, Arc::clone(&running));
            self.tasks.spawn(Arc::clone(self).run(job, agent, running));
        }
        // While this server was away others have given these up, and may have run their jobs again.
        for (agent, terminal) in strays {
            tracing::warn!(%agent, "an agent that was given up is ended");
            let shared = Arc::clone(self);
            self.tasks.spawn(async move {
                let grace = Duration::from_millis(shared.settings.kill_grace_ms);
                let how = How { grace, reason: wire::Reason::Lost, terminate: true };
                if let Err(error) = shared.terminals.end_agent(terminal, &how).await {
                    tracing::warn!(%agent, %error, "an agent that was given up could not be ended");
                }
            });
        }
        Ok(())
    }
}
