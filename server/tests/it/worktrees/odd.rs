//! Worktrees that agents have broken, locked, removed or filled with other repositories.
//!
//! It must not test ordinary ends.

use anyhow::{Context, Result};
use mosaic_server::orchestrator::worktree::{Retired, Worktree};

use super::World;

/// Retires a worktree that has to go, and answers what its reference keeps.
async fn files(world: &World, tree: &Worktree) -> Result<String> {
    let retired = world.trees.retire(tree).await?;
    assert_eq!(retired.kept, None, "{}", tree.branch);
    assert!(!world.has(tree), "{}", tree.branch);
    let saved = retired.saved_ref.context("nothing was saved")?;
    world.sh(&format!("git -C repo ls-tree -r --name-only {saved} | tr '\\n' ' '"))
}

#[tokio::test]
async fn what_an_agent_broke_is_kept_all_the_same() -> Result<()> {
    let world = World::start().await?;
    let admin = |tree: &Worktree| format!("{}/.git/worktrees/{}", world.at("repo"), tree.key);
    let link = world.tree("link").await?;
    world.inside(&link, "echo n > n; echo nonsense > .git")?;
    assert_eq!(files(&world, &link).await?, ".gitignore a b n");

    let index = world.tree("index").await?;
    world.inside(&index, &format!("echo n > n; echo nonsense > {}/index", admin(&index)))?;
    assert_eq!(files(&world, &index).await?, ".gitignore a b n");

    let orphan = world.tree("orphan").await?;
    world.inside(&orphan, "git checkout -q --orphan other; git rm -rqf .; echo n > n")?;
    assert_eq!(files(&world, &orphan).await?, "n");

    let conflict = world.tree("conflict").await?;
    world.inside(
        &conflict,
        "git checkout -qb side; echo s > a; git commit -qam s; git checkout -q mosaic-agent/conflict
         echo t > a; git commit -qam t; git merge -q side || true",
    )?;
    assert_eq!(files(&world, &conflict).await?, ".gitignore a b");
    assert!(world.sh("git -C repo show refs/mosaic/conflict:a")?.contains("<<<<<<<"));

    // The directory is gone; a commit that no branch has is not.
    let removed = world.tree("removed").await?;
    world.inside(&removed, "git checkout -q --detach; echo n > n; git add n; git commit -qm n")?;
    world.sh(&format!("rm -rf {}", removed.path.display()))?;
    assert_eq!(files(&world, &removed).await?, ".gitignore a b n");

    let closed = world.tree("closed").await?;
    world.inside(&closed, "mkdir d; echo n > d/n; chmod 555 d")?;
    assert_eq!(files(&world, &closed).await?, ".gitignore a b d/n");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_saved_is_not_removed() -> Result<()> {
    let world = World::start().await?;
    let kept = async |tree: &Worktree, why: &str| -> Result<()> {
        let Retired { saved_ref, kept, .. } = world.trees.retire(tree).await?;
        let kept = kept.unwrap_or_default();
        assert!(kept.contains(why) && saved_ref.is_none(), "{}: {kept:?} {saved_ref:?}", tree.branch);
        assert!(tree.path.exists(), "{}", tree.branch);
        Ok(())
    };
    let locked = world.tree("locked").await?;
    world.inside(&locked, "git worktree lock --reason 'still needed' .")?;
    kept(&locked, "still needed").await?;

    let unreadable = world.tree("unreadable").await?;
    world.inside(&unreadable, "echo n > n; chmod 0 n")?;
    kept(&unreadable, "Permission denied").await?;
    world.inside(&unreadable, "chmod 600 n")?;
    assert_eq!(files(&world, &unreadable).await?, ".gitignore a b n");

    let unknown = world.tree("unknown").await?;
    world.sh(&format!("rm -rf repo/.git/worktrees/{}", unknown.key))?;
    kept(&unknown, "no longer knows").await?;

    let filter = world.tree("filter").await?;
    world.sh("cd repo; git config filter.f.clean false; git config filter.f.required true")?;
    world.inside(&filter, "echo '*.bin filter=f' > .gitattributes; echo n > n.bin")?;
    kept(&filter, "n.bin").await?;

    let orphaned = world.tree("orphaned").await?;
    world.sh("mv repo elsewhere")?;
    kept(&orphaned, "No such file").await?;
    Ok(())
}

#[tokio::test]
async fn a_repository_inside_keeps_the_worktree_if_it_has_work() -> Result<()> {
    let world = World::start().await?;
    world.sh("git init -q -b main other; cd other; echo o > o; git add o; git commit -qm o; cd ../repo
         git -c protocol.file.allow=always submodule --quiet add $HOME/other sub; git commit -qm sub")?;
    // A submodule and a clone as they came, one that is ignored, and one that the agent has not filled.
    let clean = world.tree("clean").await?;
    world.inside(
        &clean,
        "git -c protocol.file.allow=always submodule --quiet update --init; git clone -q $HOME/other 'cl one'
         mkdir x.log; git init -q x.log; echo n > x.log/n",
    )?;
    let retired = world.trees.retire(&clean).await?;
    assert_eq!(retired.kept, None);
    assert!(!world.has(&clean));
    for (name, work) in [
        ("commit", "cd sub; echo n > n; git add n; git commit -qm n"),
        ("change", "cd sub; echo n > o"),
        ("made", "mkdir -p e/f; git init -q e/f; cd e/f; echo n > n; git add n; git commit -qm n"),
        ("replaced", "rm .git; git init -q; git add .; git commit -qm n"),
    ] {
        let tree = world.tree(name).await?;
        world.inside(&tree, "git -c protocol.file.allow=always submodule --quiet update --init")?;
        world.inside(&tree, work)?;
        let retired = world.trees.retire(&tree).await?;
        assert!(retired.kept.is_some_and(|why| why.contains("inside the worktree")), "{name}");
        assert!(tree.path.join("a").exists(), "{name}");
    }
    Ok(())
}
