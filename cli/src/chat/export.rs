//! `mosaic conversation export`: a conversation as a document.
//!
//! It knows nothing about terminals but that they must not be written to as they stand.

use clap::ValueEnum;
use mosaic_client::{
    chat::{Chat, Conversation},
    proto::chat::v1::{self as proto, Message},
};
use serde_json::{Value, json};

use super::show;
use crate::{Outcome, exit, failure::Failure, json as messages, session::Session, show as words, text};

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Export {
    /// Its id
    id: String,
    /// The form; JSON has all branches, and images
    #[arg(long = "as", value_enum, value_name = "FORM", default_value = "markdown")]
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A document of the branch that is shown
    Markdown,
    /// One object: the conversation, and its messages from the oldest on
    Json,
}

/// Writes it out.
pub(super) async fn run(session: &Session, chat: &Chat, export: Export) -> Outcome {
    let handle = chat.conversation(export.id);
    if session.output.json || export.form == Form::Json {
        let conversation = handle.get().await?;
        let mut all = handle.messages().page_size(1000).all().await?;
        all.reverse();
        for message in &mut all {
            if !message.images.is_empty() {
                *message = chat.message(&message.id).await?;
            }
        }
        session.output.value(&value(&conversation, &all)?)?;
    } else {
        let (conversation, messages) = shown(&handle).await?;
        session.output.line(show::plain(session.output, &markdown(&conversation, &messages)).trim_end())?;
    }
    Ok(exit::OK)
}

/// A conversation and the branch that is shown, from its beginning on.
pub(super) async fn shown(handle: &Conversation) -> Result<(proto::Conversation, Vec<Message>), Failure> {
    let conversation = handle.get().await?;
    let mut messages = handle.messages().shown_only().page_size(1000).all().await?;
    messages.reverse();
    Ok((conversation, messages))
}

/// The same as one JSON object.
pub(super) fn value(conversation: &proto::Conversation, all: &[Message]) -> Result<Value, Failure> {
    let all = all.iter().map(messages::value).collect::<Result<Vec<Value>, Failure>>()?;
    Ok(json!({"conversation": messages::value(conversation)?, "messages": all}))
}

fn markdown(conversation: &proto::Conversation, messages: &[Message]) -> String {
    let title = text::escape(&conversation.title);
    let mut document = format!("# {title}\n\n{}\n\n", words::time(conversation.create_time.as_ref()));
    if !conversation.system.is_empty() {
        let quoted: Vec<String> = conversation.system.lines().map(|line| format!("> {line}")).collect();
        document.push_str(&format!("{}\n\n", quoted.join("\n")));
    }
    for message in messages {
        document.push_str(&format!("## {}\n\n", show::who(message)));
        for image in &message.images {
            let size = words::bytes(image.size_bytes);
            document.push_str(&format!("*({}, {size})*\n\n", text::escape(&image.media_type)));
        }
        if !message.content.is_empty() {
            document.push_str(&format!("{}\n\n", message.content.trim_end()));
        }
        if let Some(state) = show::state(message) {
            document.push_str(&format!("*({state})*\n\n"));
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use mosaic_client::proto::chat::v1::message::{Role, State};

    use super::*;

    #[test]
    fn a_document_says_who_said_what() {
        let message = |role: Role, state: State, content: &str| Message {
            role: role.into(),
            state: state.into(),
            content: content.to_owned(),
            model: "p/m".to_owned(),
            stopped_by: "me".to_owned(),
            ..Message::default()
        };
        let conversation = proto::Conversation {
            title: "Shells".to_owned(),
            system: "Be\nbrief.".to_owned(),
            ..Default::default()
        };
        let all =
            [message(Role::User, State::Complete, "hi\n"), message(Role::Assistant, State::Stopped, "# He")];
        assert_eq!(
            markdown(&conversation, &all),
            "# Shells\n\n-\n\n> Be\n> brief.\n\n## you\n\nhi\n\n## p/m\n\n# He\n\n*(stopped by me)*\n\n"
        );
    }
}
