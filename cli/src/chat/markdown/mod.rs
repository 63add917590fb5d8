//! Markdown on a terminal while it comes: what is certain is shown at once, however the text is cut into pieces.
//!
//! It knows nothing about where the text comes from or goes. Only the start of a line, and a span that has been
//! opened and not closed, are held back; so it can not be a parser of whole documents.

mod block;
mod inline;
mod style;

use self::{
    block::{Block, decide},
    inline::Inline,
    style::{Style, Writer},
};

/// A text that is being shown. Everything in it is made safe.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    writer: Writer,
    /// The start of a line, while it is not known what the line is.
    start: String,
    /// Something stands before it: a quote's or a list's mark.
    marked: bool,
    line: Line,
    /// The mark that ends the block of code, while one is open.
    fence: Option<String>,
}

/// What the rest of a line is.
#[derive(Debug, Default)]
enum Line {
    /// Not known yet.
    #[default]
    Start,
    /// Text with spans.
    Text(Inline),
    /// Shown as it stands.
    Code,
}

impl Markdown {
    /// Takes a piece of the text: what is to be shown now.
    pub(crate) fn feed(&mut self, text: &str) -> String {
        for c in text.chars() {
            match c {
                '\n' => self.end_line(),
                // A line end is one character here.
                '\r' => {}
                c => self.take(c),
            }
        }
        self.writer.shown()
    }

    /// Ends the text: what was held back.
    pub(crate) fn finish(&mut self) -> String {
        if !self.start.is_empty() {
            self.decide(true);
        }
        if let Line::Text(inline) = &mut self.line {
            inline.finish(&mut self.writer);
        }
        self.writer.plain();
        let shown = self.writer.shown();
        *self = Self::default();
        shown
    }

    fn take(&mut self, c: char) {
        match &mut self.line {
            Line::Start => {
                self.start.push(c);
                self.decide(false);
            }
            Line::Text(inline) => inline.take(c, &mut self.writer),
            Line::Code => self.writer.char(Style::CODE, c),
        }
    }

    fn end_line(&mut self) {
        if matches!(self.line, Line::Start) {
            self.decide(true);
        }
        if let Line::Text(inline) = &mut self.line {
            inline.finish(&mut self.writer);
        }
        self.writer.plain();
        self.writer.char(Style::PLAIN, '\n');
        self.start.clear();
        self.line = Line::Start;
        self.marked = false;
    }

    /// Sees whether it is known by now what the line is; at its end it is.
    fn decide(&mut self, whole: bool) {
        if let Some(fence) = &self.fence {
            match block::ends(&self.start, fence, whole) {
                None => {}
                Some(true) => {
                    self.fence = None;
                    self.writer.text(Style::DIM, &std::mem::take(&mut self.start));
                }
                Some(false) => {
                    self.writer.text(Style::CODE, &std::mem::take(&mut self.start));
                    self.line = Line::Code;
                }
            }
            return;
        }
        let Some(block) = decide(&self.start, whole, self.marked) else { return };
        let start = std::mem::take(&mut self.start);
        let indent = &start[..start.len() - start.trim_start().len()];
        self.writer.text(Style::PLAIN, indent);
        match block {
            Block::Text => {
                let mut inline = Inline::new(Style::PLAIN);
                for c in start[indent.len()..].chars() {
                    inline.take(c, &mut self.writer);
                }
                self.line = Line::Text(inline);
            }
            Block::Heading => self.line = Line::Text(Inline::new(Style::BOLD)),
            Block::Rule => {
                self.writer.text(Style::DIM, "────────");
                self.line = Line::Text(Inline::new(Style::PLAIN));
            }
            Block::Quote => self.mark(Style::DIM, "│ "),
            Block::Item => self.mark(Style::PLAIN, "• "),
            Block::Numbered => self.mark(Style::PLAIN, &start[indent.len()..]),
            Block::Fence(fence) => {
                self.writer.text(Style::DIM, &start[indent.len()..]);
                self.fence = Some(fence);
                // The line is whole: nothing follows in it.
                self.line = Line::Code;
            }
        }
    }

