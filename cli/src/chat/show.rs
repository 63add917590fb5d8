//! Messages in words: who said it, how it ended, and the text as this output can show it.
//!
//! It knows nothing about lists or streams. What goes to a terminal is made safe here.

use mosaic_client::proto::chat::v1::{
    Message,
    message::{Role, State},
};

use super::{markdown::Markdown, model_name};
use crate::{output::Output, session::Session, show, table::Colour, text};

/// A message with a line above it that says whose it is.
pub(super) fn message(session: &Session, message: &Message) -> String {
    let output = session.output;
    let head = output.paint(&format!("── {}", head(message)), Colour::Dim);
    let body = match message.role() {
        Role::Assistant if !message.command => body(output, &message.content),
        Role::Assistant | Role::User | Role::Unspecified => plain(output, &message.content),
    };
    format!("{head}\n{}\n", body.trim_end())
}

/// Whose it is, when it came, and what is special about it.
fn head(message: &Message) -> String {
    let mut parts = vec![who(message), show::age(message.create_time.as_ref()) + " ago"];
    parts.extend(state(message));
    if !message.images.is_empty() {
        parts.push(format!("{} images", message.images.len()));
    }
    parts.extend(message.tool_calls.iter().map(|call| format!("wants {}", text::escape(&call.name))));
    parts.join(" · ")
}

/// Whose it is.
pub(super) fn who(message: &Message) -> String {
    match message.role() {
        Role::User => "you".to_owned(),
        Role::Assistant if message.command => "the server".to_owned(),
        Role::Assistant => model_name(&message.model, &message.answered_by),
        Role::Unspecified => "somebody".to_owned(),
    }
}

/// How it ended, unless it is whole.
pub(super) fn state(message: &Message) -> Option<String> {
    match message.state() {
        State::Complete | State::Unspecified => None,
        State::Streaming => Some("being generated".to_owned()),
        State::Stopped => Some(format!("stopped by {}", text::escape(&message.stopped_by))),
        State::Interrupted => Some("interrupted: the server was killed".to_owned()),
        State::Failed => {
            let why = message.error.as_ref().map(|error| text::escape(&error.message)).unwrap_or_default();
            Some(format!("failed: {why}"))
        }
    }
}

fn body(output: Output, content: &str) -> String {
    if output.colours {
        let mut markdown = Markdown::default();
        markdown.feed(content) + &markdown.finish()
    } else {
        plain(output, content)
    }
}

/// Into a pipe the text goes as it is.
pub(super) fn plain(output: Output, content: &str) -> String {
    if output.is_terminal { text::shown(content) } else { content.to_owned() }
}
