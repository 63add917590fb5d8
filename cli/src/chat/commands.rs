//! What a line means that was typed into `mosaic chat`.
//!
//! It knows nothing about how a command is done.

/// The commands, for `/help`.
pub(super) const HELP: &str = "\
Commands:
  /model [NAME]   ask this model from now on; alone, list them
  /new            begin a new conversation
  /retry          another answer to the same message
  /usage          tokens of the last answer, and of today
  /help           this
  /quit           leave, as Ctrl-D does
Ctrl-C stops an answer and keeps what came. A backslash at the end of a line, or
Alt-Enter, goes on in the next line. `//` begins a text with a slash.";

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing.
    Empty,
    /// Something for the model.
    Say(String),
    /// `/model`, and which.
    Model(Option<String>),
    /// `/new`.
    New,
    /// `/retry`.
    Retry,
    /// `/usage`.
    Usage,
    /// `/help`.
    Help,
    /// `/quit`.
    Quit,
    /// What looks like a command and is none.
    Unknown(String),
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Line {
    let line = line.trim();
    if line.is_empty() {
        return Line::Empty;
    }
    let Some(command) = line.strip_prefix('/') else { return Line::Say(line.to_owned()) };
    if command.starts_with('/') {
        return Line::Say(command.to_owned());
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match (name, rest.trim()) {
        ("model", "") => Line::Model(None),
        ("model", model) => Line::Model(Some(model.to_owned())),
        ("new", "") => Line::New,
        ("retry", "") => Line::Retry,
        ("usage", "") => Line::Usage,
        ("help" | "?", "") => Line::Help,
        ("quit" | "exit", "") => Line::Quit,
        _ => Line::Unknown(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_texts() {
        assert_eq!(parse("  \n"), Line::Empty);
        assert_eq!(parse(" hi\nthere "), Line::Say("hi\nthere".to_owned()));
        assert_eq!(parse("//etc is a directory"), Line::Say("/etc is a directory".to_owned()));
        assert_eq!(parse("/model"), Line::Model(None));
        assert_eq!(parse("/model  a/b"), Line::Model(Some("a/b".to_owned())));
        assert_eq!(parse("/retry"), Line::Retry);
        assert_eq!(parse("/etc/passwd says"), Line::Unknown("etc/passwd".to_owned()));
        assert_eq!(parse("/new york"), Line::Unknown("new".to_owned()), "a text, not a command");
    }

    #[test]
    fn help_fits_a_screen_of_80_columns() {
        assert!(HELP.lines().all(|line| line.chars().count() <= 80));
    }
}
