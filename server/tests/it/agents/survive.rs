//! What of jobs must live through faults: each test breaks the real processes and counts what ran.
//!
//! It must not know how the server keeps its promises, only what they are.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use mosaic_proto::{
    orchestrator::v1::{ListJobsRequest, SpawnAgentRequest, job::State},
    workspace::v1::{WatchEventsRequest, event::Payload, watch_events_response::Response},
};
use test_support::{Server, WorkspaceClient};

use super::{Scratch, is_final, over, shell, text};
use crate::survive::{Seeded, faults};

/// Jobs of a round, and how many of them run at once.
const JOBS: usize = 220;
const AT_ONCE: usize = 20;

/// Each agent writes down that it runs, prints numbered lines for a while, and writes down that it is done.
fn task(scratch: &Scratch, round: usize, number: usize) -> SpawnAgentRequest {
    let file = scratch.path(&format!("ran-{round}"));
    let prompt = format!(
        "echo {number} $MOSAIC_FENCE >> {file}; i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i; sleep 0.0{}; done; \
         exit {}",
        number % 5,
        number % 2,
        file = file.display(),
    );
    SpawnAgentRequest {
        request_id: format!("round {round}, job {number}"),
        name: format!("r{round}-{number}"),
        ..shell(prompt)
    }
}

/// A reader of the event log that goes on where it was.
struct Events {
    after: u64,
    /// The states of each job, in the order of the events.
    states: HashMap<String, Vec<State>>,
}

impl Events {
    /// Reads what is there until the stream ends or breaks; every sequence must follow the one before.
    async fn read(&mut self, client: &mut WorkspaceClient, follow: bool) -> Result<()> {
        let request = WatchEventsRequest {
            after_sequence: Some(self.after),
            follow: Some(follow),
            ..Default::default()
        };
        let Ok(stream) = client.watch_events(request).await else { return Ok(()) };
        let mut stream = stream.into_inner();
        while let Ok(Some(message)) = stream.message().await {
            let Some(Response::Event(event)) = message.response else { continue };
            ensure!(event.sequence == self.after + 1, "{} follows {}", event.sequence, self.after);
            self.after = event.sequence;
            if let Some(Payload::Job(changed)) = event.payload {
                let job = changed.job.context("no job")?;
                self.states.entry(job.id.clone()).or_default().push(job.state());
            }
        }
        Ok(())
    }
}

/// Each job of a round ended as it should, with all of its output, and ran once.
async fn ensure_each_ran_once(server: &Server, scratch: &Scratch, round: usize) -> Result<()> {
    let mut client = server.agents()?;
    for number in 0..JOBS {
        let job = over(&mut client, &format!("r{round}-{number}")).await?;
        let expected = if number % 2 == 0 { State::Succeeded } else { State::Failed };
        assert_eq!(job.state(), expected, "{job:?}");
        let text = text(&mut client, &job.agent_id).await?;
        let whole: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        assert_eq!(text, whole, "the output of {}", job.name);
    }
    let mut ran: HashMap<String, usize> = HashMap::new();
    for line in scratch.lines(&format!("ran-{round}")) {
        *ran.entry(line.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = ran.iter().filter(|(_, times)| **times != 1).collect();
    ensure!(twice.is_empty(), "ran more than once: {twice:?}");
    assert_eq!(ran.len(), JOBS, "jobs that ran");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost_or_runs_twice_by_kills_of_the_server() -> Result<()> {
    let server = Server::builder()
        .config("orchestrator.running_per_workspace_max", AT_ONCE)
        .config("terminal.ended_per_workspace_max", 100_000)
        .start()
        .await?;
    let scratch = Scratch::new()?;
    let mut seeded = Seeded::new(0x00a6_e475);
    let mut events = Events { after: 0, states: HashMap::new() };
    let mut kills = 0;
    for round in 0..faults(20) {
        let mut made = 0;
        // Killed while jobs are made, while they start, and while they run.
        while made < JOBS {
            let mut client = server.agents()?;
            let mut workspace = server.workspace()?;
            let reading = async { events.read(&mut workspace, true).await };
            let working = async {
                let until = tokio::time::Instant::now() + Duration::from_millis(300 + seeded.below(1200));
                while made < JOBS && tokio::time::Instant::now() < until {
                    // One whose answer was lost is made again under the same request.
                    match client.spawn_agent(task(&scratch, round, made)).await {
                        Ok(_) => made += 1,
                        Err(status) => anyhow::bail!("{status:?}"),
                    }
                }
                seeded.pause(Duration::from_millis(200)).await;
                server.kill9().await?;
                kills += 1;
                anyhow::Ok(())
            };
            let (read, worked) = tokio::join!(reading, working);
            worked?;
            read?;
            server.restart().await?;
        }
        // A few more kills while nothing is asked for.
        for _ in 0..3 {
            seeded.pause(Duration::from_millis(800)).await;
            server.kill9().await?;
            kills += 1;
            server.restart().await?;
        }
        ensure_each_ran_once(&server, &scratch, round).await?;
    }
    events.read(&mut server.workspace()?, false).await?;
    for (id, states) in &events.states {
        let finals = states.iter().filter(|state| is_final(**state)).count();
        ensure!(finals == 1, "{finals} final states of {id}: {states:?}");
    }
    assert_eq!(events.states.len(), faults(20) * JOBS);
    println!("{kills} kills, {} jobs, {} events", events.states.len(), events.after);
    let jobs = server.agents()?.list_jobs(ListJobsRequest { page_size: 1, ..Default::default() }).await?;
    assert_eq!(jobs.into_inner().sequence, events.after);
    Ok(())
}
