//! From a branch of a conversation to what a model is asked, cut to what it can take in.
//!
//! It knows nothing about providers' formats, and where the branch comes from.

use std::collections::HashSet;

use super::{
    models::Candidate,
    provider::{Image, Parameters, Part, Prompt, Role, Tool, ToolResult, Turn},
    record::{self, Message, State},
};
use crate::ids::MessageId;

/// A message of the branch, with the data of its images.
#[derive(Clone, Debug)]
pub struct Said {
    /// The message.
    pub message: Message,
    /// Its images.
    pub images: Vec<Image>,
}

/// What is to be answered.
#[derive(Clone, Debug)]
pub struct Question {
    /// Instructions.
    pub system: String,
    /// The branch, oldest first; its last message is the person's.
    pub branch: Vec<Said>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// How to sample.
    pub parameters: Parameters,
}

/// What one model is asked.
#[derive(Debug)]
pub struct Asked {
    /// The prompt.
    pub prompt: Prompt,
    /// Messages that were left out, oldest first.
    pub dropped: Vec<MessageId>,
    /// Tokens of the prompt, estimated.
    pub input_tokens: u64,
}

/// What an image costs, roughly: more than most do.
const IMAGE_TOKENS: u64 = 1600;
/// What surrounds a message.
const TURN_TOKENS: u64 = 6;

/// Tokens of a text, estimated: seven letters are two tokens, and others than ASCII's are nearly one each.
pub fn tokens(text: &str) -> u64 {
    let sevenths: u64 = text.chars().map(|c| if c.is_ascii() { 2 } else { 6 }).sum();
    sevenths.div_ceil(7)
}

/// Tokens of so many bytes of an answer, estimated.
pub fn tokens_of_bytes(bytes: usize) -> u64 {
    (bytes as u64 * 2).div_ceil(7)
}

impl Question {
    /// Tokens of an answer by this model.
    pub fn output_tokens(&self, candidate: &Candidate) -> u32 {
        let most = candidate.output_tokens_max;
        self.parameters.max_output_tokens.map_or(most, |wanted| wanted.min(most))
    }

    /// What to ask a model. The oldest messages are left out whole until the rest fits; the last stays.
    pub fn for_model(&self, candidate: &Candidate) -> Asked {
        let output = self.output_tokens(candidate);
        let room = u64::from(candidate.context_tokens.saturating_sub(output));
        let tools = self.tools.iter().map(|tool| tokens(&tool.description) + tokens(&tool.input_schema));
        let fixed = tokens(&self.system) + tools.sum::<u64>() + TURN_TOKENS;
        let spoken = self.spoken(candidate);
        let mut total = fixed + spoken.iter().map(|(_, turn)| cost(turn)).sum::<u64>();
        // A prompt begins with the person, and not with the result of a call that was left out: a last message that is
        // such a result keeps what led to it.
        let last = spoken.iter().rposition(|(_, turn)| may_begin(turn)).unwrap_or_default();
        let mut begin = 0;
        while total > room && begin < last {
            let next = begin + 1;
            let after =
                spoken.iter().skip(next).position(|(_, turn)| may_begin(turn)).map_or(last, |at| next + at);
            total -= spoken.iter().take(after).skip(begin).map(|(_, turn)| cost(turn)).sum::<u64>();
            begin = after;
        }
        let (dropped, kept) = spoken.split_at(begin);
        let dropped = dropped.iter().map(|(id, _)| *id).collect();
        let prompt = Prompt {
            model: candidate.model.clone(),
            system: self.system.clone(),
            turns: merged(kept.iter().map(|(_, turn)| turn.clone())),
            tools: self.tools.clone(),
            parameters: self.parameters.clone(),
            output_tokens_max: output,
            context_tokens: candidate.context_tokens,
        };
        Asked { prompt, dropped, input_tokens: total }
    }

    /// What was said, one turn a message. Answers that came to nothing are left out.
    fn spoken(&self, candidate: &Candidate) -> Vec<(MessageId, Turn)> {
        let mut spoken = Vec::new();
        let mut calls = HashSet::new();
        for (place, said) in self.branch.iter().enumerate() {
            let next = self.branch.get(place + 1).map(|said| &said.message);
            let parts = match said.message.role {
                record::Role::User => user_parts(said, &calls),
                record::Role::Assistant => {
                    let (parts, made) = assistant_parts(&said.message, next, candidate);
                    calls = made;
                    parts
                }
            };
            let role = match said.message.role {
                record::Role::User => Role::User,
                record::Role::Assistant => Role::Assistant,
            };
            if !parts.is_empty() {
                spoken.push((said.message.id, Turn { role, parts }));
            }
        }
        spoken
    }
}

fn user_parts(said: &Said, calls: &HashSet<String>) -> Vec<Part> {
    let message = &said.message;
    // A result without its call is refused by every provider.
    let results = message.tool_results.iter().filter(|result| calls.contains(&result.call_id));
    let mut parts: Vec<_> = results.cloned().map(Part::ToolResult).collect();
    parts.extend(said.images.iter().cloned().map(Part::Image));
    if !message.content.is_empty() {
        parts.push(Part::Text(message.content.clone()));
    }
    parts
}

/// The parts of an answer, and the calls among them: those that were whole and got a result.
fn assistant_parts(
    message: &Message,
    next: Option<&Message>,
    candidate: &Candidate,
) -> (Vec<Part>, HashSet<String>) {
    let results = next.map_or(&[][..], |next| &next.tool_results);
    let has_result = |id: &str| results.iter().any(|result: &ToolResult| result.call_id == id);
    let whole = message.state == State::Complete;
    let beside = &message.beside;
    let calls: Vec<_> =
        beside.tool_calls.iter().filter(|call| whole && has_result(&call.id)).cloned().collect();
    let mut parts = Vec::new();
    // A seal is good only where it was made, and is wanted back only before a call.
    let sealed = !beside.thinking_signature.is_empty() && !beside.thinking_signature.contains('\n');
    if !calls.is_empty() && sealed && message.answered_by == candidate.name {
        let (text, signature) = (beside.thinking.clone(), beside.thinking_signature.clone());
        parts.push(Part::Thinking { text, signature });
    }
    if !message.content.is_empty() {
        parts.push(Part::Text(message.content.clone()));
    }
    let ids = calls.iter().map(|call| call.id.clone()).collect();
    parts.extend(calls.into_iter().map(Part::ToolCall));
    (parts, ids)
}

fn may_begin(turn: &Turn) -> bool {
    turn.role == Role::User && !turn.parts.iter().any(|part| matches!(part, Part::ToolResult(_)))
}

fn cost(turn: &Turn) -> u64 {
    let one = |part: &Part| match part {
        Part::Text(text) | Part::Thinking { text, .. } => tokens(text),
        Part::ToolCall(call) => tokens(&call.name) + tokens(&call.arguments),
        Part::ToolResult(result) => tokens(&result.content),
        Part::Image(_) => IMAGE_TOKENS,
    };
    TURN_TOKENS + turn.parts.iter().map(one).sum::<u64>()
}

/// Turns of the same side become one: an answer that failed leaves two messages of the person in a row.
fn merged(turns: impl Iterator<Item = Turn>) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::new();
    for turn in turns {
        match merged.last_mut() {
            Some(last) if last.role == turn.role => last.parts.extend(turn.parts),
            _ => merged.push(turn),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
