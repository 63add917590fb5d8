//! Agents: one job for each spawn, waits and logs and events that outlive the server.
//!
//! It must not test how jobs are scheduled.

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_client::{
    Client,
    orchestrator::{JobEvent, LogEvent, Until},
    proto::{
        orchestrator::v1::job::{EndReason, State},
        workspace::v1::job_changed::Kind,
    },
    terminal::Event,
};
use test_support::{Server, programs};

use crate::{assert_same_bytes, client, within};

/// What the attempts of a job printed, read to the end.
async fn printed(client: &Client, job: &str) -> Result<Vec<String>> {
    let mut logs = client.orchestrator().job(job).logs().open().await?;
    let mut attempts = Vec::new();
    while let Some(event) = logs.next().await {
        match event? {
            LogEvent::Attempt(_) => attempts.push(String::new()),
            LogEvent::Terminal(Event::Output(output)) => {
                let printed = attempts.last_mut().context("output before an attempt")?;
                printed.push_str(std::str::from_utf8(&output.data)?);
            }
            _ => {}
        }
    }
    Ok(attempts)
}

#[tokio::test]
async fn one_builder_makes_one_job() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let outcome = client.orchestrator().spawn("exit 7").wait().await?;
        assert_eq!((outcome.job.state(), outcome.exit_code()), (State::Failed, Some(7)));
        assert!(outcome.is_over() && !outcome.succeeded());

        let spawn = client.orchestrator().spawn("read x; echo got $x").name("one").label("a", "b");
        let (job, info) = spawn.send().await?;
        assert_eq!(spawn.send().await?.1.id, info.id, "the same builder again");
        let (jobs, _) = client.orchestrator().jobs().label("a", "b").all().await?;
        assert_eq!(jobs.len(), 1);
        assert!(job.wait_until(Until::Started, None).await?.is_some_and(|it| it.agent.is_some()));
        assert!(job.wait_timeout(Duration::from_millis(50)).await?.is_none());
        client.orchestrator().agent("one").send_input("it", true).await?;
        let outcome = job.wait().await?;
        assert!(outcome.succeeded(), "{outcome:?}");
        assert_eq!(printed(&client, job.id()).await?, ["it\r\ngot it\r\n"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wait_and_a_cancel_outlive_the_server() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let (job, _) = client.orchestrator().spawn("sleep 1000").name("it").send().await?;
        job.wait_until(Until::Started, None).await?;
        let waiting = tokio::spawn({
            let job = job.clone();
            async move { job.wait().await }
        });
        server.kill9().await?;
        server.restart().await?;
        assert!(!waiting.is_finished());
        let killed = client.orchestrator().agent("it").kill().reason("done").send().await?;
        let receipt = killed.receipt.context("a receipt")?;
        assert!(receipt.proven && receipt.reason == "done", "{receipt:?}");
        let outcome = waiting.await??;
        assert_eq!((outcome.job.state(), outcome.job.end_reason()), (State::Cancelled, EndReason::Killed));
        assert_eq!(job.cancel("again", None).await?.state(), State::Cancelled, "as it is");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn logs_go_on_over_a_killed_server_and_with_the_next_attempt() -> Result<()> {
    within(async {
        let server = Server::builder().config("terminal.output_log_bytes_max", 64 << 20).start().await?;
        let client = client(&server)?;
        let script = "seq 400000; exit 4";
        let spawn = client.orchestrator().spawn(script).attempts(2).backoff(Duration::ZERO);
        let (job, _) = spawn.send().await?;
        let mut logs = job.logs().open().await?;
        let mut attempts: Vec<Vec<u8>> = Vec::new();
        let (mut killed, mut over) = (false, None);
        while let Some(event) = logs.next().await {
            match event? {
                LogEvent::Attempt(agent) => {
                    attempts.push(Vec::new());
                    assert_eq!(agent.attempt as usize, attempts.len());
                }
                LogEvent::Terminal(Event::Output(output)) => {
                    attempts.last_mut().context("output before an attempt")?.extend_from_slice(&output.data);
                }
                LogEvent::Over(job) => over = Some(job),
                _ => {}
            }
            if !killed && attempts.last().is_some_and(|seen| seen.len() > 500_000) {
                killed = true;
                server.kill9().await?;
                server.restart().await?;
            }
        }
        assert_eq!((attempts.len(), killed), (2, true), "{over:?}");
        for attempt in &attempts {
            assert_same_bytes(attempt, &programs::numbered_lines_output(400_000));
        }
        let over = over.context("the last word")?;
        assert_eq!((over.state(), over.attempts), (State::Failed, 2));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn events_tell_each_step_once_over_a_killed_server() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        client.orchestrator().pause("for the test").await?;
        let (job, _) = client.orchestrator().spawn("read x; exit 3").name("it").send().await?;
        client.orchestrator().spawn("true").send().await?;
        let mut events = job.events().open().await?;
        let Some(Ok(JobEvent::Now(now))) = events.next().await else { anyhow::bail!("no snapshot") };
        assert_eq!((now.state(), now.id.as_str()), (State::Queued, job.id()));
        client.orchestrator().resume().await?;
        let (mut kinds, mut sequences) = (Vec::new(), Vec::new());
        while let Some(event) = events.next().await {
            match event? {
                JobEvent::Job { sequence, kind, job: changed } => {
                    assert_eq!(changed.id, job.id());
                    kinds.push(kind);
                    sequences.push(sequence);
                    if kind == Kind::Started {
                        job.wait_until(Until::Started, None).await?;
                        server.kill9().await?;
                        server.restart().await?;
                        client.orchestrator().agent("it").send_input("go", true).await?;
                    }
                }
                JobEvent::Agent { sequence, agent, .. } => {
                    assert_eq!(agent.job_id, job.id());
                    sequences.push(sequence);
                }
                _ => {}
            }
        }
        assert_eq!(kinds, [Kind::Started, Kind::Ended]);
        assert!(sequences.is_sorted_by(|one, next| one < next), "{sequences:?}");

        // All that is kept, of a job that is over: it ends by itself.
        let mut events = job.events().after(0).open().await?;
        let mut kinds = Vec::new();
        while let Some(event) = events.next().await {
            if let JobEvent::Job { kind, .. } = event? {
                kinds.push(kind);
            }
        }
        assert_eq!(kinds, [Kind::Created, Kind::Started, Kind::Ended]);
        assert!(job.events().open().await?.next().await.is_some_and(|now| now.is_ok()));
        Ok(())
    })
    .await
}
