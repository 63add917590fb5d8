//! The detach key, found among what is typed.
//!
//! It knows nothing about terminals or streams: bytes go in, bytes and a verdict come out.

/// The key that begins a command to `mosaic` itself: Ctrl-\.
const PREFIX: u8 = 0x1c;

/// Finds `Ctrl-\` then `d` in typed bytes.
///
/// `Ctrl-\` twice types it once; before any other key both are typed. A program may have switched
/// the keyboard to escape sequences (kitty's protocol, xterm's modifyOtherKeys), so those forms of
/// the keys count as well. A sequence is recognised if one read brings all of it, as terminals send
/// it: waiting for the rest of one would hold back the Escape key.
#[derive(Debug, Default)]
pub(crate) struct DetachKey {
    /// The prefix as it arrived, while it is not known what follows.
    held: Option<Vec<u8>>,
}

/// What to do after some input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Type these bytes.
    Bytes(Vec<u8>),
    /// Type these, then detach; what came after the key is not typed.
    Detach(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Prefix,
    D,
    /// A key was let go; only some protocols say so.
    Release,
    Other,
}

impl DetachKey {
    /// Takes what was typed.
    pub(crate) fn feed(&mut self, mut input: &[u8]) -> Typed {
        let mut typed = Vec::with_capacity(input.len());
        while !input.is_empty() {
            let (key, length) = next_key(input);
            let (raw, rest) = input.split_at(length);
            input = rest;
            match (self.held.take(), key) {
                (None, Key::Prefix) => self.held = Some(raw.to_vec()),
                (None, _) => typed.extend(raw),
                (Some(_), Key::D) => return Typed::Detach(typed),
                (Some(_), Key::Prefix) => typed.extend(raw),
                (Some(mut held), Key::Release) => {
                    held.extend(raw);
                    self.held = Some(held);
                }
                (Some(held), Key::Other) => {
                    typed.extend(held);
                    typed.extend(raw);
                }
            }
        }
        Typed::Bytes(typed)
    }
}

/// The first key of the input and its length in bytes.
fn next_key(input: &[u8]) -> (Key, usize) {
    match input {
        [PREFIX, ..] => (Key::Prefix, 1),
        [b'd', ..] => (Key::D, 1),
        [0x1b, b'[', rest @ ..] => {
            let length = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
            let key = match rest.get(length) {
                Some(b'u') => kitty_key(&rest[..length]),
                Some(b'~') if &rest[..length] == b"27;5;92" => Key::Prefix,
                Some(b'~') if &rest[..length] == b"27;1;100" => Key::D,
                _ => return (Key::Other, 1),
            };
            (key, 2 + length + 1)
        }
        _ => (Key::Other, 1),
    }
}

/// The key of `CSI code:alternates ; modifiers:event ; text u`, see
/// <https://sw.kovidgoyal.net/kitty/keyboard-protocol/>.
fn kitty_key(parameters: &[u8]) -> Key {
    let mut fields = parameters.split(|&byte| byte == b';');
    let mut code = fields.next().unwrap_or_default().split(|&byte| byte == b':');
    let mut modifiers = fields.next().unwrap_or_default().split(|&byte| byte == b':');
    let number = |digits: Option<&[u8]>| {
        digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    // Sent as 1 + bits, without Caps Lock (64) and Num Lock (128) here.
    let held = number(modifiers.next()).unwrap_or(1).saturating_sub(1) & !(64 | 128);
    if number(modifiers.next()) == Some(3) {
        return Key::Release;
    }
    match (number(code.next()), held) {
        (Some(92), 4) => Key::Prefix,
        (Some(100), 0) => Key::D,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(chunks: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut key = DetachKey::default();
        let mut all = Vec::new();
        for chunk in chunks {
            match key.feed(chunk) {
                Typed::Bytes(bytes) => all.extend(bytes),
                Typed::Detach(bytes) => {
                    all.extend(bytes);
                    return (all, true);
                }
            }
        }
        (all, false)
    }

    #[test]
    fn ctrl_backslash_then_d_detaches() {
        assert_eq!(feed(&[b"ls\r\x1cd rest"]), (b"ls\r".to_vec(), true));
        assert_eq!(feed(&[b"\x1c", b"d"]), (vec![], true));
    }

    #[test]
    fn twice_types_one_and_the_next_d_is_a_letter() {
        assert_eq!(feed(&[b"\x1c\x1cd"]), (b"\x1cd".to_vec(), false));
        assert_eq!(feed(&[b"\x1c", b"\x1c", b"\x1c", b"d"]), (b"\x1c".to_vec(), true));
    }

    #[test]
    fn anything_else_is_typed_as_it_came() {
        assert_eq!(feed(&[b"\x1cx"]), (b"\x1cx".to_vec(), false));
        assert_eq!(feed(&[b"\x1c", b"\x1b[A"]), (b"\x1c\x1b[A".to_vec(), false));
        assert_eq!(feed(&[b"\x1b", b"[A d \xff\x00"]), (b"\x1b[A d \xff\x00".to_vec(), false));
        let all: Vec<u8> = (0..=255).filter(|&byte| byte != PREFIX).collect();
        assert_eq!(feed(&[&all]), (all.clone(), false));
    }

    #[test]
    fn keyboards_that_speak_in_sequences() {
        assert_eq!(feed(&[b"\x1b[92;5u", b"d"]), (vec![], true));
        assert_eq!(feed(&[b"\x1b[92;5u\x1b[92;5:3u\x1b[100;1u"]), (vec![], true), "with releases");
        assert_eq!(feed(&[b"\x1b[92:124;133u", b"\x1b[100;129u"]), (vec![], true), "with Num Lock");
        assert_eq!(feed(&[b"\x1b[27;5;92~", b"d"]), (vec![], true));
        assert_eq!(feed(&[b"\x1b[92;5u\x1b[92;5u"]), (b"\x1b[92;5u".to_vec(), false));
        assert_eq!(feed(&[b"\x1b[92;7ud"]), (b"\x1b[92;7ud".to_vec(), false), "Ctrl-Alt-\\ is another key");
    }
}
