//! Finds the titles that a program sets in its output: `ESC ] 0 ; title BEL` or `ESC ] 2 ; title ESC \`.
//!
//! It knows nothing about any other sequence, and keeps nothing but the one it is in.

/// The longest title that is kept, in bytes.
const TITLE_BYTES_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    Escape,
    /// The number before the first `;`.
    Command,
    Title,
    /// A command that is not a title, up to its end.
    Other,
    /// An escape within a command: its end, if a backslash follows.
    Closing,
}

/// A scanner that remembers where it is between two pieces of output.
#[derive(Debug, Default)]
pub struct TitleScanner {
    state: State,
    title: Vec<u8>,
    wanted: bool,
}

impl TitleScanner {
    /// Scans a piece of output; calls back with each title and the number of bytes up to its end.
    pub fn scan(&mut self, bytes: &[u8], mut found: impl FnMut(String, usize)) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.state == State::Text {
                let Some(escape) = memchr::memchr(0x1b, rest) else { return };
                at += escape + 1;
                self.state = State::Escape;
                continue;
            }
            let Some(byte) = rest.first() else { return };
            at += 1;
            if self.step(*byte)
                && let Some(title) = self.take()
            {
                found(title, at);
            }
        }
    }

    /// One byte; true if it ends a command.
    fn step(&mut self, byte: u8) -> bool {
        let before = self.state;
        self.state = match (before, byte) {
            (State::Escape, b']') => {
                self.title.clear();
                self.wanted = false;
                State::Command
            }
            (State::Escape, 0x1b) => State::Escape,
            (State::Closing, _) | (State::Command | State::Title | State::Other, 0x07) => State::Text,
            (State::Command | State::Title | State::Other, 0x1b) => State::Closing,
            // Cancelled.
            (State::Command | State::Title | State::Other, 0x18 | 0x1a) => {
                self.wanted = false;
                State::Text
            }
            (State::Command, b'0' | b'2') if self.title.is_empty() => {
                self.title.push(byte);
                State::Command
            }
            (State::Command, b';') if self.title.len() == 1 => {
                self.title.clear();
                self.wanted = true;
                State::Title
            }
            (State::Command | State::Other, _) => State::Other,
            (State::Title, _) => {
                if self.title.len() < TITLE_BYTES_MAX {
                    self.title.push(byte);
                }
                State::Title
            }
            (State::Text | State::Escape, _) => State::Text,
        };
        self.state == State::Text && (before == State::Closing || byte == 0x07)
    }

    fn take(&mut self) -> Option<String> {
        let wanted = std::mem::take(&mut self.wanted);
        let bytes = std::mem::take(&mut self.title);
        wanted.then(|| String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn titles(pieces: &[&[u8]]) -> Vec<(String, usize)> {
        let mut scanner = TitleScanner::default();
        let (mut all, mut before) = (Vec::new(), 0);
        for piece in pieces {
            scanner.scan(piece, |title, at| all.push((title, before + at)));
            before += piece.len();
        }
        all
    }

    #[test]
    fn finds_both_forms_and_nothing_else() {
        let text =
            b"a\x1b]0;one\x07b\x1b]2;two\x1b\\\x1b]8;;http://x\x07\x1b[1m\x1b]2;\xff\x01x\x07\x1b]22;no\x07";
        let found = titles(&[text]);
        let names: Vec<&str> = found.iter().map(|(t, _)| t.as_str()).collect();
        assert_eq!(names, ["one", "two", "\u{fffd}x"]);
        assert_eq!(found[0].1, 9);
    }

    proptest! {
        #[test]
        fn a_split_changes_nothing(split in 0usize..60) {
            let text: &[u8] = b"x\x1b]0;first title\x07 and \x1b\x1b]2;second\x1b\\ then \x1b]0;th\x18rest";
            let split = split.min(text.len());
            prop_assert_eq!(titles(&[&text[..split], &text[split..]]), titles(&[text]));
        }
    }
}
