//! Conversations: made, found, changed, branched, and deleted.
//!
//! It must not test how answers come to be.

use anyhow::{Context, Result, bail};
use mosaic_proto::{
    chat::v1::{
        Conversation, CreateConversationRequest, DeleteConversationRequest, GetConversationRequest,
        GetMessageRequest, Image, ListConversationsRequest, ListMessagesRequest, Message, Parameters,
        SendMessageRequest, UpdateConversationRequest, message, message_event::Event as Kind, stream_ended,
    },
    workspace::v1::GetUsageRequest,
};
use test_support::{
    ChatClient, Server,
    fake_llm::{Ending, Reply, Script, Step},
};
use tonic::Code;

use super::{Answer, Chat, PATIENCE, say};
use crate::shells::refused;

async fn get(client: &mut ChatClient, id: &str) -> Result<Conversation> {
    let request = GetConversationRequest { conversation_id: id.to_owned() };
    client.get_conversation(request).await?.into_inner().conversation.context("no conversation")
}

async fn create(client: &mut ChatClient, wish: CreateConversationRequest) -> Result<Conversation> {
    client.create_conversation(wish).await?.into_inner().conversation.context("no conversation")
}

async fn update(client: &mut ChatClient, request: UpdateConversationRequest) -> Result<Conversation> {
    client.update_conversation(request).await?.into_inner().conversation.context("no conversation")
}

/// Ids of the conversations that a list has.
async fn found(client: &mut ChatClient, request: ListConversationsRequest) -> Result<Vec<String>> {
    let listed = client.list_conversations(request).await?.into_inner();
    Ok(listed.conversations.into_iter().map(|conversation| conversation.id).collect())
}

async fn search(client: &mut ChatClient, query: &str) -> Result<Vec<String>> {
    found(client, ListConversationsRequest { query: query.to_owned(), ..Default::default() }).await
}

/// All messages, page by page, and how many pages that were.
async fn messages(client: &mut ChatClient, request: ListMessagesRequest) -> Result<(Vec<Message>, usize)> {
    let (mut all, mut pages, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let request = ListMessagesRequest { page_token, ..request.clone() };
        let page = client.list_messages(request).await?.into_inner();
        anyhow::ensure!(!page.messages.is_empty() || page.next_page_token.is_empty(), "an empty page");
        all.extend(page.messages);
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((all, pages));
        }
    }
}

async fn shown(client: &mut ChatClient, conversation_id: &str) -> Result<Vec<String>> {
    let conversation_id = conversation_id.to_owned();
    let request = ListMessagesRequest { conversation_id, shown_only: true, ..Default::default() };
    Ok(messages(client, request).await?.0.into_iter().map(|message| message.content).collect())
}

/// Says something in a conversation, and reads the answer to its end.
async fn tell(client: &mut ChatClient, request: SendMessageRequest) -> Result<Message> {
    Answer::to(client, request).await?.completed().await
}