    /// Shows the mark of a block; what follows in the line is again the start of something.
    fn mark(&mut self, style: Style, mark: &str) {
        self.writer.text(style, mark);
        self.marked = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With the styles as letters in angle brackets.
    fn shown(text: &str) -> String {
        let mut markdown = Markdown::default();
        let mut shown = markdown.feed(text);
        shown.push_str(&markdown.finish());
        for (code, name) in [
            ("\x1b[0m", "<>"),
            ("\x1b[1m", "<b>"),
            ("\x1b[3m", "<i>"),
            ("\x1b[2m", "<d>"),
            ("\x1b[36m", "<c>"),
        ] {
            shown = shown.replace(code, name);
        }
        shown
    }

    #[test]
    fn blocks() {
        assert_eq!(
            shown("# Big *one*\ntext"),
            "<b>Big <><b>\x1b[3mone<>\ntext".replace("<b>\x1b[3m", "\x1b[1;3m")
        );
        assert_eq!(shown("#hash\n####### seven\n"), "#hash\n####### seven\n");
        assert_eq!(shown("- one\n  * two\n12. three\n"), "• one\n  • two\n12. three\n");
        assert_eq!(shown("> said\n> - item\n"), "<d>│ <>said\n<d>│ <>• item\n");
        assert_eq!(shown("---\n- -\n"), "<d>────────<>\n• -\n");
        assert_eq!(shown("-x\n1.5 is\n"), "-x\n1.5 is\n");
    }

    #[test]
    fn code_is_shown_as_it_stands() {
        assert_eq!(
            shown("```rust\nlet *a* = `b`;\n``\n```\n*x*"),
            "<d>```rust<>\n<c>let *a* = `b`;<>\n<c>``<>\n<d>```<>\n<i>x<>"
        );
        assert_eq!(shown("```not``` a block\n"), "<c>not<> a block\n");
        assert_eq!(shown("~~~\n```\n~~~~\nend"), "<d>~~~<>\n<c>```<>\n<d>~~~~<>\nend");
    }

    #[test]
    fn spans() {
        assert_eq!(shown("a **b** c *d* e"), "a <b>b<> c <i>d<> e");
        assert_eq!(shown("`a*b` and ``x`y``"), "<c>a*b<> and <c>x`y<>");
        assert_eq!(shown("snake_case_name 2 * 3 * 4"), "snake_case_name 2 * 3 * 4");
        assert_eq!(shown("*args, **kwargs\n"), "*args, **kwargs\n");
        assert_eq!(shown(r"\*not\* a\b"), r"*not* a\b");
        assert_eq!(shown("**bold *both***."), "<b>bold <>\x1b[1;3mboth<>.");
        assert_eq!(shown("~~gone~~ ~a~"), "\x1b[9mgone<> ~a~");
        assert_eq!(shown("[a](http://b) [c] [d](e"), "\x1b[4ma<><d> (http://b)<> [c] [d](e");
        assert_eq!(shown("open `tick and **star\nnext"), "open `tick and **star\nnext");
    }

    #[test]
    fn text_is_visible_as_it_comes() {
        let mut markdown = Markdown::default();
        assert_eq!(markdown.feed("Hel"), "Hel");
        assert_eq!(markdown.feed("lo **wor"), "lo ");
        assert_eq!(markdown.feed("ld** now"), "\x1b[1mworld\x1b[0m now");
        assert_eq!(markdown.feed("\n-"), "\n");
        assert_eq!(markdown.feed(" item"), "• item");
        assert_eq!(markdown.feed("\n```\nlet"), "\n\x1b[2m```\x1b[0m\n\x1b[36mlet");
    }

    #[test]
    fn a_span_that_never_ends_is_not_held_back_for_ever() {
        let mut markdown = Markdown::default();
        let long = format!("[{}", "word ".repeat(1000));
        assert!(markdown.feed(&long).len() > long.len() - 2 * inline::SPAN_CHARS_MAX);
    }

    #[test]
    fn controls_are_shown_and_not_done() {
        let text =
            "\u{1b}[31m**\u{7}** `\u{9b}` [\u{202e}](\u{1b}]0;x) \u{1b}\n```\u{1b}\n\u{1b}c\n```\n\u{2066}";
        let mut markdown = Markdown::default();
        let shown = markdown.feed(text) + &markdown.finish();
        for code in ["0", "1", "2", "4", "36"] {
            assert!(shown.contains(&format!("\x1b[{code}m")), "{code}");
        }
        let without = ["0", "1", "2", "4", "36"]
            .iter()
            .fold(shown, |shown, code| shown.replace(&format!("\x1b[{code}m"), ""));
        assert!(!without.chars().any(|c| c != '\n' && crate::text::is_unsafe(c)), "{without:?}");
    }

    proptest! {
        /// However the text is cut, the same is shown.
        #[test]
        fn every_split_shows_the_same(
            text in r"([a-c *_`~#>\[\]()!\\|0-9.\n-]|\*\*|```|~~~|\x1b|é|漢|\n\n|    |- |1\. |> ){0,80}",
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let whole = { let mut all = Markdown::default(); all.feed(&text) + &all.finish() };
            let mut each = Markdown::default();
            let single: String = text.chars().map(|c| each.feed(&c.to_string())).collect::<String>() + &each.finish();
            prop_assert_eq!(&single, &whole);
            let mut places: Vec<usize> = cuts.into_iter().filter(|&cut| text.is_char_boundary(cut)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let mut cut = Markdown::default();
            let pieces: String = places.windows(2).map(|at| cut.feed(&text[at[0]..at[1]])).collect();
            prop_assert_eq!(pieces + &cut.finish(), whole);
        }

        /// No letter of the text is lost: only marks are.
        #[test]
        fn nothing_but_marks_goes_missing(text in r"([a-z0-9 *_`~#>\[\]!\\\n-]|\*\*|```){0,80}") {
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            let mut markdown = Markdown::default();
            let mut shown = markdown.feed(&text) + &markdown.finish();
            while let Some(at) = shown.find("\x1b[") {
                let end = shown[at..].find('m').expect("a style ends") + at;
                shown.replace_range(at..=end, "");
            }
            prop_assert_eq!(letters(&shown), letters(&text));
        }
    }
}
