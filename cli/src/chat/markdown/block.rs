//! What a line is, by how it starts.
//!
//! It knows nothing about what stands in the rest of the line.

/// The longest start of a line that is held back, in bytes: the language of a block of code, a long rule.
const START_BYTES_MAX: usize = 120;

/// What a line is, or what stands at its start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Text: nothing is special at its start.
    Text,
    /// A heading; the text follows.
    Heading,
    /// A line across.
    Rule,
    /// A quote's mark; something follows.
    Quote,
    /// A list's mark; something follows.
    Item,
    /// A number in a list; something follows.
    Numbered,
    /// A block of code begins, and ends with a line of this, or of more of it.
    Fence(String),
}

/// What the line is that starts like this; None while it may still be several things. `whole`: nothing more
/// comes. `marked`: something stands before it in the line.
pub(super) fn decide(start: &str, whole: bool, marked: bool) -> Option<Block> {
    let rest = start.trim_start_matches([' ', '\t']);
    let certain = whole || start.len() > START_BYTES_MAX;
    let Some(first) = rest.chars().next() else { return certain.then_some(Block::Text) };
    let run = rest.chars().take_while(|&c| c == first).count();
    // All marks are ASCII: a run of them has as many bytes.
    let after = if first.is_ascii() { &rest[run..] } else { rest };
    let more = |block: Block| if certain { Some(block) } else { None };
    match first {
        '#' if after.is_empty() && run <= 6 => more(Block::Heading),
        '#' if after.starts_with(' ') && run <= 6 => Some(Block::Heading),
        '>' if after.starts_with([' ', '\t']) || certain => Some(Block::Quote),
        '>' if rest.len() == 1 => None,
        '`' | '~' if after.is_empty() && run < 3 => more(Block::Text),
        // In a quote, each line has a mark of its own: what ends the block would not be seen.
        '`' | '~' if run >= 3 && !marked => match (whole, certain) {
            (true, _) if !(first == '`' && after.contains('`')) => Some(Block::Fence(rest[..run].to_owned())),
            (_, true) => Some(Block::Text),
            (_, false) => None,
        },
        '-' | '*' | '+' if run == 1 && after.starts_with([' ', '\t']) => Some(Block::Item),
        '-' | '*' | '_' if after.is_empty() => {
            more(if run >= 3 && whole { Block::Rule } else { Block::Text })
        }
        '0'..='9' => {
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            match &rest.as_bytes()[digits..] {
                _ if digits > 9 => Some(Block::Text),
                [] | [b'.' | b')'] => more(Block::Text),
                [b'.' | b')', b' ', ..] => Some(Block::Numbered),
                _ => Some(Block::Text),
            }
        }
        _ => Some(Block::Text),
    }
}

/// Whether this line ends the block of code that began with `fence`; None while it may.
pub(super) fn ends(start: &str, fence: &str, whole: bool) -> Option<bool> {
    let mark = fence.chars().next().unwrap_or('`');
    let rest = start.trim_start_matches(' ');
    let run = rest.chars().take_while(|&c| c == mark).count();
    let blank = rest[run..].trim_end_matches(' ').is_empty();
    if !blank || start.len() > START_BYTES_MAX {
        return Some(false);
    }
    whole.then_some(run >= fence.len())
}
