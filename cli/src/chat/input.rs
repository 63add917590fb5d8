//! What a person types: lines with history, of one line or several.
//!
//! It knows nothing about what the lines mean. However it ends, the terminal is left as it was.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    time::Duration,
};

use mosaic_client::chat::Chat;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use rustyline::{
    Cmd, CompletionType, Config, Editor, Helper, KeyCode, KeyEvent, Modifiers,
    completion::{Completer, Pair},
    error::ReadlineError,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};
use tokio::runtime::Handle;

use super::commands;
use crate::{failure::Failure, signals::Signals, surroundings, text};

/// How long a person waits for the ways to go on.
const COMPLETION_MAX: Duration = Duration::from_secs(1);

/// Lines that are remembered.
const HISTORY_LINES_MAX: usize = 2000;
const PROMPT: &str = "> ";
/// What Ctrl-D sends.
const CTRL_D: u8 = 4;
/// rustyline asks terminals to mark what is pasted.
const END_OF_PASTE_MARKS: &[u8] = b"\x1b[?2004l\r\n";

/// What was typed.
pub(super) enum Typed {
    /// A line, or several.
    Line(String),
    /// Ctrl-C: nothing.
    Cleared,
    /// Ctrl-D, or the terminal went away.
    End,
    /// A signal, by its number.
    Signal(i32),
}

/// The line editor. Dropping it gives the terminal back as it was.
pub(super) struct Input {
    /// None while a line is being typed.
    editor: Option<Editor<Lines, FileHistory>>,
    history: Option<PathBuf>,
    before: Termios,
}

impl Input {
    /// Takes the terminal that standard input is.
    pub(super) fn new(chat: Chat) -> Result<Self, Failure> {
        let before = tcgetattr(io::stdin()).map_err(io::Error::from)?;
        let config = Config::builder()
            .max_history_size(HISTORY_LINES_MAX)
            .map_err(failed)?
            // As in a shell: a line that begins with a space is not remembered.
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Lines { chat, runtime: Handle::current() }));
        editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
        let history = surroundings::chat_history_path();
        if let Some(path) = &history {
            if let Some(directory) = path.parent() {
                // Without a place for it there is no history, which is no reason not to talk.
                let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
            }
            let _ = editor.load_history(path);
        }
        Ok(Self { editor: Some(editor), history, before })
    }

    /// The next line.
    pub(super) async fn next(&mut self, signals: &mut Signals) -> Result<Typed, Failure> {
        let Some(mut editor) = self.editor.take() else { return Ok(Typed::End) };
        // Ends with the line; after a signal, with the process.
        let mut reading = tokio::task::spawn_blocking(move || {
            let line = editor.readline(PROMPT);
            (editor, line)
        });
        let (mut editor, line) = loop {
            tokio::select! {
                read = &mut reading => break read.map_err(|error| Failure::error(error.to_string()))?,
                // Ctrl-C is a key while a line is typed: this one was meant for what is over.
                (number, name) = signals.next() => if name != "INT" {
                    return Ok(Typed::Signal(number));
                },
            }
        };
        let typed = match line {
            Ok(line) => {
                if editor.add_history_entry(&line).unwrap_or(false)
                    && let Some(path) = &self.history
                {
                    // As above.
                    let _ = editor.append_history(path);
                }
                Typed::Line(line.replace("\\\n", "\n"))
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Typed::Cleared,
            Err(ReadlineError::Eof) => Typed::End,
            Err(error) => return Err(failed(error)),
        };
        self.editor = Some(editor);
        Ok(typed)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.editor.is_none() {
            // Somebody still types: the editor has not given the terminal back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
            let _ = io::stdout().write_all(END_OF_PASTE_MARKS);
        }
    }
}

/// The terminal while an answer comes: what is typed is not shown in it and waits for the next line, and Ctrl-D leaves,
/// as SIGQUIT. Dropping it gives the terminal back as it was.
pub(super) struct Quiet(Option<Termios>);

impl Quiet {
    /// Takes the terminal that standard input is; without one it does nothing.
    pub(super) fn new() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        quiet.special_codes[SpecialCodeIndex::VQUIT] = CTRL_D;
        quiet.special_codes[SpecialCodeIndex::VEOF] = 0;
        Self(tcsetattr(io::stdin(), OptionalActions::Now, &quiet).ok().map(|()| before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => error.into(),
        error => Failure::error(format!("cannot read from the terminal: {error}")),
    }
}

/// Says when a line goes on in the next one, and how a command may go on.
struct Lines {
    chat: Chat,
    runtime: Handle,
}

impl Validator for Lines {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if context.input().ends_with('\\') {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Completer for Lines {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or_default();
        let Some(name) = typed.strip_prefix('/') else { return Ok((position, Vec::new())) };
        // Lines are typed in a thread of their own, which may wait. A server that does not answer offers nothing.
        let asking = async { tokio::time::timeout(COMPLETION_MAX, self.chat.commands(typed)).await };
        let found = self.runtime.block_on(asking).ok().and_then(Result::ok).unwrap_or_default().completions;
        let from = found.first().map_or(0, |first| usize::try_from(first.replace_from).unwrap_or_default());
        let own = commands::NAMES.into_iter().filter(|own| from == 0 && own.starts_with(name));
        let own = own.map(|own| Pair { display: format!("/{own}"), replacement: format!("/{own}") });
        let known = found
            .into_iter()
            .filter(|one| !commands::NAMES.contains(&one.text.trim().trim_start_matches('/')));
        let known = known.map(|one| Pair {
            display: text::escape(one.text.trim_end()),
            replacement: text::escape(&one.text),
        });
        Ok((from, known.chain(own).collect()))
    }
}

impl rustyline::hint::Hinter for Lines {
    type Hint = String;
}

impl rustyline::highlight::Highlighter for Lines {}

impl Helper for Lines {}
