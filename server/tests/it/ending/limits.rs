//! Limits on memory, processes and CPU: kept by cgroup, by resource limit, or reported as not kept.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{Limit, Terminal, limit::Enforcement};
use nix::unistd::Uid;
use test_support::Server;

use super::close;
use crate::{
    shells::{idle, read_until, run, unharmed},
    survive::{get, wait},
};

/// From the last look of the keeper's to the answer of the call, on a machine that does much else.
const SLACK: Duration = Duration::from_secs(10);

fn enforcement(limit: Option<Limit>) -> Result<Enforcement> {
    Ok(limit.context("no such limit is shown")?.enforcement())
}

/// A server whose terminals have these limits, with cgroups if there can be any.
async fn servers(key: &str, most: u64) -> Result<Vec<(Server, bool)>> {
    let key = format!("terminal.{key}");
    let mut servers = vec![(Server::builder().config(&key, most).start().await?, false)];
    if Uid::effective().is_root() {
        let server = Server::builder().as_root().embedded_postgres().config(&key, most).start().await?;
        servers.push((server, true));
    } else {
        println!("not tested here: limits by cgroup; only root's keeper may make cgroups");
    }
    Ok(servers)
}

/// True if a cgroup keeps it; a machine without the controller says so and is not tested further.
fn kept_by_cgroup(what: &str, limit: Option<Limit>) -> Result<bool> {
    let kept = matches!(enforcement(limit)?, Enforcement::CgroupV1 | Enforcement::CgroupV2);
    if !kept {
        println!("not tested here: {what} by cgroup; this machine keeps it by {:?}", enforcement(limit)?);
    }
    Ok(kept)
}

#[tokio::test]
async fn memory_is_limited_and_others_are_unharmed() -> Result<()> {
    for (server, root) in servers("memory_bytes_max", 64 << 20).await? {
        let mut client = server.terminals()?;
        let other = idle(&mut client).await?;
        let keeper = server.keeper_pid()?;
        // The line has no end, so it is held in memory as a whole.
        let greedy = run(&mut client, "head -c 200000000 /dev/zero | tail -n 1 | wc -c; exit 0").await?;
        let memory = greedy.limits.context("no limits are shown")?.memory_bytes;
        assert_eq!(memory.map(|limit| limit.max), Some(64 << 20));
        if !root {
            assert_eq!(enforcement(memory)?, Enforcement::Rlimit);
        } else if !kept_by_cgroup("memory", memory)? {
            continue;
        }
        assert!(wait(&mut client, &greedy.id).await?.exit.is_some(), "it runs on");
        let printed = read_until(&mut client, &greedy.id, "\r\n").await?;
        assert!(!printed.contains("200000000"), "it got 200 MB: {printed}");
        unharmed(&mut client, &other).await?;
        assert_eq!(server.keeper_pid()?, keeper, "the keeper was harmed");
    }
    Ok(())
}

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_ends() -> Result<()> {
    for (server, root) in servers("processes_max", 60).await? {
        let mut client = server.terminals()?;
        let other = idle(&mut client).await?;
        let bomb =
            run(&mut client, "b() { b | b & b & }; trap '' HUP; b; b; echo ready; while :; do b; done")
                .await?;
        let processes = bomb.limits.context("no limits are shown")?.processes;
        if !root {
            assert_eq!(enforcement(processes)?, Enforcement::Rlimit);
        } else if !kept_by_cgroup("processes", processes)? {
            continue;
        }
        // It has come to its limit.
        read_until(&mut client, &bomb.id, "fork").await?;
        let before = Instant::now();
        let closed = close(&mut client, &bomb.id).await?;
        println!("root {root}: ended in {:?}: {:?}", before.elapsed(), closed.steps);
        assert!(closed.proven, "{closed:?}");
        assert!(before.elapsed() < SLACK, "it took {:?}", before.elapsed());
        let most = closed.steps.iter().map(|step| step.processes).max().unwrap_or_default();
        assert!(!root || most <= 60, "{most} processes at once");
        unharmed(&mut client, &other).await?;
    }
    Ok(())
}

/// Starts processes until it cannot start another one, or `MOST_STARTED` run, and says how many those are.
const COUNTING: &str = "(i=0; while [ $i -lt 200 ]; do sleep 3600 & i=$((i + 1)); echo started $i; done); \
                        echo ready; exec sleep 3600";
/// What `COUNTING` starts without a limit.
const MOST_STARTED: usize = 200;

#[tokio::test]
async fn as_many_processes_run_as_the_limit_says() -> Result<()> {
    for (server, root) in servers("processes_max", 60).await? {
        let mut client = server.terminals()?;
        let counting = run(&mut client, COUNTING).await?;
        let processes = counting.limits.context("no limits are shown")?.processes;
        if root && !kept_by_cgroup("processes", processes)? {
            continue;
        }
        let printed = read_until(&mut client, &counting.id, "ready\r\n").await?;
        let started = printed.lines().filter(|line| line.starts_with("started ")).count();
        println!("root {root}: {started} processes of 60");
        if root {
            // The shell and the one that counts are two of them.
            assert_eq!(started, 58, "{printed}");
        } else {
            // On top of what the account runs, which is more or less from moment to moment: other tests are its, too.
            assert!((1..MOST_STARTED).contains(&started), "{printed}");
        }
        close(&mut client, &counting.id).await?;
    }
    Ok(())
}

/// Thousandths of a core that an ended terminal has used from its start to its end.
fn millis_used(terminal: &Terminal) -> Result<u64> {
    let exit = terminal.exit.clone().context("it runs on")?;
    let used = Duration::try_from(exit.cpu_time.context("no processor time")?)?;
    let time = |t: Option<prost_types::Timestamp>| {
        anyhow::Ok(std::time::SystemTime::try_from(t.context("no time")?)?)
    };
    let ran = time(terminal.end_time)?.duration_since(time(terminal.create_time)?)?;
    Ok(u64::try_from(used.as_millis() * 1000 / ran.as_millis())?)
}

#[tokio::test]
async fn cpu_is_limited_or_said_not_to_be() -> Result<()> {
    for (server, root) in servers("cpu_millis_max", 100).await? {
        let mut client = server.terminals()?;
        let request = mosaic_proto::terminal::v1::CreateTerminalRequest {
            shell: "while :; do :; done".to_owned(),
            time_limit: Some(prost_types::Duration { seconds: 2, nanos: 0 }),
            ..Default::default()
        };
        let busy = client.create_terminal(request).await?.into_inner().terminal.context("no terminal")?;
        let cpu = busy.limits.context("no limits are shown")?.cpu_millis;
        if !root {
            assert_eq!(enforcement(cpu)?, Enforcement::Unenforced);
            continue;
        }
        if !kept_by_cgroup("CPU", cpu)? {
            continue;
        }
        wait(&mut client, &busy.id).await?;
        let used = millis_used(&get(&mut client, &busy.id).await?)?;
        println!("used {used} thousandths of a core of 100");
        // A quota lets a task overrun a period by a tick, and the next one pays for it. Twice the limit is seen on a busy
        // machine, too: a fifth of a core is there for everybody.
        assert!((1..=150).contains(&used), "it used {used} thousandths of a core");
    }
    Ok(())
}
