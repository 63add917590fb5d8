//! A terminal of the server in the terminal that one sits at.
//!
//! It knows nothing about how a stream survives lost connections; the SDK does.

mod detach;
mod escape;
mod modes;
mod replay;
mod screen;
mod show;
mod typing;

use std::{convert::Infallible, io::IsTerminal as _, time::Duration};

use mosaic_client::{
    Client,
    proto::terminal::v1::{Exit, stream_ended::Reason},
    terminal::{Start, Terminal},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

use self::{screen::Screen, show::Shown, typing::Typing};
use crate::{
    Outcome, exit, failure::Failure, output::say, show as words, signals::Signals, surroundings, text,
};

pub(crate) use self::{modes::Modes, replay::Replay, screen::restore_terminal_on_panic};

/// For how long an attachment tries to get a lost server back: whoever sits there can leave at any time.
pub(crate) const RECONNECT_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// How to attach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Where to begin.
    pub(crate) start: Start,
    /// Only look.
    pub(crate) read_only: bool,
    /// The terminal was made just now: what it asks, nobody has answered yet.
    pub(crate) fresh: bool,
}

/// How an attachment ended.
enum End {
    /// The program ended.
    Exited(Option<Exit>),
    /// The detach key, or nobody sits there any more.
    Left {
        /// All that was typed is known to have arrived.
        typed_arrived: bool,
    },
    /// Somebody ended this reader's stream.
    Detached,
    /// The terminal was deleted.
    Deleted,
    /// A signal to this process: its number.
    Signal(i32),
    /// The stream failed.
    Failed(Failure),
}

/// Refuses to attach where nobody sits.
pub(crate) fn require_terminal() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("attach needs a terminal on standard input and output")
        .hint("Without one use `mosaic term logs -f`, `mosaic term send`, or `mosaic term new --wait`."))
}

/// Attaches until the program ends or somebody detaches.
pub(crate) async fn run(client: &Client, id: &str, options: Options) -> Outcome {
    require_terminal()?;
    // Before the size is asked for and before the terminal is changed, so that neither a new size nor
    // a signal falls in between.
    let window = signal(SignalKind::window_change())?;
    let mut signals = Signals::listen()?;
    let mut attach = client.terminal(id).attach().start(options.start);
    if options.read_only {
        attach = attach.read_only();
    }
    if let Some((cols, rows)) = surroundings::window() {
        attach = attach.size(cols, rows);
    }
    let attachment = attach.open().await?;
    let opened = attachment.opened().clone();
    let terminal = opened.terminal.clone().unwrap_or_default();
    surroundings::require_elsewhere(&terminal.id)?;
    let name = text::escape(&terminal.name);
    say(&format!("[mosaic: attached to {name}; detach: Ctrl-\\ then d]"));

    let mut screen = Screen::enter()?;
    let (reader, writer) = attachment.split();
    let typing = Typing::begin((!options.read_only).then_some(writer), window)?;
    let redraws = Notify::new();
    if !options.fresh {
        // What is kept of its past may be only a part of its screen.
        redraws.notify_one();
    }
    let shown = Shown::new(reader, &opened, options, &redraws);
    let terminal = client.terminal(terminal.id);
    let end = tokio::select! {
        end = shown.run(&mut screen) => end,
        end = typing.run() => end,
        (number, _) = signals.next() => End::Signal(number),
        never = redraw(terminal, &redraws), if !options.read_only => match never {},
    };
    // From here on lines are lines again.
    screen.leave().await;
    outcome(&name, end)
}

/// Asks the program to paint anew whenever `wanted` says so.
async fn redraw(terminal: Terminal, wanted: &Notify) -> Infallible {
    loop {
        wanted.notified().await;
        // A program that is not there or does not care loses nothing.
        let _ = terminal.signal("WINCH").await;
    }
}

fn outcome(name: &str, end: End) -> Outcome {
    let note = |note: &str| say(&format!("\r\n[mosaic: {note}]"));
    match end {
        End::Exited(exit) => {
            let exit = exit.unwrap_or_default();
            note(&format!("{name} ended: {}", words::end(&exit)));
            // How it ended was just said; an unknown end is no success.
            Ok(exit::of_program(&exit).unwrap_or(exit::MOSAIC))
        }
        End::Left { typed_arrived } => {
            if !typed_arrived {
                note("what was typed last may not have arrived");
            }
            note(&format!("detached from {name}; it lives on"));
            Ok(exit::OK)
        }
        End::Detached => {
            note(&format!("somebody detached this window from {name}; it lives on"));
            Ok(exit::OK)
        }
        End::Deleted => {
            note(&format!("{name} was deleted"));
            Ok(exit::MOSAIC)
        }
        End::Signal(number) => Ok(exit::of_signal(number)),
        End::Failed(failure) => {
            note(&format!("left {name}"));
            Err(failure)
        }
    }
}

/// The end of a stream in terms of an attachment.
fn end_of(reason: Reason, exit: Option<Exit>) -> End {
    match reason {
        Reason::Detached => End::Detached,
        Reason::Deleted => End::Deleted,
        Reason::TerminalEnded | Reason::CaughtUp | Reason::ServerStopping | Reason::Unspecified => {
            End::Exited(exit)
        }
    }
}
