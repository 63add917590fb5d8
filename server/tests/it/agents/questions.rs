//! Agents that ask something: it is told, each time, and answered once.
//!
//! It must not test what else can become of a job.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mosaic_proto::{
    orchestrator::v1::{SendInputRequest, agent, job::State, wait_job_request::Until},
    workspace::v1::{
        Resource, WatchEventsRequest, WatchEventsResponse, agent_changed, event::Payload,
        watch_events_response::Response,
    },
};
use test_support::{Server, reason};
use tonic::Streaming;

use super::{job, named, over, spawn, text, wait};

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_seen_and_answered_once() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    let prompt = "printf 'Overwrite? [y/N] '; read answer; echo \"it was $answer\"; \
                  read -t 1 more; echo \"then $more\"; exit 3";
    spawn(&mut client, named("asks", prompt)).await?;
    let (asking, agent) = wait(&mut client, "asks", Until::InputRequired).await?;
    assert_eq!((asking.state(), asking.question.as_str()), (State::InputRequired, "Overwrite? [y/N]"));
    assert_eq!(agent.context("no agent")?.state(), agent::State::InputRequired);
    // It is asked across a restart, too.
    server.kill9().await?;
    server.restart().await?;
    let mut client = server.agents()?;
    assert_eq!(job(&mut client, "asks").await?.state(), State::InputRequired);
    let send = SendInputRequest {
        agent_id: "asks".to_owned(),
        text: "yes".to_owned(),
        request_id: "answer".to_owned(),
        ..Default::default()
    };
    client.send_input(send.clone()).await?;
    client.send_input(send.clone()).await?;
    assert_eq!(over(&mut client, "asks").await?.state(), State::Failed);
    let text = text(&mut client, "asks").await?;
    ensure!(text.contains("it was yes\n") && text.contains("then \n"), "{text:?}");
    assert_eq!(reason(&client.send_input(send).await.unwrap_err()), "AGENT_ENDED");
    Ok(())
}

/// Waits until the events tell that an agent asks.
async fn asked(events: &mut Streaming<WatchEventsResponse>) -> Result<()> {
    loop {
        let message = tokio::time::timeout(PATIENCE, events.message()).await.context("nobody asked")??;
        let Some(Response::Event(event)) = message.context("no more events")?.response else { continue };
        match event.payload {
            Some(Payload::Agent(told)) if told.kind() == agent_changed::Kind::InputRequired => return Ok(()),
            Some(Payload::Agent(told)) if told.kind() == agent_changed::Kind::Exited => bail!("it has ended"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_question_is_told_though_nothing_came_between() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.agents()?;
    let request = WatchEventsRequest {
        after_sequence: Some(0),
        follow: Some(true),
        resources: vec![Resource::Agent.into()],
    };
    let mut events = server.workspace()?.watch_events(request).await?.into_inner();
    let prompt = "for which in first second second; do printf \"$which? [y/N] \"; read answer; done";
    spawn(&mut client, named("asks", prompt)).await?;
    for (nth, question) in ["first? [y/N]", "second? [y/N]", "second? [y/N]"].into_iter().enumerate() {
        asked(&mut events).await?;
        assert_eq!(job(&mut client, "asks").await?.question, question);
        let (agent_id, request_id) = ("asks".to_owned(), format!("answer {nth}"));
        let send = SendInputRequest { agent_id, text: "y".to_owned(), request_id, ..Default::default() };
        client.send_input(send).await?;
    }
    assert_eq!(over(&mut client, "asks").await?.state(), State::Succeeded);
    Ok(())
}
