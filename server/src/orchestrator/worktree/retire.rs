//! Removing an agent's worktree, once everything in it is kept elsewhere.
//!
//! It knows nothing about how things are kept; where that fails it removes nothing.

use super::{
    Retired, SAVED, Worktree, Worktrees, admin,
    git::{LONG, Place, QUICK},
    nested,
};
use crate::error::{Reason, Result};

impl Worktrees {
    /// Removes a worktree whose agent has ended. What is not committed goes to `refs/mosaic/NAME` first, and so do
    /// commits that no reference has; ignored files go. The branch stays if it has commits that no other has. A locked
    /// worktree stays, as does one with a repository inside that has work of its own, and one that cannot be saved:
    /// then nothing is removed, and the answer says why.
    ///
    /// Each step can be repeated after a kill. *Save*: see `save`. *Rename* the directory to `KEY.gone`, in one
    /// step: before it everything is there, and after it everything is saved, so that what is half deleted is never
    /// taken for what an agent has deleted. *Unregister*: git removes what the repository has of the worktree; then the
    /// branch is free. *Delete the branch*, if that loses nothing. *Delete the directory*, which nobody needs.
    ///
    /// # Errors
    /// `KEEPER_UNAVAILABLE` and others that are worth another attempt.
    pub async fn retire(&self, worktree: &Worktree) -> Result<Retired> {
        match self.try_retire(worktree).await {
            Err(error)
                if matches!(
                    error.reason(),
                    Reason::GitFailed | Reason::GitMissing | Reason::RepositoryNotFound
                ) =>
            {
                tracing::warn!(agent = %worktree.key, %error, "a worktree is kept");
                Ok(kept(&error.to_string()))
            }
            retired => retired,
        }
    }

    async fn try_retire(&self, worktree: &Worktree) -> Result<Retired> {
        let repository = worktree.repository.as_str();
        let path = worktree.path.to_string_lossy().into_owned();
        let gone = format!("{path}.gone");
        let there = self.git().program(&["test", "-e", &path]).await?;
        let Some(found) = self.registered(repository, worktree.key).await? else {
            if there {
                return Ok(kept("the repository no longer knows this worktree; it is left as it is"));
            }
            return self.finish(worktree, &gone).await;
        };
        if found.is_half_made() {
            self.discard(repository, &path, false).await?;
            return self.finish(worktree, &gone).await;
        }
        if let Some(reason) = &found.locked {
            return Ok(kept(&format!("the worktree is locked ({reason}); `git worktree unlock` unlocks it")));
        }
        let admin = admin(&self.common(repository).await?, worktree.key);
        if there {
            if let Some(inside) = nested::with_work(self.git(), &path).await? {
                let why = "holds work that is nowhere else, or may; it is left as it is";
                return Ok(kept(&format!("{inside:?} inside the worktree {why}")));
            }
            self.save(worktree, &admin, &path).await?;
            if !self.git().program(&["mv", "-T", "--", &path, &gone]).await? {
                return Ok(Retired {
                    saved_ref: self.saved_before(worktree).await?,
                    ..kept("the directory cannot be moved away")
                });
            }
        } else {
            self.save_head(worktree, &admin).await?;
        }
        self.discard(repository, &path, true).await?;
        self.finish(worktree, &gone).await
    }

    /// What is left to do once the repository knows the worktree no more.
    async fn finish(&self, worktree: &Worktree, gone: &str) -> Result<Retired> {
        let branch_gone = self.drop_branch(worktree).await?;
        let git = self.git();
        // Directories that their owner may not write into are made so: they are to go.
        if !git.program(&["rm", "-rf", "--", gone]).await? {
            git.program(&["chmod", "-R", "u+rwX", "--", gone]).await?;
            if !git.program(&["rm", "-rf", "--", gone]).await? {
                tracing::warn!(agent = %worktree.key, "{gone} cannot be removed; everything in it is kept elsewhere");
            }
        }
        Ok(Retired { saved_ref: self.saved_before(worktree).await?, kept: None, branch_gone })
    }

    /// Deletes the branch if all of its commits are reachable from others. Git refuses if it is checked out elsewhere,
    /// and then it stays. True if it is gone.
    async fn drop_branch(&self, worktree: &Worktree) -> Result<bool> {
        let repository = Place::In(&worktree.repository);
        let reference = format!("refs/heads/{}", worktree.branch);
        if self.tip(&worktree.repository, &reference).await?.is_none() {
            return Ok(true);
        }
        let but_it = format!("--exclude={reference}");
        let saved = format!("--exclude={SAVED}*");
        // What is only kept for a while is not a branch to find it on.
        let list = ["rev-list", "--max-count=1", &reference, "--not", &but_it, &saved, "--glob=refs/*"];
        if self.git().must(repository, &list, LONG).await?.is_empty() {
            let delete = ["branch", "--quiet", "-D", "--end-of-options", &worktree.branch];
            self.git().ask(repository, &delete, QUICK).await?;
        }
        Ok(self.tip(&worktree.repository, &reference).await?.is_none())
    }
}

fn kept(why: &str) -> Retired {
    Retired { saved_ref: None, kept: Some(why.to_owned()), branch_gone: false }
}
