//! A model server that others wrote, over real weights: llama.cpp's, which speaks two of the three wires.
//!
//! It must not test what a scripted server can show: that is `providers` and the files beside this one.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use mosaic_proto::chat::v1::{
    ListModelsRequest, Parameters, SendMessageRequest, StopMessageRequest, message::State,
    message_event::Event as Kind, model::Availability, usage::Source,
};
use test_support::Server;

use super::{Answer, completed, ensure_numbered, say, text};
use crate::third_party::{root, tool};

const KEY: &str = "sk-of-the-test";

/// llama.cpp's server with SmolLM2-135M-Instruct.
struct Llama {
    child: Child,
    log: Option<BufReader<ChildStderr>>,
    url: String,
}

impl Llama {
    async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(|| {
            let mut child = Command::new(tool("python/bin/python")?)
                .arg(root().join("test-support/python/serve_llama.py"))
                .arg(tool("local-model/SmolLM2-135M-Instruct.Q4_1.gguf")?)
                .env("MODEL_SERVER_KEY", KEY)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            let mut url = String::new();
            BufReader::new(child.stdout.take().context("no output")?).read_line(&mut url)?;
            let log = child.stderr.take().map(BufReader::new);
            let url = url.trim_end().to_owned();
            ensure!(url.starts_with("http://"), "it does not listen: {url:?}");
            Ok(Self { child, log, url })
        })
        .await?
    }

    /// A Mosaic that knows it by both of its wires, and once with a key that it does not take.
    async fn mosaic(&self) -> Result<Server> {
        let url = &self.url;
        let config = format!(
            "[provider.llama]\nkind = 'openai'\nbase_url = '{url}/v1'\napi_key_env = 'LLAMA_KEY'\n\
             [provider.claude_like]\nkind = 'anthropic'\nbase_url = '{url}'\napi_key_env = 'LLAMA_KEY'\n\
             [provider.stranger]\nkind = 'openai'\nbase_url = '{url}/v1'\napi_key_env = 'OTHER_KEY'\n\
             [chat]\nmodel_titles = false\n[local_model]\nenabled = false\n"
        );
        let builder = Server::builder().variable("LLAMA_KEY", KEY).variable("OTHER_KEY", "sk-another");
        builder.config_file(config).start().await
    }

    /// Waits until it has said so.
    async fn says(&mut self, words: &'static str) -> Result<()> {
        let mut log = self.log.take().context("the log is being read")?;
        let read = tokio::task::spawn_blocking(move || -> Result<_> {
            let mut line = Vec::new();
            while log.read_until(b'\n', &mut line)? > 0 {
                if String::from_utf8_lossy(&line).contains(words) {
                    return Ok(log);
                }
                line.clear();
            }
            anyhow::bail!("it ended without saying {words:?}")
        });
        self.log = Some(tokio::time::timeout(super::PATIENCE, read).await.with_context(|| words)???);
        Ok(())
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const WIRES: [&str; 2] = ["llama/smollm2", "claude_like/smollm2"];

/// A question to a model, without chance.
fn ask(model: &str, content: &str, output_tokens_max: u32) -> SendMessageRequest {
    let parameters = Parameters {
        temperature: Some(0.0),
        max_output_tokens: Some(output_tokens_max),
        ..Parameters::default()
    };
    SendMessageRequest {
        model: model.to_owned(),
        system: "You are a helpful assistant.".to_owned(),
        parameters: Some(parameters),
        ..say(content)
    }
}

#[tokio::test]
async fn a_real_model_server_answers_over_both_wires() -> Result<()> {
    let llama = Llama::start().await?;
    let server = llama.mosaic().await?;
    let mut client = server.chat()?;
    for model in WIRES {
        let request = ask(model, "What is the capital of France?", 16);
        let mut answer = Answer::to(&mut client, request).await?;
        let events = answer.rest().await?;
        ensure_numbered(&events, 1)?;
        let pieces = events.iter().filter(|event| matches!(event.event, Some(Kind::TextDelta(_)))).count();
        assert!(pieces > 0, "{events:?}");
        assert_eq!(text(&events), "The capital of France is Paris.", "{model}");
        let message = completed(&events)?;
        assert_eq!((message.state(), message.content), (State::Complete, text(&events)), "{model}");
        assert_eq!((message.answered_by.as_str(), message.finish_reason.as_str()), (model, "END"));
        let usage = message.usage.context("no usage")?;
        // The second wire finds the prompt in the server's cache: a token that was read before counts as well.
        let (input, output, source) = (usage.input, usage.output, usage.source());
        assert_eq!((input, output, source), (27, 8, Source::Reported), "{model}");
        // The conversation goes on, and is cut off.
        let conversation_id = answer.conversation.clone();
        let more =
            SendMessageRequest { conversation_id, system: String::new(), ..ask(model, "And of Italy?", 4) };
        let message = Answer::to(&mut client, more).await?.completed().await?;
        assert_eq!((message.state(), message.finish_reason.as_str()), (State::Complete, "LENGTH"), "{model}");
        let usage = message.usage.context("no usage")?;
        assert!(usage.input > 27 && usage.output == 4, "{model}: {usage:?}");
        assert_eq!(usage.source(), Source::Reported);
    }
    Ok(())
}

#[tokio::test]
async fn a_real_model_server_lists_its_model_to_those_with_its_key() -> Result<()> {
    let llama = Llama::start().await?;
    let server = llama.mosaic().await?;
    let models = server.chat()?.list_models(ListModelsRequest {}).await?.into_inner().models;
    for name in WIRES {
        let model = models.iter().find(|model| model.name == name).context(name)?;
        assert_eq!((model.availability(), model.problem.as_str()), (Availability::Ready, ""), "{name}");
    }
    let known = models.iter().find(|model| model.name == WIRES[0]).context("not listed")?;
    assert_eq!(known.context_tokens, 2048, "{known:?}");
    let stranger = models.iter().find(|model| model.provider == "stranger").context("not listed")?;
    assert_eq!(stranger.availability(), Availability::Unavailable, "{stranger:?}");
    assert_eq!(stranger.problem, "Invalid API Key");
    Ok(())
}

#[tokio::test]
async fn a_stop_reaches_a_real_model_server() -> Result<()> {
    let mut llama = Llama::start().await?;
    let server = llama.mosaic().await?;
    let mut client = server.chat()?;
    for model in WIRES {
        let request = ask(model, "Write a very long story about the sea, with many chapters.", 1500);
        let mut answer = Answer::to(&mut client, request).await?;
        let first = answer.first_text().await?;
        let stop = StopMessageRequest { message_id: answer.message.clone() };
        let stopped = client.stop_message(stop).await?.into_inner().message.context("no message")?;
        assert_eq!(stopped.state(), State::Stopped, "{model}");
        assert!(stopped.content.starts_with(&first), "{:?}", stopped.content);
        assert_eq!(answer.completed().await?, stopped);
        llama.says("cancel task").await?;
    }
    Ok(())
}
