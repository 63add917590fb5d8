//! `mosaic models`: who may be asked.
//!
//! It knows nothing about conversations.

use mosaic_client::{
    chat::Chat,
    proto::chat::v1::{ListModelsResponse, Model, model::Availability},
};

use crate::{
    Outcome, exit,
    failure::Failure,
    session::Session,
    table::{Cell, Colour},
    text,
};

/// Lists them.
pub(crate) async fn run(session: &Session) -> Outcome {
    list(session, &session.client()?.chat()).await?;
    Ok(exit::OK)
}

pub(super) async fn list(session: &Session, chat: &Chat) -> Result<(), Failure> {
    let models = chat.models().await?;
    if session.output.json {
        return session.output.message(&ListModelsResponse { models });
    }
    session.output.table(["NAME", "STATE", "CONTEXT", "CAN", "NOTE"], models.iter().map(row).collect())
}

fn row(model: &Model) -> [Cell; 5] {
    let can = [(model.tools, "tools"), (model.thinking, "thinking"), (model.images, "images")];
    let can: Vec<&str> = can.iter().filter(|(can, _)| *can == Some(true)).map(|(_, name)| *name).collect();
    let mut notes = Vec::new();
    if model.is_default {
        notes.push("the default".to_owned());
    }
    if !model.candidates.is_empty() {
        let candidates: Vec<String> = model.candidates.iter().map(|name| text::escape(name)).collect();
        notes.push(candidates.join(", then "));
    }
    if !model.problem.is_empty() {
        notes.push(text::escape(&model.problem));
    }
    [
        text::escape(&model.name).into(),
        match model.availability() {
            Availability::Ready => Cell::coloured("ready", Colour::Green),
            Availability::Preparing => "preparing".into(),
            Availability::Unavailable => Cell::coloured("unavailable", Colour::Red),
            Availability::Unspecified => "unknown".into(),
        },
        match model.context_tokens {
            0 => "-".into(),
            tokens => tokens.to_string().into(),
        },
        if can.is_empty() { "-".into() } else { can.join(",").into() },
        notes.join("; ").into(),
    ]
}
