//! Answers: read, left, joined again, stopped; each an outcome of its own.
//!
//! It must not test what happens when a model fails.

use anyhow::{Result, ensure};
use mosaic_proto::chat::v1::{
    OnDisconnect, RegenerateMessageRequest, StopMessageRequest, message::State, message_event::Event as Kind,
    usage::Source,
};
use test_support::{
    fake_llm::{Ending, Reply, Script, Step},
    reason,
};
use tonic::Code;

use super::{Answer, Chat, completed, ensure_numbered, say, text};

#[tokio::test]
async fn hi_alone_makes_a_conversation_and_is_answered() -> Result<()> {
    let chat = Chat::saying(Reply::text(["Hel", "lo ", "you"])).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("hi")).await?;
    let events = answer.rest().await?;
    ensure_numbered(&events, 1)?;
    assert_eq!(text(&events), "Hello you");
    let message = completed(&events)?;
    assert_eq!((message.state(), message.content.as_str()), (State::Complete, "Hello you"));
    assert_eq!((message.answered_by.as_str(), message.finish_reason.as_str()), ("fake/m", "END"));
    assert_eq!(message.last_sequence, events.len() as u64);
    assert_eq!(message.usage.unwrap().source(), Source::Reported);
    // The same again, from the database.
    let again = Answer::after(&mut client, &answer.message, 0).await?.rest().await?;
    assert_eq!(again, events);
    Ok(())
}

#[tokio::test]
async fn a_reader_that_comes_back_at_every_event_sees_each_once() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(60)]);
    reply.tokens_per_second = 300.0;
    let chat = Chat::saying(reply).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("count")).await?;
    let (id, mut seen) = (answer.message.clone(), Vec::new());
    loop {
        for _ in 0..3 {
            match answer.next().await? {
                Some(event) => seen.push(event),
                None => {
                    ensure_numbered(&seen, 1)?;
                    assert_eq!(text(&seen), completed(&seen)?.content);
                    assert_eq!(text(&seen), "word ".repeat(60));
                    return Ok(());
                }
            }
        }
        answer = Answer::after(&mut client, &id, seen.len() as u64).await?;
    }
}

#[tokio::test]
async fn an_answer_whose_caller_leaves_is_made_to_its_end() -> Result<()> {
    let mut reply = Reply::steps([Step::Words(40)]);
    reply.tokens_per_second = 200.0;
    let chat = Chat::saying(reply).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("go on")).await?;
    answer.first_text().await?;
    let id = answer.message.clone();
    drop(answer);
    let message = Answer::after(&mut client, &id, 0).await?.completed().await?;
    assert_eq!((message.state(), message.content), (State::Complete, "word ".repeat(40)));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_to_stop_with_its_caller_stops() -> Result<()> {
    let chat = Chat::saying(Reply::text(["so "]).ending(Ending::Endless)).await?;
    let mut client = chat.client()?;
    let request =
        mosaic_proto::chat::v1::SendMessageRequest { on_disconnect: OnDisconnect::Stop.into(), ..say("go") };
    let mut answer = Answer::to(&mut client, request).await?;
    answer.first_text().await?;
    let (id, began) = (answer.message.clone(), std::time::Instant::now());
    drop(answer);
    chat.fake.until(|counts| counts.open == 0).await;
    ensure!(began.elapsed() < std::time::Duration::from_secs(1), "it took {:?}", began.elapsed());
    let message = Answer::after(&mut client, &id, 0).await?.completed().await?;
    assert_eq!(message.state(), State::Stopped);
    Ok(())
}

#[tokio::test]
async fn a_stop_keeps_the_text_and_closes_the_stream_upstream() -> Result<()> {
    let mut reply = Reply::text(["on ", "and "]).ending(Ending::Endless);
    reply.tokens_per_second = 500.0;
    let chat = Chat::saying(reply).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("go")).await?;
    let first = answer.first_text().await?;
    let stop = StopMessageRequest { message_id: answer.message.clone() };
    let stopped = client.stop_message(stop.clone()).await?.into_inner().message.unwrap();
    chat.fake.until(|counts| counts.open == 0 && counts.dropped == 1).await;
    assert_eq!(stopped.state(), State::Stopped);
    assert_eq!(stopped.stopped_by, "operator");
    assert!(stopped.content.starts_with(&first), "{:?}", stopped.content);
    let usage = stopped.usage.unwrap();
    assert!(usage.output > 0 && usage.source() == Source::Estimated, "{usage:?}");
    // Who reads sees the same, and who asks again gets the same.
    let message = answer.completed().await?;
    assert_eq!(message, stopped);
    assert_eq!(client.stop_message(stop).await?.into_inner().message.unwrap(), stopped);
    Ok(())
}

