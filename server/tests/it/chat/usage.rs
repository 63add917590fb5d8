//! Tokens: counted once by day and model however an answer ends, set aside before and given back after; and the list of
//! models.
//!
//! It must not test how a provider's own count is read.

use anyhow::{Context, Result};
use mosaic_proto::{
    chat::v1::{
        ListConversationsRequest, ListModelsRequest, Model, Parameters, SendMessageRequest,
        StopMessageRequest, message::State, model::Availability, usage::Source,
    },
    workspace::v1::{GetUsageRequest, GetUsageResponse},
};
use test_support::{
    Server,
    fake_llm::{Ending, FakeLlm, Reply, Script, Usage, Wire},
};
use tonic::Code;

use super::{Answer, Chat, say};
use crate::shells::refused;

async fn usage(chat: &Chat) -> Result<GetUsageResponse> {
    Ok(chat.server.workspace()?.get_usage(GetUsageRequest::default()).await?.into_inner())
}

/// Something whose answer sets aside little.
fn small(content: &str) -> SendMessageRequest {
    let parameters = Some(Parameters { max_output_tokens: Some(100), ..Default::default() });
    SendMessageRequest { parameters, ..say(content) }
}

#[tokio::test]
async fn a_count_is_the_providers_or_an_estimate() -> Result<()> {
    let told = Usage { input: 70, output: 30, cached: 20, thinking: 5 };
    let mut silent = Reply::text(["seven letters are two tokens"]);
    silent.no_usage = true;
    let told = Reply { usage: Some(told), ..Reply::text(["told"]) };
    let chat = Chat::start(Script::new().reply("m", told).reply("m", silent)).await?;
    let mut client = chat.client()?;
    let first = Answer::to(&mut client, say("one")).await?.completed().await?.usage.context("none")?;
    assert_eq!((first.input, first.output, first.cached, first.thinking), (70, 30, 20, 5));
    assert_eq!(first.source(), Source::Reported);
    let second = Answer::to(&mut client, say("two")).await?.completed().await?.usage.context("none")?;
    assert!(second.input > 0 && (4..=12).contains(&second.output), "{second:?}");
    assert_eq!(second.source(), Source::Estimated);
    let counted = usage(&chat).await?;
    let [day] = counted.usage.as_slice() else { anyhow::bail!("{counted:?}") };
    assert_eq!((day.model.as_str(), day.attempts, day.estimated_attempts), ("fake/m", 2, 1));
    assert_eq!((day.input, day.output), (70 + second.input, 30 + second.output));
    assert_eq!((day.cached, day.thinking, day.day.len()), (20, 5, "2026-03-31".len()));
    assert_eq!((counted.used_today_tokens, counted.reserved_today_tokens), (day.input + day.output, 0));
    assert_eq!(counted.daily_budget_tokens, 10_000_000);
    Ok(())
}

#[tokio::test]
async fn each_attempt_counts_for_its_model() -> Result<()> {
    let cut = Reply::text(["half of it"]).ending(Ending::Cut);
    let script = Script::new().reply("a", cut).reply("b", Reply::text(["b"]));
    let more = "mid_stream_fallback = true\ndefault_model = \"both\"\n\
                [model.both]\ncandidates = [\"fake/a\", \"fake/b\"]";
    let chat = Chat::start_with(script, more, Server::builder()).await?;
    let message = Answer::to(&mut chat.client()?, say("hi")).await?.completed().await?;
    let all = message.usage.context("none")?;
    let counted = usage(&chat).await?;
    let models: Vec<_> = counted.usage.iter().map(|day| (day.model.as_str(), day.attempts)).collect();
    assert_eq!(models, [("fake/a", 1), ("fake/b", 1)]);
    let sum: u64 = counted.usage.iter().map(|day| day.input + day.output).sum();
    assert_eq!((sum, counted.used_today_tokens), (all.input + all.output, sum));
    assert_eq!(counted.usage[0].estimated_attempts, 1);
    Ok(())
}

