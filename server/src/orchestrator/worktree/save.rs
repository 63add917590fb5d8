//! Keeping what an agent has not committed: a commit on a reference of its own, made without touching what the agent
//! sees: with an index of its own, no hook, no signature, a fixed identity.
//!
//! It removes nothing.

use uuid::Uuid;

use super::{
    BRANCHES, SAVED, Worktree, Worktrees,
    git::{Git, LONG, Place, QUICK},
    labels,
};
use crate::error::{Error, Reason, Result};

/// The empty tree, in both kinds of repositories.
const EMPTY_TREES: [&str; 2] = [
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/// What a worktree holds.
struct State {
    head: Option<String>,
    /// The tree of everything that is not ignored.
    tree: String,
    /// The tree of what was staged, if that is neither the commit nor everything.
    staged: Option<String>,
    /// True if it differs from the commit.
    changed: bool,
}

impl Worktrees {
    /// Keeps what is in the worktree and in no branch; answers the reference, if there is anything.
    ///
    /// A kill before the reference is written leaves objects that nobody names, and that git removes in time. A kill
    /// after it leaves the reference: a repetition makes the same commit but for its time, and finds the reference that
    /// has it.
    pub(super) async fn save(&self, worktree: &Worktree, admin: &str, path: &str) -> Result<Option<String>> {
        let git = self.git();
        // Of its own each time: a kill leaves an index that is locked.
        let index = format!("{admin}/mosaic-index-{}", Uuid::new_v4());
        let place = Place::Worktree { admin, path, index: &index };
        let state = look(git, place, admin, &index).await;
        let saved = match &state {
            Ok(state) => self.keep(worktree, place, state).await,
            Err(_) => Ok(None),
        };
        git.program(&["rm", "-f", "--", &index]).await?;
        state?;
        saved
    }

    async fn keep(&self, worktree: &Worktree, place: Place<'_>, state: &State) -> Result<Option<String>> {
        let lost = match &state.head {
            Some(head) => !self.is_kept(&worktree.repository, head).await?,
            None => false,
        };
        if !state.changed && !lost {
            return Ok(None);
        }
        let git = self.git();
        let subject = subject(worktree);
        let mut parents: Vec<String> = state.head.iter().cloned().collect();
        if let Some(staged) = &state.staged {
            let message = format!("What was staged in {}", worktree.branch);
            parents.push(commit(git, place, staged, &parents, &message).await?);
        }
        // As git prints them below.
        let wanted = format!("{} {} {subject}", state.tree, state.head.as_deref().unwrap_or_default());
        for reference in references(worktree) {
            if let Some(kept) = self.kept_at(worktree, &reference).await? {
                if kept == wanted {
                    return Ok(Some(reference));
                }
                continue;
            }
            let commit = commit(git, place, &state.tree, &parents, &subject).await?;
            // Only if it is still not there.
            let none = "0".repeat(commit.len());
            git.must(Place::In(&worktree.repository), &["update-ref", &reference, &commit, &none], QUICK)
                .await?;
            return Ok(Some(reference));
        }
        let message = format!("every reference that could keep the work of {} is taken", worktree.branch);
        Err(Error::new(Reason::GitFailed, message))
    }

    /// Keeps the commit that a worktree whose directory is gone was at, if nothing else does.
    pub(super) async fn save_head(&self, worktree: &Worktree, admin: &str) -> Result<Option<String>> {
        let place = Place::Worktree { admin, path: admin, index: "/dev/null" };
        let Some(head) = rev(self.git(), place, "HEAD^{commit}").await? else { return Ok(None) };
        let tree = rev(self.git(), place, "HEAD^{tree}").await?.unwrap_or_default();
        let state = State { head: Some(head), tree, staged: None, changed: false };
        self.keep(worktree, place, &state).await
    }

    /// The reference that an earlier attempt has written.
    pub(super) async fn saved_before(&self, worktree: &Worktree) -> Result<Option<String>> {
        let subject = subject(worktree);
        for reference in references(worktree).into_iter().rev() {
            let kept = self.kept_at(worktree, &reference).await?;
            if kept.is_some_and(|kept| kept.ends_with(&subject)) {
                return Ok(Some(reference));
            }
        }
        Ok(None)
    }

    /// Tree, first parent and subject of what a reference keeps.
    async fn kept_at(&self, worktree: &Worktree, reference: &str) -> Result<Option<String>> {
        if self.tip(&worktree.repository, reference).await?.is_none() {
            return Ok(None);
        }
        let show = ["show", "--no-patch", "--no-show-signature", "--format=%T%x00%P%x00%s", reference];
        let shown = self.git().must(Place::In(&worktree.repository), &show, QUICK).await?;
        let mut parts = shown.split('\0');
        let [tree, parents, subject] = [(); 3].map(|()| parts.next().unwrap_or_default());
        Ok(Some(format!("{tree} {} {subject}", parents.split(' ').next().unwrap_or_default())))
    }

    /// True if some reference of the repository has this commit. What only a worktree has (its HEAD, a bisection)
    /// does not count.
    async fn is_kept(&self, repository: &str, commit: &str) -> Result<bool> {
        let list = ["rev-list", "--max-count=1", commit, "--not", "--glob=refs/*"];
        Ok(self.git().must(Place::In(repository), &list, LONG).await?.is_empty())
    }
}

/// Looks at everything that is not ignored.
async fn look(git: Git<'_>, place: Place<'_>, admin: &str, index: &str) -> Result<State> {
    let head = rev(git, place, "HEAD^{commit}").await?;
    let head_tree = rev(git, place, "HEAD^{tree}").await?;
    // The agent's own index knows which files are unchanged, and which a sparse checkout leaves out. With its own time:
    // git looks into a file that was written when its index was, and takes an older one's word for it.
    let copied = git.program(&["cp", "-p", "--", &format!("{admin}/index"), index]).await?;
    let mut staged = if copied { tree(git, place).await.ok() } else { None };
    let add = ["add", "--all"];
    if !copied || git.ask(place, &add, LONG).await?.code != Some(0) {
        // It was broken, or there was none: everything is looked at. A file that cannot be read fails again.
        staged = None;
        git.program(&["rm", "-f", "--", index, &format!("{index}.lock")]).await?;
        if let Some(head) = &head {
            git.must(place, &["read-tree", head], LONG).await?;
        }
        git.must(place, &add, LONG).await?;
    }
    let all = tree(git, place).await?;
    let before = |tree: &String| match &head_tree {
        Some(head) => tree == head,
        None => EMPTY_TREES.contains(&tree.as_str()),
    };
    let staged = staged.filter(|staged| *staged != all && !before(staged));
    let changed = staged.is_some() || !before(&all);
    Ok(State { head, tree: all, staged, changed })
}

async fn rev(git: Git<'_>, place: Place<'_>, revision: &str) -> Result<Option<String>> {
    git.maybe(place, &["rev-parse", "--verify", "--quiet", revision]).await
}

async fn tree(git: Git<'_>, place: Place<'_>) -> Result<String> {
    git.must(place, &["write-tree"], LONG).await
}

async fn commit(
    git: Git<'_>,
    place: Place<'_>,
    tree: &str,
    parents: &[String],
    message: &str,
) -> Result<String> {
    let mut arguments = vec!["commit-tree", "-m", message];
    arguments.extend(parents.iter().flat_map(|parent| ["-p", parent]));
    arguments.push(tree);
    git.must(place, &arguments, QUICK).await
}

fn subject(worktree: &Worktree) -> String {
    format!("What was not committed in {} (agent {})", worktree.branch, worktree.key)
}

/// The references to try: the agent's name may have been another agent's before.
fn references(worktree: &Worktree) -> Vec<String> {
    let label = worktree.branch.strip_prefix(BRANCHES).unwrap_or(&worktree.branch);
    let [first, second] = labels(label, worktree.key);
    // What is there changed between two attempts, which nothing but an agent that lives on would do.
    let further = (2..10).map(|n| format!("{second}-{n}")).collect::<Vec<_>>();
    [first, second].into_iter().chain(further).map(|label| format!("{SAVED}{label}")).collect()
}
