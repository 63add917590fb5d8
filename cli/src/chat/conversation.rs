//! `mosaic conversation`: what was said, and what becomes of it.
//!
//! It knows nothing about how messages are written out (`show`, `export`).

use std::pin::pin;

use clap::Subcommand;
use futures_util::StreamExt as _;
use mosaic_client::{
    chat::{Chat, ListConversations},
    proto::chat::v1::{
        Conversation, DeleteConversationResponse, ListConversationsResponse, StopMessageResponse,
        UpdateConversationResponse, message::State,
    },
};

use super::{export, show};
use crate::{
    Outcome, exit,
    failure::Failure,
    output::say,
    session::Session,
    show as words,
    table::{Cell, Colour},
    term::each,
    text,
};

/// What to know about it.
pub(crate) const HELP: &str = "\
Examples:
  mosaic conversation ls
  mosaic conversation search 'window size' -terminal
  mosaic conversation export ID > talk.md
  mosaic conversation export ID --as json | jq -r '.messages[].content'";

/// What to do with conversations. A conversation goes by its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List conversations, newest first
    #[command(visible_alias = "list")]
    Ls(List),
    /// Search titles and messages: words, 'a phrase', -not, or
    Search(Search),
    /// Print the branch of a conversation that is shown
    Show {
        /// Its id
        id: String,
    },
    /// Write a conversation out, as Markdown or JSON
    Export(export::Export),
    /// Stop what is being answered in conversations; what came is kept
    Stop {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Delete conversations and their messages
    Rm {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Give a conversation another title
    Rename {
        /// Its id
        id: String,
        /// What it is about
        title: String,
    },
    /// Put conversations away: `ls` leaves them out
    Archive {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Take them out again
        #[arg(long)]
        undo: bool,
    },
}

/// The arguments of `ls`.
#[derive(clap::Args, Debug)]
pub(crate) struct List {
    /// Also those that were put away
    #[arg(long, short)]
    all: bool,
    /// At most so many
    #[arg(long, short = 'n', value_name = "N", default_value = "50")]
    limit: usize,
}

/// The arguments of `search`.
#[derive(clap::Args, Debug)]
pub(crate) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "WORD", allow_hyphen_values = true, trailing_var_arg = true)]
    words: Vec<String>,
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    let chat = session.client()?.chat();
    match command {
        Command::Ls(List { all, limit }) => {
            let list = chat.conversations();
            list_some(session, if all { list.include_archived() } else { list }, limit).await?;
            Ok(exit::OK)
        }
        Command::Search(Search { words }) => {
            // A word with spaces was a phrase to the shell.
            let quote = |word: String| if word.contains(' ') { format!("\"{word}\"") } else { word };
            let query: Vec<String> = words.into_iter().map(quote).collect();
            let found = chat.conversations().query(query.join(" ")).include_archived();
            if list_some(session, found, usize::MAX).await? == 0 {
                say("no conversation matches");
            }
            Ok(exit::OK)
        }
        Command::Show { id } => {
            let (conversation, messages) = export::shown(&chat.conversation(id)).await?;
            if session.output.json {
                session.output.value(&export::value(&conversation, &messages)?)?;
                return Ok(exit::OK);
            }
            session.output.line(&session.output.paint(&text::escape(&conversation.title), Colour::Dim))?;
            for message in &messages {
                session.output.line(&show::message(session, message))?;
            }
            Ok(exit::OK)
        }
        Command::Export(export) => export::run(session, &chat, export).await,
        Command::Stop { ids } => each(session, ids, async |id| stop(session, &chat, &id).await).await,
        Command::Rm { ids } => {
            each(session, ids, async |id| {
                chat.conversation(&id).delete().await?;
                session.output.show(&DeleteConversationResponse {}, || text::escape(&id))?;
                Ok(exit::OK)
            })
            .await
        }
        Command::Rename { id, title } => {
            changed(session, chat.conversation(id).update().title(title).send().await?)
        }
        Command::Archive { ids, undo } => {
            each(session, ids, async |id| {
                changed(session, chat.conversation(id).update().archived(!undo).send().await?)
            })
            .await
        }
    }
}

fn changed(session: &Session, conversation: Conversation) -> Outcome {
    let title = text::escape(&conversation.title);
    session.output.show(&UpdateConversationResponse { conversation: Some(conversation) }, || title)?;
    Ok(exit::OK)
}

/// Stops every answer of a conversation that is being generated.
async fn stop(session: &Session, chat: &Chat, id: &str) -> Outcome {
    let pages = chat.conversation(id).messages().pages();
    let mut pages = pin!(pages);
    let mut stopped = 0;
    while let Some(page) = pages.next().await {
        for message in page?.messages.into_iter().filter(|message| message.state() == State::Streaming) {
            let message = chat.stop(&message.id).await?;
            stopped += 1;
            let words = text::escape(&message.id);
            session.output.show(&StopMessageResponse { message: Some(message) }, || words)?;
        }
    }
    if stopped == 0 {
        say(&format!("nothing is being answered in {}", text::escape(id)));
    }
    Ok(exit::OK)
}

/// Prints at most so many of them, and tells how many.
async fn list_some(session: &Session, list: ListConversations, limit: usize) -> Result<usize, Failure> {
    let pages = list.page_size(u32::try_from(limit).unwrap_or(u32::MAX).min(1000)).pages();
    let mut pages = pin!(pages);
    let mut conversations = Vec::new();
    while conversations.len() < limit
        && let Some(page) = pages.next().await
    {
        conversations.append(&mut page?.conversations);
    }
    conversations.truncate(limit);
    let found = conversations.len();
    print(session, conversations)?;
    Ok(found)
}

fn print(session: &Session, conversations: Vec<Conversation>) -> Result<(), Failure> {
    if session.output.json {
        let page = ListConversationsResponse { conversations, next_page_token: String::new() };
        return session.output.message(&page);
    }
    let row = |conversation: &Conversation| -> [Cell; 4] {
        let title = text::escape(&conversation.title);
        [
            text::escape(&conversation.id).into(),
            words::age(conversation.update_time.as_ref()).into(),
            if conversation.model.is_empty() { "-".into() } else { text::escape(&conversation.model).into() },
            if conversation.archived {
                Cell::coloured(format!("{title} (put away)"), Colour::Dim)
            } else {
                title.into()
            },
        ]
    };
    session.output.table(["ID", "CHANGED", "MODEL", "TITLE"], conversations.iter().map(row).collect())
}
