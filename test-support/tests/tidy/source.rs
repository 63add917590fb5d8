//! The repository's files, and Rust source without its comments and strings.
//!
//! It must not know the rules.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of the repository.
pub(crate) struct Source {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file of the repository; what was built or fetched aside.
pub(crate) fn files() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 50, "only {} files found: the walk is broken", found.len());
    found
}

/// The Rust files among them.
pub(crate) fn rust() -> Vec<Source> {
    files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

fn walk(directory: &Path, found: &mut Vec<Source>) {
    let skipped = ["target", ".git", ".tools", "node_modules", "dist", ".vite"];
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        // In a worktree, `.git` is a file.
        if skipped.contains(&entry.file_name().to_str().unwrap_or_default()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
}

/// The code alone: comments, strings and characters become blanks, and lines stay where they are.
pub(crate) fn code(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let length = literal(rest, code.chars().next_back());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// The length of the comment, string or character that `text` begins with; 0 if it begins with code.
fn literal(text: &str, before: Option<char>) -> usize {
    let until =
        |open: usize, close: &str| text[open..].find(close).map_or(text.len(), |at| open + at + close.len());
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until(2, "*/");
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_word {
        let raw = text.strip_prefix('b').unwrap_or(text);
        if let Some(after) = raw.strip_prefix('r') {
            let hashes = after.len() - after.trim_start_matches('#').len();
            if after[hashes..].starts_with('"') {
                let open = text.len() - after.len() + hashes + 1;
                return until(open, &format!("\"{}", "#".repeat(hashes)));
            }
        }
    }
    match text.chars().next() {
        Some('"') => closing(text, '"'),
        // 'a' and '\n', but not the lifetime 'a.
        Some('\'') if text[1..].starts_with('\\') => closing(text, '\''),
        Some('\'') if text.chars().nth(2) == Some('\'') => closing(text, '\''),
        _ => 0,
    }
}

/// The length up to and with the closing quote, which a backslash can hide.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The words of code, with their line numbers: identifiers, and paths such as `crate::log::reader`.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(at, line)| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .filter(|word| !word.is_empty())
            .map(move |word| (at + 1, word))
    })
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text = "let a = \"unsafe \\\" tonic\"; // tonic\nlet b = 'x'; let c: &'a str = r#\"a \" b\"#; /* z */ let d = b'\\'';";
    let code = code(text);
    let left: Vec<_> = words(&code).map(|(_, word)| word).collect();
    assert_eq!(left, ["let", "a", "let", "b", "let", "c:", "a", "str", "let", "d", "b"]);
    assert_eq!(code.lines().count(), 2);
}
