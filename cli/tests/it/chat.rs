//! `mosaic chat` and what is around it, against a scripted model server.
//!
//! It must not test how models are asked, nor the SDK's promises; only what people and scripts see.

use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use test_support::{
    Server,
    fake_llm::{self, Ending, FakeLlm, Reply, Script, Step, Wire},
};

use crate::support::Mosaic;

/// A server whose only models are those of a script.
struct Place {
    server: Server,
    mosaic: Mosaic,
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
        let mosaic = Mosaic::operator(&server)?;
        Ok(Self { server, mosaic, fake, _config: config })
    }
}

/// An answer that has begun, and never ends.
fn endless(text: &str) -> Reply {
    Reply::text([text, "\n"]).ending(Ending::Stall)
}

/// Markdown, and what a terminal must not get.
const ANSWER: [&str; 4] = ["Some **bo", "ld** words\u{1b}[31m", "\n```\n*code*\n`", "``\n"];

#[tokio::test]
async fn an_answer_in_a_pipe_is_the_text_as_it_is() -> Result<()> {
    let place = Place::new(Script::new().reply("story", Reply::text(ANSWER))).await?;
    let mosaic = &place.mosaic;
    assert_eq!(mosaic.ok(&["chat", "send", "hi"]).await?, ANSWER.concat());
    let ran = mosaic.run_with(&["chat", "send", "-c", "-"], "from stdin").await?;
    assert_eq!((ran.code, ran.stdout), (0, ANSWER.concat()));
    let ran = mosaic.run_with(&["chat", "send", "--model", "pair"], "from stdin, too").await?;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("fake/broken") && ran.stderr.contains("fake/story is asked now"), "{ran:?}");

    let events = mosaic.json_lines(&["chat", "send", "--system", "Be brief.", "hi"]).await?;
    assert!(events[0]["opened"]["conversationId"].is_string(), "{events:?}");
    let text: String = events.iter().filter_map(|event| event["textDelta"]["text"].as_str()).collect();
    assert_eq!(text, ANSWER.concat());
    let [.., completed, ended] = &events[..] else { anyhow::bail!("{events:?}") };
    assert_eq!(completed["completed"]["message"]["state"], "STATE_COMPLETE");
    assert_eq!(ended["streamEnded"]["reason"], "REASON_COMPLETED");
    let sequences: Vec<&str> =
        events[1..events.len() - 1].iter().filter_map(|one| one["sequence"].as_str()).collect();
    assert_eq!(sequences, (1..=sequences.len()).map(|n| n.to_string()).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn exit_codes_say_how_it_ended() -> Result<()> {
    let script = Script::new().reply("story", endless("begun")).reply("broken", Reply::error(400, "", "no"));
    let place = Place::new(script).await?;
    let mosaic = &place.mosaic;
    let ran = mosaic.run(&["chat", "send", "--model", "fake/broken", "hi"]).await?;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("(ALL_MODELS_FAILED)"), "{ran:?}");
    assert_eq!(mosaic.run(&["chat", "send", ""]).await?.code, 2);
    assert_eq!(mosaic.run(&["chat", "send", "--model", "nobody", "hi"]).await?.code, 3);

    let mut stopped = mosaic.piped(&["chat", "send", "hi"])?;
    assert_eq!(stopped.line().await?, "begun");
    stopped.signal(Signal::INT)?;
    let (code, said) = stopped.ended().await?;
    assert_eq!(code, Some(7), "{said}");
    let newest = mosaic.json(&["conversation", "ls", "-n", "1"]).await?;
    let id = newest["conversations"][0]["id"].as_str().context("an id")?.to_owned();
    let shown = mosaic.json(&["conversation", "show", &id]).await?;
    assert_eq!(shown["messages"][1]["state"], "STATE_STOPPED");
    assert_eq!(shown["messages"][1]["content"], "begun\n");

    let mut interrupted = mosaic.piped(&["chat", "send", "hi"])?;
    assert_eq!(interrupted.line().await?, "begun");
    place.server.kill9().await?;
    place.server.restart().await?;
    let (code, said) = interrupted.ended().await?;
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("connection lost"), "{said}");
    Ok(())
}

