//! Making worktrees: what is refused, what is not run, what a repetition finds.
//!
//! It must not test how they end.

use anyhow::Result;
use mosaic_server::{error::Reason, orchestrator::worktree::Retired};
use rustix::process::getuid;
use uuid::Uuid;

use super::{Keeper, World, lines, programs};

/// Every way that git knows to run something of the repository's when files are checked out, but for filters.
const HOSTILE: &str = "
    cd repo
    for hook in post-checkout reference-transaction post-index-change post-commit pre-commit; do
        printf '#!/bin/sh\\necho %s >> %s/ran\\n' $hook $HOME > .git/hooks/$hook; chmod +x .git/hooks/$hook
    done
    printf '#!/bin/sh\\necho fsmonitor >> %s/ran\\n' $HOME > ../monitor; chmod +x ../monitor
    git config core.fsmonitor $HOME/monitor
    git config core.pager $HOME/monitor
    git config commit.gpgSign true
    git config gpg.program $HOME/monitor";

#[tokio::test]
async fn hooks_of_a_repository_do_not_run() -> Result<()> {
    let world = World::start().await?;
    world.sh(HOSTILE)?;
    let tree = world.tree("shell-1").await?;
    world.inside(&tree, "echo new > c; git -c core.hooksPath=/dev/null -c core.fsmonitor= add c")?;
    let retired = world.trees.retire(&tree).await?;
    assert_eq!(retired.kept, None);
    assert_eq!(retired.saved_ref.as_deref(), Some("refs/mosaic/shell-1"));
    assert_eq!(world.sh("cat ran 2>/dev/null || true")?, "", "the repository's programs ran");
    Ok(())
}

#[tokio::test]
async fn a_repetition_finds_what_is_there() -> Result<()> {
    let world = World::start().await?;
    let wanted = world.want("repo", "shell-1").await?;
    let tree = world.trees.create(&wanted).await?;
    assert_eq!(tree.branch, "mosaic-agent/shell-1");
    assert_eq!(world.inside(&tree, "cat a; git branch --show-current; id -un")?, {
        format!("one\nmosaic-agent/shell-1\n{}", world.keeper.account.name)
    });
    world.inside(&tree, "echo more >> a; git commit -qam work")?;
    assert_eq!(world.trees.create(&wanted).await?, tree);
    assert_eq!(world.inside(&tree, "cat a")?, "one\nmore");

    let second = world.tree("shell-1").await?;
    assert!(second.branch.starts_with("mosaic-agent/shell-1-"), "{}", second.branch);
    // Killed in the middle of the checkout.
    let wanted = world.want("repo", "half").await?;
    let half = world.trees.create(&wanted).await?;
    world.sh(&format!(
        "rm {}/.git {0}/a; echo -n initializing > repo/.git/worktrees/{}/locked",
        half.path.display(),
        half.key
    ))?;
    assert_eq!(world.trees.create(&wanted).await?, half);
    assert_eq!(world.inside(&half, "cat a; git status --porcelain")?, "one");
    // Killed before git could write what it is.
    let wanted = world.want("repo", "early").await?;
    world.sh(&format!("mkdir -p repo/.git/worktrees/{}", wanted.key))?;
    let early = world.trees.create(&wanted).await?;
    assert_eq!(
        world.inside(&early, "git rev-parse --git-dir")?,
        world.sh(&format!("cd repo; echo $PWD/.git/worktrees/{}", wanted.key))?
    );
    Ok(())
}