#[tokio::test]
async fn tokens_are_set_aside_while_an_answer_is_made() -> Result<()> {
    let stalled = || Reply::text(["on ", "and on "]).ending(Ending::Stall);
    let failing = Reply::error(401, "", "no");
    let script = Script::new().reply("m", stalled()).reply("m", failing).reply("m", Reply::text(["ok"]));
    let chat = Chat::start_with(script, "daily_budget_tokens = 1000", Server::builder()).await?;
    let mut client = chat.client()?;
    // Stopped.
    let mut answer = Answer::to(&mut client, small("go on")).await?;
    answer.first_text().await?;
    let during = usage(&chat).await?;
    assert!((100..200).contains(&during.reserved_today_tokens), "{during:?}");
    assert_eq!((during.used_today_tokens, during.daily_budget_tokens), (0, 1000));
    let stop = StopMessageRequest { message_id: answer.message.clone() };
    let stopped = client.stop_message(stop).await?.into_inner().message.context("none")?;
    let used = stopped.usage.context("none")?;
    let after = usage(&chat).await?;
    assert_eq!((after.reserved_today_tokens, after.used_today_tokens), (0, used.input + used.output));
    assert!(used.input > 0 && used.output > 0 && used.source() == Source::Estimated, "{used:?}");
    // Failed: nothing came, nothing is paid.
    let failed = Answer::to(&mut client, small("no")).await?.completed().await?;
    assert_eq!(failed.state(), State::Failed);
    let now = usage(&chat).await?;
    assert_eq!((now.reserved_today_tokens, now.used_today_tokens), (0, after.used_today_tokens));
    // Whole.
    let whole = Answer::to(&mut client, small("yes")).await?.completed().await?.usage.context("none")?;
    let last = usage(&chat).await?;
    assert_eq!(last.used_today_tokens, now.used_today_tokens + whole.input + whole.output);
    assert_eq!(last.reserved_today_tokens, 0);
    Ok(())
}

#[tokio::test]
async fn a_days_budget_is_never_exceeded() -> Result<()> {
    let stalled = Reply::text(["on "]).ending(Ending::Stall);
    let chat = Chat::start_with(
        Script::new().reply("m", stalled).reply("m", Reply::text(["ok"])),
        "daily_budget_tokens = 250",
        Server::builder(),
    )
    .await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, small("one")).await?;
    answer.first_text().await?;
    let before = usage(&chat).await?;
    // A second one fits, a third one does not: what is set aside counts.
    let second = Answer::to(&mut client, small("two")).await?.completed().await?;
    let used = second.usage.context("none")?;
    let large = Parameters { max_output_tokens: Some(200), ..Default::default() };
    let large = SendMessageRequest { parameters: Some(large), request_id: "r".into(), ..say("three") };
    for _ in 0..2 {
        let refusal = client.send_message(large.clone()).await.unwrap_err();
        assert!(refusal.message().contains("chat.daily_budget_tokens"), "{refusal:?}");
        refused::<()>(Err(refusal), Code::ResourceExhausted, "TOKEN_BUDGET");
    }
    let now = usage(&chat).await?;
    assert_eq!(now.reserved_today_tokens, before.reserved_today_tokens, "a refusal has set something aside");
    assert_eq!(now.used_today_tokens, used.input + used.output);
    // Nothing of what was refused is there, and nobody was asked.
    assert_eq!(chat.fake.counts().finished, 1);
    let listed =
        client.list_conversations(ListConversationsRequest::default()).await?.into_inner().conversations;
    assert_eq!(listed.len(), 2);
    let stop = StopMessageRequest { message_id: answer.message.clone() };
    client.stop_message(stop).await?;
    assert_eq!(usage(&chat).await?.reserved_today_tokens, 0);
    // The same request, now that there is room.
    let room = Parameters { max_output_tokens: Some(50), ..Default::default() };
    let room = SendMessageRequest { parameters: Some(room), ..say("three") };
    assert_eq!(Answer::to(&mut client, room).await?.completed().await?.state(), State::Complete);
    // Another workspace has a budget of its own.
    let mut other = chat.server.chat_as(&chat.server.other_workspace_token().await?)?;
    Answer::to(&mut other, small("mine")).await?.completed().await?;
    Ok(())
}

