//! Answers that the database has as being generated though nobody generates them: they end, and nothing waits for them.
//!
//! It must not test what kills leave: `survive` does.

use anyhow::{Context, Result};
use mosaic_proto::chat::v1::{GetMessageRequest, SendMessageRequest, message::State};
use test_support::{
    Server,
    fake_llm::{Reply, Script},
};

use super::{Answer, Chat, PATIENCE, completed, ensure_numbered, say, text};

/// A row as it is left when the transaction that began an answer has committed, and its server was told that it had
/// not.
const LEFT: &str = "INSERT INTO messages (id, workspace_id, conversation_id, parent_id, state, node_id, fence, \
                        content, record, lease_time) \
                    SELECT '00000000-0000-7000-8000-000000000001', workspace_id, conversation_id, parent_id, \
                        'STREAMING', node_id, fence, '', record || '{\"state\": \"STREAMING\", \
                        \"id\": \"00000000-0000-7000-8000-000000000001\", \"attempts\": []}', \
                        now() + interval '1 hour' \
                    FROM messages WHERE record->>'role' = 'ASSISTANT'";
const ID: &str = "00000000-0000-7000-8000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_makes_is_no_obstacle() -> Result<()> {
    let chat = Chat::saying(Reply::text(["one"])).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("hi")).await?;
    answer.completed().await?;
    chat.server.sql(LEFT).await?;
    let request = SendMessageRequest {
        conversation_id: answer.conversation.clone(),
        parent_id: Some(ID.to_owned()),
        ..say("and then?")
    };
    assert_eq!(Answer::to(&mut client, request).await?.completed().await?.state(), State::Complete);
    let events = Answer::after(&mut client, ID, 0).await?.rest().await?;
    ensure_numbered(&events, 1)?;
    assert_eq!(completed(&events)?.state(), State::Interrupted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_asks_for_ends_by_itself() -> Result<()> {
    let script = Script::new().reply("m", Reply::text(["one"]));
    let chat = Chat::start_with(script, "lease_s = 3", Server::builder()).await?;
    let mut client = chat.client()?;
    Answer::to(&mut client, say("hi")).await?.completed().await?;
    chat.server.sql(LEFT).await?;
    let ended = async {
        loop {
            let request = GetMessageRequest { message_id: ID.to_owned() };
            let message = client.get_message(request).await?.into_inner().message.context("no message")?;
            if message.state() == State::Interrupted {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.context("it does not end")?
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_the_database_refuses_for_good_is_an_interruption() -> Result<()> {
    let chat = Chat::saying(Reply::text(["all ", "of ", "it"])).await?;
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                  $$ BEGIN RAISE EXCEPTION 'no such end' USING ERRCODE = 'check_violation'; END $$; \
                  CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW \
                  WHEN (NEW.state = 'COMPLETE') EXECUTE FUNCTION refuse()";
    chat.server.sql(refuse).await?;
    let mut client = chat.client()?;
    let mut answer = Answer::to(&mut client, say("hi")).await?;
    let events = answer.rest().await?;
    let message = completed(&events)?;
    assert_eq!((message.state(), message.content.as_str()), (State::Interrupted, "all of it"));
    let kept = Answer::after(&mut client, &answer.message, 0).await?.rest().await?;
    ensure_numbered(&kept, 1)?;
    assert_eq!((completed(&kept)?, text(&kept).as_str()), (message, "all of it"));
    Ok(())
}
