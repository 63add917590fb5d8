//! Tables of text: aligned columns, cut to the width of the screen.
//!
//! It knows nothing about what the cells mean; they must already be safe to show.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;

/// A cell of a table.
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// It lives, it went well.
    Green,
    /// It failed.
    Red,
    /// It is over, it matters less.
    Dim,
}

impl Colour {
    /// The escape sequence that begins it; `\x1b[0m` ends it.
    pub(crate) fn start(self) -> &'static str {
        match self {
            Self::Green => "\x1b[32m",
            Self::Red => "\x1b[31m",
            Self::Dim => "\x1b[2m",
        }
    }
}

impl Cell {
    /// A cell in a colour.
    pub(crate) fn coloured(text: impl Into<String>, colour: Colour) -> Self {
        Self { text: text.into(), colour: Some(colour) }
    }

    /// The text alone, outside of a table.
    pub(crate) fn painted(self, colours: bool) -> String {
        match self.colour.filter(|_| colours) {
            Some(colour) => format!("{}{}\x1b[0m", colour.start(), self.text),
            None => self.text,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), colour: None }
    }
}

/// The table as text, a line a row, the header first. With `width` in cells the last column is cut
/// so that no line is longer; without colours the text is plain.
pub(crate) fn render<const N: usize>(
    header: [&str; N],
    rows: Vec<[Cell; N]>,
    width: Option<usize>,
    colours: bool,
) -> String {
    let mut lines = vec![header.map(Cell::from)];
    lines.extend(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].text.width()).max().unwrap_or(0));
    let mut text = String::new();
    for line in &lines {
        let mut used = 0;
        for (column, cell) in line.iter().enumerate() {
            let last = column + 1 == N;
            let shown = match width {
                Some(width) if last => cut(&cell.text, width.saturating_sub(used).max(8)),
                _ => cell.text.clone(),
            };
            match cell.colour.filter(|_| colours) {
                Some(colour) => text.extend([colour.start(), &shown, "\x1b[0m"]),
                None => text.push_str(&shown),
            }
            if !last {
                let pad = widths[column] - shown.width() + GAP;
                text.extend(std::iter::repeat_n(' ', pad));
                used += widths[column] + GAP;
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// The text in at most `width` cells, with an ellipsis where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_the_last_is_cut() {
        let rows = vec![["漢字".into(), "make test".into()], ["b".into(), "a very long command line".into()]];
        let text = render(["NAME", "COMMAND"], rows, Some(16), false);
        assert_eq!(text, "NAME  COMMAND\n漢字  make test\nb     a very lo…\n");
    }

    #[test]
    fn colours_are_left_out_where_they_are_not_wanted() {
        let row = || vec![[Cell::coloured("up", Colour::Green), "x".into()]];
        assert_eq!(render(["S", "T"], row(), None, false), "S   T\nup  x\n");
        assert_eq!(render(["S", "T"], row(), None, true), "S   T\n\x1b[32mup\x1b[0m  x\n");
    }
}
