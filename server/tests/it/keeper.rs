//! The keeper as its server asks it: what no call through the contract can make it do.
//!
//! It must not test what a server makes of the answers.

use std::{
    fs::{self, File},
    os::fd::OwnedFd,
    process::{Child, Command},
};

use anyhow::{Context, Result};
use mosaic_server::keeper::{
    ChildIo,
    client::Client,
    wire::{self, Ask},
};
use prost::Message;
use rustix::process::{Pid, PidfdFlags, getuid, pidfd_open};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::worktrees::{Keeper, soon};

/// Connects as the server does.
async fn owner(keeper: &Keeper) -> Result<Client> {
    let client = soon(async || Ok(Client::connect(&keeper.dir, mpsc::channel(8).0)?)).await?;
    let database = Uuid::nil().as_bytes().to_vec();
    client.ask(Ask::Hello(wire::Hello { protocol: wire::PROTOCOL, database, owner: true })).await?;
    Ok(client)
}

#[tokio::test]
async fn more_children_than_fit_into_one_message_are_all_listed() -> Result<()> {
    const CHILDREN: usize = 10_000;
    let mut keeper = Keeper::start()?;
    let exits = keeper.dir.join("exits");
    // It listens once it has made the directory; the next one finds what is in there.
    drop(owner(&keeper).await?);
    let exit = wire::Exit { code: Some(7), time_ms: 1_700_000_000_000, ..wire::Exit::default() };
    let mut ids: Vec<Uuid> = (0..CHILDREN).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        fs::write(exits.join(id.to_string()), exit.encode_to_vec())?;
    }
    ids.sort_unstable();
    keeper.replace()?;
    let client = owner(&keeper).await?;
    let listed = client.children().await?;
    assert!(listed.iter().map(Message::encoded_len).sum::<usize>() > wire::MESSAGE_BYTES_MAX);
    let found: Vec<Uuid> = listed.iter().filter_map(|child| Uuid::from_slice(&child.id).ok()).collect();
    assert_eq!(found.len(), CHILDREN);
    assert!(found == ids, "not each one once, in order");
    assert!(listed.iter().all(|child| child.exit == Some(exit)), "not as it ended");
    // An older server asks for everything at once, and goes on getting what fits.
    for id in &ids[1000..] {
        client.ask(Ask::Forget(wire::ChildId { id: id.as_bytes().to_vec() })).await?;
    }
    let all = client.ask(Ask::List(wire::List::default())).await?;
    assert_eq!((all.children.len(), all.more), (1000, false));
    Ok(())
}

/// A process of root's that leads a session, as a terminal's own process does.
struct Roots(Child);

impl Roots {
    fn start() -> Result<Self> {
        Ok(Self(Command::new("setsid").args(["sleep", "3600"]).spawn()?))
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    /// When it started, as the kernel counts; `setsid` has become `sleep` by then.
    async fn start_time(&self) -> Result<u64> {
        let pid = self.pid();
        soon(async || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let (name, rest) = stat.rsplit_once(')').context("no name")?;
            anyhow::ensure!(name.ends_with("(sleep"), "not yet");
            Ok(rest.split_whitespace().nth(19).context("no start time")?.parse()?)
        })
        .await
    }
}

impl Drop for Roots {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_process_of_root_s_that_is_handed_over_as_a_terminal_s_is_not_ended() -> Result<()> {
    if !getuid().is_root() {
        println!("not tested here: only root has processes that an ordinary user may not end");
        return Ok(());
    }
    let keeper = Keeper::start()?;
    let client = owner(&keeper).await?;
    let mut roots = Roots::start()?;
    let (pid, id) = (roots.pid(), Uuid::new_v4().as_bytes().to_vec());
    let null = || File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from);
    let pidfd = pidfd_open(Pid::from_raw(pid).context("pid 0")?, PidfdFlags::empty())?;
    let fds = vec![null()?, null()?, null()?, null()?, null()?, pidfd];
    let io = ChildIo::from_fds(fds).context("not all descriptors")?;
    // What a server that was taken over by somebody else could say.
    let adopt = wire::Adopt { id: id.clone(), pid, start_time: roots.start_time().await? };
    client.adopt(adopt, &io).await?;
    let close = wire::Close { id, terminate: true, ..wire::Close::default() };
    let ending = client.ask(Ask::Close(close)).await?.ending.context("no end")?;
    assert!(roots.0.try_wait()?.is_none(), "the keeper ended it: {ending:?}");
    assert!(!ending.proven);
    let survivors: Vec<i32> = ending.survivors.iter().map(|survivor| survivor.pid).collect();
    assert_eq!(survivors, [pid], "{ending:?}");
    Ok(())
}
