//! Untrusted text made safe to show: names, titles and commands come from anyone.
//!
//! It knows nothing about where the text comes from or where it is shown.

use std::fmt::Write as _;

/// True for what must not reach a terminal as it stands: control characters (C0, DEL, C1), and the
/// invisible ones that reorder or hide text (bidirectional overrides and isolates, zero-width
/// characters, line separators, interlinear annotations, tags).
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every unsafe character written out, such as `\n`, `\x1b` or `\u{202e}`.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if c.is_ascii_control() => push(&mut safe, format_args!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => push(&mut safe, format_args!("\\u{{{:x}}}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// Adds a character of a text of several lines, safe to show: line ends and tabs stay, and so do the joiners that
/// emoji and some scripts are written with, which hide and reorder nothing.
pub(crate) fn push_shown(shown: &mut String, c: char) {
    match c {
        '\n' | '\t' | '\u{200c}' | '\u{200d}' => shown.push(c),
        c if is_unsafe(c) => shown.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        c => shown.push(c),
    }
}

/// A text of several lines, safe to show.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push_shown(&mut shown, c));
    shown
}

/// JSON text with every unsafe character as a `\u` escape: the same value, safe to show. Such
/// characters only ever stand inside of strings.
pub(crate) fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                push(&mut safe, format_args!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A program and its arguments as one could type them into a shell, made safe to show.
pub(crate) fn command(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    escape(&quoted.join(" "))
}

/// The word as a POSIX shell reads it back.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-+=:,./@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unsafe_is_left() {
        assert_eq!(escape("a\u{1b}[31mb\u{7}"), r"a\x1b[31mb\x07");
        assert_eq!(escape("line\r\n\t"), r"line\r\n\t");
        assert_eq!(escape("\u{9b}31m\u{7f}"), r"\u{9b}31m\x7f");
        assert_eq!(escape("abc\u{202e}fdp.exe"), r"abc\u{202e}fdp.exe");
        assert_eq!(escape("zero\u{200b}width\u{feff}"), r"zero\u{200b}width\u{feff}");
        assert_eq!(escape("Grüße 漢字 🙂"), "Grüße 漢字 🙂");
        for c in (0..=0x10_ffff_u32).filter_map(char::from_u32) {
            assert!(!escape(&c.to_string()).chars().any(is_unsafe), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn json_keeps_its_value() {
        let name = "a\u{1b}\u{9b}\u{202e}\u{e0041}é";
        let json = serde_json::to_string(name).unwrap();
        let safe = escape_json(&json);
        assert!(!safe.chars().any(is_unsafe), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), name);
    }

    #[test]
    fn commands_can_be_typed_again() {
        let words = |w: &[&str]| w.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        assert_eq!(command(&words(&["make", "test"])), "make test");
        assert_eq!(command(&words(&["sh", "-c", "echo hi; exit 7"])), "sh -c 'echo hi; exit 7'");
        assert_eq!(command(&words(&["echo", "it's", ""])), r"echo 'it'\''s' ''");
        assert_eq!(command(&words(&["echo", "\u{1b}c"])), r"echo '\x1bc'");
    }
}
