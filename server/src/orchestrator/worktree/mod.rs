//! Git worktrees of agents: made from a base on a branch of their own, and removed when nothing can be lost by it.
//!
//! It knows nothing about jobs and terminals, and runs nothing itself: git runs as the shell user, through the keeper.
//!
//! Every step can be repeated after a kill. What is there is asked of git, which keeps a worktree locked as
//! "initializing" until it is complete; nothing about it is recorded here.

mod git;
mod nested;
mod retire;
mod save;

use std::{path::PathBuf, sync::Arc};

use uuid::Uuid;

use self::git::{Git, LONG, Place, QUICK, failed, not_found, words};
use crate::{
    error::{Error, Reason, Result},
    terminal::Terminals,
};

/// What an agent's branch begins with. Not `mosaic/`: git looks for `mosaic/NAME` among the references first, where
/// `refs/mosaic/NAME` is, and only then among the branches.
const BRANCHES: &str = "mosaic-agent/";
/// What keeps an agent's work that no branch has begins with.
const SAVED: &str = "refs/mosaic/";
/// The longest path, as for a working directory.
const PATH_BYTES_MAX: usize = 4096;
/// The longest name of a base.
const BASE_BYTES_MAX: usize = 1024;
/// The longest part of a branch's name that comes from an agent's.
const LABEL_CHARS_MAX: usize = 64;

/// The worktrees of this server.
pub struct Worktrees {
    terminals: Arc<Terminals>,
    dir: PathBuf,
}

/// A repository and a base that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The commit that the base names.
    pub commit: String,
}

/// A worktree that is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The agent's id: the same one twice is one worktree.
    pub key: Uuid,
    /// What its branch is named after.
    pub name: String,
    /// The repository.
    pub repository: String,
    /// The commit that it begins at, from [`Checked`].
    pub commit: String,
}

/// A worktree that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The agent's id.
    pub key: Uuid,
    /// The repository.
    pub repository: String,
    /// Its directory.
    pub path: PathBuf,
    /// Its branch, such as `mosaic-agent/shell-1`.
    pub branch: String,
}

/// What became of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// The reference that keeps what was not committed, and what no branch has.
    pub saved_ref: Option<String>,
    /// Why the directory is still there; absent if it is gone.
    pub kept: Option<String>,
    /// True if the branch is gone: it had no commits of its own.
    pub branch_gone: bool,
}

/// What git knows of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Registered {
    /// Its branch without `refs/heads/`; absent if it has none.
    branch: Option<String>,
    /// Why it must not be removed.
    locked: Option<String>,
    /// True if its directory is gone.
    gone: bool,
}

impl Registered {
    /// Git was ended in the middle of making it: no agent has been in there.
    fn is_half_made(&self) -> bool {
        self.locked.as_deref() == Some("initializing")
    }
}

impl Worktrees {
    /// Worktrees in this directory, which belongs to the shell user.
    pub fn new(terminals: Arc<Terminals>, dir: PathBuf) -> Self {
        Self { terminals, dir }
    }

