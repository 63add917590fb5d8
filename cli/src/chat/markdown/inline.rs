//! Spans inside of a line: emphasis, code, links.
//!
//! It knows nothing about lines and blocks. A span that is opened is held back until it is closed; one that is
//! not closed in its line, or not soon, was none.

use super::style::{Style, Writer};

/// The longest span, in characters.
pub(super) const SPAN_CHARS_MAX: usize = 400;
/// How deep spans lie in spans.
const DEPTH_MAX: usize = 6;

/// The text of a line, or of a span.
#[derive(Debug)]
pub(super) struct Inline {
    style: Style,
    depth: usize,
    /// A mark, and what came after it.
    held: Vec<char>,
    /// The last character that was shown.
    before: Option<char>,
}

/// What the start of the held text is.
enum Found {
    /// A span may end later.
    Open,
    /// So many characters are text.
    Text(usize),
    /// A span: its style, where its inside begins and ends, and its whole length.
    Span { style: Style, inside: (usize, usize), used: usize },
    /// A link: where its text ends, where its address begins, and its whole length. Its text begins at `text`.
    Link { text: usize, end: usize, address: usize, used: usize },
    /// A backslash, and a character that it makes text.
    Escaped,
}

impl Inline {
    /// Text in this style.
    pub(super) fn new(style: Style) -> Self {
        Self { style, depth: 0, held: Vec::new(), before: None }
    }

    /// Takes the next character.
    pub(super) fn take(&mut self, c: char, writer: &mut Writer) {
        if self.held.is_empty() && !is_mark(c) {
            return self.show(c, writer);
        }
        self.held.push(c);
        self.settle(false, writer);
    }

    /// Ends the text: what was held back is shown as what it turned out to be.
    pub(super) fn finish(&mut self, writer: &mut Writer) {
        self.settle(true, writer);
    }

    /// Shows whatever is certain.
    fn settle(&mut self, whole: bool, writer: &mut Writer) {
        let mut held = std::mem::take(&mut self.held);
        let mut from = 0;
        while let Some(&c) = held.get(from) {
            let rest = &held[from..];
            if !is_mark(c) {
                self.show(c, writer);
                from += 1;
                continue;
            }
            let found = match find(rest, self.before, whole) {
                Found::Open if whole || rest.len() >= SPAN_CHARS_MAX => Found::Text(run(rest)),
                found => found,
            };
            match found {
                Found::Open => break,
                Found::Text(count) => {
                    rest[..count].iter().for_each(|&c| self.show(c, writer));
                    from += count;
                }
                Found::Escaped => {
                    self.show(rest[1], writer);
                    from += 2;
                }
                Found::Span { style, inside: (start, end), used } => {
                    self.inside(&rest[start..end], style, writer);
                    self.before = rest.get(used - 1).copied();
                    from += used;
                }
                Found::Link { text, end, address, used } => {
                    self.inside(&rest[text..end], Style::UNDERLINE, writer);
                    let address: String = rest[address..used - 1].iter().collect();
                    writer.text(self.style.and(Style::DIM), &format!(" ({address})"));
                    self.before = Some(')');
                    from += used;
                }
            }
        }
        held.drain(..from);
        self.held = held;
    }

    fn inside(&self, text: &[char], style: Style, writer: &mut Writer) {
        let style = self.style.and(style);
        if style.is_code() || self.depth >= DEPTH_MAX {
            return text.iter().for_each(|&c| writer.char(style, c));
        }
        let mut inside = Self { style, depth: self.depth + 1, held: text.to_vec(), before: None };
        inside.finish(writer);
    }

    fn show(&mut self, c: char, writer: &mut Writer) {
        writer.char(self.style, c);
        self.before = Some(c);
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '`' | '*' | '_' | '~' | '[' | '!' | '\\')
}

/// How often the first character stands at the start.
fn run(text: &[char]) -> usize {
    text.iter().take_while(|&c| Some(c) == text.first()).count()
}

/// What the mark at the start of the text is; `before` stands in front of it.
fn find(text: &[char], before: Option<char>, whole: bool) -> Found {
    let length = run(text);
    // More of the mark may follow.
    let open = length == text.len() && !whole;
    match text[0] {
        '\\' => match text.get(1) {
            Some(c) if c.is_ascii_punctuation() => Found::Escaped,
            Some(_) => Found::Text(1),
            None => Found::Open,
        },
        '!' => match text.get(1) {
            Some('[') => link(text, 1),
            Some(_) => Found::Text(1),
            None => Found::Open,
        },
        '[' => link(text, 0),
        _ if open => Found::Open,
        '`' => code(text, length, whole),
        '~' if length != 2 => Found::Text(length),
        '_' if before.is_some_and(char::is_alphanumeric) => Found::Text(length),
        _ if length > 3 || text.get(length).is_none_or(|c| c.is_whitespace()) => Found::Text(length),
        _ => emphasis(text, length, whole),
    }
}

fn code(text: &[char], length: usize, whole: bool) -> Found {
    let mut at = length;
    while at < text.len() {
        let marks = if text[at] == '`' { run(&text[at..]) } else { 0 };
        let ended = whole || at + marks < text.len();
        if marks == length && ended {
            let (mut start, mut end) = (length, at);
            // A space on both sides makes room for marks inside.
            if end - start > 2 && text[start] == ' ' && text[end - 1] == ' ' {
                (start, end) = (start + 1, end - 1);
            }
            return Found::Span { style: Style::CODE, inside: (start, end), used: at + marks };
        }
        at += marks.max(1);
    }
    Found::Open
}

fn emphasis(text: &[char], length: usize, whole: bool) -> Found {
    let mark = text[0];
    let style = match (mark, length) {
        ('~', _) => Style::STRIKE,
        (_, 1) => Style::ITALIC,
        (_, 2) => Style::BOLD,
        _ => Style::BOLD.and(Style::ITALIC),
    };
    let mut at = length;
    // A span of the same mark inside, and how long its mark is.
    let mut inner = 0;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            '`' => {
                let marks = run(&text[at..]);
                at += match code(&text[at..], marks, whole) {
                    Found::Span { used, .. } => used,
                    _ => marks,
                };
            }
            c if c == mark => {
                let marks = run(&text[at..]);
                if at + marks == text.len() && !whole {
                    return Found::Open;
                }
                let after = text.get(at + marks);
                let inside_of_a_word = mark == '_' && after.is_some_and(|c| c.is_alphanumeric());
                let closes = !text[at - 1].is_whitespace() && !inside_of_a_word;
                if closes && (marks == length || (inner > 0 && marks == length + inner)) {
                    let end = at + marks - length;
                    return Found::Span { style, inside: (length, end), used: at + marks };
                }
                inner = if marks == inner { 0 } else { marks };
                at += marks;
            }
            _ => at += 1,
        }
    }
    Found::Open
}

/// `[text](address)`, with so many characters in front of the bracket.
fn link(text: &[char], before: usize) -> Found {
    let start = before + 1;
    let Some(end) = text.iter().skip(start).position(|c| "[]".contains(*c)).map(|at| at + start) else {
        return Found::Open;
    };
    if text[end] == '[' {
        // A link inside of a link is the link.
        return Found::Text(start);
    }
    match text.get(end + 1) {
        None => Found::Open,
        Some('(') => match text.iter().skip(end + 2).position(|&c| c == ')') {
            Some(length) => Found::Link { text: start, end, address: end + 2, used: end + 2 + length + 1 },
            None => Found::Open,
        },
        Some(_) => Found::Text(start),
    }
}
