//! Bad input: each is refused with a clear error, and nothing runs.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use mosaic_proto::orchestrator::v1::{
    KillAgentRequest, KillAllRequest, ListJobsRequest, SendInputRequest, SpawnAgentRequest, TailLogRequest,
    WaitJobRequest, tail_log_request::Start,
};
use test_support::{Server, reason};
use tonic::Code;
use tonic_types::StatusExt;

use super::{named, run, seconds, shell, spawn};

/// Requests that cannot be, and the field that each is wrong in.
fn bad() -> Vec<(&'static str, SpawnAgentRequest)> {
    let pairs = |n: usize| (0..n).map(|n| (format!("k{n}"), "v".to_owned())).collect::<HashMap<_, _>>();
    let one = |name: &str, value: &str| HashMap::from([(name.to_owned(), value.to_owned())]);
    vec![
        ("prompt", shell("")),
        ("prompt", shell(" \n")),
        ("prompt", shell("a\0b")),
        ("prompt", shell("x".repeat(64 * 1024 + 1))),
        ("name", named("a\nb", "true")),
        ("name", named(&"x".repeat(129), "true")),
        ("name", named("01a20509-50b9-753f-a6ab-944e60217173", "true")),
        ("cwd", SpawnAgentRequest { cwd: "relative".into(), ..shell("true") }),
        ("cwd", SpawnAgentRequest { cwd: format!("/{}", "x".repeat(4096)), ..shell("true") }),
        ("cwd", SpawnAgentRequest { cwd: "/a\0".into(), ..shell("true") }),
        ("env", SpawnAgentRequest { env: one("A=B", "x"), ..shell("true") }),
        ("env", SpawnAgentRequest { env: one("", "x"), ..shell("true") }),
        ("env", SpawnAgentRequest { env: one("MOSAIC_FENCE", "7"), ..shell("true") }),
        ("env", SpawnAgentRequest { env: one("A", &"x".repeat(25_000)), ..shell("true") }),
        ("repository", SpawnAgentRequest { repository: "relative".into(), ..shell("true") }),
        ("base", SpawnAgentRequest { base: "main".into(), ..shell("true") }),
        ("cwd", SpawnAgentRequest { repository: "/tmp".into(), cwd: "../x".into(), ..shell("true") }),
        ("cwd", SpawnAgentRequest { repository: "/tmp".into(), cwd: "/x".into(), ..shell("true") }),
        ("depends_on", SpawnAgentRequest { depends_on: vec![String::new()], ..shell("true") }),
        ("depends_on", SpawnAgentRequest { depends_on: vec!["a".into(); 101], ..shell("true") }),
        ("priority", SpawnAgentRequest { priority: Some(0), ..shell("true") }),
        ("priority", SpawnAgentRequest { priority: Some(11), ..shell("true") }),
        ("attempts", SpawnAgentRequest { attempts: Some(0), ..shell("true") }),
        ("attempts", SpawnAgentRequest { attempts: Some(21), ..shell("true") }),
        ("backoff", SpawnAgentRequest { backoff: seconds(3601.0), ..shell("true") }),
        ("timeout", SpawnAgentRequest { timeout: seconds(0.5), ..shell("true") }),
        (
            "timeout",
            SpawnAgentRequest {
                timeout: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
                ..shell("true")
            },
        ),
        ("queued_timeout", SpawnAgentRequest { queued_timeout: seconds(40.0 * 86400.0), ..shell("true") }),
        ("output_timeout", SpawnAgentRequest { output_timeout: seconds(0.0), ..shell("true") }),
        ("labels", SpawnAgentRequest { labels: pairs(33), ..shell("true") }),
        ("labels", SpawnAgentRequest { labels: one("", "x"), ..shell("true") }),
        ("labels", SpawnAgentRequest { labels: one("a", &"x".repeat(257)), ..shell("true") }),
        ("cols", SpawnAgentRequest { cols: Some(0), ..shell("true") }),
        ("rows", SpawnAgentRequest { rows: Some(100_000), ..shell("true") }),
        ("token_budget", SpawnAgentRequest { token_budget: 1, ..shell("true") }),
        ("request_id", SpawnAgentRequest { request_id: "x".repeat(129), ..shell("true") }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_is_refused_and_nothing_runs() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    for (field, request) in bad() {
        let refused = spawn(&mut client, request.clone()).await.unwrap_err();
        let short = format!("{request:?}").chars().take(200).collect::<String>();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "BAD_REQUEST"),
            "{short}"
        );
        let named = refused.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        assert_eq!(named.first().map(|violation| violation.field.as_str()), Some(field), "{refused:?}");
    }
    for (code, why, request) in [
        (
            Code::NotFound,
            "PROFILE_NOT_FOUND",
            SpawnAgentRequest { profile: "nobody".into(), ..shell("true") },
        ),
        (Code::NotFound, "CWD_NOT_FOUND", SpawnAgentRequest { cwd: "/no/such".into(), ..shell("true") }),
        (
            Code::FailedPrecondition,
            "CWD_NOT_ACCESSIBLE",
            SpawnAgentRequest { cwd: "/etc/passwd".into(), ..shell("true") },
        ),
        (
            Code::NotFound,
            "JOB_NOT_FOUND",
            SpawnAgentRequest { depends_on: vec!["nobody".into()], ..shell("true") },
        ),
    ] {
        let refused = spawn(&mut client, request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, why), "{refused:?}");
    }
    // Five megabytes do not even come through.
    let refused = spawn(&mut client, shell("x".repeat(5 << 20))).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_TOO_LARGE", "{refused:?}");
    let jobs = client.list_jobs(ListJobsRequest::default()).await?.into_inner();
    ensure!(jobs.jobs.is_empty() && jobs.sequence == 0, "{jobs:?}");
    // And the server is as good as before.
    assert_eq!(run(&server, shell("true")).await?.exit.unwrap_or_default().code, Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_taken_once_and_given_back() -> Result<()> {
    let server = Server::builder().config("orchestrator.jobs_per_workspace_max", 2).start().await?;
    let mut client = server.agents()?;
    spawn(&mut client, named("one", "sleep 1000")).await?;
    let taken = spawn(&mut client, named("one", "true")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "NAME_TAKEN"));
    spawn(&mut client, named("two", "sleep 1000")).await?;
    let full = spawn(&mut client, named("three", "true")).await.unwrap_err();
    assert_eq!((full.code(), reason(&full).as_str()), (Code::ResourceExhausted, "JOB_QUOTA"));
    client.kill_agent(KillAgentRequest { agent_id: "one".into(), ..Default::default() }).await?;
    spawn(&mut client, named("one", "sleep 1000")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_calls_say_what_is_wrong_with_them() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    spawn(&mut client, named("one", "sleep 1000")).await?;
    let field = |status: tonic::Status| {
        let named = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        named.first().map(|violation| violation.field.clone()).unwrap_or_default()
    };
    let wait = WaitJobRequest { job_id: "one".into(), timeout: seconds(301.0), ..Default::default() };
    assert_eq!(field(client.wait_job(wait).await.unwrap_err()), "timeout");
    let wait = WaitJobRequest { job_id: "one".into(), until: 99, ..Default::default() };
    assert_eq!(field(client.wait_job(wait).await.unwrap_err()), "until");
    let kill = KillAgentRequest { agent_id: "one".into(), grace: seconds(61.0), ..Default::default() };
    assert_eq!(field(client.kill_agent(kill).await.unwrap_err()), "grace");
    let kill = KillAgentRequest { agent_id: String::new(), ..Default::default() };
    assert_eq!(field(client.kill_agent(kill).await.unwrap_err()), "agent_id");
    let all = KillAllRequest { reason: "x".repeat(1025), ..Default::default() };
    assert_eq!(field(client.kill_all(all).await.unwrap_err()), "reason");
    let send = SendInputRequest { agent_id: "one".into(), text: "x".repeat(65 * 1024), ..Default::default() };
    assert_eq!(field(client.send_input(send).await.unwrap_err()), "text");
    let list = ListJobsRequest { states: vec![99], ..Default::default() };
    assert_eq!(field(client.list_jobs(list).await.unwrap_err()), "states[0]");
    let list = ListJobsRequest { page_token: "no".into(), ..Default::default() };
    assert_eq!(field(client.list_jobs(list).await.unwrap_err()), "page_token");
    let tail =
        TailLogRequest { agent_id: "one".into(), start: Some(Start::Offset(99)), ..Default::default() };
    assert_eq!(reason(&client.tail_log(tail).await.unwrap_err()), "CURSOR_AHEAD");
    let wait = WaitJobRequest { job_id: "one".into(), timeout: seconds(0.1), ..Default::default() };
    ensure!(client.wait_job(wait).await?.into_inner().timed_out, "it is not over");
    Ok(())
}
