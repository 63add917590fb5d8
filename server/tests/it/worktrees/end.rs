//! Removing worktrees: what is kept, and what a repetition after a kill makes of what is left.
//!
//! It must not test what agents have broken.

use anyhow::Result;
use mosaic_server::orchestrator::worktree::Retired;

use super::World;

#[tokio::test]
async fn nothing_that_is_not_committed_is_lost() -> Result<()> {
    let world = World::start().await?;
    let tree = world.tree("shell-1").await?;
    world.inside(
        &tree,
        "echo committed > own; git add own; git commit -qm own
         echo changed > a; rm b; echo staged > c; git add c; echo later > c
         mkdir -p 'd d'; echo untracked > 'd d/-new'; echo noise > x.log; touch .git-index.lock",
    )?;
    // Left by a git that was killed.
    world.sh(&format!("touch repo/.git/worktrees/{}/index.lock", tree.key))?;
    let tip = world.sh("git -C repo rev-parse mosaic-agent/shell-1 2>&1")?;
    let retired = world.trees.retire(&tree).await?;
    let reference = "refs/mosaic/shell-1";
    assert_eq!(retired, Retired { saved_ref: Some(reference.to_owned()), kept: None, branch_gone: false });
    let show = |what: &str| world.sh(&format!("git -C repo show '{reference}{what}'"));
    assert_eq!(show(":a")?, "changed");
    assert_eq!(show(":c")?, "later");
    assert_eq!(show("^2:c")?, "staged");
    assert_eq!(show(":d d/-new")?, "untracked");
    assert!(show(":b").is_err() && show(":x.log").is_err());
    let facts = world.sh(&format!("git -C repo show -s --format='%an %ae%n%P' {reference}"))?;
    assert!(facts.starts_with(&format!("Mosaic mosaic@localhost\n{tip} ")), "{facts}");
    // The branch has a commit of its own.
    assert_eq!(world.sh("git -C repo rev-parse mosaic-agent/shell-1 2>&1")?, tip);
    assert!(!world.has(&tree));
    assert_eq!(
        world.sh("git -C repo worktree list | wc -l; ls repo/.git/worktrees 2>/dev/null | wc -l")?,
        "1\n0"
    );
    assert_eq!(world.trees.retire(&tree).await?, retired, "a repetition answers something else");

    // The same name again does not take the reference away from the first.
    let again = world.tree("shell-1").await?;
    world.inside(&again, "echo other > a")?;
    let saved = world.trees.retire(&again).await?.saved_ref.unwrap_or_default();
    assert!(saved.starts_with("refs/mosaic/shell-1-"), "{saved}");
    assert_eq!(show(":a")?, "changed");
    assert_eq!(world.sh(&format!("git -C repo show {saved}:a"))?, "other");
    Ok(())
}

#[tokio::test]
async fn branches_stay_as_long_as_they_have_commits_of_their_own() -> Result<()> {
    let world = World::start().await?;
    let branches = || world.sh("git -C repo branch --list 'mosaic-agent/*' --format='%(refname:short)'");
    let (clean, merged, own, away) = (
        world.tree("clean").await?,
        world.tree("merged").await?,
        world.tree("own").await?,
        world.tree("away").await?,
    );
    world.inside(&merged, "echo m > m; git add m; git commit -qm m")?;
    world.sh("git -C repo merge -q mosaic-agent/merged")?;
    world.inside(&own, "echo o > o; git add o; git commit -qm o")?;
    world.inside(&away, "git checkout -q --detach; echo w > w; git add w; git commit -qm w")?;
    for (tree, branch_gone) in [(&clean, true), (&merged, true), (&own, false)] {
        let nothing = Retired { branch_gone, ..Retired::default() };
        assert_eq!(world.trees.retire(tree).await?, nothing, "{}", tree.branch);
    }
    assert_eq!(branches()?, "mosaic-agent/away\nmosaic-agent/own");
    let retired = world.trees.retire(&away).await?;
    assert_eq!(retired.saved_ref.as_deref(), Some("refs/mosaic/away"));
    assert_eq!(world.sh("git -C repo show refs/mosaic/away:w")?, "w");
    assert_eq!(branches()?, "mosaic-agent/own");
    Ok(())
}

#[tokio::test]
async fn a_kill_at_any_step_loses_nothing() -> Result<()> {
    let world = World::start().await?;
    let change = "echo changed > a; rm b; echo new > c";
    let of = |name: &str| Retired {
        saved_ref: Some(format!("refs/mosaic/{name}")),
        kept: None,
        branch_gone: true,
    };
    let saved = |name: &str| {
        world.sh(&format!("git -C repo ls-tree --name-only refs/mosaic/{name}; git -C repo for-each-ref refs/mosaic/{name}* | wc -l"))
    };
    // After the reference was written: the same work is not kept twice.
    let tree = world.tree("k1").await?;
    world.inside(&tree, change)?;
    world.sh(&format!(
        "cp -a {0} copy; cp -a repo/.git/worktrees/{1} admin",
        tree.path.display(),
        tree.key
    ))?;
    world.trees.retire(&tree).await?;
    world.sh(&format!(
        "git -C repo branch -q mosaic-agent/k1 HEAD; mv copy {0}; mkdir -p repo/.git/worktrees; mv admin repo/.git/worktrees/{1}",
        tree.path.display(),
        tree.key
    ))?;
    assert_eq!(world.trees.retire(&tree).await?, of("k1"));
    assert_eq!(saved("k1")?, ".gitignore\na\nc\n1");
    assert!(!world.has(&tree));
    // After the rename, while files were deleted.
    let tree = world.tree("k2").await?;
    world.inside(&tree, change)?;
    world.sh(&format!(
        "cp -a {0} copy; cp -a repo/.git/worktrees/{1} admin",
        tree.path.display(),
        tree.key
    ))?;
    world.trees.retire(&tree).await?;
    world.sh(&format!(
        "git -C repo branch -q mosaic-agent/k2 HEAD; rm copy/a; mv copy {0}.gone
         mkdir -p repo/.git/worktrees; mv admin repo/.git/worktrees/{1}",
        tree.path.display(),
        tree.key
    ))?;
    assert_eq!(world.trees.retire(&tree).await?, of("k2"));
    assert_eq!(saved("k2")?, ".gitignore\na\nc\n1");
    assert!(!world.has(&tree));
    assert_eq!(world.sh("git -C repo branch --list 'mosaic-agent/*'")?, "");
    Ok(())
}
