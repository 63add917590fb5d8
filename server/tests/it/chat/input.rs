//! Bad input: each is refused with its reason and the path of its field, and nothing is recorded.
//!
//! It must not test who may call.

use anyhow::{Context, Result};
use mosaic_proto::chat::v1::{
    CreateConversationRequest, Image, ListConversationsRequest, ListMessagesRequest, Parameters,
    RegenerateMessageRequest, SendMessageRequest, Tool, ToolResult, UpdateConversationRequest,
};
use test_support::{ChatClient, fake_llm::Reply};
use tonic::Code;

use super::{Answer, Chat, say};
use crate::shells::{bad_field, refused};

/// Nothing of what was refused left a trace, and the server still answers.
async fn unharmed(chat: &Chat, client: &mut ChatClient, conversations: usize) -> Result<()> {
    let asked = chat.fake.counts().finished;
    let listed = client.list_conversations(ListConversationsRequest::default()).await?.into_inner();
    assert_eq!(listed.conversations.len(), conversations);
    Answer::to(client, say("still there?")).await?.completed().await?;
    assert_eq!(chat.fake.counts().finished, asked + 1, "a model was asked before");
    Ok(())
}

fn parameters(parameters: Parameters) -> SendMessageRequest {
    SendMessageRequest { parameters: Some(parameters), ..say("hi") }
}

fn tool(name: &str, schema: &str) -> Tool {
    Tool { name: name.into(), description: String::new(), input_schema: schema.into() }
}

fn image(media_type: &str, bytes: usize) -> Image {
    Image { media_type: media_type.into(), data: vec![1; bytes].into(), size_bytes: 0 }
}

#[tokio::test]
async fn every_bad_field_of_a_message_is_named() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let with = Parameters::default;
    let stop = |stop: &[&str]| Parameters { stop: stop.iter().map(ToString::to_string).collect(), ..with() };
    let tools = |tools: Vec<Tool>| SendMessageRequest { tools, ..say("hi") };
    let images = |images: Vec<Image>| SendMessageRequest { images, ..say("hi") };
    let result = |call_id: &str, content: String| SendMessageRequest {
        tool_results: vec![ToolResult { call_id: call_id.into(), content, is_error: false }],
        ..say("hi")
    };
    let uuid = || uuid::Uuid::now_v7().to_string();
    let object = r#"{"type":"object"}"#;
    let cases = [
        ("content", say("")),
        ("content", say(" \n\t")),
        ("content", say("nul\0byte")),
        ("content", say(&"x".repeat((1 << 20) + 1))),
        ("parent_id", SendMessageRequest { parent_id: Some("here".into()), ..say("hi") }),
        ("parent_id", SendMessageRequest { parent_id: Some(uuid()), ..say("hi") }),
        ("conversation_id", SendMessageRequest { conversation_id: "here".into(), ..say("hi") }),
        ("system", SendMessageRequest { system: "x".repeat((256 << 10) + 1), ..say("hi") }),
        ("model", SendMessageRequest { model: "x".repeat(257), ..say("hi") }),
        ("request_id", SendMessageRequest { request_id: "x".repeat(129), ..say("hi") }),
        ("on_disconnect", SendMessageRequest { on_disconnect: 7, ..say("hi") }),
        ("parameters.temperature", parameters(Parameters { temperature: Some(9.0), ..with() })),
        ("parameters.temperature", parameters(Parameters { temperature: Some(-0.1), ..with() })),
        ("parameters.temperature", parameters(Parameters { temperature: Some(f64::NAN), ..with() })),
        ("parameters.top_p", parameters(Parameters { top_p: Some(0.0), ..with() })),
        ("parameters.top_p", parameters(Parameters { top_p: Some(1.1), ..with() })),
        ("parameters.top_p", parameters(Parameters { top_p: Some(f64::NAN), ..with() })),
        ("parameters.max_output_tokens", parameters(Parameters { max_output_tokens: Some(0), ..with() })),
        ("parameters.thinking_tokens", parameters(Parameters { thinking_tokens: Some(5), ..with() })),
        ("parameters.stop", parameters(stop(&["a", "b", "c", "d", "e"]))),
        ("parameters.stop[1]", parameters(stop(&["a", ""]))),
        ("parameters.stop[0]", parameters(stop(&["a\0b"]))),
        ("parameters.stop[0]", parameters(stop(&["x".repeat(65).as_str()]))),
        ("tools", tools(vec![tool("t", object); 129])),
        ("tools[1].name", tools(vec![tool("t", object), tool("a b", object)])),
        ("tools[0].name", tools(vec![tool("", object)])),
        ("tools[0].input_schema", tools(vec![tool("t", "[]")])),
        ("tools[0].input_schema", tools(vec![tool("t", "")])),
        ("tools[0].input_schema", tools(vec![tool("t", "{")])),
        ("tools[1].name", tools(vec![tool("t", object), tool("t", object)])),
        ("images[0].media_type", images(vec![image("image/svg+xml", 9)])),
        ("images[0].media_type", images(vec![image("", 9)])),
        ("images[1].data", images(vec![image("image/png", 9), image("image/png", 0)])),
        ("images", images(vec![image("image/png", 9); 17])),
        ("images", images(vec![image("image/png", (3 << 20) + 1)])),
        ("tool_results[0].call_id", result("", "sun".into())),
        ("tool_results[0].call_id", result(&"x".repeat(257), "sun".into())),
        ("tool_results[0].content", result("c", "x".repeat((1 << 20) + 1))),
        // Nobody asked for it.
        ("tool_results[0].call_id", result("c", "sun".into())),
    ];
    for (field, request) in cases {
        println!("{field} of {}", format!("{request:?}").chars().take(120).collect::<String>());
        bad_field(client.send_message(request).await.map(drop), field);
    }
    unharmed(&chat, &mut client, 0).await
}

