//! Domain types as proto messages.
//!
//! It decides nothing.

use mosaic_proto::chat::v1::{
    self as pb, message, message_event::Event as Shown, model, stream_ended, usage,
};

use super::command::show_done;
use crate::chat::{
    event::{Event, Numbered},
    models::Listed,
    provider::{FailureKind, Image, Parameters},
    record::{Attempt, Conversation, Counted, ImageInfo, Left, Message, Role, Skipped, State},
    store::Stored,
    watch::{EndReason, Step},
};

fn timestamp(ms: u64) -> prost_types::Timestamp {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: i32::try_from(rest * 1_000_000).unwrap_or_default(),
    }
}

/// A conversation from the payload of an event; `None` if it is not one.
pub(crate) fn to_proto_conversation(payload: serde_json::Value) -> Option<pb::Conversation> {
    serde_json::from_value::<Conversation>(payload).ok().map(show_conversation)
}

/// A message from the payload of an event; `None` if it is not one.
pub(crate) fn to_proto_message(mut payload: serde_json::Value) -> Option<pb::Message> {
    let content = payload.as_object_mut().and_then(|object| object.remove("content"));
    let mut message: Message = serde_json::from_value(payload).ok()?;
    message.content = content.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
    Some(show_message(message))
}

pub(super) fn show_conversation(record: Conversation) -> pb::Conversation {
    pb::Conversation {
        id: record.id.to_string(),
        title: record.title,
        system: record.system,
        model: record.model,
        parameters: Some(show_parameters(record.parameters)),
        archived: record.archived,
        head_message_id: record.head.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(timestamp(record.create_ms)),
        update_time: Some(timestamp(record.update_ms)),
        creator: record.creator,
    }
}

fn show_parameters(parameters: Parameters) -> pb::Parameters {
    pb::Parameters {
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        max_output_tokens: parameters.max_output_tokens,
        thinking_tokens: parameters.thinking_tokens,
        stop: parameters.stop,
    }
}

/// What a message takes in an answer, roughly: its texts.
pub(super) fn size(message: &Message) -> usize {
    let calls = message.beside.tool_calls.iter().map(|call| call.arguments.len());
    let results = message.tool_results.iter().map(|result| result.content.len());
    let attempts = 1024 * message.attempts.len();
    message.content.len()
        + message.beside.thinking.len()
        + calls.chain(results).sum::<usize>()
        + attempts
        + message.done.as_ref().map_or(0, super::command::size)
        + 512
}

/// A message as the database has it. One whose server is not heard of any more is as good as interrupted.
pub(super) fn show_stored(stored: Stored) -> pb::Message {
    let mut message = stored.message;
    if stored.abandoned {
        message.state = State::Interrupted;
    }
    show_message(message)
}

pub(super) fn show_message(record: Message) -> pb::Message {
    let state = match record.state {
        State::Streaming => message::State::Streaming,
        State::Complete => message::State::Complete,
        State::Stopped => message::State::Stopped,
        State::Failed => message::State::Failed,
        State::Interrupted => message::State::Interrupted,
    };
    let role = match record.role {
        Role::User => message::Role::User,
        Role::Assistant => message::Role::Assistant,
    };
    let finished_answer = record.role == Role::Assistant && record.state != State::Streaming;
    let usage = finished_answer.then(|| show_usage(record.usage()));
    let call = |call: crate::chat::provider::ToolCall| pb::ToolCall {
        id: call.id,
        name: call.name,
        arguments: call.arguments,
    };
    let result = |result: crate::chat::provider::ToolResult| pb::ToolResult {
        call_id: result.call_id,
        content: result.content,
        is_error: result.is_error,
    };
    let image = |image: ImageInfo| pb::Image {
        media_type: image.media_type,
        data: bytes::Bytes::new(),
        size_bytes: image.size,
    };
    pb::Message {
        id: record.id.to_string(),
        conversation_id: record.conversation.to_string(),
        parent_id: record.parent.map(|id| id.to_string()).unwrap_or_default(),
        role: role.into(),
        state: state.into(),
        content: record.content,
        thinking: record.beside.thinking,
        tool_calls: record.beside.tool_calls.into_iter().map(call).collect(),
        tool_results: record.tool_results.into_iter().map(result).collect(),
        images: record.images.into_iter().map(image).collect(),
        model: record.model,
        answered_by: record.answered_by,
        attempts: record.attempts.into_iter().map(show_attempt).collect(),
        usage,
        finish_reason: record.finish_reason,
        error: record
            .error
            .map(|problem| pb::MessageError { reason: problem.reason, message: problem.message }),
        stopped_by: record.stopped_by,
        last_sequence: record.last_sequence,
        create_time: Some(timestamp(record.create_ms)),
        end_time: record.end_ms.map(timestamp),
        node_id: record.node.to_string(),
        command: record.command,
        command_result: record.done.map(show_done),
    }
}

pub(super) fn with_images(mut message: pb::Message, images: Vec<Image>) -> pb::Message {
    for (shown, image) in message.images.iter_mut().zip(images) {
        shown.data = image.data;
    }
    message
}

