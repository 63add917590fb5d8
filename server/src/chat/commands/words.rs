//! Words, as a shell has them: `'single'` and `"double"` quotes, and a backslash before what it takes the meaning of.
//!
//! It knows nothing about what the words mean.

use std::ops::Range;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What it says, without its quotes.
    pub(super) text: String,
    /// Where it stands, quotes included.
    pub(super) span: Range<usize>,
    /// There is a quote or a backslash in it.
    pub(super) quoted: bool,
    /// The quote that it lacks at its end.
    pub(super) lacks: Option<char>,
}

/// The first word at or after a place; `None` if nothing but space follows.
pub(super) fn next(line: &str, from: usize) -> Option<Word> {
    let rest = line.get(from..)?;
    let start = from + (rest.len() - rest.trim_start().len());
    let mut word = Word { text: String::new(), span: start..line.len(), quoted: false, lacks: None };
    let mut characters = line.get(start..)?.char_indices().peekable();
    characters.peek()?;
    while let Some((at, character)) = characters.next() {
        match (word.lacks, character) {
            (None, blank) if blank.is_whitespace() => {
                word.span.end = start + at;
                break;
            }
            (None, '\'' | '"') => (word.lacks, word.quoted) = (Some(character), true),
            (Some(open), close) if open == close => word.lacks = None,
            (None, '\\') => {
                word.quoted = true;
                // At the very end it stands for itself.
                word.text.push(characters.next().map_or('\\', |(_, escaped)| escaped));
            }
            // Within double quotes only before what would mean something else there.
            (Some('"'), '\\') => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => word.text.push(escaped),
                None => word.text.push('\\'),
            },
            (_, character) => word.text.push(character),
        }
    }
    Some(word)
}

/// A text as one word.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(line: &str) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        while let Some(word) = next(line, words.last().map_or(0, |last| last.span.end)) {
            words.push(word);
        }
        words
    }

    fn texts(line: &str) -> Vec<String> {
        all(line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_are_those_of_a_shell() {
        assert_eq!(texts("  a  b\n"), ["a", "b"]);
        assert_eq!(texts(r#"'a "b' "c 'd" e\ f"#), [r#"a "b"#, "c 'd", "e f"]);
        assert_eq!(texts(r#""a\"b\\c\d""#), [r#"a"b\c\d"#]);
        assert_eq!(texts(r"'a\b'"), [r"a\b"]);
        assert_eq!(texts("--name='my job'"), ["--name=my job"]);
        assert_eq!(texts("'' a"), ["", "a"]);
        assert_eq!(texts("a\\"), ["a\\"]);
        assert_eq!(next("a 'b c", 1).map(|word| (word.text, word.lacks)), Some(("b c".into(), Some('\''))));
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_one_word_that_says_it(parts in prop::collection::vec("\\PC*|[ '\"\\\\\n-]{0,6}", 0..6)) {
            let line = parts.iter().map(|part| quote(part)).collect::<Vec<_>>().join(" \n");
            prop_assert_eq!(texts(&line), parts);
        }

        #[test]
        fn words_are_in_order_and_nothing_but_space_is_between_them(line in "[a-c '\"\\\\ \n]{0,40}|\\PC*") {
            let mut end = 0;
            for word in all(&line) {
                prop_assert!(line[end..word.span.start].chars().all(char::is_whitespace));
                prop_assert!(!word.span.is_empty());
                prop_assert!(word.lacks.is_none() || word.span.end == line.len());
                end = word.span.end;
            }
            prop_assert!(line[end..].chars().all(char::is_whitespace));
        }

        #[test]
        fn a_word_begins_the_same_wherever_the_line_is_cut_behind_it(
            line in "[a-c '\"\\\\ ]{0,20}", more in "[a-c '\"\\\\ ]{0,20}",
        ) {
            let (short, long) = (all(&line), all(&format!("{line}{more}")));
            // All words but the last are over before the cut.
            let settled = short.len().saturating_sub(1);
            prop_assert_eq!(&short[..settled], &long[..settled]);
        }
    }
}
