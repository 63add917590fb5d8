//! The title that a model makes after the first answer.
//!
//! It knows nothing about where titles are kept. A title is worth little: one try, and the first words stay.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::Generation;
use crate::chat::{
    prompt::{tokens, tokens_of_bytes},
    provider::{Parameters, Part, Piece, Prompt, Role, Turn, Usage},
    record::{Counted, Message},
};

/// How long it may take.
const TITLE_MAX: Duration = Duration::from_secs(20);
/// Bytes of a title.
pub const TITLE_BYTES_MAX: usize = 256;
/// Tokens of a title, with some for models that think first.
const TITLE_TOKENS: u32 = 200;
/// Of the question and of the answer, so much is shown.
const EXCERPT_BYTES: usize = 2000;

const ASK: &str = "Give this conversation a title of two to six words, in its own language. \
                   Answer with the title alone: no quotation marks, no full stop.";

impl Generation {
    /// Asks for a title, if there is more than the small local model to ask, and has it stored.
    pub(super) async fn title(&self, message: &Message) {
        let answered = self.candidates.iter().find(|candidate| candidate.name == message.answered_by);
        let Some(candidate) = answered.filter(|c| !c.is_local && self.shared.settings.model_titles) else {
            return;
        };
        let question = self.question.branch.last().map_or("", |said| &said.message.content);
        let text =
            format!("{ASK}\n\nQuestion: {}\n\nAnswer: {}", excerpt(question), excerpt(&message.content));
        let input = tokens(&text);
        let prompt = Prompt {
            model: candidate.model.clone(),
            system: String::new(),
            turns: vec![Turn { role: Role::User, parts: vec![Part::Text(text)] }],
            tools: Vec::new(),
            parameters: Parameters::default(),
            output_tokens_max: TITLE_TOKENS,
            context_tokens: candidate.context_tokens,
        };
        let mut title = String::new();
        let mut reported = None;
        let asking = async {
            let mut pieces = candidate.provider.generate(&prompt).await?;
            while let Some(piece) = pieces.next().await {
                match piece? {
                    Piece::Text(text) if title.len() < 4 * TITLE_BYTES_MAX => title.push_str(&text),
                    Piece::Usage(usage) => reported = Some(usage),
                    _ => {}
                }
            }
            Ok::<(), crate::chat::provider::Failure>(())
        };
        let answered = tokio::select! {
            () = self.shared.draining.cancelled() => return,
            answered = timeout(TITLE_MAX, asking) => answered,
        };
        let estimated = match answered {
            Ok(Err(_)) if title.is_empty() => Usage::default(),
            _ => Usage { input, output: tokens_of_bytes(title.len()), ..Usage::default() },
        };
        let counted = Counted { usage: reported.unwrap_or(estimated), estimated: reported.is_none() };
        let title = match answered {
            Ok(Ok(())) => Some(tidy(&title)).filter(|title| !title.is_empty()),
            _ => None,
        };
        self.shared.saver.title(message, candidate.name.clone(), counted, title).await;
    }
}

fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(EXCERPT_BYTES)).unwrap_or_default()
}

/// A title out of what a model said, or out of somebody's first words: one line, no quotation marks, not too long.
pub fn tidy(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.trim_matches(|c: char| "\"'`*#“”„«».".contains(c) || c.is_whitespace());
    let mut title: String = line.chars().filter(|c| !c.is_control()).collect();
    title.truncate(title.floor_char_boundary(TITLE_BYTES_MAX));
    title
}

/// The title of a conversation that has no better one: its first words.
pub fn first_words(content: &str) -> String {
    const LETTERS: usize = 60;
    let line = tidy(content);
    if line.chars().count() <= LETTERS {
        return line;
    }
    let cut: String = line.chars().take(LETTERS).collect();
    let words = cut.rsplit_once(char::is_whitespace).map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", words.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_tidy_line() {
        assert_eq!(tidy("\n \"Rust and PTYs.\"\nmore"), "Rust and PTYs");
        assert_eq!(tidy("**Über \u{1b}[1mTöne**"), "Über [1mTöne");
        assert!(tidy(&"ä".repeat(400)).len() <= TITLE_BYTES_MAX);
        assert_eq!(tidy(" \n"), "");
    }

    #[test]
    fn first_words_are_whole() {
        assert_eq!(first_words("short"), "short");
        let long = first_words("one two three four five six seven eight nine ten eleven twelve thirteen");
        assert_eq!(long, "one two three four five six seven eight nine ten eleven…");
    }
}
