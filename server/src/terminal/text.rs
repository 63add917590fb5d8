//! Output as text for scripts: no escape sequences, no carriage returns before line feeds, valid UTF-8.
//!
//! It remembers where it is between two pieces, so that a split changes nothing.

use anstream::adapter::StripBytes;

/// Turns pieces of output into pieces of text.
#[derive(Debug, Default)]
pub struct TextFilter {
    strip: StripBytes,
    /// A character that is not whole yet, or a carriage return that may belong to a line feed.
    held: Vec<u8>,
    /// The text so far ends within a line.
    in_line: bool,
}

impl TextFilter {
    /// The text of the next piece.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut plain = std::mem::take(&mut self.held);
        for piece in self.strip.strip_next(bytes) {
            plain.extend_from_slice(piece);
        }
        let keep = plain.len() - held_bytes(&plain);
        self.held = plain.split_off(keep);
        self.shown(&plain)
    }

    /// What was held back, where nothing follows it: at the end, or before something that is missing. What comes after
    /// that stands for itself.
    pub fn finish(&mut self) -> String {
        self.strip = StripBytes::default();
        let held = std::mem::take(&mut self.held);
        self.shown(&held)
    }

    fn shown(&mut self, plain: &[u8]) -> String {
        let mut text = String::with_capacity(plain.len());
        for character in String::from_utf8_lossy(plain).replace("\r\n", "\n").chars() {
            // At the beginning of a line a carriage return moves nothing; shells print one there.
            if character != '\r' || self.in_line {
                text.push(character);
            }
            self.in_line = character != '\n' && (self.in_line || character != '\r');
        }
        text
    }
}

/// How many bytes at the end need the next piece to make sense.
fn held_bytes(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return 1;
    }
    // A character has four bytes at most; its first one says how many.
    for back in 1..=bytes.len().min(3) {
        let Some(byte) = bytes.get(bytes.len() - back) else { break };
        let whole = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if whole > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TextFilter;

    fn text(pieces: &[&[u8]]) -> String {
        let mut filter = TextFilter::default();
        let mut all: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        all += &filter.finish();
        all
    }

    #[test]
    fn escapes_go_and_text_stays() {
        let bytes = "\x1b[31mröt\x1b[0m\r\nnext \x1b]0;title\x07line\r\n".as_bytes();
        assert_eq!(text(&[bytes]), "röt\nnext line\n");
        assert_eq!(text(&[b"$ ls\r\n\x1b[?2004l\rfile\r\n10%\r20%\r\n"]), "$ ls\nfile\n10%\r20%\n");
    }

    #[test]
    fn what_was_held_back_comes_before_what_is_missing() {
        let mut filter = TextFilter::default();
        assert_eq!(filter.push(b"50%\r") + &filter.finish(), "50%\r");
        assert_eq!(filter.push("\né".as_bytes().split_last().unwrap().1) + &filter.finish(), "\n\u{fffd}");
        // Half an escape sequence is not text, and does not make what comes later part of itself.
        assert_eq!(filter.push(b"a\x1b]0;ti") + &filter.finish() + &filter.push(b"plain"), "aplain");
    }

    proptest! {
        #[test]
        fn a_split_changes_nothing(at in 0usize..60, other in 0usize..60) {
            let bytes = "a\x1b[1;31mé€😀\x1b[0m\r\nb\r\n\x1b]2;t\x1b\\c\r".as_bytes();
            let (low, high) = (at.min(other).min(bytes.len()), at.max(other).min(bytes.len()));
            prop_assert_eq!(text(&[&bytes[..low], &bytes[low..high], &bytes[high..]]), text(&[bytes]));
        }
    }
}
