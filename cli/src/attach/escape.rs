//! Output cut into plain bytes and escape sequences, over any cut of the stream into chunks.
//!
//! It knows nothing about what a sequence means.

/// A longer sequence (an image, a clipboard) is passed on in parts, as plain bytes.
const SEQUENCE_BYTES_MAX: usize = 4096;

const ESC: u8 = 0x1b;

/// Cuts output into pieces. Only the 7-bit forms count: in UTF-8 the 8-bit ones are parts of letters.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    state: State,
    /// The sequence so far.
    held: Vec<u8>,
}

/// A part of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Bytes that are not, or not known to be, a sequence.
    Plain(&'a [u8]),
    /// One whole sequence, from its ESC to its end.
    Sequence(&'a [u8]),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC and intermediate bytes.
    Escape,
    /// After `ESC [`.
    Control,
    /// After `ESC ]`, `ESC P`, `ESC X`, `ESC ^` or `ESC _`: until ST, and BEL.
    Text,
    /// In such a text, after the ESC that may begin its ST.
    TextEscape,
}

impl Splitter {
    /// Takes some output and tells its pieces in order. The beginning of a sequence is held until
    /// its end is there.
    pub(crate) fn feed(&mut self, mut data: &[u8], mut tell: impl FnMut(Piece<'_>)) {
        while !data.is_empty() {
            if self.state == State::Ground {
                let plain = data.iter().position(|&byte| byte == ESC).unwrap_or(data.len());
                if plain > 0 {
                    tell(Piece::Plain(&data[..plain]));
                }
                data = &data[plain..];
                if data.is_empty() {
                    return;
                }
                self.held.push(ESC);
                self.state = State::Escape;
            } else {
                self.step(data[0], &mut tell);
            }
            data = &data[1..];
        }
    }

    /// True in the middle of a sequence.
    pub(crate) fn is_open(&self) -> bool {
        self.state != State::Ground
    }

    /// Gives back what is held of a sequence that has not ended.
    pub(crate) fn flush(&mut self, mut tell: impl FnMut(Piece<'_>)) {
        if !self.held.is_empty() {
            tell(Piece::Plain(&self.held));
        }
        self.held.clear();
        self.state = State::Ground;
    }

    fn step(&mut self, byte: u8, tell: &mut impl FnMut(Piece<'_>)) {
        use State::{Control, Escape, Ground, Text, TextEscape};
        // A new ESC ends what it interrupts; CAN and SUB abort.
        if byte == ESC && matches!(self.state, Escape | Control) {
            self.flush(&mut *tell);
            self.held.push(ESC);
            self.state = Escape;
            return;
        }
        self.held.push(byte);
        let next = match (self.state, byte) {
            (_, 0x18 | 0x1a) => return self.flush(tell),
            (Escape, b'[') if self.held.len() == 2 => Control,
            (Escape, b']' | b'P' | b'X' | b'^' | b'_') if self.held.len() == 2 => Text,
            (Escape, 0x20..=0x2f) => Escape,
            (Control, 0x40..=0x7e) | (Escape | Ground, _) | (Text, 0x07) | (TextEscape, b'\\') => Ground,
            (Control, _) => Control,
            (Text, ESC) => TextEscape,
            (Text | TextEscape, _) => Text,
        };
        self.state = next;
        if next == Ground {
            tell(Piece::Sequence(&self.held));
            self.held.clear();
        } else if self.held.len() >= SEQUENCE_BYTES_MAX {
            // Passed on as it is; its rest comes the same way until it ends.
            tell(Piece::Plain(&self.held));
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(chunks: &[&[u8]]) -> Vec<(bool, Vec<u8>)> {
        let mut splitter = Splitter::default();
        let mut all: Vec<(bool, Vec<u8>)> = Vec::new();
        let mut tell = |piece: Piece<'_>| match piece {
            Piece::Plain(bytes) => match all.last_mut() {
                Some((false, last)) => last.extend(bytes),
                _ => all.push((false, bytes.to_vec())),
            },
            Piece::Sequence(bytes) => all.push((true, bytes.to_vec())),
        };
        for chunk in chunks {
            splitter.feed(chunk, &mut tell);
        }
        splitter.flush(&mut tell);
        all
    }

    #[test]
    fn sequences_are_told_apart() {
        let told = pieces(&[b"a\x1b[31mb\x1b]0;t\x07\x1bP$qm\x1b\\\x1b(Bc\x1b=\x1b[1"]);
        let expected: [(bool, &[u8]); 8] = [
            (false, b"a"),
            (true, b"\x1b[31m"),
            (false, b"b"),
            (true, b"\x1b]0;t\x07"),
            (true, b"\x1bP$qm\x1b\\"),
            (true, b"\x1b(B"),
            (false, b"c"),
            (true, b"\x1b="),
        ];
        assert_eq!(told[..8], expected.map(|(sequence, bytes)| (sequence, bytes.to_vec())));
        assert_eq!(told[8], (false, b"\x1b[1".to_vec()), "an open one is given back");
        assert_eq!(pieces(&[b"\x1b[3\x1b[1m"])[1], (true, b"\x1b[1m".to_vec()), "ESC begins anew");
        assert_eq!(pieces(&[b"\x1b[3\x18x"]), [(false, b"\x1b[3\x18x".to_vec())], "CAN aborts");
    }

    proptest! {
        /// Cutting the stream anywhere changes nothing, and no byte is lost.
        #[test]
        fn cuts_do_not_matter(data in proptest::collection::vec(
            prop_oneof![Just(ESC), Just(b'['), Just(b']'), Just(b'\\'), Just(7), Just(b'm'), any::<u8>()], 0..300),
            cut in 0..300usize,
        ) {
            let (head, tail) = data.split_at(cut.min(data.len()));
            let whole = pieces(&[&data]);
            prop_assert_eq!(&whole, &pieces(&[head, tail]));
            prop_assert_eq!(whole.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>(), data);
        }
    }
}