#[tokio::test]
async fn a_message_larger_than_the_limit_is_refused_with_a_reason() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let refused = client.send_message(say(&"x".repeat(10 << 20))).await.unwrap_err();
    println!("{refused:?}");
    assert_eq!(test_support::reason(&refused), "MESSAGE_TOO_LARGE", "{refused:?}");
    assert!(refused.message().contains("server.message_bytes_max"), "{refused:?}");
    unharmed(&chat, &mut client, 0).await
}

#[tokio::test]
async fn a_place_that_is_none_is_not_found() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let mut first = Answer::to(&mut client, say("one")).await?;
    let first = first.completed().await?;
    let mut second = Answer::to(&mut client, say("two")).await?;
    second.completed().await?;
    let inside = |parent: &str| SendMessageRequest {
        conversation_id: second.conversation.clone(),
        parent_id: Some(parent.to_owned()),
        ..say("hi")
    };
    bad_field(client.send_message(inside("here")).await.map(drop), "parent_id");
    for parent in [uuid::Uuid::now_v7().to_string(), first.id.clone(), first.parent_id.clone()] {
        let answer = client.send_message(inside(&parent)).await.map(drop);
        refused(answer, Code::NotFound, "MESSAGE_NOT_FOUND");
    }
    let head_message_id = Some(first.id.clone());
    let conversation_id = second.conversation.clone();
    let request = UpdateConversationRequest { conversation_id, head_message_id, ..Default::default() };
    bad_field(client.update_conversation(request).await.map(drop), "head_message_id");
    let system = SendMessageRequest {
        conversation_id: second.conversation.clone(),
        system: "be brief".into(),
        ..say("hi")
    };
    bad_field(client.send_message(system).await.map(drop), "system");
    for model in ["nobody/m", "nothing", "fake/", "/m", "m", "nul\0/m"] {
        let sent = client.send_message(SendMessageRequest { model: model.into(), ..say("hi") }).await;
        let again = RegenerateMessageRequest {
            message_id: first.id.clone(),
            model: model.into(),
            ..Default::default()
        };
        let again = client.regenerate_message(again).await;
        let wish = CreateConversationRequest { model: model.into(), ..Default::default() };
        let created = client.create_conversation(wish).await;
        for answer in [sent.map(drop), again.map(drop), created.map(drop)] {
            match model.contains('\0') {
                true => bad_field(answer, "model"),
                false => refused(answer, Code::NotFound, "MODEL_NOT_FOUND"),
            }
        }
    }
    unharmed(&chat, &mut client, 2).await
}