#[tokio::test]
async fn commands_are_for_scripts_too() -> Result<()> {
    let place = Place::new(Script::new().reply("story", Reply::text(["no"]))).await?;
    let mosaic = &place.mosaic;
    let said = mosaic.ok(&["chat", "send", "/spawn --name mine shell exec sleep 600"]).await?;
    assert!(said.starts_with("job       mine RUNNING\n") && said.ends_with('\n'), "{said}");
    let events = mosaic.json_lines(&["chat", "send", "-c", "/status mine"]).await?;
    let result = events.iter().find(|event| event["commandResult"].is_object()).context("no result")?;
    assert_eq!(result["commandResult"]["status"]["job"]["name"], "mine");
    for (line, code, hint) in [
        ("/stauts mine", 2, "Did you mean: /status mine"),
        ("/status nothing", 3, "/jobs"),
        ("/s", 2, "/send, /spawn, /status"),
    ] {
        let ran = mosaic.run(&["chat", "send", line]).await?;
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{ran:?}");
        assert!(ran.stderr.contains(hint), "{ran:?}");
    }
    let newest = mosaic.json(&["conversation", "ls", "-n", "1"]).await?;
    let id = newest["conversations"][0]["id"].as_str().context("an id")?;
    let shown = mosaic.ok(&["conversation", "show", id]).await?;
    assert!(shown.contains("the server") && !shown.contains("default model"), "{shown}");
    mosaic.ok(&["chat", "send", "/kill all"]).await?;
    Ok(())
}

// Looking at the terminal blocks, and the model server must go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn commands_are_typed_and_completed() -> Result<()> {
    let place = Place::new(Script::new().reply("story", Reply::text(["no"]))).await?;
    let mut pty = place.mosaic.in_pty(&["chat"])?;
    pty.wait_for("/help for commands")?;
    pty.type_in("/sp\tsh\texec sleep 600\r")?;
    pty.wait_for("RUNNING")?;
    pty.wait_for("exec sleep 600")?;
    pty.type_in("/kill sh\t\r")?;
    pty.wait_for("shell-1 is CANCELLED")?;
    pty.type_in("/stauts\r")?;
    pty.wait_for("Did you mean: /status")?;
    pty.type_in("/help\r")?;
    pty.wait_for("/quit")?;
    pty.wait_for("Starts an agent")?;
    pty.type_in("/quit\r")?;
    assert_eq!(pty.ended().await?, 0);
    Ok(())
}

