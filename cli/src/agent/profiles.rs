//! `mosaic agent profiles`: how agents can be launched.
//!
//! It knows nothing about how a profile is configured; the server's reference says that.

use mosaic_client::proto::orchestrator::v1::{Profile, profile::Kind};

use crate::{
    Outcome, exit,
    session::Session,
    table::{Cell, Colour},
    text,
};

/// Lists them.
pub(super) async fn run(session: &Session) -> Outcome {
    let answer = session.client()?.orchestrator().profiles().await?;
    if session.output.json {
        session.output.message(&answer)?;
        return Ok(exit::OK);
    }
    let row = |profile: &Profile| -> [Cell; 5] {
        let default = if profile.name == answer.default_profile { " (default)" } else { "" };
        let state = match profile.available {
            true => Cell::coloured("available", Colour::Green),
            false => Cell::coloured("unavailable", Colour::Red),
        };
        // Why it is unavailable matters more than what it would be good for.
        let about = if profile.available { &profile.description } else { &profile.unavailable_reason };
        let program = profile.command.first().cloned().unwrap_or_default();
        [
            format!("{}{default}", text::escape(&profile.name)).into(),
            kind(profile.kind()).into(),
            state,
            text::escape(&program).into(),
            text::escape(about).into(),
        ]
    };
    let rows = answer.profiles.iter().map(row).collect();
    session.output.table(["NAME", "KIND", "STATE", "PROGRAM", "ABOUT"], rows)?;
    Ok(exit::OK)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Shell => "shell",
        Kind::Command => "command",
        Kind::Tui => "tui",
        Kind::Unspecified => "unknown",
    }
}
