//! Two servers on one database: each takes what waits, and nobody touches what the other has started.

use std::time::Duration;

use anyhow::{Result, ensure};
use mosaic_proto::{
    orchestrator::v1::{
        Agent, Job, KillAgentRequest, ListAgentsRequest, ListJobsRequest, SpawnAgentRequest, agent,
        job::{EndReason, State},
        wait_job_request::Until,
    },
    workspace::v1::WatchEventsRequest,
};
use test_support::{AgentClient, Builder, Postgres, Server, reason};
use tonic::Code;

use super::{Scratch, job, over, shell, spawn, wait};

/// Leases as short as they may be.
const LEASE_S: u64 = 6;
const LOST_AFTER_S: u64 = 8;

fn builder() -> Builder {
    Server::builder()
        .config("orchestrator.lease_s", LEASE_S)
        .config("orchestrator.node_lost_after_s", LOST_AFTER_S)
        .config("orchestrator.running_max", 3)
        .config("orchestrator.running_per_workspace_max", 100)
}

/// Two servers on one database, each as a database user of its own.
struct Two {
    a: Server,
    b: Server,
    postgres: Postgres,
}

/// The first one's database user.
const A: &str = "first";

impl Two {
    async fn start() -> Result<Self> {
        let postgres = Postgres::start_without_flush().await?;
        let a = builder().database_url(postgres.url_as(A).await?).start().await?;
        let b = builder().database_url(postgres.url()).start().await?;
        Ok(Self { a, b, postgres })
    }

    /// Any server takes any server's token; the first one wrote down the only one.
    fn token(&self) -> Result<String> {
        self.a.token()
    }

    fn client(&self) -> Result<AgentClient> {
        self.b.agents_as(&self.token()?)
    }
}

/// A job that writes down that it runs, and is done once a file is there.
fn gate(scratch: &Scratch, number: usize) -> SpawnAgentRequest {
    let (ran, go) = (scratch.path("ran"), scratch.path("go"));
    let prompt = format!(
        "echo {number} $MOSAIC_FENCE >> {}; while [ ! -e {} ]; do sleep 0.1; done",
        ran.display(),
        go.display()
    );
    SpawnAgentRequest { name: format!("job-{number}"), ..shell(prompt) }
}

fn open(scratch: &Scratch) -> Result<()> {
    Ok(std::fs::write(scratch.path("go"), "")?)
}

async fn jobs(client: &mut AgentClient) -> Result<Vec<Job>> {
    Ok(client.list_jobs(ListJobsRequest::default()).await?.into_inner().jobs)
}

async fn agents(client: &mut AgentClient) -> Result<Vec<Agent>> {
    Ok(client.list_agents(ListAgentsRequest::default()).await?.into_inner().agents)
}

/// Looks until it is so, after every event of the workspace.
async fn until(
    two: &Two,
    what: &str,
    so: impl Fn(&[Job], &[Agent]) -> bool,
) -> Result<(Vec<Job>, Vec<Agent>)> {
    let mut client = two.client()?;
    let mut events =
        two.b.workspace_as(&two.token()?)?.watch_events(WatchEventsRequest::default()).await?.into_inner();
    let end = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let (jobs, agents) = (jobs(&mut client).await?, agents(&mut client).await?);
        if so(&jobs, &agents) {
            return Ok((jobs, agents));
        }
        let next = tokio::time::timeout_at(end, events.message()).await;
        ensure!(matches!(next, Ok(Ok(Some(_)))), "{what} did not come: {jobs:#?} {agents:#?}");
    }
}

/// Ten jobs, of which each server runs three; answers the agents of the first server.
async fn ten(two: &Two, scratch: &Scratch, rerun: bool) -> Result<Vec<Agent>> {
    let mut client = two.client()?;
    for number in 0..10 {
        spawn(&mut client, SpawnAgentRequest { rerun_when_lost: rerun, ..gate(scratch, number) }).await?;
    }
    let running = |agents: &[Agent]| agents.iter().filter(|a| a.state() == agent::State::Running).count();
    let (_, agents) = until(two, "six agents", |_, agents| running(agents) == 6).await?;
    let node = two.a.node_id()?;
    let of_a: Vec<Agent> = agents.into_iter().filter(|agent| agent.node_id == node).collect();
    ensure!(of_a.len() == 3, "{of_a:?}");
    Ok(of_a)
}

fn state_of(jobs: &[Job], agent: &Agent) -> State {
    jobs.iter().find(|job| job.id == agent.job_id).map_or(State::Unspecified, Job::state)
}

