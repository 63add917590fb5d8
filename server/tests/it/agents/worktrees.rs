//! Agents that work in a git worktree of their own: made, worked in, put away; and repositories that will not do.
//!
//! How git is kept from doing more than that is tested in `worktrees`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use mosaic_proto::orchestrator::v1::{
    ListJobsRequest, PauseQueueRequest, ResumeQueueRequest, SpawnAgentRequest, job::State,
};
use test_support::{Server, account, reason};

use super::{Scratch, agent, job, named, over, run, shell, spawn, text};

/// Runs git as the user that servers under test, and so their agents, run as.
fn git(repository: &Path, words: &[&str]) -> Result<String> {
    let mut git = account()?.command(Path::new("git"));
    git.env("HOME", "/tmp").current_dir(repository);
    let identity =
        ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
    let ran = git.args(identity).args(words).output()?;
    ensure!(ran.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(String::from_utf8(ran.stdout)?.trim().to_owned())
}

/// A repository with one commit, and a hook that writes down that it ran.
fn repository(scratch: &Scratch) -> Result<std::path::PathBuf> {
    let path = scratch.path("repository");
    ensure!(account()?.command(Path::new("mkdir")).arg(&path).status()?.success(), "no directory");
    git(&path, &["init", "--quiet"])?;
    std::fs::write(path.join("file"), "one\n")?;
    git(&path, &["add", "file"])?;
    git(&path, &["commit", "--quiet", "-m", "first"])?;
    let hook = path.join(".git/hooks/post-checkout");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", scratch.path("hooked").display()))?;
    ensure!(Command::new("chmod").arg("755").arg(&hook).status()?.success(), "chmod");
    Ok(path)
}

fn within(repository: &Path, name: &str, prompt: &str) -> SpawnAgentRequest {
    SpawnAgentRequest { repository: repository.display().to_string(), ..named(name, prompt) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_works_on_a_branch_of_its_own_and_nothing_of_it_is_lost() -> Result<()> {
    let (server, scratch) = (Server::start().await?, Scratch::new()?);
    let repository = repository(&scratch)?;
    let mut client = server.agents()?;
    let prompt = "git branch --show-current; cat file; echo two > file; echo new > other; pwd";
    let done = run(&server, within(&repository, "writer", prompt)).await?;
    assert_eq!(done.state(), State::Succeeded, "{done:?}");
    let agent = agent(&mut client, "writer").await?;
    let printed = text(&mut client, "writer").await?;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[1], "one");
    ensure!(lines[0].starts_with("mosaic-agent/writer"), "{lines:?}");
    // It has committed nothing: the branch is gone, and is not shown as if it were there.
    assert_eq!(git(&repository, &["branch", "--list", "mosaic-agent/writer*"])?, "");
    assert_eq!(agent.branch, "");
    // Put away: the directory is gone, the work is kept, the repository's own tree is as it was.
    ensure!(!Path::new(lines[2]).exists() && agent.worktree.is_empty(), "{} is left", lines[2]);
    ensure!(agent.saved_ref.starts_with("refs/mosaic/"), "{agent:?}");
    assert_eq!(git(&repository, &["show", &format!("{}:file", agent.saved_ref)])?, "two");
    assert_eq!(git(&repository, &["show", &format!("{}:other", agent.saved_ref)])?, "new");
    assert_eq!(std::fs::read_to_string(repository.join("file"))?, "one\n");
    ensure!(!scratch.path("hooked").exists(), "the repository's hook has run");

    // One that commits leaves its branch.
    let commits =
        "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m own; git branch --show-current";
    run(&server, within(&repository, "author", commits)).await?;
    let author = super::agent(&mut client, "author").await?;
    assert_eq!(text(&mut client, "author").await?.trim_end(), author.branch);
    ensure!(author.branch.starts_with("mosaic-agent/author"), "{author:?}");

    // One that leaves nothing leaves nothing.
    let clean = run(&server, within(&repository, "reader", "cat file")).await?;
    assert_eq!(clean.state(), State::Succeeded);
    let clean = super::agent(&mut client, "reader").await?;
    assert_eq!((clean.saved_ref.as_str(), clean.worktree_kept.as_str()), ("", ""));
    assert_eq!(git(&repository, &["branch", "--list", "mosaic-agent/reader*"])?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_an_agent_that_is_killed_with_the_server_is_put_away_by_the_next() -> Result<()> {
    let (server, scratch) = (Server::start().await?, Scratch::new()?);
    let repository = repository(&scratch)?;
    let go = scratch.path("go");
    let prompt = format!("echo two > file; while [ ! -e {} ]; do sleep 0.1; done", go.display());
    let mut client = server.agents()?;
    spawn(&mut client, within(&repository, "writer", &prompt)).await?;
    while std::fs::read_to_string(Path::new(&agent(&mut client, "writer").await?.worktree).join("file"))?
        != "two\n"
    {}
    server.kill9().await?;
    std::fs::write(&go, "")?;
    server.restart().await?;
    let mut client = server.agents()?;
    assert_eq!(over(&mut client, "writer").await?.state(), State::Succeeded);
    let saved = agent(&mut client, "writer").await?.saved_ref;
    assert_eq!(git(&repository, &["show", &format!("{saved}:file")])?, "two");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_repository_is_refused_and_nothing_runs() -> Result<()> {
    let (server, scratch) = (Server::start().await?, Scratch::new()?);
    let repository = repository(&scratch)?;
    let mut client = server.agents()?;
    let plain = scratch.path("plain");
    std::fs::create_dir(&plain)?;
    let from = |base: &str| SpawnAgentRequest { base: base.to_owned(), ..within(&repository, "a", "true") };
    for (request, expected) in [
        (within(&plain, "a", "true"), "REPOSITORY_NOT_FOUND"),
        (within(&scratch.path("nothing"), "a", "true"), "REPOSITORY_NOT_FOUND"),
        (from("no-such-branch"), "BASE_NOT_FOUND"),
        (from("--upload-pack=touch"), "BASE_NOT_FOUND"),
    ] {
        let refused = spawn(&mut client, request).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{refused:?}");
    }
    ensure!(
        client.list_jobs(ListJobsRequest::default()).await?.into_inner().jobs.is_empty(),
        "a job was made"
    );
    // What it begins at is settled when the job is made.
    client.pause_queue(PauseQueueRequest::default()).await?;
    spawn(&mut client, within(&repository, "early", "cat file")).await?;
    std::fs::write(repository.join("file"), "later\n")?;
    git(&repository, &["commit", "--quiet", "-am", "second"])?;
    client.resume_queue(ResumeQueueRequest {}).await?;
    assert_eq!(over(&mut client, "early").await?.state(), State::Succeeded);
    assert_eq!(text(&mut client, "early").await?, "one\n");
    let base = job(&mut client, "early").await?.base;
    assert_eq!(base, "");
    assert_eq!(run(&server, shell("true")).await?.exit.context("no exit")?.code, Some(0));
    Ok(())
}
