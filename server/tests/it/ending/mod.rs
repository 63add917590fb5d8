//! Ending means ending: trees of processes that resist, on each way by which they are followed, and limits.
//!
//! It must not trust what the server says about an end: `/proc` decides.

mod heirs;
mod limits;
mod time;
mod trees;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{CloseTerminalRequest, CloseTerminalResponse};
use nix::unistd::Uid;
use test_support::{Server, TerminalClient};

use crate::shells::{read_until, run};

/// A server whose keeper has no cgroups: an ordinary user's. Its trees are followed in the table of processes.
async fn by_table() -> Result<Server> {
    Server::start().await
}

/// A server of root's, whose keeper makes cgroups; none where that is not possible.
async fn by_cgroup() -> Result<Option<Server>> {
    if !Uid::effective().is_root() {
        println!("not tested here: only root's keeper may make cgroups");
        return Ok(None);
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    if !mounts.lines().any(|line| line.contains(" - cgroup") && line.contains(" rw")) {
        println!("not tested here: no hierarchy of cgroups is mounted for writing");
        return Ok(None);
    }
    Server::builder().as_root().embedded_postgres().start().await.map(Some)
}

/// Starts a program that prints `pid N` for each process that is to be ended, and `ready` at last.
async fn start(client: &mut TerminalClient, script: &str) -> Result<(String, Vec<String>)> {
    let terminal = run(client, script).await?;
    let printed = read_until(client, &terminal.id, "ready\r\n").await?;
    let words: Vec<&str> = printed.split_whitespace().collect();
    let pids = words.windows(2).filter(|two| two[0] == "pid").map(|two| two[1].to_owned()).collect();
    Ok((terminal.id, pids))
}

/// Closes a terminal after a short grace.
async fn close(client: &mut TerminalClient, id: &str) -> Result<CloseTerminalResponse> {
    let grace = Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 });
    Ok(client.close_terminal(CloseTerminalRequest { terminal_id: id.to_owned(), grace }).await?.into_inner())
}

/// The only process that a script has named.
fn only(pids: &[String]) -> Result<&String> {
    let [pid] = pids else { anyhow::bail!("{pids:?} is not one process") };
    Ok(pid)
}

/// What `/proc` says of a process: its state's letter.
fn state(pid: &str) -> Result<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = stat.rsplit(')').next().context("no name in stat")?;
    Ok(rest.split_whitespace().next().unwrap_or_default().to_owned())
}

/// Leaves its session, its parent and its environment behind, and hears no hang-up: only a cgroup shows whose it is.
const HIDDEN: &str = "trap '' HUP TERM; setsid env -i sh -c '(sh -c \"echo pid \\$\\$ ready; \
                      exec sleep 3600 </dev/null >/dev/null 2>&1\" & )' & trap - HUP; wait; exec sleep 3600";
