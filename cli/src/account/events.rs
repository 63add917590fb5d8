//! `mosaic events`: what happens in the workspace, a line an event.
//!
//! It knows nothing about how the stream survives a restart of the server; the SDK does.

use mosaic_client::{
    proto::workspace::v1::{Event, event::Payload, terminal_changed::Kind},
    workspace::{WatchEvents, WorkspaceEvent},
};

use crate::{Outcome, agent, exit, output::say, session::Session, show, table::Colour, text};

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Events {
    /// Begin after this event; 0 for all that are kept [default: those from now on]
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    /// End at the newest event; without --after it begins at the oldest that is kept
    #[arg(long)]
    no_follow: bool,
}

/// Shows them.
pub(crate) async fn run(session: &Session, events: Events) -> Outcome {
    let mut watch = session.client()?.workspace().watch_events().follow(!events.no_follow);
    if let Some(after) = events.after.or(events.no_follow.then_some(0)) {
        watch = watch.after(after);
    }
    follow(session, watch).await
}

/// Shows the events of a stream until it ends.
pub(crate) async fn follow(session: &Session, watch: WatchEvents) -> Outcome {
    let mut events = watch.open().await?;
    while let Some(event) = events.next().await {
        match event? {
            WorkspaceEvent::Event(event) if session.output.json => session.output.message(&*event)?,
            WorkspaceEvent::Event(event) => session.output.line(&words(session, &event))?,
            WorkspaceEvent::Reconnecting(lost) if lost.attempt == 1 => {
                say(&format!("[mosaic: {}, trying again]", show::lost(&lost)));
            }
            WorkspaceEvent::Reconnected => say("[mosaic: connected again]"),
            // Signs of life, and the end that was asked for.
            _ => {}
        }
    }
    Ok(exit::OK)
}

fn words(session: &Session, event: &Event) -> String {
    let time = show::time(event.time.as_ref());
    let who = event.principal.clone().unwrap_or_default().name;
    let changed = match &event.payload {
        Some(Payload::Terminal(changed)) => changed,
        payload => {
            let what = payload.as_ref().and_then(|payload| agent::event(session.output, payload));
            let what = what.unwrap_or_else(|| "(an event that this version does not know)".to_owned());
            return format!("{:>6}  {time}  {what}  (by {})", event.sequence, text::escape(&who));
        }
    };
    let terminal = changed.terminal.clone().unwrap_or_default();
    let (kind, colour) = match changed.kind() {
        Kind::Created => ("created", None),
        Kind::Started => ("started", Some(Colour::Green)),
        Kind::Renamed => ("renamed", None),
        Kind::Exited => ("exited", Some(Colour::Dim)),
        Kind::Lost => ("lost", Some(Colour::Red)),
        Kind::Deleted => ("deleted", None),
        Kind::Unspecified => ("changed", None),
    };
    let detail = match (changed.kind(), &terminal.exit) {
        (Kind::Exited | Kind::Lost, Some(exit)) => format!(": {}", show::end(exit)),
        (Kind::Created, _) => format!(": {}", text::command(&terminal.command)),
        _ => String::new(),
    };
    let padded = format!("{kind:<8}");
    let kind = colour.map_or_else(|| padded.clone(), |colour| session.output.paint(&padded, colour));
    let (name, who) = (text::escape(&terminal.name), text::escape(&who));
    format!("{:>6}  {time}  {kind}  {name}{detail}  (by {who})", event.sequence)
}
