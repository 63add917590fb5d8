//! `mosaic chat`, `conversation`, `models`, `usage`: talking to models, and what was said.
//!
//! One file a command; this one only tells them apart.

mod commands;
mod export;
mod follow;
mod input;
mod markdown;
mod models;
mod print;
mod send;
mod show;
mod talk;

/// `mosaic conversation`.
pub(crate) mod conversation;
/// `mosaic usage`.
pub(crate) mod usage;

use clap::Subcommand;
use mosaic_client::{chat::SendMessage, proto::chat::v1::Parameters};

pub(crate) use models::run as models;

use crate::{Outcome, failure::Failure, session::Session};

/// What to know about it.
pub(crate) const HELP: &str = "\
Ctrl-C stops an answer and keeps what came; Ctrl-D leaves. A line that ends with a
backslash goes on in the next one, as does Alt-Enter. `/help` lists the commands.

Examples:
  mosaic chat                                  talk
  mosaic chat -c                               go on where you were
  mosaic chat send 'What is a PTY?'            one question, one answer
  git diff | mosaic chat send --system 'Write a commit message for this.'";

/// The arguments.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Chat {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say one thing and print the answer
    #[command(after_help = send::HELP)]
    Send(send::Send),
}

/// What is asked, and of whom.
#[derive(clap::Args, Clone, Debug)]
struct Ask {
    /// Go on in this conversation [default: a new one]
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Go on in the newest conversation
    #[arg(long = "continue", short = 'c', conflicts_with = "conversation")]
    newest: bool,
    /// Ask this model, as `mosaic models` lists them
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Instructions for the model; only for a new conversation
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["conversation", "newest"])]
    system: Option<String>,
    /// How freely the model chooses its words, 0 to 2 [default: the model's]
    #[arg(long, value_name = "N")]
    temperature: Option<f64>,
    /// Tokens that an answer may have [default: the model's]
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
}

/// Runs it.
pub(crate) async fn run(session: &Session, chat: Chat) -> Outcome {
    match chat.command {
        Some(Command::Send(send)) => send::run(session, send).await,
        None => talk::run(session, chat.ask).await,
    }
}

impl Ask {
    /// The conversation to go on in, if any.
    async fn conversation(&self, chat: &mosaic_client::chat::Chat) -> Result<Option<String>, Failure> {
        if !self.newest {
            return Ok(self.conversation.clone());
        }
        let newest = chat.conversations().page_size(1).page("").await?.conversations.into_iter().next();
        let none = || Failure::not_found("there is no conversation to go on in");
        Ok(Some(newest.ok_or_else(none)?.id))
    }

    /// The message with what was given here.
    fn fill(&self, mut message: SendMessage, conversation: Option<&str>) -> SendMessage {
        match (conversation, &self.system) {
            (Some(id), _) => message = message.conversation(id),
            (None, Some(system)) => message = message.system(system),
            (None, None) => {}
        }
        if let Some(model) = &self.model {
            message = message.model(model);
        }
        if let Some(parameters) = self.parameters() {
            message = message.parameters(parameters);
        }
        message
    }

    fn parameters(&self) -> Option<Parameters> {
        let given = self.temperature.is_some() || self.max_tokens.is_some();
        given.then(|| Parameters {
            temperature: self.temperature,
            max_output_tokens: self.max_tokens,
            ..Parameters::default()
        })
    }
}

/// A model in words that are safe to show.
fn model_name(asked: &str, answered_by: &str) -> String {
    let name = if answered_by.is_empty() { asked } else { answered_by };
    if name.is_empty() { "the default model".to_owned() } else { crate::text::escape(name) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_fits_a_screen_of_90_columns() {
        for help in [super::HELP, super::send::HELP, super::conversation::HELP] {
            for line in help.lines() {
                assert!(line.chars().count() <= 90, "{line}");
            }
        }
    }
}
