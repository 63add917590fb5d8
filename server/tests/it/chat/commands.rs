//! Commands: what each does, what is answered to one that is wrong, and who may run them.
//!
//! It must not test what jobs and agents do: `agents` does.

use anyhow::{Context, Result, ensure};
use mosaic_proto::{
    chat::v1::{
        Command, CommandError, CommandResult, Completion, GetConversationRequest, GetMessageRequest, Image,
        ListCommandsRequest, ListMessagesRequest, Message, RegenerateMessageRequest, SendMessageRequest,
        command_result::Result as Came, message::State, message_event::Event as Kind,
    },
    orchestrator::v1::{Job, ListJobsRequest, agent, job, wait_job_request::Until},
};
use test_support::{
    ChatClient, Role, Server,
    fake_llm::{Ending, Reply, Step},
};
use tonic::Code;

use super::{Answer, Chat, PATIENCE, completed, ensure_numbered, say};
use crate::{
    agents::wait,
    shells::{bad_field, refused},
};

/// Runs a command in a conversation of its own: the message, and what it holds.
pub(crate) async fn run(client: &mut ChatClient, line: &str) -> Result<(Message, CommandResult)> {
    run_in(client, "", line).await
}

async fn run_in(client: &mut ChatClient, conversation: &str, line: &str) -> Result<(Message, CommandResult)> {
    let request = SendMessageRequest { conversation_id: conversation.to_owned(), ..say(line) };
    let message = Answer::to(client, request).await?.completed().await?;
    let result = message.command_result.clone().context("no result")?;
    assert_eq!((message.state(), message.command, &message.content), (State::Complete, true, &result.text));
    ensure!(!result.text.is_empty(), "no text: {result:?}");
    ensure!(
        message.model.is_empty() && message.answered_by.is_empty() && message.attempts.is_empty(),
        "{message:?}"
    );
    Ok((message, result))
}

pub(crate) async fn came(client: &mut ChatClient, line: &str) -> Result<Came> {
    run(client, line).await?.1.result.context("no typed result")
}

pub(crate) async fn failed(client: &mut ChatClient, line: &str) -> Result<CommandError> {
    match came(client, line).await? {
        Came::Error(error) => Ok(error),
        other => anyhow::bail!("{line}: {other:?}"),
    }
}

pub(crate) async fn jobs(server: &Server) -> Result<Vec<Job>> {
    let request = ListJobsRequest { page_size: 1000, ..Default::default() };
    Ok(server.agents()?.list_jobs(request).await?.into_inner().jobs)
}

pub(crate) async fn complete(
    client: &mut ChatClient,
    prefix: &str,
) -> Result<(Vec<Command>, Vec<Completion>)> {
    let request = ListCommandsRequest { prefix: prefix.to_owned(), limit: 0 };
    let listed = client.list_commands(request).await?.into_inner();
    Ok((listed.commands, listed.completions))
}

