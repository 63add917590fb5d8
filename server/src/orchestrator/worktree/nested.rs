//! Repositories inside a worktree: clones that an agent has made, and submodules. Their commits are not the
//! repository's, so they would go with the directory.
//!
//! It knows nothing about what becomes of the worktree.

use super::{
    git::{Git, LONG, Place, QUICK},
    is_hash,
};
use crate::error::Result;

/// More than so many are not looked into.
const NESTED_MAX: usize = 32;

/// The first repository inside this worktree that has something which is nowhere else, or about which that cannot be
/// told. Ignored ones do not count, as ignored files do not.
pub(super) async fn with_work(git: Git<'_>, path: &str) -> Result<Option<String>> {
    // In a worktree it is a file; an agent may have made a repository in its place.
    if git.program(&["test", "-d", &format!("{path}/.git")]).await? && has_work(git, path).await? {
        return Ok(Some(".git".to_owned()));
    }
    let find = ["find", path, "-xdev", "-mindepth", "2", "-name", ".git", "-prune", "-print0"];
    let find = find.map(str::to_owned).to_vec();
    let found = git.run(find, "/", &[], LONG).await?;
    let Ok(told) = String::from_utf8(found.output) else { return Ok(Some("a repository".to_owned())) };
    if found.code != Some(0) {
        return Ok(Some("a directory that cannot be read".to_owned()));
    }
    let mut all: Vec<&str> =
        told.split('\0').filter(|one| !one.is_empty()).filter_map(|one| one.strip_suffix("/.git")).collect();
    all.sort_unstable();
    // What is inside one of them is that one's to tell.
    let mut outer: Vec<&str> = Vec::new();
    for one in all {
        let inside = |last: &&str| one.strip_prefix(*last).is_some_and(|rest| rest.starts_with('/'));
        if !outer.last().is_some_and(inside) {
            outer.push(one);
        }
    }
    if outer.len() > NESTED_MAX {
        return Ok(Some(format!("{} repositories", outer.len())));
    }
    for one in outer {
        if !is_ignored(git, path, one).await? && has_work(git, one).await? {
            return Ok(Some(one.strip_prefix(path).unwrap_or(one).trim_start_matches('/').to_owned()));
        }
    }
    Ok(None)
}

async fn is_ignored(git: Git<'_>, path: &str, nested: &str) -> Result<bool> {
    Ok(git.ask(Place::In(path), &["check-ignore", "--quiet", "--", nested], QUICK).await?.code == Some(0))
}

/// Changes, or commits that were never fetched from or pushed to somewhere else.
async fn has_work(git: Git<'_>, nested: &str) -> Result<bool> {
    let status = git.ask(Place::In(nested), &["status", "--porcelain", "-z"], LONG).await?;
    let own = ["rev-list", "--max-count=1", "--all", "--not", "--remotes"];
    let own = git.ask(Place::In(nested), &own, QUICK).await?;
    let clean = |code: Option<i32>, output: &[u8]| code == Some(0) && output.is_empty();
    if !clean(status.code, &status.output) || !clean(own.code, &own.output) {
        return Ok(true);
    }
    // `--all` leaves out a HEAD that names nothing: then there is no commit at all, or a broken one.
    let head = git.maybe(Place::In(nested), &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await?;
    Ok(!head.is_some_and(|head| is_hash(&head)))
}