    fn git(&self) -> Git<'_> {
        Git(&self.terminals)
    }

    /// The directory of an agent's worktree, whether it is there or not.
    pub fn path(&self, key: Uuid) -> PathBuf {
        self.dir.join(key.to_string())
    }

    /// Looks whether agents can work in this repository, from this base; empty: `HEAD`.
    ///
    /// # Errors
    /// `BAD_REQUEST`, `REPOSITORY_NOT_FOUND`, `BASE_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`.
    pub async fn check(&self, repository: &str, base: &str) -> Result<Checked> {
        let bad = |text: &str| text.chars().any(char::is_control);
        if !repository.starts_with('/') || repository.len() > PATH_BYTES_MAX || bad(repository) {
            let problem = "is not an absolute path of at most 4096 bytes";
            return Err(Error::bad_request("repository", problem));
        }
        if base.len() > BASE_BYTES_MAX || bad(base) {
            return Err(Error::bad_request("base", "is longer than a branch, tag or commit (1024 bytes)"));
        }
        let look = ["rev-parse", "--is-inside-work-tree", "--git-dir", "--show-prefix"];
        let ran = self.git().ask(Place::In(repository), &look, QUICK).await?;
        if ran.code != Some(0) {
            let words = words(&ran.errors);
            if words.contains("not a git repository") {
                return Err(not_found(repository, "is no git repository; make one with `git init`"));
            }
            return Err(failed(&look, &ran));
        }
        let told = String::from_utf8_lossy(&ran.output);
        let [inside, git_dir, prefix] = [0, 1, 2].map(|n| told.lines().nth(n).unwrap_or_default());
        // Git looks upwards, too: a home directory under version control is not what was meant.
        if git_dir != "." && (inside != "true" || !prefix.is_empty()) {
            return Err(not_found(repository, "is inside a git repository, but not its top; name that"));
        }
        let base = if base.is_empty() { "HEAD" } else { base };
        let commit = format!("{base}^{{commit}}");
        let find = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        match self.git().maybe(Place::In(repository), &find).await? {
            Some(commit) if is_hash(&commit) => Ok(Checked { commit }),
            _ => {
                let problem = match base {
                    "HEAD" => "has no commit yet; commit something, or name a base".to_owned(),
                    _ => format!("has no branch, tag or commit {base:?}"),
                };
                let message = format!("the repository {repository:?} {problem}");
                Err(Error::new(Reason::BaseNotFound, message).with("base", base))
            }
        }
    }

    /// Makes a worktree, or finds the one that an earlier call with the same key has made.
    ///
    /// Killed before git has begun: nothing is there. Killed while git works: a branch without commits of its own, and a
    /// worktree locked as "initializing", which a repetition removes and makes anew on that branch. (Between branch and
    /// lock are a few milliseconds; a kill there leaves the branch, and the repetition takes another name.) Killed
    /// after git is done: a repetition finds it.
    ///
    /// # Errors
    /// `GIT_FAILED` with git's own words, `REPOSITORY_NOT_FOUND`, `GIT_MISSING`.
    pub async fn create(&self, wanted: &Wanted) -> Result<Worktree> {
        let (git, repository) = (self.git(), Place::In(&wanted.repository));
        let path = self.path(wanted.key);
        let path_text = path.to_string_lossy().into_owned();
        let made = |branch| Worktree {
            key: wanted.key,
            repository: wanted.repository.clone(),
            path: path.clone(),
            branch,
        };
        let found = self.registered(&wanted.repository, wanted.key).await?;
        let mut begun = None;
        match found {
            Some(found) if found.is_half_made() || found.gone => {
                self.discard(&wanted.repository, &path_text, found.gone).await?;
                begun = found.branch;
            }
            Some(Registered { branch: Some(branch), .. }) => return Ok(made(branch)),
            // An agent is at work in there, and somewhere else than on its branch.
            Some(_) => return Ok(made(format!("{BRANCHES}{}", label(&wanted.name)))),
            None => {
                // Killed before git could say of it what it is.
                let admin = admin(&self.common(&wanted.repository).await?, wanted.key);
                git.program(&["rm", "-rf", "--", &admin]).await?;
            }
        }
        if let Some(branch) = begun {
            let add = ["worktree", "add", "--quiet", "--end-of-options", &path_text, &branch];
            git.must(repository, &add, LONG).await?;
            return Ok(made(branch));
        }
        for label in labels(&label(&wanted.name), wanted.key) {
            let branch = format!("{BRANCHES}{label}");
            if self.tip(&wanted.repository, &format!("refs/heads/{branch}")).await?.is_some() {
                continue;
            }
            let add =
                ["worktree", "add", "--quiet", "-b", &branch, "--end-of-options", &path_text, &wanted.commit];
            let ran = git.ask(repository, &add, LONG).await?;
            if ran.code == Some(0) {
                return Ok(made(branch));
            }
            // Another agent of the same name was quicker.
            if !words(&ran.errors).contains("already exists") {
                return Err(failed(&add, &ran));
            }
        }
        let message = format!("every branch that agent {:?} could have is taken", wanted.name);
        Err(Error::new(Reason::GitFailed, message))
    }

    /// What the repository has of this agent's worktree.
    async fn registered(&self, repository: &str, key: Uuid) -> Result<Option<Registered>> {
        let list = ["worktree", "list", "--porcelain", "-z"];
        let told = self.git().must(Place::In(repository), &list, QUICK).await?;
        Ok(parse_list(&told, &key.to_string()))
    }

    /// Where the repository's own files are, whichever of its worktrees this is.
    async fn common(&self, repository: &str) -> Result<String> {
        let ask = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        self.git().must(Place::In(repository), &ask, QUICK).await
    }

    /// The commit that a reference names.
    async fn tip(&self, repository: &str, reference: &str) -> Result<Option<String>> {
        let commit = format!("{reference}^{{commit}}");
        let ask = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        self.git().maybe(Place::In(repository), &ask).await
    }

    /// Removes a worktree in which there is nothing, and what the repository has of it.
    async fn discard(&self, repository: &str, path: &str, gone: bool) -> Result<()> {
        if !gone {
            // Half made it is not what git would take for a worktree.
            self.git().program(&["rm", "-rf", "--", path]).await?;
        }
        let remove = ["worktree", "remove", "--force", "--force", "--end-of-options", path];
        self.git().must(Place::In(repository), &remove, LONG).await.map(drop)
    }
}