#[tokio::test]
async fn each_command_does_what_it_says() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut client = chat.client()?;
    let line = "/spawn --name talker --label who=me shell printf 'ready\\n'; read line; echo \"got $line\"; exec sleep 600";
    let (message, result) = run(&mut client, line).await?;
    let Some(Came::Spawned(spawned)) = result.result else { panic!("{result:?}") };
    let (job, agent) = (spawned.job.context("no job")?, spawned.agent.context("no agent")?);
    assert_eq!(
        (result.command.as_str(), job.name.as_str(), job.profile.as_str()),
        ("spawn", "talker", "shell")
    );
    assert!(job.prompt.starts_with("printf 'ready\\n'; read"), "not as it was typed: {}", job.prompt);
    assert_eq!(
        (job.labels.get("who").map(String::as_str), job.agent_id.as_str()),
        (Some("me"), agent.id.as_str())
    );
    assert!(result.text.contains("talker RUNNING"), "{}", result.text);

    // It is kept: read again, listed, and in the events.
    let request = GetMessageRequest { message_id: message.id.clone() };
    assert_eq!(client.get_message(request).await?.into_inner().message.as_ref(), Some(&message));
    let request =
        ListMessagesRequest { conversation_id: message.conversation_id.clone(), ..Default::default() };
    let listed = client.list_messages(request).await?.into_inner().messages;
    assert_eq!((listed.len(), &listed[0], listed[1].content.as_str()), (2, &message, line));
    assert!(listed[1].command && listed[1].state() == State::Complete);
    let events = Answer::after(&mut client, &message.id, 0).await?.rest().await?;
    ensure_numbered(&events, 1)?;
    assert!(matches!(
        events.iter().map(|event| event.event.as_ref()).collect::<Vec<_>>()[..],
        [Some(Kind::Started(_)), Some(Kind::CommandResult(_)), Some(Kind::Completed(_))]
    ));
    assert_eq!(completed(&events)?, message);

    let Came::Sent(sent) = came(&mut client, "/send talk  'a' \"b").await? else { panic!() };
    assert_eq!((sent.name.as_str(), &sent.agent_id), ("talker", &agent.id));
    // Its output comes when it comes.
    let printed = async {
        loop {
            match came(&mut client, "/logs talker").await? {
                Came::Log(log) if log.text.contains("got") => break anyhow::Ok(log),
                Came::Log(_) => {}
                other => anyhow::bail!("{other:?}"),
            }
        }
    };
    let log = tokio::time::timeout(PATIENCE, printed).await??;
    assert_eq!((&log.agent_id, &log.terminal_id), (&agent.id, &agent.terminal_id));
    assert!(log.text.starts_with("ready\n") && log.text.ends_with("got 'a' \"b"), "{:?}", log.text);
    assert!(log.offset > log.text.len() as u64, "carriage returns count: {}", log.offset);

    looked_at(&mut client, &job.id, &agent.id).await?;
    paused(&mut client).await?;
    killed(&mut client, &job.id).await?;
    assert_eq!(chat.fake.counts().requests, 0, "a model was asked");
    Ok(())
}

/// What the commands say that only look, of one job and its agent.
async fn looked_at(client: &mut ChatClient, job: &str, agent: &str) -> Result<()> {
    let Came::Jobs(listed) = came(client, "/jobs").await? else { panic!() };
    assert_eq!((listed.jobs.len(), listed.jobs[0].id.as_str(), listed.more), (1, job, false));
    let Came::Agents(listed) = came(client, "/agents").await? else { panic!() };
    assert_eq!((listed.agents.len(), listed.agents[0].id.as_str()), (1, agent));
    let Came::Status(all) = came(client, "/status").await? else { panic!() };
    assert_eq!((all.queue.context("no queue")?.running, all.running.len(), all.job), (1, 1, None));
    let Came::Status(one) = came(client, &format!("/status {agent}")).await? else { panic!() };
    assert_eq!(
        (one.job.map(|job| job.id), one.agent.map(|agent| agent.id), one.queue),
        (Some(job.to_owned()), Some(agent.to_owned()), None)
    );

    let (_, help) = run(client, "/help").await?;
    let Some(Came::Help(all)) = help.result else { panic!() };
    let names: Vec<_> = all.commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(
        names,
        ["agents", "help", "jobs", "kill", "logs", "pause", "resume", "send", "spawn", "status"]
    );
    assert!(names.iter().all(|name| help.text.contains(&format!("/{name}"))), "{}", help.text);
    let Came::Help(one) = came(client, "/help spawn").await? else { panic!() };
    assert_eq!((one.commands.len(), one.commands[0].options.len()), (1, 10));
    Ok(())
}