// Looking at the terminal blocks, and the model server must go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn talking_on_a_terminal() -> Result<()> {
    let script = Script::new()
        .reply("story", Reply::text(ANSWER))
        .reply("story", endless("it has begun"))
        .reply("story", Reply::text(["at last"]));
    let place = Place::new(script).await?;
    let mut pty = place.mosaic.in_pty(&["chat"])?;
    pty.wait_for("/help")?;
    pty.wait_for("> ")?;
    pty.type_in("two\\\rlines\r")?;
    pty.wait_for("Some \u{1b}[1mbold\u{1b}[0m words\\x1b[31m")?;
    pty.wait_for("\u{1b}[36m*code*")?;
    pty.wait_for("> ")?;
    pty.type_in("again\r")?;
    pty.wait_for("it has begun")?;
    pty.type_in("\u{3}")?;
    pty.wait_for("what came is kept")?;
    pty.wait_for("> ")?;
    pty.type_in("not sent\u{3}")?;
    pty.wait_for("> ")?;
    pty.type_in("/nonsense\r")?;
    pty.wait_for("no command /nonsense")?;
    pty.wait_for("> ")?;
    pty.type_in("/retry\r")?;
    pty.wait_for("at last")?;
    pty.wait_for("> ")?;
    pty.type_in("/model\r")?;
    pty.wait_for("fake/story")?;
    pty.wait_for("> ")?;
    pty.type_in("/usage\r")?;
    pty.wait_for("today: ")?;
    pty.wait_for("> ")?;
    pty.type_in("\u{4}")?;
    assert_eq!(pty.ended().await?, 0);
    assert_eq!(pty.attributes_now()?, pty.attributes);

    let list = place.mosaic.json(&["conversation", "ls"]).await?;
    assert_eq!(list["conversations"].as_array().map(Vec::len), Some(1), "{list}");
    let id = list["conversations"][0]["id"].as_str().context("an id")?.to_owned();
    let all = place.mosaic.json(&["conversation", "export", &id, "--as", "json"]).await?;
    assert_eq!(all["messages"][0]["content"], "two\nlines");
    // A command that there is none of is kept, too.
    assert_eq!(all["messages"].as_array().map(Vec::len), Some(7), "{all}");

    let history = place.mosaic.home.path().join(".local/state/mosaic/chat_history");
    assert_eq!(std::fs::metadata(&history)?.permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&history)?.contains("again"));

    // What was said is shown again where one goes on.
    let mut pty = place.mosaic.in_pty(&["chat", "-c"])?;
    pty.wait_for("at last")?;
    pty.wait_for("> ")?;
    pty.signal(Signal::TERM)?;
    assert_eq!(pty.ended().await?, 143);
    assert_eq!(pty.attributes_now()?, pty.attributes);
    Ok(())
}

// Looking at the terminal blocks, and the model server must go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn lines_can_be_many() -> Result<()> {
    let place = Place::new(Script::new().reply("story", Reply::text(["seen"]))).await?;
    let mut pty = place.mosaic.in_pty(&["chat"])?;
    pty.wait_for("> ")?;
    // Alt-Enter, then a paste with a line end in it.
    pty.type_in("one\u{1b}\rtwo \u{1b}[200~three\nfour\u{1b}[201~\r")?;
    pty.wait_for("seen")?;
    pty.wait_for("> ")?;
    pty.type_in("/quit\r")?;
    assert_eq!(pty.ended().await?, 0);
    let list = place.mosaic.json(&["conversation", "ls"]).await?;
    let id = list["conversations"][0]["id"].as_str().context("an id")?.to_owned();
    let shown = place.mosaic.json(&["conversation", "show", &id]).await?;
    assert_eq!(shown["messages"][0]["content"], "one\ntwo three\nfour");
    let ran = place.mosaic.run(&["chat"]).await?;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("mosaic chat send"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn the_life_of_a_conversation() -> Result<()> {
    let place =
        Place::new(Script::new().reply("story", Reply::steps([Step::Text("A # b".to_owned())]))).await?;
    let mosaic = &place.mosaic;
    let events = mosaic.json_lines(&["chat", "send", "Zebras and lions"]).await?;
    let id = events[0]["opened"]["conversationId"].as_str().context("an id")?.to_owned();
    let title = "Animals \u{1b}[31m".replace('\u{1b}', "\u{202e}");
    mosaic.ok(&["conversation", "rename", &id, &title]).await?;
    let list = mosaic.ok(&["conversation", "ls"]).await?;
    assert!(list.contains(&id) && list.contains(r"Animals \u{202e}[31m"), "{list}");
    assert!(mosaic.ok(&["conversation", "search", "zebras"]).await?.contains(&id));
    assert!(!mosaic.ok(&["conversation", "search", "zebras", "-lions"]).await?.contains(&id));
    let document = mosaic.ok(&["conversation", "export", &id]).await?;
    assert!(document.contains("## you\n\nZebras and lions\n\n## fake/story\n\nA # b"), "{document}");
    let shown = mosaic.ok(&["conversation", "show", &id]).await?;
    assert!(shown.contains("── you") && shown.contains("A # b"), "{shown}");
    mosaic.ok(&["conversation", "archive", &id]).await?;
    assert!(!mosaic.ok(&["conversation", "ls"]).await?.contains(&id));
    assert!(mosaic.ok(&["conversation", "ls", "--all"]).await?.contains("(put away)"));
    assert_eq!(
        mosaic.json(&["conversation", "archive", "--undo", &id]).await?["conversation"]["id"],
        id.as_str()
    );
    assert_eq!(mosaic.json(&["conversation", "rm", &id]).await?, serde_json::json!({}));
    assert_eq!(mosaic.run(&["conversation", "show", &id]).await?.code, 3);
    assert!(mosaic.ok(&["models"]).await?.contains("the default"));
    assert!(mosaic.ok(&["usage"]).await?.contains("fake/story"));
    assert_eq!(mosaic.json(&["usage", "--days", "1"]).await?["usage"][0]["model"], "fake/story");
    Ok(())
}

#[tokio::test]
async fn what_a_newcomer_tries_is_answered() -> Result<()> {
    let mut cut = Reply::text(["half of"]);
    cut.stop = fake_llm::Stop::Length;
    let place = Place::new(Script::new().reply("story", Reply::text(["one"])).reply("story", cut)).await?;
    let mosaic = &place.mosaic;
    // A text and a pipe are one message; where to go on is said.
    let ran = mosaic.run_with(&["chat", "send", "Sum up:"], "a long text\n").await?;
    let asked = place.fake.requests().last().context("no request")?.json();
    assert_eq!(asked["messages"][0]["content"], "Sum up:\n\na long text\n", "{asked}");
    let id = ran.stderr.trim().strip_prefix("conversation ").context("no id")?.to_owned();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "one\n"));
    let ran = mosaic.run(&["chat", "send", "--conversation", &id, "go on"]).await?;
    assert!(ran.stderr.contains("cut at the limit of tokens"), "{ran:?}");
    let asked = place.fake.requests().last().context("no request")?.json();
    assert_eq!(asked["messages"][2]["content"], "go on", "{asked}");
    let ran = mosaic.run(&["chat", "hello", "you"]).await?;
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `mosaic chat send 'hello you'`?"), "{ran:?}");
    let ran = mosaic.run(&["conversation", "search", "unheard-of"]).await?;
    assert_eq!((ran.code, ran.stderr.trim()), (0, "no conversation matches"));
    let ran = mosaic.run(&["chat", "send", "--model", "nobody", "hi"]).await?;
    assert_eq!(ran.stderr.matches("lists them").count(), 1, "{ran:?}");
    let ran = mosaic.run(&["conversation", "stop", &id]).await?;
    assert!(ran.code == 0 && ran.stderr.contains("nothing is being answered"), "{ran:?}");
    Ok(())
}