#[tokio::test]
async fn a_conversation_is_made_found_changed_and_put_away() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let parameters =
        Some(Parameters { temperature: Some(0.5), max_output_tokens: Some(9), ..Default::default() });
    let wish = CreateConversationRequest {
        title: "Plans".into(),
        system: "be brief".into(),
        model: "fake/m".into(),
        parameters: parameters.clone(),
        ..Default::default()
    };
    let made = create(&mut client, wish).await?;
    assert_eq!(
        (made.title.as_str(), made.system.as_str(), made.model.as_str()),
        ("Plans", "be brief", "fake/m")
    );
    assert_eq!((made.creator.as_str(), made.head_message_id.as_str()), ("operator", ""));
    assert_eq!((&made.parameters, made.archived), (&parameters, false));
    assert_eq!(get(&mut client, &made.id).await?, made);
    // What is said in it is asked as it says.
    let request = SendMessageRequest { conversation_id: made.id.clone(), ..say("hi") };
    let answer = tell(&mut client, request).await?;
    assert_eq!(get(&mut client, &made.id).await?.head_message_id, answer.id);
    let asked = chat.fake.requests().last().context("nobody asked")?.json();
    assert_eq!(asked["messages"][0]["content"], "be brief", "{asked}");
    assert_eq!(asked["temperature"], 0.5, "{asked}");
    // What is absent stays.
    let change = UpdateConversationRequest { conversation_id: made.id.clone(), ..Default::default() };
    let renamed = UpdateConversationRequest { title: Some("Old plans".into()), ..change.clone() };
    let changed = update(&mut client, renamed).await?;
    assert_eq!((changed.title.as_str(), changed.system.as_str()), ("Old plans", "be brief"));
    assert_eq!((&changed.parameters, &changed.head_message_id), (&parameters, &answer.id));
    let plain = UpdateConversationRequest {
        system: Some(String::new()),
        model: Some(String::new()),
        parameters: Some(Parameters::default()),
        archived: Some(true),
        ..change.clone()
    };
    let changed = update(&mut client, plain).await?;
    assert_eq!((changed.system.as_str(), changed.model.as_str(), changed.archived), ("", "", true));
    assert_eq!(changed.parameters, Some(Parameters::default()));
    let all = ListConversationsRequest { include_archived: true, ..Default::default() };
    assert_eq!(found(&mut client, ListConversationsRequest::default()).await?, Vec::<String>::new());
    assert_eq!(search(&mut client, "plans").await?, Vec::<String>::new());
    assert_eq!(found(&mut client, all).await?, std::slice::from_ref(&made.id));
    update(&mut client, UpdateConversationRequest { archived: Some(false), ..change }).await?;
    assert_eq!(search(&mut client, "plans").await?, [made.id]);
    Ok(())
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    // Together larger than a message of the server may be.
    let system = "x".repeat(250 << 10);
    let mut made = Vec::new();
    for _ in 0..20 {
        let wish = CreateConversationRequest { system: system.clone(), ..Default::default() };
        made.insert(0, create(&mut client, wish).await?.id);
    }
    for page_size in [0, 7, 5000] {
        let (mut listed, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListConversationsRequest { page_size, page_token, ..Default::default() };
            let page = client.list_conversations(request).await?.into_inner();
            assert!(page_size != 7 || page.conversations.len() <= 7);
            listed.extend(page.conversations.into_iter().map(|conversation| conversation.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, made, "pages of {page_size}");
    }
    Ok(())
}

#[tokio::test]
async fn a_search_looks_at_titles_and_at_what_was_said() -> Result<()> {
    let replies = ["The quick brown fox", "A brown quick bear", "Über Köln"];
    let script = replies.iter().fold(Script::new(), |script, text| script.reply("m", Reply::text([*text])));
    let chat = Chat::start(script).await?;
    let mut client = chat.client()?;
    let mut ids = Vec::new();
    for question in ["who jumps", "who growls", "which tower"] {
        ids.push(tell(&mut client, say(question)).await?.conversation_id);
    }
    let [fox, bear, tower] = [&ids[0], &ids[1], &ids[2]];
    for (query, wanted) in [
        ("brown", vec![bear, fox]),
        ("BROWN Quick", vec![bear, fox]),
        ("\"quick brown\"", vec![fox]),
        ("brown -bear", vec![fox]),
        ("fox or tower", vec![tower, fox]),
        ("köln", vec![tower]),
        ("growls", vec![bear]),
        ("unicorn", vec![]),
        ("bro", vec![bear, fox]),
        ("brown qui", vec![bear, fox]),
        ("bro fox", vec![]),
        ("\"quick bro\"", vec![]),
        ("brown -be", vec![fox]),
        ("-well-known", vec![tower, bear, fox]),
        ("' :* & !", vec![]),
        ("  ", vec![tower, bear, fox]),
    ] {
        let wanted: Vec<String> = wanted.into_iter().cloned().collect();
        assert_eq!(search(&mut client, query).await?, wanted, "{query:?}");
    }
    let renamed = UpdateConversationRequest {
        conversation_id: tower.clone(),
        title: Some("Cathedral".into()),
        ..Default::default()
    };
    update(&mut client, renamed).await?;
    assert_eq!(search(&mut client, "cathedral").await?, std::slice::from_ref(tower));
    Ok(())
}

#[tokio::test]
async fn an_edit_makes_a_branch_and_the_head_says_which_is_shown() -> Result<()> {
    let replies = ["one", "two", "three", "four"];
    let script = replies.iter().fold(Script::new(), |script, text| script.reply("m", Reply::text([*text])));
    let chat = Chat::start(script).await?;
    let mut client = chat.client()?;
    let first = tell(&mut client, say("a")).await?;
    let inside = |content: &str, parent_id: Option<&str>| SendMessageRequest {
        conversation_id: first.conversation_id.clone(),
        parent_id: parent_id.map(str::to_owned),
        ..say(content)
    };
    let second = tell(&mut client, inside("b", None)).await?;
    assert_eq!(shown(&mut client, &first.conversation_id).await?, ["two", "b", "one", "a"]);
    // The second message edited: it follows what the first version followed.
    let edited = tell(&mut client, inside("c", Some(&first.id))).await?;
    assert_eq!(shown(&mut client, &first.conversation_id).await?, ["three", "c", "one", "a"]);
    let asked = chat.fake.requests().last().context("nobody asked")?.json();
    let said: Vec<_> =
        asked["messages"].as_array().unwrap().iter().map(|one| one["content"].clone()).collect();
    assert_eq!(said, ["a", "one", "c"], "the prompt is the branch");
    // The first message edited: it begins anew.
    let anew = tell(&mut client, inside("d", Some(""))).await?;
    assert_eq!(shown(&mut client, &first.conversation_id).await?, ["four", "d"]);
    let prompt = chat.fake.requests().last().context("nobody asked")?.json();
    assert_eq!(prompt["messages"].as_array().map(Vec::len), Some(1), "{prompt}");
    // All of them form a tree, and another branch can be shown.
    let all = ListMessagesRequest { conversation_id: first.conversation_id.clone(), ..Default::default() };
    let (all, _) = messages(&mut client, all).await?;
    assert_eq!(all.len(), 8);
    let parent = |id: &str| all.iter().find(|one| one.id == id).map(|one| one.parent_id.clone());
    assert_eq!(parent(&anew.parent_id), Some(String::new()));
    assert_eq!(parent(&edited.parent_id), Some(first.id.clone()));
    let head = UpdateConversationRequest {
        conversation_id: first.conversation_id.clone(),
        head_message_id: Some(second.id.clone()),
        ..Default::default()
    };
    assert_eq!(update(&mut client, head).await?.head_message_id, second.id);
    assert_eq!(shown(&mut client, &first.conversation_id).await?, ["two", "b", "one", "a"]);
    Ok(())
}

#[tokio::test]
async fn messages_come_in_pages_that_end_early_where_they_are_large() -> Result<()> {
    let chat = Chat::saying(Reply::text(["yes"])).await?;
    let mut client = chat.client()?;
    let large = "y".repeat((1 << 20) - 10);
    let picture = Image { media_type: "image/png".into(), data: vec![7; 2 << 20].into(), size_bytes: 0 };
    let first = tell(&mut client, SendMessageRequest { images: vec![picture.clone()], ..say("see") }).await?;
    for _ in 0..5 {
        let conversation_id = first.conversation_id.clone();
        tell(&mut client, SendMessageRequest { conversation_id, ..say(&large) }).await?;
    }
    for (page_size, shown_only) in [(0, false), (0, true), (5, false), (1, true), (9999, false)] {
        let conversation_id = first.conversation_id.clone();
        let request = ListMessagesRequest { conversation_id, page_size, shown_only, ..Default::default() };
        let (all, pages) = messages(&mut client, request).await?;
        assert_eq!(all.len(), 12, "pages of {page_size}");
        assert!(pages > 1 && all.is_sorted_by(|a, b| a.id > b.id), "pages of {page_size}: {pages}");
        let last = all.last().context("none")?;
        assert_eq!((last.images[0].size_bytes, last.images[0].data.len()), (2 << 20, 0));
    }
    let request = GetMessageRequest { message_id: first.parent_id };
    let message = client.get_message(request).await?.into_inner().message.context("none")?;
    assert_eq!((&message.images[0].data, message.images[0].size_bytes), (&picture.data, 2 << 20));
    Ok(())
}

#[tokio::test]
async fn the_same_request_in_a_conversation_reads_the_answer_that_is_being_made() -> Result<()> {
    let reply = Reply::text(["half "]).ending(Ending::Stall);
    let chat = Chat::start(Script::new().reply("m", Reply::text(["one"])).reply("m", reply)).await?;
    let mut client = chat.client()?;
    let conversation_id = tell(&mut client, say("first")).await?.conversation_id;
    let request = SendMessageRequest { conversation_id, request_id: "r".into(), ..say("second") };
    let mut answer = Answer::to(&mut client, request.clone()).await?;
    answer.first_text().await?;
    let mut again = Answer::to(&mut client, request).await?;
    assert_eq!((again.first_text().await?.as_str(), &again.message), ("half ", &answer.message));
    let stop = mosaic_proto::chat::v1::StopMessageRequest { message_id: answer.message.clone() };
    client.stop_message(stop).await?;
    let asked = chat.fake.requests().iter().filter(|request| request.model == "m").count();
    assert_eq!(asked, 2, "a model was asked again");
    assert_eq!(answer.completed().await?, again.completed().await?);
    Ok(())
}

#[tokio::test]
async fn an_answer_shows_what_the_database_has_of_it_so_far() -> Result<()> {
    let reply = Reply::steps([Step::Thinking("hm".into()), Step::Text("half ".into())]).ending(Ending::Stall);
    let chat = Chat::start_with(Script::new().reply("m", reply), "save_ms = 10", Server::builder()).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("go on")).await?;
    answer.first_text().await?;
    let request = GetMessageRequest { message_id: answer.message.clone() };
    let saved = async {
        loop {
            let message = client.get_message(request.clone()).await?.into_inner().message.context("none")?;
            assert_eq!((message.state(), &message.usage), (message::State::Streaming, &None));
            if !message.content.is_empty() {
                return anyhow::Ok(message);
            }
        }
    };
    let saved = tokio::time::timeout(PATIENCE, saved).await.context("nothing is saved")??;
    assert_eq!((saved.content.as_str(), saved.thinking.as_str(), saved.last_sequence), ("half ", "hm", 3));
    let conversation_id = answer.conversation.clone();
    let listed =
        messages(&mut client, ListMessagesRequest { conversation_id, ..Default::default() }).await?.0;
    assert_eq!(listed.first(), Some(&saved));
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_being_answered_is_not_followed() -> Result<()> {
    let chat = Chat::saying(Reply::text(["half "]).ending(Ending::Stall)).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("first")).await?;
    answer.first_text().await?;
    let request = SendMessageRequest { conversation_id: answer.conversation.clone(), ..say("second") };
    refused(client.send_message(request).await.map(drop), Code::FailedPrecondition, "MESSAGE_STREAMING");
    Ok(())
}