#[tokio::test]
async fn the_same_request_reads_the_same_answer() -> Result<()> {
    let chat = Chat::saying(Reply::text(["once"])).await?;
    let mut client = chat.client()?;
    let request = mosaic_proto::chat::v1::SendMessageRequest { request_id: "r".into(), ..say("hi") };
    let first = Answer::to(&mut client, request.clone()).await?.rest().await?;
    let mut again = Answer::to(&mut client, request).await?;
    assert_eq!(again.rest().await?, first);
    assert_eq!(chat.fake.counts().finished, 1, "a model was asked twice");
    let other = mosaic_proto::chat::v1::SendMessageRequest { request_id: "r".into(), ..say("ho") };
    let refused = client.send_message(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    Ok(())
}

#[tokio::test]
async fn another_answer_stands_beside_the_first() -> Result<()> {
    let script = Script::new().reply("m", Reply::text(["one"])).reply("m", Reply::text(["two"]));
    let chat = Chat::start(script).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("pick")).await?;
    let first = answer.completed().await?;
    let again = RegenerateMessageRequest { message_id: first.id.clone(), ..Default::default() };
    let stream = client.regenerate_message(again).await?.into_inner();
    let mut answer = Answer::open(super::event(stream, |response| response.event)).await?;
    let second = answer.completed().await?;
    assert_eq!((second.content.as_str(), &second.parent_id), ("two", &first.parent_id));
    assert_eq!(answer.conversation, first.conversation_id);
    // The prompt of the second was the question alone.
    let prompt = chat.fake.requests().last().unwrap().json();
    assert_eq!(prompt["messages"].as_array().unwrap().len(), 1, "{prompt}");
    Ok(())
}

#[tokio::test]
async fn thoughts_and_calls_of_tools_come_through() -> Result<()> {
    let call = test_support::fake_llm::ToolCall {
        id: "call_1".into(),
        name: "weather".into(),
        arguments: r#"{"city":"Köln"}"#.into(),
    };
    let mut reply = Reply::steps([Step::Thinking("hm".into()), Step::ToolCall(call)]);
    reply.stop = test_support::fake_llm::Stop::ToolCall;
    let chat = Chat::start(Script::new().reply("m", reply).reply("m", Reply::text(["sunny"]))).await?;
    let mut client = chat.client()?;
    let tool = mosaic_proto::chat::v1::Tool {
        name: "weather".into(),
        description: "The weather".into(),
        input_schema: r#"{"type":"object"}"#.into(),
    };
    let request = mosaic_proto::chat::v1::SendMessageRequest { tools: vec![tool.clone()], ..say("rain?") };
    let mut answer = Answer::to(&mut client, request).await?;
    let events = answer.rest().await?;
    let message = completed(&events)?;
    assert!(
        events.iter().any(|event| matches!(&event.event, Some(Kind::ToolCall(call)) if call.id == "call_1"))
    );
    assert_eq!((message.thinking.as_str(), message.finish_reason.as_str()), ("hm", "TOOL_CALL"));
    assert_eq!(message.tool_calls[0].arguments, r#"{"city":"Köln"}"#);
    let result = mosaic_proto::chat::v1::ToolResult {
        call_id: "call_1".into(),
        content: "sun".into(),
        is_error: false,
    };
    let request = mosaic_proto::chat::v1::SendMessageRequest {
        conversation_id: answer.conversation.clone(),
        tool_results: vec![result],
        tools: vec![tool],
        ..Default::default()
    };
    let message = Answer::to(&mut client, request).await?.completed().await?;
    assert_eq!(message.content, "sunny");
    let prompt = chat.fake.requests().last().unwrap().json();
    let roles: Vec<_> = prompt["messages"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "tool"], "{prompt}");
    Ok(())
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_told_where_the_end_is() -> Result<()> {
    let chat = Chat::saying(Reply::text(["short"])).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("hi")).await?;
    let end = answer.completed().await?.last_sequence;
    let request = mosaic_proto::chat::v1::WatchMessageRequest {
        message_id: answer.message.clone(),
        after_sequence: end + 1,
        ..Default::default()
    };
    let refused = client.watch_message(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::OutOfRange, "CURSOR_AHEAD"));
    // At the end there is nothing more, and that is said.
    let mut at_end = Answer::after(&mut client, &answer.message, end).await?;
    assert!(at_end.rest().await?.is_empty());
    Ok(())
}
