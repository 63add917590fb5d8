//! What a program has switched on this terminal, and how to switch it back.
//!
//! It knows nothing about who uses it. Without it a detached editor would leave the alternate
//! screen, a hidden cursor and mouse reports behind.

use std::collections::BTreeMap;

use super::escape::{Piece, Splitter};

/// Modes that a terminal has on when nobody touched them: autowrap, autorepeat, cursor.
const ON_BY_DEFAULT: [u16; 3] = [7, 8, 25];
/// Modes that show the alternate screen.
const ALTERNATE_SCREEN: [u16; 3] = [47, 1047, 1049];
/// A program that sets more modes than exist is not followed.
const MODES_MAX: usize = 256;

/// The modes that the output has set so far.
#[derive(Debug, Default)]
pub(crate) struct Modes {
    splitter: Splitter,
    set: Set,
}

#[derive(Debug, Default)]
struct Set {
    /// DEC private modes that are not as they are by default.
    private: BTreeMap<u16, bool>,
    margins: bool,
    cursor_style: bool,
    keypad: bool,
    modify_keys: bool,
    /// Keyboard flags pushed (kitty's protocol).
    keyboards: u16,
}

impl Modes {
    /// Takes output that is being shown.
    pub(crate) fn feed(&mut self, data: &[u8]) {
        let set = &mut self.set;
        self.splitter.feed(data, |piece| {
            if let Piece::Sequence(sequence) = piece {
                set.take(sequence);
            }
        });
    }

    /// True while a full-screen program shows itself.
    pub(crate) fn alternate_screen(&self) -> bool {
        ALTERNATE_SCREEN.iter().any(|mode| self.set.private.contains_key(mode))
    }

    /// What to print so that the terminal is again as it was.
    pub(crate) fn restore(&self) -> Vec<u8> {
        // An unfinished sequence would swallow what follows: CAN aborts it.
        let mut bytes = if self.splitter.is_open() { vec![0x18] } else { Vec::new() };
        let set = &self.set;
        if set.keyboards > 0 {
            // Each screen has flags of its own: before the screen changes.
            bytes.extend(format!("\x1b[<{}u", set.keyboards).into_bytes());
        }
        let (screens, others): (Vec<_>, Vec<_>) =
            set.private.iter().partition(|(mode, _)| ALTERNATE_SCREEN.contains(mode));
        for (mode, on) in screens.into_iter().chain(others) {
            bytes.extend(format!("\x1b[?{mode}{}", if *on { 'l' } else { 'h' }).into_bytes());
        }
        if set.margins {
            // Setting margins moves the cursor.
            bytes.extend(b"\x1b7\x1b[r\x1b8");
        }
        if set.cursor_style {
            bytes.extend(b"\x1b[0 q");
        }
        if set.keypad {
            bytes.extend(b"\x1b>");
        }
        if set.modify_keys {
            bytes.extend(b"\x1b[>4m");
        }
        // Attributes and character set.
        bytes.extend(b"\x1b[0m\x1b(B\x0f");
        bytes
    }
}

impl Set {
    fn take(&mut self, sequence: &[u8]) {
        match sequence {
            // A full reset.
            b"\x1bc" => *self = Self::default(),
            b"\x1b=" => self.keypad = true,
            b"\x1b>" => self.keypad = false,
            [_, b'[', b'?', modes @ .., b'h'] => self.switch(modes, true),
            [_, b'[', b'?', modes @ .., b'l'] => self.switch(modes, false),
            [_, b'[', b'>', .., b'm'] => self.modify_keys = true,
            [_, b'[', b'>', .., b'u'] => self.keyboards = self.keyboards.saturating_add(1),
            [_, b'[', b'<', count @ .., b'u'] => {
                self.keyboards = self.keyboards.saturating_sub(number(count).unwrap_or(1));
            }
            [_, b'[', .., b' ', b'q'] => self.cursor_style = true,
            [_, b'[', margins @ .., b'r'] if margins.iter().all(|b| b.is_ascii_digit() || *b == b';') => {
                self.margins = !margins.is_empty();
            }
            _ => {}
        }
    }

    fn switch(&mut self, modes: &[u8], on: bool) {
        for mode in modes.split(|&byte| byte == b';').filter_map(number) {
            if on == ON_BY_DEFAULT.contains(&mode) {
                self.private.remove(&mode);
            } else if self.private.len() < MODES_MAX {
                self.private.insert(mode, on);
            }
        }
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restore(output: &[u8]) -> String {
        let mut modes = Modes::default();
        for byte in output {
            modes.feed(&[*byte]);
        }
        let restored = String::from_utf8(modes.restore()).unwrap();
        restored.strip_suffix("\x1b[0m\x1b(B\x0f").unwrap().to_owned()
    }

    #[test]
    fn an_editor_leaves_nothing_behind() {
        let on = b"\x1b[?1049h\x1b[22;0t\x1b[?1h\x1b=\x1b[?2004h\x1b[1;24r\x1b[?25l\x1b[>1u\x1b[2 q\x1b[?1002;1006h";
        let off = "\x1b[<1u\x1b[?1049l\x1b[?1l\x1b[?25h\x1b[?1002l\x1b[?1006l\x1b[?2004l\
                   \x1b7\x1b[r\x1b8\x1b[0 q\x1b>";
        assert_eq!(restore(on), off);
    }

    #[test]
    fn what_was_switched_back_is_left_alone() {
        assert_eq!(restore(b"\x1b[?1049h\x1b[?25l text \x1b[?25h\x1b[?1049l\x1b[5;6r\x1b[r"), "");
        assert_eq!(restore(b"\x1b[?1049h\x1b[?25l\x1bc"), "", "a full reset");
        assert_eq!(restore(b"\x1b[>1u\x1b[>3u\x1b[<2u"), "");
        assert_eq!(restore(b"\x1b[?7l"), "\x1b[?7h", "autowrap is on by default");
        assert_eq!(restore(b"\x1b]0;tit"), "\x18", "an open sequence is aborted");
    }
}
