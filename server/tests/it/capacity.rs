//! Many terminals at once leave nothing behind: threads, descriptors, processes and memory are the same after.
//!
//! It must not measure speed; that is bench's.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    DeleteTerminalRequest, ListTerminalsRequest, Terminal, WaitTerminalRequest,
};
use test_support::{Cost, Server, TerminalClient, cost, descendants};
use tokio::task::JoinSet;

use crate::shells::{close, idle, read_until, run, write};

/// Terminals open at the same time.
const TERMINALS: usize = 200;

/// How much a process's own memory may grow over a round of `TERMINALS`, in KiB: allocators keep what they may need
/// again. A leak of one 64 KiB buffer a terminal would be 12.5 MiB.
const GROWTH_KIB_MAX: u64 = 4096;

/// Opens all, types into each, reads its echo, closes and forgets each.
async fn round(client: &TerminalClient) -> Result<()> {
    let mut opening = JoinSet::new();
    for number in 0..TERMINALS {
        let mut client = client.clone();
        opening.spawn(async move {
            let terminal =
                run(&mut client, "stty -echo; echo ready; read line; echo \"got $line\"; exec cat").await?;
            read_until(&mut client, &terminal.id, "ready").await?;
            anyhow::Ok((number, terminal.id))
        });
    }
    let terminals = opening.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let listed =
        client.clone().list_terminals(ListTerminalsRequest { page_size: 1000, ..Default::default() }).await?;
    let live = listed.into_inner().terminals.iter().filter(|terminal| terminal.end_time.is_none()).count();
    // And the witness.
    assert_eq!(live, TERMINALS + 1, "not all are open at once");
    let mut closing = JoinSet::new();
    for (number, id) in terminals {
        let mut client = client.clone();
        closing.spawn(async move {
            write(&mut client, &id, &format!("line {number}\r")).await?;
            read_until(&mut client, &id, &format!("got line {number}\r\n")).await?;
            close(&mut client, &id).await?;
            client.delete_terminal(DeleteTerminalRequest { terminal_id: id }).await?;
            anyhow::Ok(())
        });
    }
    closing.join_all().await.into_iter().collect()
}

/// What server and keeper hold, and how many processes belong to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    server: Cost,
    keeper: Cost,
    processes: usize,
}

impl Held {
    /// True if nothing countable is more than in `limit`.
    fn within(&self, limit: &Self) -> bool {
        let cost =
            |now: &Cost, limit: &Cost| now.threads <= limit.threads && now.descriptors <= limit.descriptors;
        cost(&self.server, &limit.server)
            && cost(&self.keeper, &limit.keeper)
            && self.processes <= limit.processes
    }
}

fn held(server: &Server) -> Result<Held> {
    let (server, keeper) = (server.pid()?, server.keeper_pid()?);
    Ok(Held {
        server: cost(server)?,
        keeper: cost(keeper).context("the keeper")?,
        processes: descendants(server).union(&descendants(keeper)).count(),
    })
}

/// What is held once it is no more than `limit`, or after a minute. A wait for the end of a terminal that stays is
/// the clock: it gives the server a quarter of a second without work.
async fn settled(server: &Server, client: &TerminalClient, witness: &Terminal, limit: Held) -> Result<Held> {
    const TURNS: usize = 240;
    let mut client = client.clone();
    let mut now = held(server)?;
    for _ in 0..TURNS {
        if now.within(&limit) {
            break;
        }
        let timeout = Some(prost_types::Duration { seconds: 0, nanos: 250_000_000 });
        client.wait_terminal(WaitTerminalRequest { terminal_id: witness.id.clone(), timeout }).await?;
        now = held(server)?;
    }
    Ok(now)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_terminals_leave_nothing_behind() -> Result<()> {
    let quota = TERMINALS + 1;
    // So few connections to the database that the first round has them all, however busy the machine is.
    let server = Server::builder()
        .config("terminal.running_per_workspace_max", quota)
        .config("database.pool_size_max", 4)
        .config("database.wait_ms", 30_000)
        .start()
        .await?;
    let client = server.terminals()?;
    let witness = idle(&mut client.clone()).await?;
    let fresh = held(&server)?;
    // The first round fills pools and caches, which stay; the threads of a burst do not.
    round(&client).await?;
    let mut before = held(&server)?;
    before.server.threads = fresh.server.threads;
    before.processes = fresh.processes;
    round(&client).await?;
    let after = settled(&server, &client, &witness, before).await?;
    println!("fresh  {fresh:?}\nbefore {before:?}\nafter  {after:?}");
    assert!(after.within(&before), "threads, descriptors or processes stay");
    for (who, before, after) in
        [("server", before.server, after.server), ("keeper", before.keeper, after.keeper)]
    {
        assert!(after.resident_kib <= before.resident_kib + GROWTH_KIB_MAX, "{who}: memory stays");
    }
    Ok(())
}
