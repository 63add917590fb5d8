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
Alt-Enter, goes on in the next line. `//` begins a text with a slash, and Tab
completes a command. The server has these:";

/// The names of the commands above.
pub(super) const NAMES: [&str; 6] = ["help", "model", "new", "quit", "retry", "usage"];

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing.
    Empty,
    /// Something for the server: a text for the model, or a command.
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
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Line {
    let line = line.trim();
    if line.is_empty() {
        return Line::Empty;
    }
    let Some(command) = line.strip_prefix('/') else { return Line::Say(line.to_owned()) };
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match (name, rest.trim()) {
        ("model", "") => Line::Model(None),
        ("model", model) => Line::Model(Some(model.to_owned())),
        ("new", "") => Line::New,
        ("retry", "") => Line::Retry,
        ("usage", "") => Line::Usage,
        ("help" | "?", "") => Line::Help,
        ("quit" | "exit", "") => Line::Quit,
        // The server's, or nobody's: it says so. Of two slashes it takes one away.
        _ => Line::Say(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_texts() {
        assert_eq!(parse("  \n"), Line::Empty);
        assert_eq!(parse(" hi\nthere "), Line::Say("hi\nthere".to_owned()));
        assert_eq!(parse("//etc is a directory"), Line::Say("//etc is a directory".to_owned()));
        assert_eq!(parse("/model"), Line::Model(None));
        assert_eq!(parse("/model  a/b"), Line::Model(Some("a/b".to_owned())));
        assert_eq!(parse("/retry"), Line::Retry);
        assert_eq!(parse("/spawn shell make"), Line::Say("/spawn shell make".to_owned()));
        assert_eq!(parse("/help spawn"), Line::Say("/help spawn".to_owned()), "the server's");
        assert_eq!(parse("/new york"), Line::Say("/new york".to_owned()), "the server says that it is none");
        for name in NAMES {
            assert!(
                !matches!(parse(&format!("/{name}")), Line::Say(_)) && HELP.contains(&format!("/{name}")),
                "{name}"
            );
        }
    }

    #[test]
    fn help_fits_a_screen_of_80_columns() {
        assert!(HELP.lines().all(|line| line.chars().count() <= 80));
    }
}
