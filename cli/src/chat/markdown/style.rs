//! Styles, and the escape sequences between them.
//!
//! It knows nothing about Markdown. What is written is made safe here.

use crate::text;

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    code: bool,
}

impl Style {
    pub(super) const PLAIN: Self =
        Self { bold: false, dim: false, italic: false, underline: false, strike: false, code: false };
    pub(super) const BOLD: Self = Self { bold: true, ..Self::PLAIN };
    pub(super) const DIM: Self = Self { dim: true, ..Self::PLAIN };
    pub(super) const ITALIC: Self = Self { italic: true, ..Self::PLAIN };
    pub(super) const UNDERLINE: Self = Self { underline: true, ..Self::PLAIN };
    pub(super) const STRIKE: Self = Self { strike: true, ..Self::PLAIN };
    pub(super) const CODE: Self = Self { code: true, ..Self::PLAIN };

    /// Both at once.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bold: self.bold || other.bold,
            dim: self.dim || other.dim,
            italic: self.italic || other.italic,
            underline: self.underline || other.underline,
            strike: self.strike || other.strike,
            code: self.code || other.code,
        }
    }

    /// True for text in which nothing is a mark.
    pub(super) fn is_code(self) -> bool {
        self.code
    }

    fn start(self) -> String {
        let all = [
            (self.bold, "1"),
            (self.dim, "2"),
            (self.italic, "3"),
            (self.underline, "4"),
            (self.strike, "9"),
            (self.code, "36"),
        ];
        let codes: Vec<&str> = all.iter().filter(|(set, _)| *set).map(|(_, code)| *code).collect();
        format!("\x1b[{}m", codes.join(";"))
    }
}

/// What is to be shown, and the style that the terminal is in at its end.
#[derive(Debug, Default)]
pub(super) struct Writer {
    shown: String,
    style: Style,
}

impl Writer {
    /// Adds text; line ends in it are shown as such.
    pub(super) fn text(&mut self, style: Style, text: &str) {
        for c in text.chars() {
            self.char(style, c);
        }
    }

    /// Adds one character.
    pub(super) fn char(&mut self, style: Style, c: char) {
        if style != self.style {
            self.plain();
            if style != Style::PLAIN {
                self.shown.push_str(&style.start());
            }
            self.style = style;
        }
        text::push_shown(&mut self.shown, c);
    }

    /// Goes back to plain text.
    pub(super) fn plain(&mut self) {
        if self.style != Style::PLAIN {
            self.shown.push_str("\x1b[0m");
            self.style = Style::PLAIN;
        }
    }

    /// Takes what is there to be shown.
    pub(super) fn shown(&mut self) -> String {
        std::mem::take(&mut self.shown)
    }
}
