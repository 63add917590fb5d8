//! Programs that the keeper runs without a terminal: how they start, what they print, and that they end.
//!
//! It must not know what they are run for.

use std::{
    io::{Read, Seek},
    os::fd::OwnedFd,
    sync::Arc,
};

use anyhow::{Context, Result};
use mosaic_server::keeper::{
    client::{Client, Error},
    wire::{self, Ask, FailureKind},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Keeper, PATIENCE, lines, soon};

/// Connects as the server does.
async fn owner(keeper: &Keeper) -> Result<Client> {
    let client = soon(async || Ok(Client::connect(&keeper.dir, mpsc::channel(8).0)?)).await?;
    let database = Uuid::nil().as_bytes().to_vec();
    client.ask(Ask::Hello(wire::Hello { protocol: wire::PROTOCOL, database, owner: true })).await?;
    Ok(client)
}

fn shell(script: &str) -> wire::Run {
    wire::Run {
        id: Uuid::new_v4().as_bytes().to_vec(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        cwd: "/".to_owned(),
        env: vec!["PATH=/usr/bin:/bin".to_owned()],
        timeout_ms: 20_000,
        output_bytes_max: 64 * 1024,
    }
}

fn printed(fd: OwnedFd) -> Result<String> {
    let mut file = std::fs::File::from(fd);
    let length = file.stream_position()?;
    file.rewind()?;
    let mut text = String::new();
    file.take(length).read_to_string(&mut text)?;
    Ok(text)
}

async fn run(client: &Client, run: wire::Run) -> Result<(wire::Ran, String, String)> {
    let (ran, fds) = client.run(run).await?;
    let [output, errors] = <[OwnedFd; 2]>::try_from(fds).ok().context("not two descriptors")?;
    Ok((ran, printed(output)?, printed(errors)?))
}

fn process(pid: &str) -> Result<OwnedFd> {
    let pid = Pid::from_raw(pid.parse()?).context("pid 0")?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// How many processes have this in their command line.
pub(crate) fn left(name: &str) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(name)).count()
}

fn code(ran: &wire::Ran) -> Option<i32> {
    ran.exit.and_then(|exit| exit.code)
}

#[tokio::test]
async fn it_runs_as_the_shell_user_and_is_answered_at_its_end() -> Result<()> {
    let keeper = Keeper::start()?;
    let client = owner(&keeper).await?;
    let script =
        "id -un; id -Gn; echo $0 >&2; cat; tty; ls /proc/self/fd | wc -l; env | grep -c MOSAIC; exit 7";
    let (ran, output, errors) = run(&client, shell(script)).await?;
    assert_eq!(code(&ran), Some(7));
    let user = &keeper.account.name;
    assert!(output.starts_with(&format!("{user}\n")), "{output}");
    assert!(output.ends_with("not a tty\n4\n1\n"), "{output}");
    assert_eq!(errors, "sh\n");
    // It is no terminal's child.
    assert_eq!(client.children().await?, []);

    let (ran, output, errors) = run(&client, shell("yes | head -c 1000000; echo $? >&2")).await?;
    assert!(output.len() <= 64 * 1024 && output.len() > 60 * 1024, "{} bytes", output.len());
    assert!(code(&ran) == Some(0) && errors.contains("not permitted"), "{errors}");

    let (ran, ..) = run(&client, shell("kill -9 $$")).await?;
    assert_eq!(ran.exit.and_then(|exit| exit.signal), Some(9));
    let failed = async |change: fn(&mut wire::Run)| {
        let mut run = shell("true");
        change(&mut run);
        client.run(run).await.err().and_then(|error| error.kind())
    };
    assert_eq!(failed(|run| run.cwd = "/nowhere".to_owned()).await, Some(FailureKind::Cwd));
    assert_eq!(failed(|run| run.argv = vec!["nowhere".to_owned()]).await, Some(FailureKind::Exec));
    assert_eq!(failed(|run| run.argv.clear()).await, Some(FailureKind::Exec));
    assert_eq!(failed(|run| run.id.clear()).await, Some(FailureKind::Refused));
    Ok(())
}

#[tokio::test]
async fn nothing_of_it_outlives_its_time_its_end_or_its_asker() -> Result<()> {
    let keeper = Keeper::start()?;
    let client = Arc::new(owner(&keeper).await?);
    // Deaf to hang-ups, in a session of its own.
    let deaf = |name: &str| format!("setsid sh -c 'trap \"\" HUP TERM; sleep 3600; : {name}' & ");
    let name = || Uuid::new_v4().simple().to_string();

    let own = name();
    let (ran, ..) = run(&client, shell(&format!("{} sleep 0.1", deaf(&own)))).await?;
    assert!(code(&ran) == Some(0) && !ran.timed_out, "{ran:?}");
    assert_eq!(left(&own), 0, "something outlives the program that started it");

    let own = name();
    let mut slow = shell(&format!("{} trap '' HUP; sleep 3600", deaf(&own)));
    slow.timeout_ms = 200;
    let (ran, ..) = run(&client, slow).await?;
    assert!(ran.timed_out, "{ran:?}");
    assert_eq!(left(&own), 0, "something outlives the time-out");

    // More than may run at once wait for their turn, and a connection that is gone takes its programs along.
    keeper.sh("mkfifo pids")?;
    let pipe = format!("{}/pids", keeper.home());
    let mut all = Vec::new();
    for _ in 0..wire::RUNS_MAX {
        let script = format!("setsid sh -c 'trap \"\" HUP TERM; echo $$ > {pipe}; sleep 3600' & sleep 3600");
        let client = Arc::clone(&client);
        all.push(tokio::spawn(async move { client.run(shell(&script)).await.map(drop) }));
    }
    let pids = lines(pipe, wire::RUNS_MAX).await?;
    let other = owner(&keeper).await?;
    assert_eq!(other.run(shell("true")).await.err().and_then(|e| e.kind()), Some(FailureKind::Busy));
    let upgrade = other.ask(Ask::Upgrade(wire::Upgrade {})).await;
    assert!(matches!(upgrade, Err(Error::Failed(failure)) if failure.kind() == FailureKind::Busy));
    for one in all {
        one.abort();
        let _ = one.await;
    }
    let processes: Vec<OwnedFd> = pids.iter().map(|pid| process(pid)).collect::<Result<_>>()?;
    drop(client);
    for process in processes {
        let patience = Timespec::try_from(PATIENCE)?;
        let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience))?;
        assert_eq!(ended, 1, "programs outlive the connection that asked for them");
    }
    // It looks once more before it gives their places away.
    soon(async || Ok(other.run(shell("true")).await?)).await?;
    let (ran, ..) = run(&other, shell("true")).await?;
    assert_eq!(code(&ran), Some(0));
    Ok(())
}
