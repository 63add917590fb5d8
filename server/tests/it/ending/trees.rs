//! Six trees that resist, each followed in the table of processes and by cgroup; and one that hides from the former.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    CloseTerminalResponse, Tracking, ending_step::Sent, terminal::State, tree_end,
};
use test_support::{Server, TerminalClient};

use super::{HIDDEN, by_cgroup, by_table, close, only, start, state};
use crate::survive::{get, gone};

/// A grandchild in a session of its own.
const SETSID: &str = "setsid sh -c 'echo pid $$ ready; exec sleep 3600' & wait";
/// One that ignores SIGTERM and SIGHUP.
const STUBBORN: &str = "trap '' HUP TERM; sh -c 'echo pid $$ ready; while :; do sleep 3600; done' & wait";
/// A stopped child.
const STOPPED: &str = "sh -c 'echo pid $$ ready; kill -STOP $$; exec sleep 3600' & wait";
/// A grandchild in another session that holds the PTY, whatever comes.
const HOLDS_PTY: &str =
    "t=$(tty); setsid sh -c \"trap '' HUP; exec 7<>$t; echo pid \\$\\$ ready; exec sleep 3600\" & wait";
/// A daemon by the book: its parent and its session's leader have gone.
const DOUBLE_FORK: &str = "trap '' HUP; (setsid sh -c 'sh -c \"echo pid \\$\\$ ready; exec sleep 3600\" & exit 0' &); \
                           trap - HUP; exec sleep 3600";
/// A child that is moved into another cgroup.
const MOVED: &str = "setsid sh -c 'trap \"\" HUP; echo pid $$ ready; exec sleep 3600' & wait";

/// Ends it, and sees that nothing of it is left.
async fn ends(client: &mut TerminalClient, id: &str, pids: &[String]) -> Result<CloseTerminalResponse> {
    assert!(!gone(only(pids)?), "it has ended before");
    let closed = close(client, id).await?;
    assert!(closed.proven && closed.survivors.is_empty(), "{closed:?}");
    for pid in pids {
        assert!(gone(pid), "process {pid} lives on: {closed:?}");
    }
    let terminal = closed.terminal.clone().context("no terminal in the answer")?;
    assert_eq!(terminal.state(), State::Exited);
    // What was proven is shown later, too, and a second close says the same.
    let end = get(client, id).await?.tree_end.context("the end is not recorded")?;
    assert_eq!((end.result(), end.tracking()), (tree_end::Result::Proven, closed.tracking()));
    let again = close(client, id).await?;
    assert!(again.proven && again.steps.is_empty(), "{again:?}");
    Ok(closed)
}

fn sent(closed: &CloseTerminalResponse) -> Vec<Sent> {
    closed.steps.iter().map(|step| step.sent()).collect()
}

async fn by_both(script: &str, last: bool) -> Result<()> {
    let table = by_table().await?;
    let mut client = table.terminals()?;
    let (id, pids) = start(&mut client, script).await?;
    let closed = ends(&mut client, &id, &pids).await?;
    assert_eq!(closed.tracking(), Tracking::ProcessTable);
    let expected: &[Sent] = if last { &[Sent::Hup, Sent::Kill] } else { &[Sent::Hup] };
    assert_eq!(sent(&closed), expected, "{closed:?}");

    let Some(cgroup) = by_cgroup().await? else { return Ok(()) };
    let mut client = cgroup.terminals()?;
    let (id, pids) = start(&mut client, script).await?;
    let closed = ends(&mut client, &id, &pids).await?;
    assert_ne!(closed.tracking(), Tracking::ProcessTable);
    let expected: &[Sent] = if last { &[Sent::Hup, Sent::CgroupKill] } else { &[Sent::Hup] };
    assert_eq!(sent(&closed), expected, "{closed:?}");
    Ok(())
}

#[tokio::test]
async fn a_grandchild_in_its_own_session_ends() -> Result<()> {
    by_both(SETSID, false).await
}

