//! Commands and kills of the server: done at most once, answered in the end, and nothing of it lost.
//!
//! It must not know how the server keeps its promises, only what they are.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use mosaic_proto::chat::v1::{
    ListMessagesRequest, Message, SendMessageRequest, command_result::Result as Came, message::State,
};
use test_support::fake_llm::Reply;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Answer, Chat,
    commands::{jobs, run},
    ensure_numbered, say,
};
use crate::survive::{Seeded, faults};

/// Commands at once.
const MANY: usize = 10;

/// The answer to a command, if that was recorded.
fn answer_to<'a>(listed: &'a [Message], line: &str) -> Result<Option<&'a Message>> {
    let Some(question) = listed.iter().find(|message| message.content == line) else { return Ok(None) };
    Ok(Some(listed.iter().find(|message| message.parent_id == question.id).context("no answer")?))
}

/// Sends commands to a server that is killed meanwhile: the conversation, and what was sent under which name.
async fn broken_off(
    chat: &Chat,
    seeded: &mut Seeded,
    round: usize,
) -> Result<(String, Vec<(String, SendMessageRequest)>)> {
    let mut client = chat.client()?;
    let conversation = run(&mut client, "/pause").await?.0.conversation_id;
    let mut sent = JoinSet::new();
    let (opened, mut recorded) = mpsc::channel(MANY);
    for place in 0..MANY {
        let (mut client, name) = (client.clone(), format!("job-{round}-{place}"));
        let opened = opened.clone();
        let request = SendMessageRequest {
            request_id: name.clone(),
            // Each begins anew: they do not wait for one another's place.
            conversation_id: conversation.clone(),
            parent_id: Some(String::new()),
            ..say(&format!("/spawn --name {name} true"))
        };
        sent.spawn(async move {
            // Whatever it is answered before the kill, if anything.
            if let Ok(mut answer) = Answer::to(&mut client, request.clone()).await {
                let _ = opened.send(()).await;
                let _ = answer.rest().await;
            }
            (name, request)
        });
    }
    drop(opened);
    // Some are recorded by then, and some of those done.
    for _ in 0..=seeded.below(MANY as u64) {
        recorded.recv().await.context("no command was taken")?;
    }
    seeded.pause(Duration::from_millis(20)).await;
    chat.server.kill9().await?;
    let sent = sent.join_all().await;
    chat.server.restart().await?;
    Ok((conversation, sent))
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_the_server_run_no_command_twice_and_leave_none_unanswered() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut seeded = Seeded::new(0x5eed_cafe);
    let (mut complete, mut interrupted) = (0, 0);
    for round in 0..faults(60) {
        let (conversation_id, sent) = broken_off(&chat, &mut seeded, round).await?;
        let mut client = chat.client()?;
        let made: HashMap<_, _> =
            jobs(&chat.server).await?.into_iter().map(|job| (job.name, job.id)).collect();
        let request = ListMessagesRequest { conversation_id, page_size: 1000, ..Default::default() };
        let listed = client.list_messages(request).await?.into_inner().messages;
        for (name, request) in sent {
            let Some(answer) = answer_to(&listed, &request.content)? else {
                ensure!(!made.contains_key(&name), "{name} was made, and nothing tells who asked for it");
                continue;
            };
            let events = Answer::after(&mut client, &answer.id, 0).await?.rest().await?;
            ensure_numbered(&events, 1)?;
            match (answer.state(), answer.command_result.as_ref().and_then(|result| result.result.as_ref())) {
                (State::Complete, Some(Came::Spawned(spawned))) => {
                    let job = spawned.job.as_ref().context("no job")?;
                    ensure!(made.get(&name) == Some(&job.id), "{name} is not there: {job:?}");
                    complete += 1;
                }
                (State::Interrupted, None) => {
                    ensure!(!made.contains_key(&name), "{name} was made, and its answer does not say so");
                    interrupted += 1;
                }
                other => panic!("{name}: {other:?}"),
            }
            // The same request reads that answer, and makes nothing.
            let again = Answer::to(&mut client, request).await?.completed().await?;
            assert_eq!((&again.id, again.state()), (&answer.id, answer.state()));
        }
        assert_eq!(jobs(&chat.server).await?.len(), made.len(), "something was made by asking again");
        run(&mut client, "/kill all").await?;
    }
    println!("{complete} complete, {interrupted} interrupted");
    ensure!(complete + interrupted > 0, "no kill hit a command");
    Ok(())
}

#[tokio::test]
async fn results_are_there_after_a_restart() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut kept = Vec::new();
    for line in ["/spawn shell true", "/status", "/nothing", "/help"] {
        kept.push(run(&mut chat.client()?, line).await?.0);
    }
    chat.server.sigterm().await?;
    chat.server.restart().await?;
    for message in kept {
        let mut answer = Answer::after(&mut chat.client()?, &message.id, 0).await?;
        assert_eq!(answer.completed().await?, message);
    }
    Ok(())
}