/// The queue, and a job that waits in it.
async fn paused(client: &mut ChatClient) -> Result<()> {
    let Came::Queue(queue) = came(client, "/pause  too  hot ").await? else { panic!() };
    assert_eq!((queue.paused, queue.pause_reason.as_str()), (true, "too  hot"));
    let Came::Spawned(waits) = came(client, "/spawn --name later true").await? else { panic!() };
    let waits = waits.job.context("no job")?;
    assert!(waits.state() == job::State::Queued && !waits.waiting_for.is_empty(), "{waits:?}");
    let error = failed(client, "/logs later").await?;
    assert_eq!((error.reason.as_str(), error.message.contains("no agent yet")), ("AGENT_NOT_FOUND", true));
    let Came::Killed(killed) = came(client, "/kill later").await? else { panic!() };
    assert_eq!((killed.job.map(|job| job.state()), killed.agents.len()), (Some(job::State::Cancelled), 0));
    let Came::Queue(queue) = came(client, "/resume").await? else { panic!() };
    assert!(!queue.paused);
    Ok(())
}

/// The end of `talker`, and of all.
async fn killed(client: &mut ChatClient, job: &str) -> Result<()> {
    let Came::Killed(killed) = came(client, "/kill talker it is enough").await? else { panic!() };
    let receipt = killed.agents[0].receipt.clone().context("no receipt")?;
    assert_eq!(
        (killed.agents[0].state(), receipt.reason.as_str(), receipt.proven),
        (agent::State::Exited, "it is enough", true)
    );
    // Again: as it is.
    let Came::Killed(again) = came(client, &format!("/kill {job}")).await? else { panic!() };
    assert_eq!(again.agents[0].receipt, Some(receipt));
    let Came::Spawned(_) = came(client, "/spawn exec sleep 600").await? else { panic!() };
    let Came::Killed(all) = came(client, "/kill all").await? else { panic!() };
    assert_eq!((all.job, all.agents.len(), all.cancelled_jobs), (None, 1, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_the_answer() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut client = chat.client()?;
    for (line, reason, suggestion) in [
        ("/stauts x", "COMMAND_UNKNOWN", "/status x"),
        ("/", "COMMAND_UNKNOWN", "/help"),
        ("/foo bar", "COMMAND_UNKNOWN", "/help"),
        ("/jobs now", "BAD_REQUEST", "/jobs"),
        ("/kill", "BAD_REQUEST", ""),
        ("/spawn", "BAD_REQUEST", ""),
        ("/spawn --cwd '/", "BAD_REQUEST", ""),
        ("/spawn --cwd /no/such/place true", "CWD_NOT_FOUND", ""),
        ("/spawn --profile nobody true", "PROFILE_NOT_FOUND", ""),
        ("/spawn --depends-on nothing true", "JOB_NOT_FOUND", ""),
        ("/spawn --priority 11 true", "BAD_REQUEST", ""),
        ("/status nothing", "JOB_NOT_FOUND", ""),
        ("/kill nothing", "AGENT_NOT_FOUND", ""),
        ("/send nothing x", "AGENT_NOT_FOUND", ""),
        ("/logs 01890000-0000-7000-8000-000000000000", "AGENT_NOT_FOUND", ""),
    ] {
        let error = failed(&mut client, line).await?;
        assert_eq!(
            (error.reason.as_str(), error.suggestion.as_str()),
            (reason, suggestion),
            "{line}: {error:?}"
        );
        ensure!(!error.message.is_empty(), "{line}");
    }
    // The guess is made once, where a client can take it.
    let unknown = failed(&mut client, "/stauts").await?;
    assert!(!unknown.message.contains("/status") && unknown.message.contains("/help"), "{unknown:?}");
    let several = failed(&mut client, "/s").await?;
    assert_eq!(
        (several.reason.as_str(), several.candidates.join(" ").as_str()),
        ("NAME_AMBIGUOUS", "/send /spawn /status")
    );
    // Another workspace's is not there.
    let Came::Spawned(mine) = came(&mut client, "/spawn --name mine exec sleep 600").await? else { panic!() };
    let (job, agent) = (mine.job.context("no job")?, mine.agent.context("no agent")?);
    // Two that begin alike: not even their names are told.
    let Came::Spawned(_) = came(&mut client, "/spawn --name more exec sleep 600").await? else { panic!() };
    let mut other = chat.server.chat_as(&chat.server.other_workspace_token().await?)?;
    for id in [&job.id, &agent.id, &job.name, &job.id[..8].to_owned(), &"m".to_owned()] {
        for (line, reason) in
            [("status", "JOB_NOT_FOUND"), ("kill", "AGENT_NOT_FOUND"), ("logs", "AGENT_NOT_FOUND")]
        {
            assert_eq!(failed(&mut other, &format!("/{line} {id}")).await?.reason, reason, "{line} {id}");
        }
        assert_eq!(failed(&mut other, &format!("/send {id} x")).await?.reason, "AGENT_NOT_FOUND");
    }
    let Came::Killed(none) = came(&mut other, "/kill all").await? else { panic!() };
    assert_eq!(none.agents.len(), 0);
    assert_eq!(complete(&mut other, "/kill ").await?.1.len(), 1, "only `all`");
    let Came::Status(there) = came(&mut client, "/status mine").await? else { panic!() };
    assert_eq!(there.agent.map(|agent| agent.state()), Some(agent::State::Running));
    // What no command has is refused before anything is kept.
    let image = Image { media_type: "image/png".into(), data: vec![1].into(), size_bytes: 0 };
    bad_field(
        client.send_message(SendMessageRequest { images: vec![image], ..say("/status") }).await,
        "images",
    );
    Ok(())
}

#[tokio::test]
async fn roles_are_asked_for_before_anything_is_kept() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut admin = chat.client()?;
    let (kept, _) = run(&mut admin, "/spawn --name mine exec sleep 600").await?;
    let mut viewer = chat.server.chat_as(&chat.server.token_for(Role::Viewer).await?)?;
    let mut member = chat.server.chat_as(&chat.server.token_for(Role::Member).await?)?;
    // Whatever is typed into a conversation is kept in it, and a viewer writes nothing: the reads are calls of their own.
    for line in ["/status", "/kill mine", "/spawn true", "/help"] {
        let request = SendMessageRequest { conversation_id: kept.conversation_id.clone(), ..say(line) };
        refused(viewer.send_message(request).await, Code::PermissionDenied, "ROLE_TOO_LOW");
    }
    assert_eq!(complete(&mut viewer, "/kill m").await?.1.len(), 1, "a viewer may look");
    let request = SendMessageRequest { conversation_id: kept.conversation_id.clone(), ..say("/kill all") };
    refused(member.send_message(request).await, Code::PermissionDenied, "ROLE_TOO_LOW");
    let request = ListMessagesRequest { conversation_id: kept.conversation_id.clone(), ..Default::default() };
    assert_eq!(admin.list_messages(request).await?.into_inner().messages.len(), 2, "something was kept");
    let Came::Status(there) = came(&mut member, "/status mine").await? else { panic!() };
    assert_eq!(there.agent.map(|agent| agent.state()), Some(agent::State::Running));
    let Came::Killed(_) = came(&mut member, "/kill mine").await? else { panic!() };
    Ok(())
}

#[tokio::test]
async fn models_see_no_commands_and_titles_are_of_what_is_said() -> Result<()> {
    let chat = Chat::saying(Reply::text(["fine"])).await?;
    let mut client = chat.client()?;
    let title = async |client: &mut ChatClient, id: &str| -> Result<String> {
        let request = GetConversationRequest { conversation_id: id.to_owned() };
        Ok(client.get_conversation(request).await?.into_inner().conversation.context("none")?.title)
    };
    let (first, _) = run(&mut client, "/status").await?;
    let id = first.conversation_id;
    assert_eq!(title(&mut client, &id).await?, "/status");
    let tell = async |client: &mut ChatClient, content: &str| -> Result<Message> {
        let request = SendMessageRequest { conversation_id: id.clone(), ..say(content) };
        Answer::to(client, request).await?.completed().await
    };
    tell(&mut client, "how are you?").await?;
    assert_eq!(title(&mut client, &id).await?, "how are you?");
    run_in(&mut client, &id, "/help secretword").await?;
    let answer = tell(&mut client, "//etc is a directory").await?;
    assert_eq!((answer.content.as_str(), answer.command), ("fine", false));
    assert_eq!(title(&mut client, &id).await?, "how are you?");
    let requests = chat.fake.requests();
    // It is asked for its models, too.
    let asked = requests.iter().filter(|request| request.method == "POST");
    let asked: Vec<_> = asked.map(|request| String::from_utf8_lossy(&request.body)).collect();
    assert_eq!(asked.len(), 2);
    for body in &asked {
        assert!(
            !body.contains("/status") && !body.contains("/help") && !body.contains("secretword"),
            "{body}"
        );
    }
    assert!(
        asked[1].contains("how are you?") && asked[1].contains("\"/etc is a directory\""),
        "{}",
        asked[1]
    );
    // A command is not answered by a model, whoever asks for it.
    let request = RegenerateMessageRequest { message_id: first.id.clone(), ..Default::default() };
    bad_field(client.regenerate_message(request).await, "message_id");
    let request = RegenerateMessageRequest { message_id: first.parent_id, ..Default::default() };
    bad_field(client.regenerate_message(request).await, "message_id");
    Ok(())
}

#[tokio::test]
async fn a_command_waits_for_no_answer_and_for_no_budget() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(5)]).ending(Ending::Endless);
    reply.tokens_per_second = 100.0;
    let script = test_support::fake_llm::Script::new().reply("m", reply);
    let more = "generations_max = 1\ngenerations_per_workspace_max = 1\ndaily_budget_tokens = 5000\n";
    let chat = Chat::start_with(script, more, Server::builder()).await?;
    let mut client = chat.client()?;
    let mut endless = Answer::to(&mut client, say("go on")).await?;
    endless.first_text().await?;
    // In the same conversation, behind the answer that still comes.
    let (status, _) = run_in(&mut client, &endless.conversation, "/status").await?;
    let Came::Killed(_) = came(&mut client, "/kill all").await? else { panic!() };
    chat.server.sql("UPDATE usage_budgets SET used = 1000000").await?;
    let Came::Status(_) = came(&mut client, "/status").await? else { panic!() };
    // What is said next would be answered without the half that is there.
    let request = SendMessageRequest { conversation_id: status.conversation_id, ..say("and?") };
    refused(client.send_message(request).await, Code::FailedPrecondition, "MESSAGE_STREAMING");
    Ok(())
}

#[tokio::test]
async fn the_same_request_runs_once() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut client = chat.client()?;
    let request = SendMessageRequest { request_id: "once".into(), ..say("/spawn shell true") };
    let first = Answer::to(&mut client, request.clone()).await?.completed().await?;
    let again = Answer::to(&mut client, request.clone()).await?.completed().await?;
    assert_eq!(first, again);
    let (mut one, mut other) = (client.clone(), client.clone());
    let second = SendMessageRequest { request_id: "two".into(), ..request.clone() };
    let both = tokio::join!(Answer::to(&mut one, second.clone()), Answer::to(&mut other, second));
    assert_eq!(both.0?.completed().await?, both.1?.completed().await?);
    let made = jobs(&chat.server).await?;
    assert_eq!(made.len(), 2, "{made:?}");
    wait(&mut chat.server.agents()?, &made[0].id, Until::Over).await?;
    let other = SendMessageRequest { content: "/spawn shell false".into(), ..request };
    refused(client.send_message(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    Ok(())
}
