//! Ends that a former server or keeper began, or left to the next one.

use std::{os::unix::fs::chown, path::PathBuf};

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{CloseTerminalRequest, Tracking, exit::Reason, terminal::State, tree_end};
use nix::unistd::{Uid, User};

use super::{HIDDEN, by_cgroup, by_table, close, only, start};
use crate::{
    shells::read_until,
    survive::{get, gone, wait},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_next_keeper_finds_the_group_of_a_child_by_name() -> Result<()> {
    let Some(server) = by_cgroup().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    let before = server.keeper_pid()?;
    server.kill_keeper()?;
    let closed = close(&mut client, &id).await?;
    assert_ne!(server.keeper_pid()?, before);
    assert!(closed.proven && gone(only(&pids)?), "{closed:?}");
    assert_ne!(closed.tracking(), Tracking::ProcessTable);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_groups_the_next_keeper_proves_nothing() -> Result<()> {
    let server = by_table().await?;
    let mut client = server.terminals()?;
    let terminal = crate::shells::idle(&mut client).await?;
    server.kill_keeper()?;
    let closed = close(&mut client, &terminal.id).await?;
    // What hid from the former keeper has gone to init: nobody can say whose it is.
    assert!(!closed.proven && closed.survivors.is_empty(), "{closed:?}");
    assert!(gone(&terminal.pid.to_string()));
    assert_eq!(closed.terminal.context("no terminal")?.state(), State::Exited);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_lost_terminal_is_ended_by_its_group() -> Result<()> {
    let Some(server) = by_cgroup().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    server.stop_signal()?;
    server.kill_keeper()?;
    server.kill9().await?;
    server.ended().await?;
    server.restart().await?;
    let terminal = get(&mut server.terminals()?, &id).await?;
    assert_eq!((terminal.state(), terminal.exit.unwrap_or_default().reason()), (State::Lost, Reason::Lost));
    assert!(gone(only(&pids)?), "process {pids:?} outlived keeper, server and the next start");
    assert_eq!(terminal.tree_end.context("not recorded")?.result(), tree_end::Result::Proven);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_has_replaced_itself_still_has_the_groups() -> Result<()> {
    if by_cgroup().await?.is_none() {
        return Ok(());
    }
    let server = test_support::Server::builder().as_root().embedded_postgres().own_program().start().await?;
    let (id, pids) = start(&mut server.terminals()?, HIDDEN).await?;
    let keeper = server.keeper_pid()?;
    server.sigterm().await?;
    server.replace_program()?;
    server.restart().await?;
    assert_eq!(server.keeper_pid()?, keeper, "it is another process");
    let mut client = server.terminals()?;
    let closed = close(&mut client, &id).await?;
    assert!(closed.proven && gone(only(&pids)?), "{closed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_a_killed_server_asked_for_is_recorded_by_the_next_one() -> Result<()> {
    let server = by_table().await?;
    let mut client = server.terminals()?;
    let script = "trap 'echo closing' HUP; sh -c 'trap \"\" HUP; echo pid $$ ready; exec sleep 3600' & \
                  while :; do wait; done";
    let (id, pids) = start(&mut client, script).await?;
    let mut asking = server.terminals()?;
    let grace = Some(prost_types::Duration { seconds: 2, nanos: 0 });
    let request = CloseTerminalRequest { terminal_id: id.clone(), grace };
    let asked = tokio::spawn(async move { asking.close_terminal(request).await });
    read_until(&mut client, &id, "closing\r\n").await?;
    server.kill9().await?;
    assert!(asked.await?.is_err(), "it was answered before the kill");
    server.restart().await?;
    let mut client = server.terminals()?;
    let exit = wait(&mut client, &id).await?.exit.context("it runs on")?;
    assert_eq!(exit.reason(), Reason::Closed);
    let end = loop {
        match get(&mut client, &id).await?.tree_end {
            Some(end) => break end,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(end.result(), tree_end::Result::Proven);
    assert!(gone(only(&pids)?));
    Ok(())
}

/// A group of version 2 that belongs to the user that the servers under test run as.
struct Delegated(PathBuf);

impl Delegated {
    fn make() -> Result<Option<Self>> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let mount =
            mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
        let Some(mount) = mount.filter(|_| Uid::effective().is_root()) else {
            println!(
                "not tested here: a delegated cgroup; only root can delegate one, and only of version 2"
            );
            return Ok(None);
        };
        let dir = PathBuf::from(mount).join(format!("mosaic-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&dir)?;
        let user = User::from_name("mosaic-test")?.context("no test user")?;
        for file in ["", "cgroup.procs", "cgroup.subtree_control"] {
            chown(dir.join(file), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        Ok(Some(Self(dir)))
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = std::fs::write(self.0.join("cgroup.kill"), "1");
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_without_privilege_uses_a_group_that_was_delegated_to_it() -> Result<()> {
    let Some(group) = Delegated::make()? else { return Ok(()) };
    let server = by_table().await?;
    std::fs::write(group.0.join("cgroup.procs"), server.pid()?.to_string())?;
    server.kill_keeper()?;
    let mut client = server.terminals()?;
    // Two that hide: in the table of processes either could be the other's.
    let other = start(&mut client, HIDDEN).await?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    let closed = close(&mut client, &id).await?;
    assert_eq!(closed.tracking(), Tracking::CgroupV2);
    assert!(closed.proven && gone(only(&pids)?), "{closed:?}");
    assert!(!gone(only(&other.1)?), "another terminal's was ended");
    server.stop_all()?;
    assert!(gone(only(&other.1)?), "it outlives the keeper");
    assert!(!std::fs::read_dir(&group.0)?.flatten().any(|e| e.path().is_dir()), "groups are left");
    Ok(())
}