fn show_attempt(attempt: Attempt) -> pb::Attempt {
    pb::Attempt {
        failure: failure(&attempt),
        model: attempt.model,
        status: attempt.status.into(),
        message: attempt.message,
        start_time: Some(timestamp(attempt.start_ms)),
        first_content_ms: attempt.first_content_ms,
        duration_ms: attempt.duration_ms,
        usage: Some(show_usage(attempt.counted)),
    }
}

/// Why an attempt was left, in the words of the contract.
fn failure(attempt: &Attempt) -> String {
    use FailureKind as Kind;
    let word = match attempt.failure {
        None => "",
        Some(Left::Skipped(Skipped::Cooldown)) => "COOLDOWN",
        Some(Left::Failed(kind)) => match kind {
            Kind::Connect => "CONNECT",
            Kind::Timeout => "TIMEOUT",
            Kind::RateLimited => "RATE_LIMITED",
            Kind::Overloaded => "OVERLOADED",
            Kind::Denied => "DENIED",
            Kind::ModelNotFound => "MODEL_NOT_FOUND",
            Kind::ContextTooLong => "CONTEXT_TOO_LONG",
            Kind::Refused => "REFUSED",
            Kind::Cut => "CUT",
            Kind::Malformed => "MALFORMED",
            Kind::Unavailable => "UNAVAILABLE",
        },
    };
    word.to_owned()
}

fn show_usage(counted: Counted) -> pb::Usage {
    let source = if counted.estimated { usage::Source::Estimated } else { usage::Source::Reported };
    let tokens = counted.usage;
    pb::Usage {
        input: tokens.input,
        output: tokens.output,
        cached: tokens.cached,
        thinking: tokens.thinking,
        source: source.into(),
    }
}

/// One step of a stream.
pub(super) fn show_step(message: &str, step: Step) -> pb::MessageEvent {
    let (sequence, event) = match step {
        Step::Opened { after, newest, conversation, parent } => {
            let opened = pb::Opened {
                after_sequence: after,
                newest_sequence: newest,
                conversation_id: conversation.to_string(),
                parent_id: parent.map(|id| id.to_string()).unwrap_or_default(),
            };
            (after, Shown::Opened(opened))
        }
        Step::Event(Numbered { sequence, event }) => (sequence, show_event(event)),
        Step::Heartbeat(sequence) => (sequence, Shown::Heartbeat(pb::Heartbeat {})),
        Step::Ended(reason, sequence) => {
            let reason = match reason {
                EndReason::Completed => stream_ended::Reason::Completed,
                EndReason::CaughtUp => stream_ended::Reason::CaughtUp,
                EndReason::ServerStopping => stream_ended::Reason::ServerStopping,
                EndReason::Deleted => stream_ended::Reason::Deleted,
            };
            (sequence, Shown::StreamEnded(pb::StreamEnded { reason: reason.into() }))
        }
    };
    pb::MessageEvent { message_id: message.to_owned(), sequence, event: Some(event) }
}

fn show_event(event: Event) -> Shown {
    match event {
        Event::Started { model, candidates, .. } => Shown::Started(pb::Started { model, candidates }),
        Event::Text(text) => Shown::TextDelta(pb::TextDelta { text }),
        Event::Thinking { text, .. } => Shown::ThinkingDelta(pb::ThinkingDelta { text }),
        Event::ToolCall { index, call } => Shown::ToolCall(pb::ToolCallDelta {
            index,
            id: call.id,
            name: call.name,
            arguments: call.arguments,
        }),
        Event::Retried { attempt, delay_ms } => Shown::Retried(pb::Retried {
            reason: failure(&attempt),
            model: attempt.model,
            message: attempt.message,
            delay_ms,
        }),
        Event::FellBack { attempt, to } => Shown::FellBack(pb::FellBack {
            reason: failure(&attempt),
            from: attempt.model,
            to,
            message: attempt.message,
        }),
        Event::Superseded { from_sequence } => Shown::Superseded(pb::Superseded { from_sequence }),
        Event::ContextTrimmed { dropped } => {
            let dropped = dropped.iter().map(ToString::to_string).collect();
            Shown::ContextTrimmed(pb::ContextTrimmed { dropped })
        }
        Event::Usage(counted) => Shown::Usage(show_usage(counted)),
        Event::CommandResult(done) => Shown::CommandResult(show_done(*done)),
        Event::Completed(message) => {
            Shown::Completed(pb::Completed { message: Some(show_message(*message)) })
        }
    }
}

pub(super) fn show_model(listed: Listed) -> pb::Model {
    let availability = match &listed.problem {
        None => model::Availability::Ready,
        Some(problem)
            if problem.kind == FailureKind::Unavailable && problem.message.starts_with("preparing") =>
        {
            model::Availability::Preparing
        }
        Some(_) => model::Availability::Unavailable,
    };
    pb::Model {
        name: listed.name,
        provider: listed.provider,
        candidates: listed.candidates,
        context_tokens: listed.context_tokens,
        tools: listed.offered.tools,
        thinking: listed.offered.thinking,
        images: listed.offered.images,
        availability: availability.into(),
        problem: listed.problem.map(|problem| problem.message).unwrap_or_default(),
        is_default: listed.is_default,
    }
}
