//! `mosaic term ls`: a table, and with `--watch` what happens after it.
//!
//! It knows nothing about single terminals.

use std::io::{IsTerminal as _, stderr};

use mosaic_client::proto::{
    terminal::v1::{ListTerminalsResponse, Terminal, terminal::State},
    workspace::v1::Resource,
};

use crate::{Outcome, account::events, exit, output::say, session::Session, show, table::Cell, text};

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct List {
    /// Also those that have ended, and all ids
    #[arg(long, short)]
    all: bool,
    /// Go on with a line for everything that happens to terminals
    #[arg(long, short)]
    watch: bool,
}

/// Lists.
pub(crate) async fn run(session: &Session, list: List) -> Outcome {
    let client = session.client()?;
    let mut request = client.terminals().list().page_size(1000);
    let tells_ended =
        !list.all && !session.output.json && session.output.is_terminal && stderr().is_terminal();
    if !list.all && !tells_ended {
        request = request.state(State::Starting).state(State::Running);
    }
    let (mut terminals, sequence) = request.all().await?;
    let found = terminals.len();
    if tells_ended {
        terminals.retain(|terminal| matches!(terminal.state(), State::Starting | State::Running));
    }
    let ended = found - terminals.len();
    if session.output.json {
        let page = ListTerminalsResponse { terminals, sequence, next_page_token: String::new() };
        session.output.message(&page)?;
    } else if list.all {
        let header = ["NAME", "STATE", "AGE", "SIZE", "VIEWERS", "ID", "TITLE", "COMMAND"];
        session.output.table(header, terminals.iter().map(row).collect())?;
    } else {
        // The name of a live terminal is enough; the names of ended ones may be in use again.
        let header = ["NAME", "STATE", "AGE", "SIZE", "VIEWERS", "TITLE", "COMMAND"];
        let short = |terminal| {
            let [name, state, age, size, viewers, _, title, command] = row(terminal);
            [name, state, age, size, viewers, title, command]
        };
        session.output.table(header, terminals.iter().map(short).collect())?;
    }
    if ended > 0 {
        say(&format!("{ended} ended: `mosaic term ls --all` shows them, too"));
    }
    if list.watch {
        // The list and its sequence are of one moment: nothing is missed in between.
        let watch = client.workspace().watch_events().after(sequence).resource(Resource::Terminal);
        return events::follow(session, watch).await;
    }
    Ok(exit::OK)
}

fn row(terminal: &Terminal) -> [Cell; 8] {
    /// A title may be a whole page.
    const TITLE_CHARS_MAX: usize = 24;
    let title: String = terminal.title.chars().take(TITLE_CHARS_MAX).collect();
    [
        text::escape(&terminal.name).into(),
        show::state(terminal),
        show::age(terminal.create_time.as_ref()).into(),
        format!("{}x{}", terminal.cols, terminal.rows).into(),
        terminal.viewers.to_string().into(),
        text::escape(&terminal.id).into(),
        text::escape(&title).into(),
        text::command(&terminal.command).into(),
    ]
}