#[tokio::test]
async fn a_killed_keeper_leaves_nothing_running_and_nothing_half_made() -> Result<()> {
    let mut world = World::start().await?;
    // The checkout waits in a filter, which is not the keeper's child but one of git's.
    world
        .sh("mkfifo waits; cd repo; echo 'b filter=slow' > .gitattributes; git add .; git commit -qm slow
         git config filter.slow.smudge \"echo > $HOME/waits; sleep 3600\"")?;
    let wanted = world.want("repo", "shell-1").await?;
    let half = {
        let mut creating = std::pin::pin!(world.trees.create(&wanted));
        tokio::select! {
            waits = lines(world.at("waits"), 1) => drop(waits?),
            ended = creating.as_mut() => panic!("{ended:?}"),
        }
        world.keeper.replace()?;
        creating.await.unwrap_err()
    };
    assert_eq!(half.reason(), Reason::KeeperUnavailable, "{half}");
    let left = programs::left(&world.at("waits")) + programs::left(&wanted.key.to_string());
    assert_eq!(left, 0, "git lives on");
    world.sh("cd repo; git config filter.slow.smudge cat")?;
    let tree = world.trees.create(&wanted).await?;
    assert_eq!(tree.branch, "mosaic-agent/shell-1", "the branch of the first attempt was not found again");
    assert_eq!(world.inside(&tree, "cat b; git status --porcelain")?, "two");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_said_clearly() -> Result<()> {
    let world = World::start().await?;
    world.sh("mkdir plain repo/sub; git init -q empty; touch file; mkdir closed; chmod 0 closed
         git -C repo tag v1; git clone -q --bare repo bare.git; cp -r repo ' -dash $x'")?;
    let refused = [
        ("plain", "", Reason::RepositoryNotFound, "no git repository"),
        ("nowhere", "", Reason::RepositoryNotFound, "No such file"),
        ("file", "", Reason::RepositoryNotFound, "Not a directory"),
        ("closed", "", Reason::RepositoryNotFound, "Permission denied"),
        ("repo/sub", "", Reason::RepositoryNotFound, "not its top"),
        ("bare.git/objects", "", Reason::RepositoryNotFound, "not its top"),
        ("empty", "", Reason::BaseNotFound, "no commit yet"),
        ("repo", "nosuch", Reason::BaseNotFound, "nosuch"),
        ("repo", "--help", Reason::BaseNotFound, "--help"),
        ("repo", "a\nb", Reason::BadRequest, "base"),
    ];
    for (repository, base, reason, words) in refused {
        let error = world.trees.check(&world.at(repository), base).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{repository} {base}: {error}");
        assert!(error.to_string().contains(words), "{repository} {base}: {error}");
    }
    let error = world.trees.check("repo", "").await.unwrap_err();
    assert_eq!(error.reason(), Reason::BadRequest);

    let commit = world.sh("git -C repo rev-parse HEAD")?;
    for (repository, base) in
        [("repo", "v1"), ("repo", "main"), ("bare.git", ""), (" -dash $x", &commit[..12])]
    {
        let checked = world.trees.check(&world.at(repository), base).await?;
        assert_eq!(checked.commit, commit, "{repository} {base}");
        let tree = world.trees.create(&world.want(repository, &format!("-x {base}")).await?).await?;
        assert_eq!(world.inside(&tree, "cat a")?, "one");
        let nothing = Retired { branch_gone: true, ..Retired::default() };
        assert_eq!(world.trees.retire(&tree).await?, nothing);
        assert_eq!(world.sh(&format!("git -C '{repository}' branch --list 'mosaic-agent/*'"))?, "");
    }
    // Another user's repository, which git by itself refuses, but for writing into it.
    if getuid().is_root() {
        let root_s = tempfile::TempDir::new_in(world.keeper.files.path())?;
        let path = root_s.path().join("repo").display().to_string();
        let script = format!("chmod 755 {}; cp -r {} {path}", root_s.path().display(), world.at("repo"));
        std::process::Command::new("sh").args(["-ec", &script]).status()?;
        world.trees.check(&path, "").await?;
        let wanted = mosaic_server::orchestrator::worktree::Wanted {
            key: Uuid::now_v7(),
            name: "other".to_owned(),
            repository: path,
            commit,
        };
        let error = world.trees.create(&wanted).await.unwrap_err();
        assert_eq!(error.reason(), Reason::GitFailed, "{error}");
        assert!(error.to_string().contains("unable to create"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_machine_without_git_says_so() -> Result<()> {
    if !getuid().is_root() {
        println!("not tested here: only root can hide git from a keeper");
        return Ok(());
    }
    let mut command = std::process::Command::new("unshare");
    let hide = "for git in /usr/local/bin/git /usr/bin/git; do
        [ ! -e $git ] || mount --bind /dev/null $git; done; exec \"$@\"";
    command.args(["--mount", "sh", "-ec", hide, "sh"]).arg(test_support::server_binary()?);
    let world = World::with(Keeper::start_as(command)?).await?;
    let error = world.trees.check(&world.keeper.home(), "").await.unwrap_err();
    assert_eq!(error.reason(), Reason::GitMissing, "{error}");
    Ok(())
}
