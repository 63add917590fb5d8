//! Where an agent works: a worktree of its own, made before it starts and put away when it is over.
//!
//! It knows nothing about git.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Shared,
    agent::Agent,
    job::Job,
    store,
    worktree::{Retired, Wanted, Worktree},
};
use crate::error::{Error, Reason, Result};

/// What is left of an agent's work when it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The reference that keeps what was not committed, and what no branch has.
    pub saved_ref: Option<String>,
    /// Why its worktree is still there; absent if it is gone, or there was none.
    pub kept: Option<String>,
    /// True if its branch is gone: it had no commits of its own.
    #[serde(default)]
    pub branch_gone: bool,
}

impl Shared {
    /// Makes the agent's worktree, if its job wants one, and writes down where it is; the directory to start in.
    pub(super) async fn place(&self, job: &Job, agent: &Agent) -> Result<Option<String>> {
        let (Some(repository), Some(commit)) = (&job.spec.repository, &job.spec.commit) else {
            return Ok(None);
        };
        let wanted = Wanted {
            key: agent.id.0,
            name: agent.name.clone(),
            repository: repository.clone(),
            commit: commit.clone(),
        };
        let made = self.worktrees.create(&wanted).await?;
        let (path, branch) = (made.path.to_string_lossy().into_owned(), made.branch);
        let place = (path.clone(), branch, repository.clone());
        let placed = self.persist(|| store::agents::placed(&self.changes, agent.id, place.clone())).await;
        if placed.is_none() {
            return Err(Error::new(Reason::ServerStopping, "the server is stopping"));
        }
        let cwd = Path::new(&path).join(job.spec.cwd.as_deref().unwrap_or_default());
        Ok(Some(cwd.to_string_lossy().into_owned()))
    }

    /// Saves what the agent has not committed, and removes its worktree; however long that takes. `None` if the server
    /// stopped meanwhile: the next start does it again.
    pub(super) async fn put_away(&self, agent: &Agent) -> Option<Left> {
        let now = self.persist(|| store::read::both(&self.db, agent.id)).await?;
        let Some((Agent { worktree: Some(_), branch: Some(branch), repository: Some(repository), .. }, _)) =
            now
        else {
            return Some(Left::default());
        };
        let (key, path) = (agent.id.0, self.worktrees.path(agent.id.0));
        let worktree = Worktree { key, repository, path, branch };
        let retired = self.persist(|| self.worktrees.retire(&worktree)).await?;
        let Retired { saved_ref, kept, branch_gone } = retired;
        Some(Left { saved_ref, kept, branch_gone })
    }
}
