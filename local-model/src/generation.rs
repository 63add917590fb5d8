//! One answer, from the prompt's first token to the reason of its end.
//!
//! It must not know where the answer goes.

use std::{
    mem,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use anyhow::Result;

use crate::{
    model::Model,
    sampling::Sampling,
    vocabulary::{Utf8, Vocabulary},
    wire::{Answer, Done, ErrorKind, Request, Usage},
};

/// Tokens of the prompt that are read at once: a fifth of a second on an older core, the longest that a
/// generation goes on after its reader has left.
const READ_TOKENS: usize = 16;

/// The model, ready to answer.
pub(crate) struct Speaker {
    /// Words.
    pub(crate) vocabulary: Vocabulary,
    /// Numbers.
    pub(crate) model: Model,
}

impl Speaker {
    /// Gives the answer line by line to `tell`, until its reader is `gone`.
    pub(crate) fn answer(
        &self,
        request: &Request,
        gone: &AtomicBool,
        mut tell: impl FnMut(&Answer),
    ) -> Result<()> {
        let prompt = self.vocabulary.prompt(&request.messages)?;
        let room = self.model.context_tokens.saturating_sub(prompt.len());
        if room == 0 {
            let (input, most) = (prompt.len(), self.model.context_tokens);
            let error =
                format!("the conversation has {input} tokens, and {most} is the most with the answer");
            tell(&Answer::Error { error, kind: ErrorKind::ContextTooLong });
            return Ok(());
        }
        let mut memory = self.model.memory();
        let mut scores = Vec::new();
        let mut read = 0;
        for tokens in prompt.chunks(READ_TOKENS) {
            if gone.load(Relaxed) {
                return Ok(());
            }
            scores = self.model.read(tokens, &mut memory)?;
            read += tokens.len();
            tell(&Answer::Read { read });
        }
        let sampling = Sampling::new(request.temperature, request.top_p);
        let output_max = request.max_tokens.unwrap_or(room).min(room);
        let mut text = Text::new(&request.stop);
        let mut output = 0;
        let done = loop {
            if gone.load(Relaxed) {
                return Ok(());
            }
            let token = sampling.choose(&scores)?;
            if self.vocabulary.is_end(token) {
                break Done::Stop;
            }
            output += 1;
            let ended = text.push(self.vocabulary.bytes(token));
            text.tell(&mut tell);
            if ended {
                break Done::Sequence;
            }
            if output == output_max {
                break Done::Length;
            }
            scores = self.model.read(&[token], &mut memory)?;
        };
        if !matches!(done, Done::Sequence) {
            text.finish();
        }
        text.tell(&mut tell);
        tell(&Answer::Done { done, usage: Usage { input: prompt.len(), output } });
        Ok(())
    }
}

/// Text on its way out: whole characters, and nothing that may be the beginning of a stop.
struct Text<'a> {
    stops: &'a [String],
    utf8: Utf8,
    /// May become a stop.
    held: String,
    /// May go.
    free: String,
}

impl<'a> Text<'a> {
    fn new(stops: &'a [String]) -> Self {
        Self { stops, utf8: Utf8::default(), held: String::new(), free: String::new() }
    }

    /// Takes a token's bytes; true if a stop has come, and nothing after it is text.
    fn push(&mut self, bytes: &[u8]) -> bool {
        self.held += &self.utf8.push(bytes);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            self.free += &mem::take(&mut self.held);
            return true;
        }
        // The longest end that is the beginning of a stop stays.
        let begins = |from: usize| {
            self.held.get(from..).is_some_and(|end| self.stops.iter().any(|stop| stop.starts_with(end)))
        };
        let from = (0..self.held.len()).find(|from| begins(*from)).unwrap_or(self.held.len());
        self.free.extend(self.held.drain(..from));
        false
    }

    /// No more comes: what was held was no stop.
    fn finish(&mut self) {
        self.free += &mem::take(&mut self.held);
    }

    fn tell(&mut self, tell: &mut impl FnMut(&Answer)) {
        if !self.free.is_empty() {
            tell(&Answer::Text { text: mem::take(&mut self.free) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::Text;

    /// What goes out after each piece, and whether a stop has come.
    fn pieces(stops: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut text = Text::new(&stops);
        let mut out = Vec::new();
        for piece in pieces {
            let ended = text.push(piece.as_bytes());
            out.push(mem::take(&mut text.free));
            if ended {
                return (out, true);
            }
        }
        text.finish();
        out.push(text.free);
        (out, false)
    }

    #[test]
    fn a_stop_is_seen_across_pieces_and_never_shown() {
        assert_eq!(pieces(&["END"], &["abE", "N", "Dcd"]), (vec!["ab".into(), "".into(), "".into()], true));
        assert_eq!(pieces(&["x", "b"], &["abx"]), (vec!["a".into()], true));
    }

    #[test]
    fn what_only_began_like_a_stop_is_shown() {
        let (out, ended) = pieces(&["ENDE"], &["aEN", "DX", "EN"]);
        assert_eq!((out.concat().as_str(), ended), ("aENDXEN", false));
        assert_eq!(out[0], "a");
        assert_eq!(pieces(&[], &["ü", "b"]).0, ["ü", "b", ""]);
    }
}