#[tokio::test]
async fn deleting_stops_counts_and_ends_readers() -> Result<()> {
    let mut reply = Reply::text(["on ", "and "]).ending(Ending::Stall);
    reply.no_usage = true;
    let chat = Chat::saying(reply).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("go on")).await?;
    answer.first_text().await?;
    let id = answer.conversation.clone();
    let gone = DeleteConversationRequest { conversation_id: id.clone() };
    client.delete_conversation(gone.clone()).await?;
    chat.fake.until(|counts| counts.open == 0 && counts.dropped == 1).await;
    let last = loop {
        let step = answer.step().await?.context("the stream was cut short")?;
        match step.event {
            Some(Kind::StreamEnded(ended)) => break ended.reason(),
            Some(Kind::Completed(_)) => bail!("the end of an answer that is gone"),
            _ => {}
        }
    };
    assert_eq!(last, stream_ended::Reason::Deleted);
    let usage = chat.server.workspace()?.get_usage(GetUsageRequest::default()).await?.into_inner();
    assert_eq!((usage.reserved_today_tokens, usage.usage.len()), (0, 1), "{usage:?}");
    assert!(usage.usage[0].output > 0 && usage.usage[0].estimated_attempts == 1, "{usage:?}");
    refused(client.delete_conversation(gone).await, Code::NotFound, "CONVERSATION_NOT_FOUND");
    let request = GetMessageRequest { message_id: answer.message };
    refused(client.get_message(request).await, Code::NotFound, "MESSAGE_NOT_FOUND");
    assert_eq!(search(&mut client, "go").await?, Vec::<String>::new());
    // Its log goes with its last reader.
    let logs = chat.server.data_dir().join("answers");
    let gone = async {
        while std::fs::read_dir(&logs).map(Iterator::count).unwrap_or_default() > 0 {
            search(&mut client, "go").await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, gone).await.context("the log of a deleted answer stays")?
}

#[tokio::test]
async fn a_large_answer_can_be_read_in_every_way() -> Result<()> {
    let words = "word ".repeat(200_000);
    let chat = Chat::saying(Reply::text(vec![words.as_str(); 5])).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("at length")).await?;
    let message = answer.completed().await?;
    let state = message.state();
    anyhow::ensure!(matches!(state, message::State::Complete | message::State::Failed), "{state:?}");
    let again = Answer::after(&mut client, &answer.message, 0).await?.completed().await?;
    assert_eq!(again, message);
    let request = GetMessageRequest { message_id: message.id.clone() };
    assert_eq!(client.get_message(request).await?.into_inner().message.as_ref(), Some(&message));
    assert_eq!(shown(&mut client, &message.conversation_id).await?.len(), 2);
    Ok(())
}