// Looking at the terminal blocks, and the model server must go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_left_goes_on_until_it_is_stopped() -> Result<()> {
    let mut slow = endless("it has begun");
    slow.wait_ms = 4000;
    let place = Place::new(Script::new().reply("story", slow)).await?;
    let mut pty = place.mosaic.in_pty(&["chat"])?;
    pty.wait_for("> ")?;
    pty.type_in("hi\r")?;
    pty.wait_for("waiting for the model")?;
    pty.wait_for("it has begun")?;
    let before = pty.shown().len();
    pty.type_in("typed meanwhile")?;
    pty.type_in("\u{4}")?;
    pty.wait_for("the answer goes on")?;
    assert_eq!(pty.ended().await?, 0);
    assert!(!pty.shown()[before..].contains("typed"), "{}", pty.shown());
    assert_eq!(pty.attributes_now()?, pty.attributes);
    let list = place.mosaic.json(&["conversation", "ls"]).await?;
    let id = list["conversations"][0]["id"].as_str().context("an id")?.to_owned();
    let shown = place.mosaic.json(&["conversation", "show", &id]).await?;
    assert_eq!(shown["messages"][1]["state"], "STATE_STREAMING");
    place.mosaic.ok(&["conversation", "stop", &id]).await?;
    let shown = place.mosaic.json(&["conversation", "show", &id]).await?;
    assert_eq!(shown["messages"][1]["state"], "STATE_STOPPED");
    Ok(())
}
