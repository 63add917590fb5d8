//! One answer from its beginning to its end, and the signals meanwhile.
//!
//! It knows nothing about how it is printed, or what is done after it.

use std::{pin::pin, time::Duration};

use futures_util::future::OptionFuture;
use mosaic_client::{
    Error,
    chat::{Answer, Chat, Event},
    proto::chat::v1::{CommandResult, Message, command_result::Result as Came, stream_ended::Reason},
};

use tokio::time::timeout;

use super::print::Printer;
use crate::{failure::Failure, signals::Signals, text};

/// How long nobody wonders why there is no answer yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// How it ended.
pub(super) enum Followed {
    /// The answer is finished, in whatever state.
    Ended {
        /// The message.
        message: Box<Message>,
        /// A stop was asked for here.
        stopped_here: bool,
    },
    /// A signal, by its number, ended the reading; the answer goes on, or is being stopped.
    Left(i32),
}

/// Reads an answer and prints it. SIGINT and SIGTERM stop the generation, and what came is kept; a second one, or
/// another signal, only ends the reading.
pub(super) async fn follow(
    chat: &Chat,
    opening: impl Future<Output = Result<Answer, Error>>,
    printer: &mut Printer,
    signals: &mut Signals,
) -> Result<Followed, Failure> {
    let mut opening = pin!(opening);
    let mut stopped = false;
    let answer = loop {
        tokio::select! {
            answer = &mut opening => break answer?,
            // What is not known yet cannot be stopped: it is, as soon as it is.
            (number, name) = signals.next() => match stops(name) && !stopped {
                true => stopped = true,
                false => return Ok(Followed::Left(number)),
            },
        }
    };
    let id = answer.message_id().to_owned();
    let stop = || Box::pin(chat.stop(id.clone()));
    let mut stopping = stopped.then(stop);
    let mut reading = pin!(read(answer, printer));
    loop {
        tokio::select! {
            message = &mut reading => {
                return Ok(Followed::Ended { message: message?, stopped_here: stopped });
            }
            (number, name) = signals.next() => match stops(name) && !stopped {
                true => {
                    stopped = true;
                    stopping = Some(stop());
                }
                false => return Ok(Followed::Left(number)),
            },
            Some(done) = OptionFuture::from(stopping.as_mut()) => {
                stopping = None;
                done?;
            }
        }
    }
}

/// Why the command that a message answers was not done, if it was not.
pub(super) fn refused(message: &Message) -> Option<Failure> {
    let Some(CommandResult { result: Some(Came::Error(error)), .. }) = &message.command_result else {
        return None;
    };
    let mut words = text::escape(&error.message);
    if !error.candidates.is_empty() {
        let names: Vec<_> = error.candidates.iter().map(|name| text::escape(name)).collect();
        words = format!("{words}: {}", names.join(", "));
    }
    let failure = match error.reason.as_str() {
        "BAD_REQUEST" | "COMMAND_UNKNOWN" | "NAME_AMBIGUOUS" => Failure::usage(words),
        "DATABASE_UNAVAILABLE" | "KEEPER_UNAVAILABLE" | "SERVER_STOPPING" => Failure::unavailable(words),
        reason if reason.ends_with("_NOT_FOUND") => Failure::not_found(words),
        _ => Failure::error(words),
    };
    Some(match error.suggestion.as_str() {
        "" => failure,
        instead => failure.hint(format!("Did you mean: {}", text::escape(instead))),
    })
}

fn stops(signal: &str) -> bool {
    matches!(signal, "INT" | "TERM")
}

async fn read(mut answer: Answer, printer: &mut Printer) -> Result<Box<Message>, Failure> {
    printer.open(&answer)?;
    let mut finished = None;
    let mut told = false;
    loop {
        let next = match told || !printer.is_untouched() {
            true => answer.next().await,
            // Only the first time, and only before there is anything.
            false => match timeout(PATIENCE, answer.next()).await {
                Ok(next) => next,
                Err(_) => {
                    told = true;
                    printer.waiting().await?;
                    continue;
                }
            },
        };
        let Some(event) = next else { break };
        let event = event?;
        printer.print(&answer, &event).await?;
        match event {
            Event::Completed(message) => finished = Some(message),
            Event::Ended(ended) if ended.reason() == Reason::Deleted => {
                printer.finish().await?;
                return Err(Failure::not_found("the conversation was deleted meanwhile"));
            }
            _ => {}
        }
    }
    printer.finish().await?;
    finished.ok_or_else(|| Failure::unavailable("the stream ended before the answer did"))
}
