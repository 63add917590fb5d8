//! Chat: an answer is read once and whole, over cut connections and killed servers; what is said is said once.
//!
//! It must not test how models are asked; a scripted model server answers.

use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use mosaic_client::{
    Client, ErrorKind,
    chat::{Answer, Event},
    proto::chat::v1::{Message, Tool, command_result::Result as Came, message::State, stream_ended::Reason},
};
use test_support::{
    Proxy, Server,
    fake_llm::{FakeLlm, Reply, Script, Step, ToolCall, Wire},
};

use crate::{client, client_at, within};

/// A server whose only models are those of a script.
struct Place {
    server: Server,
    fake: FakeLlm,
    _config: tempfile::NamedTempFile,
}

impl Place {
    async fn new(script: Script) -> Result<Self> {
        let fake = FakeLlm::start(script).await?;
        let mut config = tempfile::NamedTempFile::new()?;
        config.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        write!(
            config,
            "[chat]\ndefault_model = 'fake/story'\nmodel_titles = false\nretries_max = 0\n\
             [local_model]\nenabled = false\n\
             [provider.fake]\nkind = 'openai'\nbase_url = '{}'\nmodel = 'story'\n\
             [model.pair]\ncandidates = ['fake/broken', 'fake/story']\n",
            fake.base_url(Wire::OpenAi)
        )?;
        let server = Server::builder().config("config", config.path().display()).start().await?;
        Ok(Self { server, fake, _config: config })
    }

    fn client(&self) -> Result<Client> {
        client(&self.server)
    }
}

/// Words that come one by one, fast or slow.
fn words(count: usize, in_a_second: f64) -> Reply {
    Reply { tokens_per_second: in_a_second, ..Reply::steps([Step::Words(count)]) }
}

/// A model with two pieces of text.
fn hello() -> Script {
    Script::new().reply("story", Reply::text(["Hel", "lo"]))
}

/// What a reader saw of an answer.
#[derive(Debug, Default)]
struct Seen {
    text: String,
    sequences: Vec<u64>,
    reconnected: usize,
    message: Option<Message>,
}

impl Seen {
    fn take(&mut self, answer: &Answer, event: Event) {
        match event {
            Event::Reconnecting(_) | Event::Heartbeat => return,
            Event::Reconnected(_) => {
                self.reconnected += 1;
                return;
            }
            Event::Ended(ended) => {
                assert_eq!(ended.reason(), Reason::Completed);
                return;
            }
            Event::Text(text) => self.text.push_str(&text),
            Event::Completed(message) => self.message = Some(*message),
            _ => {}
        }
        self.sequences.push(answer.sequence());
    }

    /// Each event once, in order, to the end: the message.
    fn whole(self) -> Result<Message> {
        let expected: Vec<u64> = (1..=self.sequences.len() as u64).collect();
        assert_eq!(self.sequences, expected);
        let message = self.message.context("the answer is not completed")?;
        assert_eq!(message.last_sequence, expected.len() as u64);
        assert!(message.content.starts_with(&self.text), "what was shown is kept");
        Ok(message)
    }
}