#[tokio::test]
async fn one_that_ignores_sigterm_and_sighup_ends() -> Result<()> {
    by_both(STUBBORN, true).await
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pty_ends() -> Result<()> {
    by_both(HOLDS_PTY, true).await
}

#[tokio::test]
async fn a_double_fork_ends() -> Result<()> {
    by_both(DOUBLE_FORK, true).await
}

#[tokio::test]
async fn a_stopped_child_goes_on_and_ends() -> Result<()> {
    let table = by_table().await?;
    let cgroup = by_cgroup().await?;
    for server in [Some(table), cgroup].into_iter().flatten() {
        let mut client = server.terminals()?;
        let (id, pids) = start(&mut client, STOPPED).await?;
        while state(only(&pids)?)? != "T" {
            tokio::task::yield_now().await;
        }
        let closed = ends(&mut client, &id, &pids).await?;
        assert_eq!(sent(&closed), [Sent::Hup], "it did not go on: {closed:?}");
    }
    Ok(())
}

/// Moves a process from a terminal's groups to where the keeper's are, as root and a shell of root's can.
fn move_away(pid: &str) -> Result<()> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    let mut moved = 0;
    for line in groups.lines().filter(|line| line.contains("/mosaic-")) {
        let (_, rest) = line.split_once(':').context("no hierarchy")?;
        let (controllers, path) = rest.split_once(':').context("no path")?;
        let (above, _) = path.split_once("/mosaic-").context("no group")?;
        let mounts = if controllers.is_empty() { vec!["unified", "."] } else { vec![controllers] };
        let procs = |mount: &&str| format!("/sys/fs/cgroup/{mount}{above}/cgroup.procs");
        let procs = mounts.iter().map(procs).find(|procs| std::fs::metadata(procs).is_ok());
        std::fs::write(procs.context("the hierarchy is mounted elsewhere")?, pid)?;
        moved += 1;
    }
    assert!(moved > 0, "it was in no group of a terminal's: {groups}");
    Ok(())
}

#[tokio::test]
async fn a_child_that_moved_its_cgroup_ends() -> Result<()> {
    let Some(server) = by_cgroup().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    for script in [MOVED, HIDDEN] {
        let (id, pids) = start(&mut client, script).await?;
        move_away(only(&pids)?)?;
        let closed = ends(&mut client, &id, &pids).await?;
        assert_eq!(sent(&closed), [Sent::Hup, Sent::Kill], "{closed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_that_hides_from_everything_but_its_cgroup_ends() -> Result<()> {
    let Some(server) = by_cgroup().await? else { return Ok(()) };
    let mut client = server.terminals()?;
    let other = start(&mut client, HIDDEN).await?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    ends(&mut client, &id, &pids).await?;
    assert!(!gone(only(&other.1)?), "another terminal's was ended");
    Ok(())
}

#[tokio::test]
async fn one_that_hides_ends_where_only_one_terminal_can_have_started_it() -> Result<()> {
    let server = by_table().await?;
    let mut client = server.terminals()?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    ends(&mut client, &id, &pids).await?;
    Ok(())
}

/// A hidden process that two terminals may have started.
async fn ambiguous(server: &Server) -> Result<(String, String)> {
    let mut client = server.terminals()?;
    let other = crate::shells::idle(&mut client).await?;
    let (id, pids) = start(&mut client, HIDDEN).await?;
    let pid = only(&pids)?.clone();
    let closed = close(&mut client, &id).await?;
    assert!(!closed.proven && !gone(&pid), "{closed:?}");
    let [survivor] = closed.survivors.as_slice() else { panic!("{closed:?}") };
    assert_eq!((survivor.pid.to_string(), survivor.possible), (pid.clone(), true), "{closed:?}");
    let end = get(&mut client, &id).await?.tree_end.context("the end is not recorded")?;
    assert_eq!(end.result(), tree_end::Result::BestEffort);
    assert_eq!(end.survivors, closed.survivors);
    crate::shells::unharmed(&mut client, &other).await?;
    Ok((id, pid))
}

#[tokio::test]
async fn one_that_hides_is_named_where_two_terminals_can_have_started_it() -> Result<()> {
    let server = by_table().await?;
    let (_, pid) = ambiguous(&server).await?;
    server.stop_all()?;
    assert!(gone(&pid), "process {pid} outlives the keeper");
    Ok(())
}
