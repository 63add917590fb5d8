//! Jobs from their making to their end: each method's success, and the ways a job can go.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use mosaic_proto::{
    orchestrator::v1::{
        CancelJobRequest, GetQueueRequest, KillAgentRequest, KillAllRequest, ListAgentsRequest,
        ListJobsRequest, PauseQueueRequest, ResumeQueueRequest, RetryJobRequest, SpawnAgentRequest, agent,
        job::{EndReason, State},
        wait_job_request::Until,
    },
    terminal::v1::CloseTerminalRequest,
    workspace::v1::{Resource, WatchEventsRequest, event::Payload, watch_events_response::Response},
};
use test_support::{Server, reason};

use super::{Scratch, agent, gone, job, named, over, run, seconds, shell, spawn, text, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_in_a_clean_environment_and_tells_how_it_ended() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    let request = SpawnAgentRequest {
        env: HashMap::from([("GREETING".to_owned(), "hello".to_owned())]),
        labels: HashMap::from([("team".to_owned(), "red".to_owned())]),
        cwd: "/tmp".to_owned(),
        cols: Some(100),
        ..named("first", "echo $GREETING from $PWD; stty size; env | grep -c TOKEN; exit 0")
    };
    let answer = client.spawn_agent(request).await?.into_inner();
    let started = answer.agent.context("there was room")?;
    assert_eq!((started.attempt, started.fence, started.name.as_str()), (1, 1, "first"));
    let job = over(&mut client, "first").await?;
    assert_eq!((job.state(), job.end_reason()), (State::Succeeded, EndReason::Exited));
    assert_eq!(job.exit.context("no exit")?.code, Some(0));
    assert_eq!(text(&mut client, "first").await?, "hello from /tmp\n24 100\n0\n");
    let agent = agent(&mut client, "first").await?;
    assert_eq!((agent.state(), agent.id.as_str()), (agent::State::Exited, job.agent_id.as_str()));
    let with = |team: &str| ListJobsRequest {
        labels: HashMap::from([("team".to_owned(), team.to_owned())]),
        states: vec![State::Succeeded.into()],
        ..Default::default()
    };
    assert_eq!(client.list_jobs(with("red")).await?.into_inner().jobs.len(), 1);
    assert_eq!(client.list_jobs(with("blue")).await?.into_inner().jobs.len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_an_event_and_none_is_missing() -> Result<()> {
    let server = Server::start().await?;
    run(&server, named("one", "true")).await?;
    let request = WatchEventsRequest {
        after_sequence: Some(0),
        follow: Some(false),
        resources: vec![Resource::Job.into(), Resource::Agent.into()],
    };
    let (mut kinds, mut stream) = (Vec::new(), server.workspace()?.watch_events(request).await?.into_inner());
    while let Some(message) = stream.message().await? {
        if let Some(Response::Event(event)) = message.response {
            kinds.push(match event.payload.context("an unknown event")? {
                Payload::Job(job) => job.kind().as_str_name().replace("KIND", "JOB"),
                Payload::Agent(agent) => agent.kind().as_str_name().replace("KIND", "AGENT"),
                other => anyhow::bail!("{other:?}"),
            });
        }
    }
    let expected =
        ["JOB_CREATED", "JOB_STARTED", "AGENT_CREATED", "AGENT_STARTED", "AGENT_EXITED", "JOB_ENDED"];
    assert_eq!(kinds, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_makes_one_job() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    let env: HashMap<String, String> = (0..20).map(|n| (format!("V{n}"), n.to_string())).collect();
    let request = SpawnAgentRequest { request_id: "r".to_owned(), env, ..shell("true") };
    let first = spawn(&mut client, request.clone()).await?;
    for _ in 0..5 {
        assert_eq!(spawn(&mut client, request.clone()).await?.id, first.id);
    }
    let other = SpawnAgentRequest { prompt: "false".to_owned(), ..request };
    let refused = spawn(&mut client, other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    assert_eq!(client.list_jobs(ListJobsRequest::default()).await?.into_inner().jobs.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_backs_off_and_is_made_again() -> Result<()> {
    let file = "[profile.picky]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"{prompt}\"]\n\
                no_retry_codes = [7]\n";
    let server = Server::builder().config_file(file).start().await?;
    let scratch = Scratch::new()?;
    let prompt =
        format!("echo $MOSAIC_ATTEMPT >> {0}; [ $(wc -l < {0}) -ge 3 ]", scratch.path("tries").display());
    let request = SpawnAgentRequest { attempts: Some(4), backoff: seconds(0.3), ..named("again", prompt) };
    let mut client = server.agents()?;
    spawn(&mut client, request).await?;
    let backing_off = async {
        loop {
            let now = job(&mut client, "again").await?;
            if now.state() == State::BackingOff {
                ensure!(now.retry_time.is_some() && !now.message.is_empty(), "{now:?}");
                return Ok(());
            }
            ensure!(now.end_time.is_none(), "it never backed off: {now:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), backing_off).await??;
    let done = over(&mut client, "again").await?;
    assert_eq!((done.state(), done.attempts), (State::Succeeded, 3));
    assert_eq!(scratch.lines("tries"), ["1", "2", "3"]);
    let picky = SpawnAgentRequest { attempts: Some(5), profile: "picky".to_owned(), ..shell("exit 7") };
    let picky = run(&server, picky).await?;
    assert_eq!((picky.state(), picky.attempts), (State::Failed, 1));
    assert_eq!(picky.message, "the program exited with 7");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_for_those_they_depend_on() -> Result<()> {
    let server = Server::start().await?;
    let scratch = Scratch::new()?;
    let mut client = server.agents()?;
    let order = scratch.path("order").display().to_string();
    let after = |name: &str, others: &[&str], then: &str| SpawnAgentRequest {
        depends_on: others.iter().map(|&other| other.to_owned()).collect(),
        ..named(name, format!("sleep 0.2; echo {name} >> {order}; {then}"))
    };
    client.pause_queue(PauseQueueRequest::default()).await?;
    spawn(&mut client, after("a", &[], "true")).await?;
    spawn(&mut client, after("b", &["a"], "true")).await?;
    let waiting = spawn(&mut client, after("c", &["a", "b", "a"], "true")).await?;
    assert_eq!((waiting.state(), waiting.depends_on.len()), (State::Queued, 2));
    assert_eq!(waiting.waiting_for, "the jobs that it depends on");
    client.resume_queue(ResumeQueueRequest {}).await?;
    assert_eq!(over(&mut client, "c").await?.state(), State::Succeeded);
    assert_eq!(scratch.lines("order"), ["a", "b", "c"]);

    // A failure goes through to the last, and says where it came from.
    client.pause_queue(PauseQueueRequest::default()).await?;
    let bad = spawn(&mut client, after("bad", &[], "false")).await?;
    spawn(&mut client, after("next", &["bad"], "true")).await?;
    spawn(&mut client, after("last", &["next"], "true")).await?;
    client.resume_queue(ResumeQueueRequest {}).await?;
    let last = over(&mut client, "last").await?;
    assert_eq!((last.state(), last.end_reason()), (State::Failed, EndReason::DependencyFailed));
    assert_eq!(job(&mut client, "next").await?.failed_dependency_id, bad.id);
    let refused = spawn(&mut client, after("late", &["bad"], "true")).await.unwrap_err();
    assert_eq!(reason(&refused), "DEPENDENCY_FAILED");
    let retry = RetryJobRequest { job_id: "next".to_owned(), ..Default::default() };
    assert_eq!(reason(&client.retry_job(retry).await.unwrap_err()), "DEPENDENCY_FAILED");
    let itself = spawn(&mut client, after("me", &["me"], "true")).await.unwrap_err();
    assert_eq!(reason(&itself), "DEPENDENCY_CYCLE");
    assert_eq!(scratch.lines("order"), ["a", "b", "c", "bad"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn times_run_out() -> Result<()> {
    let server = Server::builder().config("orchestrator.running_per_workspace_max", 1).start().await?;
    let long = SpawnAgentRequest { timeout: seconds(1.0), ..shell("sleep 100 & sleep 100") };
    let long = run(&server, long).await?;
    assert_eq!((long.state(), long.end_reason()), (State::TimedOut, EndReason::Timeout));
    let prompt = "for i in 1 2 3 4; do echo $i; sleep 0.4; done; sleep 100";
    let silent = SpawnAgentRequest { output_timeout: seconds(1.0), ..shell(prompt) };
    let silent = run(&server, silent).await?;
    assert_eq!((silent.state(), silent.end_reason()), (State::TimedOut, EndReason::OutputTimeout));
    let mut client = server.agents()?;
    assert_eq!(text(&mut client, &silent.name).await?, "1\n2\n3\n4\n");
    spawn(&mut client, named("busy", "sleep 100")).await?;
    let queued = SpawnAgentRequest { queued_timeout: seconds(1.0), ..shell("true") };
    let queued = run(&server, queued).await?;
    assert_eq!((queued.state(), queued.end_reason()), (State::TimedOut, EndReason::QueuedTimeout));
    assert_eq!(queued.agent_id, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_runs_on_while_the_server_is_away() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    for (name, timeout) in [("over", 1800.0), ("not-over", 7200.0)] {
        spawn(&mut client, SpawnAgentRequest { timeout: seconds(timeout), ..named(name, "sleep 1000") })
            .await?;
        wait(&mut client, name, Until::Started).await?;
    }
    server.kill9().await?;
    // Nobody waits for an hour.
    let earlier = "to_jsonb((record->>'start_ms')::bigint - 3600000)";
    server.sql(&format!("UPDATE agents SET record = jsonb_set(record, '{{start_ms}}', {earlier})")).await?;
    server.restart().await?;
    let mut client = server.agents()?;
    assert_eq!(over(&mut client, "over").await?.end_reason(), EndReason::Timeout);
    assert_eq!(job(&mut client, "not-over").await?.state(), State::Running);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_ended_at_every_stage() -> Result<()> {
    let server = Server::builder().config("orchestrator.running_per_workspace_max", 2).start().await?;
    let mut client = server.agents()?;
    let cancel =
        |name: &str| CancelJobRequest { job_id: name.to_owned(), reason: "enough".to_owned(), grace: None };
    let kill = |name: &str| KillAgentRequest { agent_id: name.to_owned(), ..Default::default() };
    // Running, and with a grandchild that has left its session.
    spawn(&mut client, named("runs", "setsid sleep 100 & sleep 100")).await?;
    let pid = agent(&mut client, "runs").await?.pid;
    let killed = client.kill_agent(kill("runs")).await?.into_inner();
    let receipt = killed.receipt.clone().context("no receipt")?;
    ensure!(receipt.proven && receipt.survivors.is_empty(), "{receipt:?}");
    assert_eq!(killed.job.context("no job")?.end_reason(), EndReason::Killed);
    gone(pid).await?;
    let again = client.kill_agent(kill("runs")).await?.into_inner();
    assert_eq!(again.receipt, Some(receipt));
    // Queued, by either method.
    for name in ["busy-1", "busy-2"] {
        spawn(&mut client, named(name, "sleep 100")).await?;
    }
    for name in ["waits-1", "waits-2"] {
        assert_eq!(spawn(&mut client, named(name, "true")).await?.state(), State::Queued);
    }
    let cancelled = client.cancel_job(cancel("waits-1")).await?.into_inner().job.context("no job")?;
    assert_eq!((cancelled.end_reason(), cancelled.message.as_str()), (EndReason::Cancelled, "enough"));
    let killed = client.kill_agent(kill("waits-2")).await?.into_inner();
    ensure!(killed.agent.is_none() && killed.receipt.is_none(), "{killed:?}");
    assert_eq!(killed.job.context("no job")?.state(), State::Cancelled);
    let before = job(&mut client, "waits-1").await?;
    assert_eq!(client.cancel_job(cancel("waits-1")).await?.into_inner().job, Some(before));
    // One that ignores what it can.
    client.kill_agent(kill("busy-1")).await?;
    spawn(&mut client, named("stubborn", "trap '' TERM HUP INT; while :; do sleep 1; done")).await?;
    let begun = std::time::Instant::now();
    let forced = client.kill_agent(KillAgentRequest { force: true, ..kill("stubborn") }).await?.into_inner();
    ensure!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    ensure!(forced.receipt.context("no receipt")?.proven, "not proven");
    // Backing off.
    let request = SpawnAgentRequest { attempts: Some(2), backoff: seconds(60.0), ..named("fails", "false") };
    spawn(&mut client, request).await?;
    while job(&mut client, "fails").await?.state() != State::BackingOff {}
    let cancelled = client.cancel_job(cancel("fails")).await?.into_inner().job.context("no job")?;
    assert_eq!(cancelled.state(), State::Cancelled);
    // Its terminal closed behind its back.
    let terminal_id = agent(&mut client, "busy-2").await?.terminal_id;
    server.terminals()?.close_terminal(CloseTerminalRequest { terminal_id, ..Default::default() }).await?;
    let closed = over(&mut client, "busy-2").await?;
    assert_eq!((closed.state(), closed.end_reason()), (State::Cancelled, EndReason::Killed));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_over_can_be_queued_again() -> Result<()> {
    let server = Server::start().await?;
    let scratch = Scratch::new()?;
    let mut client = server.agents()?;
    spawn(&mut client, named("try", format!("cat {}", scratch.path("file").display()))).await?;
    assert_eq!(over(&mut client, "try").await?.state(), State::Failed);
    std::fs::write(scratch.path("file"), "x")?;
    let request = RetryJobRequest { job_id: "try".to_owned(), request_id: "again".to_owned() };
    let retried = client.retry_job(request.clone()).await?.into_inner();
    assert_eq!(retried.agent.context("there was room")?.fence, 2);
    assert_eq!(over(&mut client, "try").await?.state(), State::Succeeded);
    // The same request does nothing again.
    let same = client.retry_job(request).await?.into_inner().job.context("no job")?;
    assert_eq!(same.state(), State::Succeeded);
    let of_job = ListAgentsRequest { job_id: "try".to_owned(), ..Default::default() };
    let agents = client.list_agents(of_job).await?.into_inner().agents;
    assert_eq!(agents.iter().map(|agent| agent.fence).collect::<Vec<_>>(), [2, 1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_starts_nothing_and_the_important_go_first() -> Result<()> {
    let server = Server::builder().config("orchestrator.running_per_workspace_max", 1).start().await?;
    let scratch = Scratch::new()?;
    let mut client = server.agents()?;
    client.pause_queue(PauseQueueRequest { reason: "a look".to_owned() }).await?;
    for (name, priority) in [("low", 1), ("middle", 5), ("high", 10), ("middle-2", 5)] {
        let prompt = format!("echo {name} >> {}", scratch.path("order").display());
        let request = SpawnAgentRequest { priority: Some(priority), ..named(name, prompt) };
        let waiting = spawn(&mut client, request).await?;
        ensure!(waiting.waiting_for.contains("paused"), "{waiting:?}");
    }
    let queue = client.get_queue(GetQueueRequest {}).await?.into_inner().queue.context("no queue")?;
    assert_eq!((queue.paused, queue.pause_reason.as_str()), (true, "a look"));
    assert_eq!((queue.ready, queue.running), (4, 0));
    client.resume_queue(ResumeQueueRequest {}).await?;
    over(&mut client, "low").await?;
    assert_eq!(scratch.lines("order"), ["high", "middle", "middle-2", "low"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_ends_all_and_nothing_older_starts_after_it() -> Result<()> {
    let server = Server::builder().config("orchestrator.running_per_workspace_max", 5).start().await?;
    let scratch = Scratch::new()?;
    let mut client = server.agents()?;
    let prompt = format!(
        "echo x >> {}; trap '' TERM HUP; sleep 100 & setsid sleep 100 & wait",
        scratch.path("ran").display()
    );
    for _ in 0..30 {
        spawn(&mut client, shell(prompt.clone())).await?;
    }
    let other = server.other_workspace_token().await?;
    spawn(&mut server.agents_as(&other)?, named("theirs", "sleep 100")).await?;
    let fire = KillAllRequest { grace: seconds(0.5), reason: "fire".to_owned(), ..Default::default() };
    let done = client.kill_all(fire).await?.into_inner();
    assert_eq!((done.agents.len(), done.cancelled_jobs, done.epoch), (5, 25, 1));
    for agent in &done.agents {
        let receipt = agent.receipt.as_ref().context("no receipt")?;
        ensure!(receipt.proven && receipt.reason == "fire", "{agent:?}");
    }
    let list = ListJobsRequest { page_size: 100, ..Default::default() };
    let jobs = client.list_jobs(list).await?.into_inner().jobs;
    ensure!(jobs.iter().all(|job| job.end_reason() == EndReason::KillSwitch), "{jobs:?}");
    assert_eq!(scratch.lines("ran").len(), 5);
    assert_eq!(job(&mut server.agents_as(&other)?, "theirs").await?.state(), State::Running);
    // What comes after it runs as ever, unless the queue is to be paused, too.
    assert_eq!(run(&server, shell("true")).await?.state(), State::Succeeded);
    let pause = KillAllRequest { pause: true, ..Default::default() };
    let done = client.kill_all(pause).await?.into_inner();
    assert_eq!((done.agents.len(), done.epoch), (0, 2));
    assert_eq!(spawn(&mut client, shell("true")).await?.state(), State::Queued);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_cancels_jobs_with_those_that_depend_on_them_and_the_queue_goes_on() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    client.pause_queue(PauseQueueRequest::default()).await?;
    for (name, before) in [("first", None), ("second", Some("first")), ("third", Some("second"))] {
        let depends_on = before.map(str::to_owned).into_iter().collect();
        spawn(&mut client, SpawnAgentRequest { depends_on, ..named(name, "true") }).await?;
    }
    let done = client.kill_all(KillAllRequest::default()).await?.into_inner();
    assert_eq!((done.agents.len(), done.cancelled_jobs), (0, 3));
    for name in ["first", "second", "third"] {
        let job = job(&mut client, name).await?;
        assert_eq!((job.state(), job.end_reason()), (State::Cancelled, EndReason::KillSwitch), "{name}");
    }
    client.resume_queue(ResumeQueueRequest::default()).await?;
    assert_eq!(run(&server, named("after", "true")).await?.state(), State::Succeeded);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_prints_without_end_can_be_watched_and_ended() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    spawn(&mut client, named("floods", "yes")).await?;
    wait(&mut client, "floods", Until::Started).await?;
    while agent(&mut client, "floods").await?.last_line != "y" {}
    let kill = KillAgentRequest { agent_id: "floods".to_owned(), ..Default::default() };
    let killed = tokio::time::timeout(Duration::from_secs(20), client.kill_agent(kill)).await??;
    ensure!(killed.into_inner().receipt.context("no receipt")?.proven, "not proven");
    Ok(())
}
