//! Rules for every file: how it opens, how long it is, what it never says.
//!
//! It must not know what the files are about.

use super::source::{Source, code, files, rust};

/// Lines of a file, and of a function: what a reader can hold in mind.
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Fails with all that is wrong, not with the first.
pub(crate) fn report(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}\n  {}", wrong.join("\n  "));
}

#[test]
fn every_file_opens_with_what_it_owns() {
    let wrong: Vec<_> =
        rust().into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();
    report("a Rust file opens with `//!`: what it owns, and what it must not know", &wrong);
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{path}: {lines} lines"));
        }
        for (line, length) in functions(&code(&text)) {
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{path}:{line}: a function of {length} lines"));
            }
        }
    }
    report(&format!("at most {FILE_LINES_MAX} lines a file and {FUNCTION_LINES_MAX} a function"), &wrong);
}

/// Where each function begins, and over how many lines it goes.
fn functions(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.split_whitespace().any(|word| word == "fn") || line.trim_end().ends_with(';') {
            continue;
        }
        let (mut depth, mut opened) = (0_i64, false);
        for (length, line) in lines[at..].iter().enumerate() {
            for c in line.chars() {
                depth += i64::from(c == '{') - i64::from(c == '}');
                opened |= c == '{';
            }
            if opened && depth <= 0 {
                found.push((at + 1, length + 1));
                break;
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    // Put together, so that this file does not break its own rule.
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimpl", "emented!")];
    let mut wrong = Vec::new();
    for Source { path, text } in files() {
        if path.ends_with(".lock") || path == "LICENSE" || path.ends_with("package-lock.json") {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    report("what is not done is not in the tree", &wrong);
}

#[test]
fn the_tree_speaks_only_of_itself() {
    let elsewhere = [concat!("../sha", "red"), concat!("/wo", "rk/main"), concat!("/wo", "rk/.library")];
    let mut wrong = Vec::new();
    for Source { path, text } in files() {
        for (at, line) in text.lines().enumerate() {
            if elsewhere.iter().any(|place| line.contains(place)) {
                wrong.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    report("no file names a place outside the repository that a reader does not have", &wrong);
}

#[test]
fn exceptions_have_a_reason() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        for (at, line) in code(&text).lines().enumerate() {
            if line.contains("#[allow") || line.contains("#![allow") {
                wrong.push(format!("{path}:{}", at + 1));
            }
        }
    }
    report(
        "an exception to a lint is `#[expect(..., reason = \"...\")]`, which says when it is no longer needed",
        &wrong,
    );
}

/// The code before a file's own tests.
pub(crate) fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Faults are to hit at random instants; there a test lets time pass, and waits for nothing.
const RANDOM_INSTANTS: &str = "server/tests/it/survive/mod.rs";

/// Where a test may let time pass: not to wait for something, but to hit a random instant with a fault.
const PAUSES: &[&str] = &["server/tests/it/survive/mod.rs"];

#[test]
fn tests_wait_on_events() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        let code = code(&text);
        if path == RANDOM_INSTANTS {
            continue;
        }
        if PAUSES.contains(&path.as_str()) {
            continue;
        }
        let whole = path.contains("/tests/") || path.ends_with("/tests.rs");
        let product = if whole { "" } else { without_tests(&code) };
        for (at, line) in code.lines().enumerate().skip(product.lines().count()) {
            if line.contains("sleep(") {
                wrong.push(format!("{path}:{}", at + 1));
            }
        }
    }
    report("a test waits on an event, a health call or paused time, never on the clock", &wrong);
}
