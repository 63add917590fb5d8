//! Agents whose keeper is slow to start them, or dies while it is asked to.
//!
//! It must not know how the server asks; a stopped keeper is one that has been asked and has not answered.

use std::{fs::File, process::Child, time::Duration};

use anyhow::{Context, Result, ensure};
use mosaic_proto::{
    orchestrator::v1::{
        Agent, SpawnAgentRequest, WaitJobRequest, agent,
        job::{EndReason, State},
        wait_job_request::Until,
    },
    terminal::v1::{GetTerminalRequest, terminal},
};
use rustix::process::Signal;
use test_support::{AgentClient, Server, account, reason};
use tokio_util::task::AbortOnDropHandle;

use super::{Scratch, agent, job, named, over, seconds, spawn, wait};

/// Longer than a server waits for a keeper.
const PATIENCE: Duration = Duration::from_secs(40);

/// A stopped keeper with a call that waits for it; goes on at the end of the test, which ends it.
struct Stopped<'a> {
    server: &'a Server,
    _spawning: AbortOnDropHandle<()>,
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let _ = self.server.signal_keeper(Signal::CONT);
    }
}

/// An agent that the keeper is asked to start, and does not: it is stopped.
async fn asked(server: &Server, request: SpawnAgentRequest) -> Result<(Agent, Stopped<'_>)> {
    server.signal_keeper(Signal::STOP)?;
    let (mut client, mut asking, name) = (server.agents()?, server.agents()?, request.name.clone());
    let spawning = tokio::spawn(async move {
        // It answers when it is started, or after a while.
        let _ = spawn(&mut asking, request).await;
    });
    let stopped = Stopped { server, _spawning: AbortOnDropHandle::new(spawning) };
    let found = soon(&mut client, &name).await?;
    assert_eq!((found.state(), found.pid), (agent::State::Starting, 0));
    // The row comes right before the question.
    let mut terminals = server.terminals()?;
    let named = GetTerminalRequest { terminal_id: found.terminal_id.clone() };
    while terminals.get_terminal(named.clone()).await.is_err() {}
    Ok((found, stopped))
}

/// An agent, once it is recorded.
async fn soon(client: &mut AgentClient, name: &str) -> Result<Agent> {
    loop {
        match agent(client, name).await {
            Err(status) if reason(&status) == "AGENT_NOT_FOUND" => {}
            answer => return Ok(answer?),
        }
    }
}

/// What a keeper may have started before it died: a process with the terminal's mark.
fn started_for(agent: &Agent) -> Result<Child> {
    let mut command = account()?.command("sleep");
    Ok(command.arg("3600").env("MOSAIC_TERMINAL_ID", &agent.terminal_id).spawn()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_the_start_waits_for_the_program() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    let (_, _stopped) = asked(&server, named("slow", "sleep 1000")).await?;
    let request = |timeout| WaitJobRequest {
        job_id: "slow".to_owned(),
        until: Until::Started.into(),
        timeout: seconds(timeout),
    };
    let early = client.wait_job(request(0.5)).await?.into_inner();
    ensure!(early.timed_out, "nothing has started: {early:?}");
    server.signal_keeper(Signal::CONT)?;
    let (job, agent) = wait(&mut client, "slow", Until::Started).await?;
    let agent = agent.context("no agent")?;
    assert_eq!((job.state(), agent.state()), (State::Running, agent::State::Running));
    ensure!(agent.pid > 0, "{agent:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_dies_while_it_is_asked_loses_the_agent_and_leaves_nothing_of_it() -> Result<()> {
    let server = Server::start().await?;
    let (mut client, scratch) = (server.agents()?, Scratch::new()?);
    let ran = format!("echo $MOSAIC_FENCE >> {}", scratch.path("ran").display());
    let (agent, _stopped) = asked(&server, named("unlucky", ran.clone())).await?;
    let mut left = started_for(&agent)?;
    server.kill_keeper()?;
    let job = over(&mut client, "unlucky").await?;
    assert_eq!((job.state(), job.end_reason()), (State::Lost, EndReason::Lost), "{job:?}");
    ensure!(job.message.contains("went away"), "{job:?}");
    assert_eq!(super::agent(&mut client, "unlucky").await?.state(), agent::State::Lost);
    // Whether its program had begun nobody knows, so it is not begun again; and what it may have begun has ended.
    assert_eq!(scratch.lines("ran"), [""; 0]);
    let swept = left.try_wait()?;
    left.kill()?;
    left.wait()?;
    ensure!(swept.is_some(), "what the keeper had started outlives it");
    let named = GetTerminalRequest { terminal_id: agent.terminal_id };
    if let Ok(found) = server.terminals()?.get_terminal(named).await {
        let terminal = found.into_inner().terminal.context("no terminal")?;
        assert_ne!(terminal.state(), terminal::State::Starting, "{terminal:?}");
    }

    // Whoever wants it all the same says so before.
    let again = SpawnAgentRequest { rerun_when_lost: true, ..super::named("again", ran) };
    let (_, _stopped) = asked(&server, again).await?;
    server.kill_keeper()?;
    assert_eq!(over(&mut client, "again").await?.state(), State::Succeeded);
    assert_eq!(scratch.lines("ran"), ["2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_keeper_could_not_be_asked_goes_back_into_the_queue() -> Result<()> {
    let server = Server::start().await?;
    let (mut client, scratch) = (server.agents()?, Scratch::new()?);
    // No other keeper can begin while the lock is held.
    server.stop_signal()?;
    server.kill_keeper()?;
    let lock = File::open(server.data_dir().join("keeper/keeper.lock"))?;
    lock.lock()?;
    server.cont()?;
    let ran = format!("echo $MOSAIC_FENCE >> {}", scratch.path("ran").display());
    spawn(&mut client, named("patient", ran)).await?;
    let first = soon(&mut client, "patient").await?;
    // Given up, and begun anew under the next fence: nothing was asked for, so nothing is lost.
    let again = async {
        while super::agent(&mut client, "patient").await?.fence == first.fence {
            ensure!(job(&mut client, "patient").await?.end_time.is_none(), "it is over");
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, again).await.context("it is not begun anew")??;
    drop(lock);
    let done = over(&mut client, "patient").await?;
    assert_eq!((done.state(), done.attempts), (State::Succeeded, 1), "{done:?}");
    assert_eq!(scratch.lines("ran").len(), 1);
    Ok(())
}
