//! `kill -9` of the keeper, and its replacement in place: shells live on, and their ends are told honestly.

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{CloseTerminalRequest, Exit, exit::Reason};
use test_support::{Server, programs};
use tokio::task::JoinSet;

use super::{Cursor, Seeded, faults, gone, roomy, wait};
use crate::shells::{read_until, run, write};

const KILLS: usize = 200;
const LINES: u64 = 2_000_000;
/// Kills while terminals are being made, so many at once.
const MAKING_KILLS: usize = 30;
const AT_ONCE: usize = 16;
/// Longer than anything here takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an orphan ended comes from the kernel, since Linux 6.15; from an older one it is UNKNOWN, never made up.
fn told(exit: &Exit, code: i32) -> Result<()> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) >= (Some(6), Some(15)) {
        assert_eq!((exit.reason(), exit.code), (Reason::Exited, Some(code)));
    } else {
        println!("not tested here: this kernel ({}) does not tell how an orphan ended", release.trim());
        assert_eq!((exit.reason(), exit.code), (Reason::Unknown, None));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_live_on_when_the_keeper_is_killed() -> Result<()> {
    let server = roomy().await?;
    let mut random = Seeded::new(7);
    let mut client = server.terminals()?;
    let printing =
        run(&mut client, &format!("{}; exit 3", programs::numbered_lines(LINES).replace("exec ", "")))
            .await?;
    let shell = run(&mut client, "while read line; do echo \"got $line\"; done; exit 5").await?;
    for number in 0..faults(KILLS) {
        random.pause(Duration::from_millis(30)).await;
        let before = server.keeper_pid()?;
        server.kill_keeper()?;
        write(&mut client, &shell.id, &format!("line {number}\r")).await?;
        read_until(&mut client, &shell.id, &format!("got line {number}\r\n")).await?;
        // Spawning waits for the new keeper; it takes what the old one had.
        let new = run(&mut client, "exit 0").await?;
        wait(&mut client, &new.id).await?;
        assert_ne!(server.keeper_pid()?, before);
    }
    let mut cursor = Cursor::default();
    cursor.finish(&mut client, &printing.id).await?;
    assert!(cursor.bytes == programs::numbered_lines_output(LINES), "wrong bytes");
    let exit = wait(&mut client, &printing.id).await?.exit.unwrap_or_default();
    told(&exit, 3)?;
    write(&mut client, &shell.id, "\u{4}").await?;
    let exit = wait(&mut client, &shell.id).await?.exit.unwrap_or_default();
    told(&exit, 5)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_being_made_when_the_keeper_is_killed_is_handed_over() -> Result<()> {
    let server = Server::builder().config("terminal.running_per_workspace_max", AT_ONCE).start().await?;
    let mut random = Seeded::new(11);
    let client = server.terminals()?;
    for _ in 0..faults(MAKING_KILLS) {
        let mut making = JoinSet::new();
        for _ in 0..AT_ONCE {
            let mut client = client.clone();
            making.spawn(async move { run(&mut client, "read line; exit 7").await });
        }
        random.pause(Duration::from_millis(50)).await;
        server.kill_keeper()?;
        let made = making.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        for terminal in made {
            let mut client = client.clone();
            write(&mut client, &terminal.id, "\r").await?;
            // Only a keeper that has it can tell that it ended.
            let ended = tokio::time::timeout(PATIENCE, wait(&mut client, &terminal.id)).await;
            ended.with_context(|| format!("the end of {} is not told", terminal.id))??;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_of_a_killed_keeper_can_be_closed_with_all_that_it_started() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, &programs::leaves_a_daemon()).await?;
    let pid = read_until(&mut client, &terminal.id, "\r\n").await?;
    server.kill_keeper()?;
    let request = CloseTerminalRequest { terminal_id: terminal.id, ..Default::default() };
    let closed = client.close_terminal(request).await?.into_inner();
    assert!(gone(&pid), "process {pid} lives on");
    // Nothing is left that shows whose it is. What had hidden from the former keeper is init's now: without a cgroup
    // that is no proof.
    assert!(closed.survivors.is_empty() && !closed.proven, "{closed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_keeper_replaces_the_old_one_in_place() -> Result<()> {
    let server =
        Server::builder().config("terminal.output_log_bytes_max", 512 << 20).own_program().start().await?;
    let mut client = server.terminals()?;
    let printing = run(&mut client, &programs::numbered_lines(LINES)).await?;
    let shell = run(&mut client, "while read line; do echo \"got $line\"; done; exit 5").await?;
    let keeper = server.keeper_pid()?;
    let before = std::fs::read_link(format!("/proc/{keeper}/exe"))?;
    server.kill9().await?;
    server.replace_program()?;
    server.restart().await?;
    let mut client = server.terminals()?;
    write(&mut client, &shell.id, "hello\r").await?;
    read_until(&mut client, &shell.id, "got hello\r\n").await?;
    assert_eq!(server.keeper_pid()?, keeper, "it is another process");
    let after = std::fs::read_link(format!("/proc/{keeper}/exe"))?;
    assert_eq!(before, after, "the old program still runs (its file is gone)");
    let mut cursor = Cursor::default();
    cursor.finish(&mut client, &printing.id).await?;
    assert!(cursor.bytes == programs::numbered_lines_output(LINES), "wrong bytes");
    // It is still the parent: it knows exactly how its children ended.
    write(&mut client, &shell.id, "\u{4}").await?;
    let exit = wait(&mut client, &shell.id).await?.exit.unwrap_or_default();
    assert_eq!((exit.reason(), exit.code), (Reason::Exited, Some(5)));
    Ok(())
}
