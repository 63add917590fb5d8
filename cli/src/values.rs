//! Values on the command line: sizes, byte counts, durations, variables, keys.
//!
//! It knows nothing about which command takes them.

use std::time::Duration;

/// A window size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Width, 1 to 1000.
    pub(crate) cols: u32,
    /// Height, 1 to 1000.
    pub(crate) rows: u32,
}

/// The largest width and height that a server takes.
const CELLS_MAX: u32 = 1000;

/// `120x40`: columns, then rows.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let wrong = || format!("give columns and rows, each 1 to {CELLS_MAX}, such as 120x40");
    let (cols, rows) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let cells =
        |text: &str| text.parse().ok().filter(|cells| (1..=CELLS_MAX).contains(cells)).ok_or_else(wrong);
    Ok(Size { cols: cells(cols)?, rows: cells(rows)? })
}

/// `4096`, `64k`, `16M` or `1G`: bytes, with powers of 1024. `all` is everything there is.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    if text == "all" {
        return Ok(u64::MAX);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("give a number of bytes, such as 4096, 64k or 16M, or `all`".to_owned()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "give a number of bytes, such as 4096, 64k or 16M, or `all`".to_owned())
}

/// `90s`, `10m`, `2h 30m`, `30d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "give a number with a unit, such as 90s, 10m or 2h".to_owned())
}

/// `NAME=VALUE`. The value may be empty and may hold further `=`.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give NAME=VALUE".to_owned()),
    }
}

/// `C-c,Enter`: the names of keys, with commas between them. A comma itself is `,` alone, or `,,`
/// between others.
pub(crate) fn keys(text: &str) -> Result<Vec<String>, String> {
    let mut keys = Vec::new();
    let mut parts = text.split(',').peekable();
    while let Some(part) = parts.next() {
        if !part.is_empty() {
            keys.push(part.to_owned());
        } else if parts.next_if_eq(&"").is_some() {
            // Two commas with nothing between them: the comma key.
            keys.push(",".to_owned());
            if parts.peek().is_none() {
                break;
            }
        } else {
            return Err("a key's name is missing beside a comma; the comma key is `,,`".to_owned());
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("120x40"), Ok(Size { cols: 120, rows: 40 }));
        assert_eq!(size("1X1000"), Ok(Size { cols: 1, rows: 1000 }));
        for wrong in ["", "80", "x", "80x", "x24", "0x24", "80x0", "1001x24", "-1x24", "80x24x1", "80 x 24"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn byte_counts() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("64k"), Ok(65_536));
        assert_eq!(bytes("16MiB"), Ok(16 << 20));
        assert_eq!(bytes("all"), Ok(u64::MAX));
        for wrong in ["", "k", "-1", "1.5M", "12x", "99999999999999999999", "99999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn variables() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(variable("A="), Ok(("A".to_owned(), String::new())));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }

    #[test]
    fn key_names() {
        let list = |text| keys(text).unwrap();
        assert_eq!(list("C-c"), ["C-c"]);
        assert_eq!(list("Escape,:,w,q,Enter"), ["Escape", ":", "w", "q", "Enter"]);
        assert_eq!(list(","), [","]);
        assert_eq!(list("a,,,b"), ["a", ",", "b"]);
        for wrong in ["", "a,", ",a", "a,,b"] {
            assert!(keys(wrong).is_err(), "{wrong}");
        }
    }
}
