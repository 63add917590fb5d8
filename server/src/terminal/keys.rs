//! Keys by the names that tmux uses, as the bytes that a terminal sends for them.
//!
//! It knows nothing about the modes a program may have switched the keyboard to: arrows are those of normal mode.

/// The bytes of one key; `None` if there is no such key.
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    let mut characters = name.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return Some(character.to_string().into_bytes());
    }
    if let Some(rest) = name.strip_prefix("M-") {
        let mut key = vec![0x1b];
        key.extend(bytes(rest)?);
        return Some(key);
    }
    if let Some(rest) = name.strip_prefix("C-") {
        return control(rest);
    }
    if let Some(rest) = name.strip_prefix("S-") {
        return shifted(rest);
    }
    plain(name).map(<[u8]>::to_vec)
}

fn plain(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "Enter" => b"\r",
        "Tab" => b"\t",
        "BTab" => b"\x1b[Z",
        "Escape" | "Esc" => b"\x1b",
        "Space" => b" ",
        "BSpace" | "Backspace" => b"\x7f",
        "Up" => b"\x1b[A",
        "Down" => b"\x1b[B",
        "Right" => b"\x1b[C",
        "Left" => b"\x1b[D",
        "Home" => b"\x1b[H",
        "End" => b"\x1b[F",
        "IC" | "Insert" => b"\x1b[2~",
        "DC" | "Delete" => b"\x1b[3~",
        "PPage" | "PageUp" | "PgUp" => b"\x1b[5~",
        "NPage" | "PageDown" | "PgDn" => b"\x1b[6~",
        "F1" => b"\x1bOP",
        "F2" => b"\x1bOQ",
        "F3" => b"\x1bOR",
        "F4" => b"\x1bOS",
        "F5" => b"\x1b[15~",
        "F6" => b"\x1b[17~",
        "F7" => b"\x1b[18~",
        "F8" => b"\x1b[19~",
        "F9" => b"\x1b[20~",
        "F10" => b"\x1b[21~",
        "F11" => b"\x1b[23~",
        "F12" => b"\x1b[24~",
        _ => return None,
    })
}

fn control(name: &str) -> Option<Vec<u8>> {
    if name == "Space" {
        return Some(vec![0]);
    }
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(c @ ('a'..='z' | 'A'..='Z' | '@' | '[' | '\\' | ']' | '^' | '_')), None) => {
            u8::try_from(c.to_ascii_uppercase()).ok().map(|b| vec![b & 0x1f])
        }
        (Some('?'), None) => Some(vec![0x7f]),
        _ => modified(name, b'5'),
    }
}

fn shifted(name: &str) -> Option<Vec<u8>> {
    if name == "Tab" { Some(b"\x1b[Z".to_vec()) } else { modified(name, b'2') }
}

/// A cursor key with a modifier: `ESC [ 1 ; modifier letter`, as xterm sends it.
fn modified(name: &str, modifier: u8) -> Option<Vec<u8>> {
    match plain(name)? {
        [0x1b, b'[', letter @ (b'A'..=b'D' | b'H' | b'F')] => {
            Some(vec![0x1b, b'[', b'1', b';', modifier, *letter])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn keys_have_the_bytes_of_xterm() {
        for (name, expected) in [
            ("C-c", &b"\x03"[..]),
            ("Enter", b"\r"),
            ("x", b"x"),
            ("é", "é".as_bytes()),
            ("M-x", b"\x1bx"),
            ("M-Enter", b"\x1b\r"),
            ("S-Tab", b"\x1b[Z"),
            ("C-Up", b"\x1b[1;5A"),
            ("S-End", b"\x1b[1;2F"),
            ("C-Space", b"\0"),
            ("C-[", b"\x1b"),
            ("PageUp", b"\x1b[5~"),
        ] {
            assert_eq!(bytes(name).as_deref(), Some(expected), "{name}");
        }
        for name in ["", "Nope", "C-Nope", "F13", "S-F1"] {
            assert_eq!(bytes(name), None, "{name}");
        }
    }
}
