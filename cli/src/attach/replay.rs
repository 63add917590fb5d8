//! The past of a terminal, shown without its side effects.
//!
//! It knows nothing about streams. A program's old question to its terminal would be answered again
//! by this one, and the answer would be typed into a shell that never asked; an old bell would ring.

use super::escape::{Piece, Splitter};

/// Takes questions, bells, clipboard writes and notifications out of replayed output.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    splitter: Splitter,
}

impl Replay {
    /// What of this output is to be shown now.
    pub(crate) fn feed(&mut self, data: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(data.len());
        self.splitter.feed(data, |piece| match piece {
            // ENQ asks, BEL rings.
            Piece::Plain(bytes) => shown.extend(bytes.iter().filter(|byte| !matches!(byte, 0x05 | 0x07))),
            Piece::Sequence(bytes) if has_effect(bytes) => {}
            Piece::Sequence(bytes) => shown.extend(bytes),
        });
        shown
    }

    /// The past is over: what was held of a sequence that goes on in the present.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        self.splitter.flush(|piece| match piece {
            Piece::Plain(bytes) | Piece::Sequence(bytes) => shown.extend(bytes),
        });
        shown
    }
}

/// True for a sequence that a terminal answers, or that does more than change what it shows.
fn has_effect(sequence: &[u8]) -> bool {
    match sequence {
        // DECID.
        [_, b'Z'] => true,
        [_, b'[', body @ .., last] => control_asks(body, *last),
        [_, b']', body @ ..] => command_has_effect(body),
        // DECRQSS and XTGETTCAP ask; a kitty image is answered with "OK".
        [_, b'P', b'$' | b'+', b'q', ..] | [_, b'_', b'G', ..] => true,
        _ => false,
    }
}

/// Control sequences that are answered, after <https://invisible-island.net/xterm/ctlseqs/>.
fn control_asks(body: &[u8], last: u8) -> bool {
    let private = body.first().copied().filter(|byte| (b'<'..=b'?').contains(byte));
    let intermediate = body.last().copied().filter(|byte| (0x20..=0x2f).contains(byte));
    match (private, intermediate, last) {
        // Status and position, attributes of the device, parameters, mode, checksum, presentation.
        (None | Some(b'?'), None, b'n') | (None | Some(b'>' | b'='), None, b'c') => true,
        (None, None, b'x') | (_, Some(b'$'), b'p' | b'u' | b'w') | (None, Some(b'&'), b'u') => true,
        (None, Some(b'*'), b'y') => true,
        // Version, keyboard protocol, key modifiers, graphics.
        (Some(b'>'), None, b'q') | (Some(b'?'), None, b'u' | b'm' | b'S') => true,
        // Reports of the window.
        (None, None, b't') => {
            let first = body.split(|&byte| byte == b';').next().unwrap_or_default();
            matches!(first, b"11" | b"13" | b"14" | b"15" | b"16" | b"18" | b"19" | b"20" | b"21")
        }
        _ => false,
    }
}

/// Operating system commands: a `?` for a value asks; 52 is the clipboard, 9, 99 and 777 notify.
fn command_has_effect(body: &[u8]) -> bool {
    let body = body.strip_suffix(b"\x07").or_else(|| body.strip_suffix(b"\x1b\\")).unwrap_or(body);
    let mut fields = body.split(|&byte| byte == b';');
    matches!(fields.next(), Some(b"52" | b"9" | b"99" | b"777")) || fields.any(|field| field == b"?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(data: &[u8]) -> Vec<u8> {
        // In two parts, to see that a cut sequence is known as well.
        let mut replay = Replay::default();
        let (head, tail) = data.split_at(data.len() / 2);
        let mut shown = replay.feed(head);
        shown.extend(replay.feed(tail));
        shown.extend(replay.finish());
        shown
    }

    #[test]
    fn questions_are_not_asked_again() {
        let questions: [&[u8]; 19] = [
            b"\x1b[6n",
            b"\x1b[5n",
            b"\x1b[?6n",
            b"\x1b[c",
            b"\x1b[0c",
            b"\x1b[>c",
            b"\x1b[=c",
            b"\x1bZ",
            b"\x1b[x",
            b"\x1b[?2004$p",
            b"\x1b[?u",
            b"\x1b[>q",
            b"\x1b[>0q",
            b"\x1b[18t",
            b"\x1b]11;?\x07",
            b"\x1b]4;1;?\x1b\\",
            b"\x1bP$qm\x1b\\",
            b"\x1bP+q544e\x1b\\",
            b"\x1b]52;c;aGk=\x07",
        ];
        for question in questions {
            let data = [b"before", question, b"after"].concat();
            assert_eq!(replay(&data), b"beforeafter", "{question:?}");
        }
    }

    #[test]
    fn all_else_is_shown() {
        let plain: [&[u8]; 12] = [
            "Grüße\r\n".as_bytes(),
            b"\x1b[1;31m",
            b"\x1b[?1049h",
            b"\x1b[?25l",
            b"\x1b[2;10r",
            b"\x1b]0;title\x07",
            b"\x1b[!p",
            b"\x1b[2 q",
            b"\x1b[>1u",
            b"\x1b[22;0t",
            b"\x1b(0",
            b"\x1b[?17;0;64c",
        ];
        for shown in plain {
            assert_eq!(replay(shown), shown, "{shown:?}");
        }
        assert_eq!(replay(b"ding\x07"), b"ding");
        assert_eq!(replay(b"open \x1b[3"), b"open \x1b[3", "what goes on later is kept");
    }
}