/// Where a repository keeps what it has of a worktree.
fn admin(common: &str, key: Uuid) -> String {
    format!("{common}/worktrees/{key}")
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What of an agent's name can stand in a reference's.
fn label(name: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let mut label: String = name.chars().map(allowed).take(LABEL_CHARS_MAX).collect();
    while label.contains("..") {
        label = label.replace("..", ".");
    }
    let mut label = label.trim_matches(['-', '.']);
    while let Some(shorter) = label.strip_suffix(".lock") {
        label = shorter.trim_matches(['-', '.']);
    }
    if label.is_empty() { "agent".to_owned() } else { label.to_owned() }
}

/// The names to try: the agent's, and one that no other agent has.
fn labels(label: &str, key: Uuid) -> [String; 2] {
    // The end of an id is random; its beginning is the time.
    let key = key.simple().to_string();
    [label.to_owned(), format!("{label}-{}", key.get(24..).unwrap_or(&key))]
}

/// Finds a worktree by the name of its directory in what `worktree list --porcelain -z` prints.
fn parse_list(told: &str, name: &str) -> Option<Registered> {
    let named = |record: &&str| {
        let path = record.split('\0').next().and_then(|line| line.strip_prefix("worktree "));
        path.is_some_and(|path| path.rsplit('/').next() == Some(name))
    };
    let record = told.split("\0\0").find(named)?;
    let mut found = Registered::default();
    for line in record.split('\0') {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "branch" => found.branch = rest.strip_prefix("refs/heads/").map(str::to_owned),
            "locked" => found.locked = Some(rest.to_owned()),
            "prunable" => found.gone = true,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_references() {
        let cases = [
            ("shell-1", "shell-1"),
            ("-x/../y.lock.lock", "x-.-y"),
            ("a b:c~d^e?f*g[h\\i@{j", "a-b-c-d-e-f-g-h-i--j"),
            ("ärger", "ärger"),
            ("...", "agent"),
        ];
        for (name, reference) in cases {
            assert_eq!(label(name), reference, "{name}");
        }
    }

    #[test]
    fn a_worktree_is_found_in_git_s_list() {
        let told = "worktree /r\0HEAD 12\0branch refs/heads/main\0\0worktree /d/k\0HEAD 34\0branch \
                    refs/heads/x/a\0locked initializing\0prunable gone\0\0";
        let found = parse_list(told, "k").unwrap();
        assert_eq!(found.branch.as_deref(), Some("x/a"));
        assert!(found.is_half_made() && found.gone);
        assert_eq!(parse_list(told, "d"), None);
    }
}