#[tokio::test]
async fn what_is_said_is_answered_and_kept() -> Result<()> {
    within(async {
        let place = Place::new(hello()).await?;
        let chat = place.client()?.chat();
        let answer = chat.send("What is a PTY?").system("Be brief.").open().await?;
        let conversation = chat.conversation(answer.conversation_id());
        let message = answer.message().await?;
        assert_eq!((message.content.as_str(), message.state()), ("Hello", State::Complete));
        assert_eq!(message.answered_by, "fake/story");
        assert_eq!(chat.send("And why?").conversation(conversation.id()).text().await?, "Hello");
        assert_eq!(chat.regenerate(&message.id).text().await?, "Hello");
        let sibling = chat.message(&message.id).await?;
        assert_eq!(chat.watch(&message.id).follow(false).open().await?.text().await?, sibling.content);

        // Two questions, the answer to each, and another one to the first.
        let pages: Vec<_> = conversation.messages().page_size(2).pages().try_collect().await?;
        assert_eq!(pages.iter().map(|page| page.messages.len()).sum::<usize>(), 5);
        assert_eq!(conversation.messages().shown_only().all().await?.len(), 2, "the newest branch");
        conversation.update().head(&message.id).send().await?;
        assert_eq!(conversation.messages().shown_only().all().await?[0].id, message.id);

        assert_eq!(conversation.get().await?.system, "Be brief.");
        assert_eq!(conversation.update().title("Pseudo-terminals").send().await?.title, "Pseudo-terminals");
        let found = chat.conversations().query("pseudo-terminals").all().await?;
        assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [conversation.id()]);
        conversation.update().archived(true).send().await?;
        assert!(chat.conversations().all().await?.is_empty());
        assert_eq!(chat.conversations().include_archived().all().await?.len(), 1);
        conversation.delete().await?;
        let error = conversation.get().await.expect_err("it is deleted");
        assert_eq!(error.reason(), Some("CONVERSATION_NOT_FOUND"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn commands_are_run_by_the_server() -> Result<()> {
    let place = Place::new(hello()).await?;
    let chat = place.client()?.chat();
    let mut answer = chat.send("/spawn --name mine shell exec sleep 600").open().await?;
    let mut results = Vec::new();
    while let Some(event) = answer.next().await {
        if let Event::CommandResult(result) = event? {
            results.push(*result);
        }
    }
    let [result] = &results[..] else { anyhow::bail!("{results:?}") };
    let Some(Came::Spawned(spawned)) = &result.result else { anyhow::bail!("{result:?}") };
    assert_eq!(spawned.job.as_ref().map(|job| job.name.as_str()), Some("mine"));
    // Whoever knows nothing of commands has the text.
    let text = chat.send("/status mine").text().await?;
    assert!(text.starts_with("job       mine RUNNING"), "{text}");
    let kept = chat.message(answer.message_id()).await?;
    assert_eq!(kept.command_result.as_ref(), Some(result));
    let found = chat.commands("/kill m").await?.completions;
    assert_eq!((found.len(), found[0].text.as_str(), found[0].replace_from), (1, "mine ", 6));
    let killed = chat.send("/kill all").open().await?.message().await?;
    assert!(killed.command_result.is_some_and(|result| result.text.contains("1 agent ended")));
    assert_eq!(chat.send("//status").text().await?, "Hello");
    Ok(())
}

#[tokio::test]
async fn models_and_usage_are_told() -> Result<()> {
    within(async {
        let place = Place::new(hello()).await?;
        let client = place.client()?;
        let models = client.chat().models().await?;
        assert!(models.iter().any(|model| model.name == "pair" && model.candidates.len() == 2), "{models:?}");
        assert!(models.iter().any(|model| model.name == "fake/story" && model.is_default), "{models:?}");
        client.chat().send("hi").text().await?;
        let usage = client.workspace().usage(1).await?;
        assert_eq!(usage.usage.len(), 1, "{usage:?}");
        assert_eq!(usage.usage[0].model, "fake/story");
        assert!(usage.used_today_tokens > 0, "{usage:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_builder_says_it_once() -> Result<()> {
    within(async {
        let place = Place::new(hello()).await?;
        let chat = place.client()?.chat();
        let send = chat.send("hi");
        let first = send.open().await?.message().await?;
        let again = send.open().await?.message().await?;
        assert_eq!(first.id, again.id);
        let asked = place.fake.requests().iter().filter(|request| request.model == "story").count();
        assert_eq!(asked, 1, "the model was asked once");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn cut_connections_show_each_event_once() -> Result<()> {
    within(async {
        let place = Place::new(Script::new().reply("story", words(400, 400.0))).await?;
        let proxy = Proxy::start(&place.server.endpoint()).await?;
        let client = client_at(&place.server, &proxy.endpoint())?;
        let mut answer = client.chat().send("tell me").open().await?;
        let mut seen = Seen::default();
        let mut since = 0;
        while let Some(event) = answer.next().await {
            seen.take(&answer, event?);
            since += 1;
            if since == 25 {
                since = 0;
                proxy.cut();
            }
        }
        assert!(seen.reconnected >= 3, "{} times", seen.reconnected);
        let message = seen.whole()?;
        assert_eq!((message.state(), message.content.len()), (State::Complete, "word ".len() * 400));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_killed_server_interrupts_the_answer_and_keeps_what_was_shown() -> Result<()> {
    within(async {
        let place = Place::new(Script::new().reply("story", words(100_000, 100.0))).await?;
        let mut answer = place.client()?.chat().send("tell me").open().await?;
        let mut seen = Seen::default();
        while seen.sequences.len() < 50 {
            let event = answer.next().await.context("an end")??;
            seen.take(&answer, event);
        }
        place.server.kill9().await?;
        place.server.restart().await?;
        while let Some(event) = answer.next().await {
            seen.take(&answer, event?);
        }
        let shown = seen.text.len();
        let message = seen.whole()?;
        assert_eq!(message.state(), State::Interrupted);
        assert!(shown > 0 && message.content.len() >= shown);
        let error =
            place.client()?.chat().watch(message.id).open().await?.text().await.expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::Unfinished { state: State::Interrupted });
        Ok(())
    })
    .await
}

/// Reads until there is text.
async fn first_text(answer: &mut Answer) -> Result<String> {
    loop {
        if let Event::Text(text) = answer.next().await.context("an end")?? {
            return Ok(text);
        }
    }
}

#[tokio::test]
async fn stopping_keeps_what_came() -> Result<()> {
    within(async {
        let place = Place::new(Script::new().reply("story", words(100_000, 100.0))).await?;
        let chat = place.client()?.chat();
        let mut answer = chat.send("tell me").open().await?;
        let text = first_text(&mut answer).await?;
        let stopped = chat.stop(answer.message_id()).await?;
        assert_eq!(stopped.state(), State::Stopped);
        assert!(stopped.content.starts_with(&text), "{stopped:?}");
        assert_eq!(chat.stop(answer.message_id()).await?.content, stopped.content, "idempotent");
        let error = answer.text().await.expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::Unfinished { state: State::Stopped });
        Ok(())
    })
    .await
}

#[tokio::test]
async fn leaving_is_not_stopping_unless_one_says_so() -> Result<()> {
    within(async {
        let place = Place::new(Script::new().reply("story", words(200, 100.0))).await?;
        let chat = place.client()?.chat();
        let mut answer = chat.send("tell me").open().await?;
        first_text(&mut answer).await?;
        let (id, sequence) = (answer.message_id().to_owned(), answer.sequence());
        drop(answer);
        let rest = chat.watch(&id).after(sequence).open().await?;
        assert_eq!(rest.opened().after_sequence, sequence);
        assert_eq!(rest.message().await?.state(), State::Complete);

        let mut answer = chat.send("tell me").on_disconnect_stop().open().await?;
        first_text(&mut answer).await?;
        let id = answer.message_id().to_owned();
        drop(answer);
        assert_eq!(chat.watch(&id).open().await?.message().await?.state(), State::Stopped);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_answer_says_why_and_a_fallback_says_so() -> Result<()> {
    within(async {
        let broken = Reply::error(500, "server_error", "out of order");
        let place = Place::new(hello().reply("broken", broken)).await?;
        let chat = place.client()?.chat();
        let error = chat.send("hi").model("fake/broken").text().await.expect_err("it fails");
        assert_eq!(error.kind(), ErrorKind::Unfinished { state: State::Failed });
        assert_eq!(error.reason(), Some("ALL_MODELS_FAILED"), "{error}");

        let mut answer = chat.send("hi").model("pair").open().await?;
        let mut left = None;
        while let Some(event) = answer.next().await {
            match event? {
                Event::FellBack(fell_back) => left = Some((fell_back.from, fell_back.to)),
                Event::Completed(message) => assert_eq!(message.answered_by, "fake/story"),
                _ => {}
            }
        }
        // A model that has just failed may be left out without being asked; that is said, too.
        assert_eq!(left, Some(("fake/broken".to_owned(), "fake/story".to_owned())));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn tools_are_asked_for_and_answered() -> Result<()> {
    within(async {
        let call =
            ToolCall { id: "c1".to_owned(), name: "add".to_owned(), arguments: r#"{"a":1}"#.to_owned() };
        let asks =
            Reply { stop: test_support::fake_llm::Stop::ToolCall, ..Reply::steps([Step::ToolCall(call)]) };
        let place =
            Place::new(Script::new().reply("story", asks).reply("story", Reply::text(["two"]))).await?;
        let chat = place.client()?.chat();
        let tool = Tool { name: "add".to_owned(), description: String::new(), input_schema: "{}".to_owned() };
        let message = chat.send("1 + 1").tool(tool.clone()).open().await?.message().await?;
        assert_eq!(message.tool_calls.len(), 1, "{message:?}");
        let call = &message.tool_calls[0];
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("add", r#"{"a":1}"#));
        let result = chat.send("").parent(&message.id).conversation(&message.conversation_id).tool(tool);
        assert_eq!(result.tool_result(&call.id, "2").text().await?, "two");
        Ok(())
    })
    .await
}
