//! A server that root starts: it gives root up, its shells are a third user's, and they outlive it all the same.
//!
//! It must not test what is the same for an ordinary user.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::CloseTerminalRequest;
use nix::unistd::{Uid, User};
use test_support::Server;

use crate::shells::{idle, read_until, run, unharmed};

/// The user that a process runs as.
fn user_of(pid: u32) -> Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let uids =
        status.lines().find_map(|line| line.strip_prefix("Uid:")).context("a process without a uid")?;
    let uid = uids.split_whitespace().next().context("an empty line")?.parse()?;
    user_of_uid(uid)
}

fn user_of_uid(uid: u32) -> Result<String> {
    Ok(User::from_uid(Uid::from_raw(uid))?.context("a uid of nobody")?.name)
}

/// A server that root has started with its own database; none where this is not root.
async fn server() -> Result<Option<Server>> {
    if !Uid::effective().is_root() {
        println!("not tested here: only root can start a server as root");
        return Ok(None);
    }
    // The database of the other tests is another user's.
    Server::builder().as_root().embedded_postgres().start().await.map(Some)
}

#[tokio::test]
async fn the_boundary_is_the_uid() -> Result<()> {
    let Some(server) = server().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    assert_eq!(user_of(server.pid()?)?, "mosaic", "the server kept root");
    assert_eq!(user_of(server.keeper_pid()?)?, "root", "the keeper cannot start another user's shell");
    let data = server.data_dir();
    let script = format!(
        "id -un; cat {0}/operator-token; ls {0}; cat /proc/{1}/environ; kill -0 {1}; kill -0 {2}; echo done",
        data.display(),
        server.pid()?,
        server.keeper_pid()?,
    );
    let terminal = run(&mut client, &script).await?;
    let printed = read_until(&mut client, &terminal.id, "done\r\n").await?;
    assert!(printed.starts_with("mosaic-shell\r\n"), "{printed}");
    assert!(!printed.contains(&server.token()?), "a shell reads the operator's token");
    let refusals = printed.matches("Permission denied").count() + printed.matches("not permitted").count();
    assert_eq!(refusals, 5, "{printed}");
    Ok(())
}

#[tokio::test]
async fn shells_outlive_a_killed_server_of_root() -> Result<()> {
    let Some(server) = server().await? else { return Ok(()) };
    let terminal = idle(&mut server.terminals()?).await?;
    let keeper = server.keeper_pid()?;
    server.kill9().await?;
    server.restart().await?;
    assert_eq!(server.keeper_pid()?, keeper, "another keeper");
    unharmed(&mut server.terminals()?, &terminal).await
}

#[tokio::test]
async fn a_keeper_of_root_ends_nothing_of_root_s() -> Result<()> {
    let Some(server) = server().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    // Marked as if the terminal had started it, as a program is that has become root's.
    let mut root_s = std::process::Command::new("sleep")
        .arg("3600")
        .env("MOSAIC_TERMINAL_ID", &terminal.id)
        .spawn()
        .context("start a process of root's")?;
    let request = CloseTerminalRequest { terminal_id: terminal.id, ..Default::default() };
    let closed = client.close_terminal(request).await;
    let ended = root_s.try_wait()?;
    root_s.kill()?;
    root_s.wait()?;
    let closed = closed?.into_inner();
    assert_eq!(ended, None, "the keeper ended it");
    assert!(!closed.proven);
    let survivors: Vec<_> = closed.survivors.iter().map(|survivor| survivor.pid).collect();
    assert_eq!(survivors, [root_s.id()], "{closed:?}");
    Ok(())
}

#[tokio::test]
async fn the_data_directory_opens_only_to_the_worktrees() -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let Some(server) = server().await? else { return Ok(()) };
    let data = server.data_dir();
    let service = User::from_name("mosaic")?.context("no user mosaic")?.uid.as_raw();
    // As a server before this one has left them, behind a closed directory.
    server.kill9().await?;
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;
    std::fs::write(data.join("old-file"), "secret")?;
    std::fs::create_dir(data.join("old-directory"))?;
    for (name, mode) in [("old-file", 0o644), ("old-directory", 0o755)] {
        chown(data.join(name), Some(service), None)?;
        std::fs::set_permissions(data.join(name), std::fs::Permissions::from_mode(mode))?;
    }
    server.restart().await?;
    let mut client = server.terminals()?;
    let script = format!(
        "cd {}/worktrees && touch made && ls; cat ../old-file; ls ..; ls ../terminals; echo done",
        data.display()
    );
    let terminal = run(&mut client, &script).await?;
    let printed = read_until(&mut client, &terminal.id, "done\r\n").await?;
    assert!(printed.starts_with("made\r\n"), "{printed}");
    assert_eq!(printed.matches("Permission denied").count(), 3, "{printed}");
    let mut seen = 0;
    for entry in std::fs::read_dir(&data)? {
        let entry = entry?;
        let (name, found) = (entry.file_name(), entry.metadata()?);
        let shell_s = name == "worktrees";
        let owner = user_of_uid(found.uid())?;
        assert_eq!(owner, if shell_s { "mosaic-shell" } else { "mosaic" }, "{name:?}");
        assert_eq!(found.mode() & 0o077, 0, "{name:?} is open to others: {:o}", found.mode());
        seen += 1;
    }
    assert!(seen > 6, "only {seen} entries");
    assert_eq!(std::fs::metadata(&data)?.mode() & 0o777, 0o711);
    Ok(())
}