#[tokio::test]
async fn no_more_answers_at_once_than_may_be() -> Result<()> {
    let stalled = Reply::text(["on "]).ending(Ending::Stall);
    let more = "generations_per_workspace_max = 2";
    let chat = Chat::start_with(Script::new().reply("m", stalled), more, Server::builder()).await?;
    let mut client = chat.client()?;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = SendMessageRequest { request_id: answers.len().to_string(), ..say("go on") };
        let mut answer = Answer::to(&mut client, request).await?;
        answer.first_text().await?;
        answers.push(answer);
    }
    let refusal = client.send_message(say("me too")).await.unwrap_err();
    assert!(refusal.message().contains("chat.generations_per_workspace_max"), "{refusal:?}");
    refused::<()>(Err(refusal), Code::ResourceExhausted, "GENERATION_QUOTA");
    // Asking again for what is being made is no third one.
    let again = SendMessageRequest { request_id: "0".into(), ..say("go on") };
    assert_eq!(Answer::to(&mut client, again).await?.message, answers[0].message);
    let stop = StopMessageRequest { message_id: answers[0].message.clone() };
    client.stop_message(stop).await?;
    Answer::to(&mut client, say("me now")).await?.first_text().await?;
    Ok(())
}

#[tokio::test]
async fn the_list_of_models_says_what_is_there_and_why_not() -> Result<()> {
    let fake =
        FakeLlm::start(Script::new().reply("m", Reply::text(["m"])).reply("n", Reply::text(["n"]))).await?;
    let gone = FakeLlm::start(Script::new()).await?.endpoint();
    let ollama = fake.base_url(Wire::Ollama);
    let more = format!(
        "default_model = \"quick\"\n\
         [model.quick]\ncandidates = [\"gone/x\", \"fake/m\"]\n\
         [model.lost]\ncandidates = [\"gone/x\"]\n\
         [provider.gone]\nkind = \"openai\"\nbase_url = \"{gone}/v1\"\nmodel = \"x\"\n\
         [provider.o]\nkind = \"ollama\"\nbase_url = \"{ollama}\""
    );
    let configuration = super::configuration(&fake, &more);
    let chat = Chat { server: Server::builder().config_file(configuration).start().await?, fake };
    let listed = chat.client()?.list_models(ListModelsRequest {}).await?.into_inner().models;
    let names: Vec<&str> = listed.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["lost", "quick", "fake/m", "fake/n", "gone/x", "o/m", "o/n"]);
    let of = |name: &str| listed.iter().find(|model| model.name == name).cloned().unwrap_or_default();
    let ready = |model: &Model| model.availability() == Availability::Ready && model.problem.is_empty();
    for name in ["quick", "fake/m", "fake/n", "o/m"] {
        assert!(ready(&of(name)), "{:?}", of(name));
    }
    for name in ["gone/x", "lost"] {
        let model = of(name);
        assert_eq!(model.availability(), Availability::Unavailable);
        assert!(model.problem.contains("no connection"), "{model:?}");
    }
    assert_eq!((of("fake/m").provider.as_str(), of("fake/m").context_tokens), ("fake", 8192));
    assert_eq!(
        (of("quick").provider.as_str(), of("quick").candidates),
        ("", vec!["gone/x".into(), "fake/m".into()])
    );
    let default: Vec<&str> = listed.iter().filter(|m| m.is_default).map(|m| m.name.as_str()).collect();
    assert_eq!(default, ["quick"]);
    // Where nobody has made a list, there is one of what is there.
    let chat = Chat::saying(Reply::text(["m"])).await?;
    let listed = chat.client()?.list_models(ListModelsRequest {}).await?.into_inner().models;
    let first = listed.first().context("none")?;
    assert_eq!((first.name.as_str(), first.is_default, ready(first)), ("default", true, true));
    assert_eq!(first.candidates, ["fake/m"]);
    Ok(())
}

#[tokio::test]
async fn a_stop_before_the_model_server_answers_costs_nothing() -> Result<()> {
    let mut silent = Reply::text(["late"]);
    silent.wait_ms = 600_000;
    let chat = Chat::saying(silent).await?;
    let mut client = chat.client()?;
    let answer = Answer::to(&mut client, say("never mind")).await?;
    chat.fake.until(|counts| counts.open == 1).await;
    let stop = StopMessageRequest { message_id: answer.message.clone() };
    let message = client.stop_message(stop).await?.into_inner().message.context("no message")?;
    let usage = message.usage.unwrap_or_default();
    assert_eq!((message.state(), usage.input, usage.output), (State::Stopped, 0, 0));
    Ok(())
}
