//! Sessions as gRPC streams, and a client's messages as input.
//!
//! It decides nothing; the sessions do.

use futures_util::{Stream, StreamExt, stream};
use mosaic_proto::terminal::v1::{self as pb, attach_request, attach_response, terminal_event};
use tonic::{Status, Streaming};

use super::{Events, parse, show::show_event};
use crate::{
    error::{Error, Result},
    terminal::{
        session::{Event, Session},
        text::TextFilter,
        typing::{self, Typed},
    },
};

/// A client's messages after the first one. The end of the connection is the end of the input.
pub(super) fn typed(
    inbound: Streaming<pb::AttachRequest>,
    read_only: bool,
) -> impl Stream<Item = Result<Typed>> + Send + Unpin {
    // A broken connection ends the reading side, too; there is nobody to tell.
    let messages = inbound
        .take_while(|message| std::future::ready(message.is_ok()))
        .filter_map(|message| std::future::ready(message.ok()));
    messages.map(move |message| one(message, read_only))
}

fn one(message: pb::AttachRequest, read_only: bool) -> Result<Typed> {
    if read_only {
        return Err(Error::bad_request("input", "the stream was opened read_only; open another one to type"));
    }
    match super::required("request", message.request)? {
        attach_request::Request::Open(_) => {
            Err(Error::bad_request("open", "comes once, as the first message; open another stream"))
        }
        attach_request::Request::Input(input) if input.sequence == 0 => {
            Err(Error::bad_request("input.sequence", "is 0; the first one is 1"))
        }
        attach_request::Request::Input(input) => {
            typing::check_length("input.data", input.data.len())?;
            Ok(Typed::Input { sequence: input.sequence, data: input.data })
        }
        attach_request::Request::Resize(size) => Ok(Typed::Resize(parse::size(size.cols, size.rows)?)),
    }
}

/// The answers of an attachment.
pub(super) fn attached(session: Session) -> Events<pb::AttachResponse> {
    let id = session.terminal().to_string();
    Box::pin(stream::unfold((session, id), |(mut session, id)| async {
        let event = session.next().await?;
        let response = event.map_err(Status::from).map(|event| {
            let response = match event {
                Event::InputAccepted(sequence) => {
                    attach_response::Response::InputAccepted(pb::InputAccepted { sequence })
                }
                event => attach_response::Response::Event(show_event(&id, event, None)),
            };
            pb::AttachResponse { response: Some(response) }
        });
        Some((response, (session, id)))
    }))
}

/// The answers of a watch: those of all its sessions, each in its own order, fairly.
pub(super) fn watched(sessions: Vec<Session>, as_text: bool) -> Events<pb::WatchResponse> {
    let response = |event| pb::WatchResponse { event: Some(event) };
    let streams = sessions.into_iter().map(|session| Box::pin(watched_one(session, as_text)));
    Box::pin(stream::select_all(streams).map(move |event| event.map(response)))
}

/// The events of one reader of one terminal.
pub(crate) fn watched_one(
    session: Session,
    as_text: bool,
) -> impl Stream<Item = Result<pb::TerminalEvent, Status>> + Send {
    let id = session.terminal().to_string();
    let text = as_text.then(TextFilter::default);
    stream::unfold((session, id, text, None), |(mut session, id, mut text, later)| async {
        let event = match later {
            Some(event) => event,
            None => session.next().await?.map_err(Status::from),
        };
        let held = event.as_ref().ok().and_then(|event| held_before(&id, event, text.as_mut()?));
        let (shown, later) = match held {
            Some(held) => (Ok(held), Some(event)),
            None => (event.map(|event| show_event(&id, event, text.as_mut())), None),
        };
        Some((shown, (session, id, text, later)))
    })
}

/// The text that was held back, where the output stops: it is not to be completed any more.
fn held_before(id: &str, event: &Event, filter: &mut TextFilter) -> Option<pb::TerminalEvent> {
    let offset = match event {
        Event::Gap { from, .. } => *from,
        Event::Exited { final_offset, .. } => *final_offset,
        Event::Ended { offset, .. } => *offset,
        _ => return None,
    };
    let text = filter.finish();
    let output = pb::Output { offset, end_offset: offset, text, ..Default::default() };
    (!output.text.is_empty()).then(|| pb::TerminalEvent {
        terminal_id: id.to_owned(),
        event: Some(terminal_event::Event::Output(output)),
    })
}