/// How often each job ran.
fn runs(scratch: &Scratch) -> Vec<usize> {
    let lines = scratch.lines("ran");
    (0..10).map(|n| lines.iter().filter(|line| line.starts_with(&format!("{n} "))).count()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_taken_by_either_server_and_each_job_runs_once() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    ten(&two, &scratch, false).await?;
    open(&scratch)?;
    let over = |jobs: &[Job]| jobs.iter().all(|job| job.state() == State::Succeeded);
    until(&two, "the end", |jobs, _| jobs.len() == 10 && over(jobs)).await?;
    assert_eq!(runs(&scratch), [1; 10]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_what_it_has_started_and_the_rest_is_taken() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    let of_a = ten(&two, &scratch, false).await?;
    two.a.kill9().await?;
    let mut client = two.client()?;
    let unreachable = |agents: &[Agent]| {
        agents.iter().filter(|agent| agent.state() == agent::State::Unreachable).count() == 3
    };
    until(&two, "three unreachable", |_, agents| unreachable(agents)).await?;
    // It comes back in time: its agents never stopped.
    two.a.restart().await?;
    let running = |agents: &[Agent]| agents.iter().filter(|a| a.state() == agent::State::Running).count();
    until(&two, "its agents again", |_, agents| running(agents) == 6).await?;
    // And goes for good: they are lost, and nobody runs them again.
    two.a.kill9().await?;
    let (_, agents) =
        until(&two, "lost jobs", |jobs, _| of_a.iter().all(|agent| state_of(jobs, agent) == State::Lost))
            .await?;
    ensure!(agents.iter().filter(|agent| agent.state() == agent::State::Lost).count() == 3, "{agents:?}");
    open(&scratch)?;
    let (jobs, _) = until(&two, "the end", |jobs, _| {
        jobs.iter().all(|job| matches!(job.state(), State::Succeeded | State::Lost))
    })
    .await?;
    assert_eq!(jobs.iter().filter(|job| job.state() == State::Succeeded).count(), 7);
    assert_eq!(jobs.iter().filter(|job| job.end_reason() == EndReason::Lost).count(), 3);
    assert_eq!(runs(&scratch), [1; 10]);
    // Its own return changes nothing any more.
    two.a.restart().await?;
    assert_eq!(job(&mut client, &of_a[0].job_id).await?.state(), State::Lost);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_job_runs_again_only_if_it_says_so_and_the_first_run_is_ended() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    let of_a = ten(&two, &scratch, true).await?;
    two.postgres.shut_out(A).await?;
    until(&two, "lost agents", |_, agents| {
        agents.iter().filter(|agent| agent.state() == agent::State::Lost).count() == 3
    })
    .await?;
    // Back from where the database was not: others have given its agents up, and may run the jobs again.
    two.postgres.let_in(A).await?;
    for lost in &of_a {
        super::gone(lost.pid).await?;
    }
    open(&scratch)?;
    until(&two, "the end", |jobs, _| jobs.iter().all(|job| job.state() == State::Succeeded)).await?;
    let runs = runs(&scratch);
    ensure!(runs.iter().sum::<usize>() == 13 && runs.iter().all(|times| (1..=2).contains(times)), "{runs:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_loses_its_claims_and_not_its_agents() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    ten(&two, &scratch, false).await?;
    two.a.stop_signal()?;
    until(&two, "three unreachable", |_, agents| {
        agents.iter().filter(|agent| agent.state() == agent::State::Unreachable).count() == 3
    })
    .await?;
    open(&scratch)?;
    // The other server does all that was not started.
    until(&two, "seven done", |jobs, _| {
        jobs.iter().filter(|job| job.state() == State::Succeeded).count() == 7
    })
    .await?;
    two.a.cont()?;
    until(&two, "the end", |jobs, _| jobs.iter().all(|job| job.state() == State::Succeeded)).await?;
    assert_eq!(runs(&scratch), [1; 10]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_cut_from_the_database_goes_on_with_its_agents() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    let of_a = ten(&two, &scratch, false).await?;
    two.postgres.shut_out(A).await?;
    open(&scratch)?;
    until(&two, "seven done", |jobs, _| {
        jobs.iter().filter(|job| job.state() == State::Succeeded).count() == 7
    })
    .await?;
    // They are over, and only the database does not know.
    for agent in &of_a {
        super::gone(agent.pid).await?;
    }
    two.postgres.let_in(A).await?;
    until(&two, "the end", |jobs, _| jobs.iter().all(|job| job.state() == State::Succeeded)).await?;
    assert_eq!(runs(&scratch), [1; 10]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_stopped_through_the_other_server_and_read_through_its_own() -> Result<()> {
    let (two, scratch) = (Two::start().await?, Scratch::new()?);
    let of_a = ten(&two, &scratch, false).await?;
    let mut client = two.client()?;
    let (name, node) = (of_a[0].name.clone(), two.a.node_id()?);
    let tail =
        mosaic_proto::orchestrator::v1::TailLogRequest { agent_id: name.clone(), ..Default::default() };
    let refused = client.tail_log(tail).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "OTHER_NODE"));
    ensure!(refused.message().contains(&node), "{refused:?}");
    let killed = client.kill_agent(KillAgentRequest { agent_id: name.clone(), ..Default::default() }).await?;
    let killed = killed.into_inner();
    let receipt = killed.receipt.unwrap_or_default();
    ensure!(receipt.proven && receipt.principal == "operator", "{receipt:?}");
    assert_eq!(killed.job.unwrap_or_default().state(), State::Cancelled);
    super::gone(of_a[0].pid).await?;
    open(&scratch)?;
    wait(&mut client, &of_a[1].name, Until::Over).await?;
    assert_eq!(over(&mut client, &of_a[1].name).await?.state(), State::Succeeded);
    Ok(())
}