#[tokio::test]
async fn every_bad_field_of_a_conversation_is_named() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let wish = CreateConversationRequest::default;
    let made = client.create_conversation(wish()).await?.into_inner().conversation.context("none")?;
    let hot = Some(Parameters { temperature: Some(2.1), ..Default::default() });
    let cases = [
        ("title", CreateConversationRequest { title: "x".repeat(257), ..wish() }),
        ("title", CreateConversationRequest { title: "a\u{1b}[31m".into(), ..wish() }),
        ("title", CreateConversationRequest { title: "a\nb".into(), ..wish() }),
        ("title", CreateConversationRequest { title: "a\u{85}b".into(), ..wish() }),
        ("system", CreateConversationRequest { system: "x".repeat((256 << 10) + 1), ..wish() }),
        ("system", CreateConversationRequest { system: "a\0".into(), ..wish() }),
        ("parameters.temperature", CreateConversationRequest { parameters: hot.clone(), ..wish() }),
        ("request_id", CreateConversationRequest { request_id: "a\0".into(), ..wish() }),
    ];
    for (field, request) in cases {
        println!("{field}");
        bad_field(client.create_conversation(request.clone()).await.map(drop), field);
        let update = UpdateConversationRequest {
            conversation_id: made.id.clone(),
            title: Some(request.title).filter(|title| !title.is_empty()),
            system: Some(request.system).filter(|system| !system.is_empty()),
            parameters: request.parameters,
            ..Default::default()
        };
        if field != "request_id" {
            bad_field(client.update_conversation(update).await.map(drop), field);
        }
    }
    let head = UpdateConversationRequest {
        conversation_id: made.id.clone(),
        head_message_id: Some("here".into()),
        ..Default::default()
    };
    bad_field(client.update_conversation(head).await.map(drop), "head_message_id");
    let list = ListConversationsRequest::default;
    let queries = [
        ("query", ListConversationsRequest { query: "x".repeat(10 << 10), ..list() }),
        ("query", ListConversationsRequest { query: "a\0".into(), ..list() }),
        ("page_token", ListConversationsRequest { page_token: "?".into(), ..list() }),
        ("page_token", ListConversationsRequest { page_token: "AAAA".into(), ..list() }),
    ];
    for (field, request) in queries {
        bad_field(client.list_conversations(request).await.map(drop), field);
    }
    let page =
        ListMessagesRequest { conversation_id: made.id, page_token: "garbage".into(), ..Default::default() };
    bad_field(client.list_messages(page).await.map(drop), "page_token");
    // What a search engine's user may type is never an error.
    for query in ["\"", "-", "or", "a & | ! ( ) : * <->", "'", "\\", "-\"a b", "%_"] {
        client.list_conversations(ListConversationsRequest { query: query.into(), ..list() }).await?;
    }
    unharmed(&chat, &mut client, 1).await
}

#[tokio::test]
async fn a_request_id_stands_for_one_request_of_one_method() -> Result<()> {
    let chat = Chat::saying(Reply::text(["once"])).await?;
    let mut client = chat.client()?;
    let wish = CreateConversationRequest { request_id: "r".into(), title: "t".into(), ..Default::default() };
    let made = client.create_conversation(wish.clone()).await?.into_inner().conversation.context("none")?;
    let again = client.create_conversation(wish.clone()).await?.into_inner().conversation.context("none")?;
    assert_eq!(made, again);
    let other = CreateConversationRequest { title: "u".into(), ..wish };
    refused(client.create_conversation(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    let sent = SendMessageRequest { request_id: "r".into(), ..say("hi") };
    refused(client.send_message(sent).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    let sent = SendMessageRequest { request_id: "s".into(), conversation_id: made.id, ..say("hi") };
    let answer = Answer::to(&mut client, sent.clone()).await?.completed().await?;
    let again =
        RegenerateMessageRequest { request_id: "s".into(), message_id: answer.id, ..Default::default() };
    refused(client.regenerate_message(again).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(chat.fake.counts().finished, 1, "a model was asked twice");
    unharmed(&chat, &mut client, 1).await
}
