//! Many terminals at once leave nothing behind: threads, descriptors, processes and memory are the same after.
//!
//! It must not measure speed; that is bench's.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{DeleteTerminalRequest, ListTerminalsRequest};
use test_support::{Cost, Server, TerminalClient, cost, descendants};
use tokio::task::JoinSet;

use crate::shells::{close, read_until, run, write};

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
    assert_eq!(live, TERMINALS, "not all are open at once");
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

fn held(server: &Server) -> Result<Held> {
    let (server, keeper) = (server.pid()?, server.keeper_pid()?);
    Ok(Held {
        server: cost(server)?,
        keeper: cost(keeper).context("the keeper")?,
        processes: descendants(server).union(&descendants(keeper)).count(),
    })
}

/// What is held once nothing is being cleaned up any more: the same over many calls in a row, or no more than `limit`.
async fn settled(server: &Server, client: &TerminalClient, limit: Option<Held>) -> Result<Held> {
    let mut client = client.clone();
    let mut last = held(server)?;
    let mut same = 0;
    for _ in 0..2_000 {
        client.list_terminals(ListTerminalsRequest::default()).await?;
        let now = held(server)?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        let enough = match limit {
            Some(limit) => {
                now.server.descriptors <= limit.server.descriptors
                    && now.server.threads <= limit.server.threads
                    && now.keeper.descriptors <= limit.keeper.descriptors
                    && now.processes <= limit.processes
            }
            None => same >= 200,
        };
        if enough {
            break;
        }
    }
    Ok(last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_terminals_leave_nothing_behind() -> Result<()> {
    let server = Server::builder().config("terminal.running_per_workspace_max", TERMINALS).start().await?;
    let client = server.terminals()?;
    // The first round fills pools and caches, which stay.
    round(&client).await?;
    let before = settled(&server, &client, None).await?;
    round(&client).await?;
    let after = settled(&server, &client, Some(before)).await?;
    println!("before {before:?}\nafter  {after:?}");
    for (who, before, after) in
        [("server", before.server, after.server), ("keeper", before.keeper, after.keeper)]
    {
        assert!(after.threads <= before.threads, "{who}: threads stay");
        assert!(after.descriptors <= before.descriptors, "{who}: descriptors stay");
        assert!(after.resident_kib <= before.resident_kib + GROWTH_KIB_MAX, "{who}: memory stays");
    }
    assert!(after.processes <= before.processes, "processes stay");
    Ok(())
}
