//! Words and tokens: a conversation as the model was taught to read it, and its tokens as text.
//!
//! It must not know how a token is chosen.

use std::str;

use anyhow::{Result, anyhow};
use tokenizers::{
    Tokenizer,
    models::bpe::{BPE, Vocab},
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::{weights::Weights, wire::Message};

/// Tokens that stand for no text, by their number: the end of a text, and the two ends of a message.
const TEXT_END: u32 = 0;
const MESSAGE_START: u32 = 1;
const MESSAGE_END: u32 = 2;

/// All tokens below are control tokens.
const FIRST_WORD: usize = 17;

/// What the model was taught to be told first where nobody says anything else.
const SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/// The tokens that the model knows.
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    /// The bytes of each token; of a control token none.
    bytes: Vec<Vec<u8>>,
}

impl Vocabulary {
    /// Of the weights' own lists.
    pub(crate) fn load(weights: &Weights) -> Result<Self> {
        let words = weights.texts("tokenizer.ggml.tokens")?;
        let merges = weights.texts("tokenizer.ggml.merges")?;
        let merges = merges.iter().filter_map(|pair| pair.split_once(' '));
        let merges = merges.map(|(one, other)| (one.to_owned(), other.to_owned())).collect();
        let numbered: Vocab = (0..).zip(&words).map(|(number, word)| (word.clone(), number)).collect();
        let model =
            BPE::builder().vocab_and_merges(numbered, merges).build().map_err(|cause| anyhow!(cause))?;
        // No token is told to the tokenizer as an added one: what a user types as `<|im_end|>` stays text.
        let mut tokenizer = Tokenizer::new(model);
        let digits = Digits::new(true).into();
        tokenizer
            .with_pre_tokenizer(Some(Sequence::new(vec![digits, ByteLevel::new(false, true, true).into()])));
        let bytes = words.iter().enumerate().map(|(at, word)| match at < FIRST_WORD {
            true => Vec::new(),
            false => word.chars().filter_map(byte).collect(),
        });
        Ok(Self { bytes: bytes.collect(), tokenizer })
    }

    /// The conversation up to where the model is to speak.
    pub(crate) fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let mut tokens = Vec::new();
        if messages.first().is_none_or(|first| first.role != "system") {
            self.message("system", SYSTEM, &mut tokens)?;
        }
        for Message { role, content } in messages {
            self.message(role, content, &mut tokens)?;
        }
        tokens.push(MESSAGE_START);
        tokens.extend(self.tokens("assistant\n")?);
        Ok(tokens)
    }

    fn message(&self, role: &str, content: &str, tokens: &mut Vec<u32>) -> Result<()> {
        tokens.push(MESSAGE_START);
        tokens.extend(self.tokens(&format!("{role}\n{content}"))?);
        tokens.push(MESSAGE_END);
        tokens.extend(self.tokens("\n")?);
        Ok(())
    }

    /// A text's tokens; none of them a control token.
    pub(crate) fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoded = self.tokenizer.encode_fast(text, false).map_err(|cause| anyhow!(cause))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// True for the tokens with which the model says that it is done.
    pub(crate) fn is_end(&self, token: u32) -> bool {
        token == TEXT_END || token == MESSAGE_END
    }

    /// What a token stands for: not always whole characters.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        usize::try_from(token).ok().and_then(|at| self.bytes.get(at)).map_or(&[], Vec::as_slice)
    }
}

/// The byte that a character of the token list stands for: GPT-2's table, in which what prints stands for
/// itself and the other bytes follow each other from 256.
fn byte(character: char) -> Option<u8> {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u8::try_from(character) {
        Ok(byte) => prints(byte).then_some(byte),
        Err(_) => {
            let at = usize::try_from(u32::from(character) - 256).ok()?;
            (0..=u8::MAX).filter(|byte| !prints(*byte)).nth(at)
        }
    }
}

/// Bytes that become text: the beginning of a character waits for the rest, and where none comes is no text.
#[derive(Default)]
pub(crate) struct Utf8(Vec<u8>);

impl Utf8 {
    /// Takes bytes and gives the text that is whole; what can no longer become text is U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            let (whole, broken) = match str::from_utf8(&self.0) {
                Ok(all) => (all, None),
                Err(error) => {
                    let (whole, _) = self.0.split_at(error.valid_up_to());
                    (str::from_utf8(whole).unwrap_or_default(), error.error_len())
                }
            };
            text.push_str(whole);
            let done = whole.len() + broken.unwrap_or(0);
            self.0.drain(..done);
            match broken {
                Some(_) => text.push(char::REPLACEMENT_CHARACTER),
                None => return text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Utf8, byte};

    #[test]
    fn every_byte_has_its_character() {
        let mut bytes: Vec<u8> = (0..=0x143).filter_map(char::from_u32).filter_map(byte).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=u8::MAX).collect::<Vec<_>>());
        assert_eq!((byte('Ġ'), byte('Ċ'), byte('é')), (Some(b' '), Some(b'\n'), Some(0xe9)));
    }

    #[test]
    fn characters_come_whole_wherever_the_bytes_were_cut() {
        let text = "a ü € 🦀 z";
        for cut in 0..=text.len() {
            let (one, other) = text.as_bytes().split_at(cut);
            let mut utf8 = Utf8::default();
            assert_eq!(utf8.push(one) + &utf8.push(other), text, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_the_rest_goes_on() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.push(b"a\xff\xc3"), "a\u{fffd}");
        assert_eq!(utf8.push(b"(b\xf0\x9f"), "\u{fffd}(b");
    }
}
