//! Domain types as proto messages.
//!
//! It decides nothing.

use std::{sync::atomic::Ordering, time::Duration};

use mosaic_proto::terminal::v1::{self as pb, exit, stream_ended, terminal, terminal_event};

use crate::terminal::{
    Shown,
    live::Viewer,
    output::Range,
    record::{Exit, Reason, Record, Size, State},
    session::{EndReason, Event},
    text::TextFilter,
};

pub(crate) fn timestamp(ms: u64) -> prost_types::Timestamp {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: i32::try_from(rest * 1_000_000).unwrap_or_default(),
    }
}

pub(crate) fn span(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: span.subsec_nanos().cast_signed(),
    }
}

/// A terminal from the payload of an event; `None` if it is not one.
pub(crate) fn to_proto_record(payload: serde_json::Value) -> Option<pb::Terminal> {
    serde_json::from_value::<Record>(payload).ok().map(|record| show_terminal((record, 0)))
}

pub(super) fn show_terminal((record, viewers): Shown) -> pb::Terminal {
    let state = match record.state {
        State::Starting => terminal::State::Starting,
        State::Running => terminal::State::Running,
        State::Exited => terminal::State::Exited,
        State::Lost => terminal::State::Lost,
    };
    pb::Terminal {
        id: record.id.to_string(),
        name: record.name,
        state: state.into(),
        command: record.command,
        cwd: record.cwd,
        cols: record.size.cols.into(),
        rows: record.size.rows.into(),
        title: record.title,
        pid: record.pid.unsigned_abs(),
        create_time: Some(timestamp(record.create_ms)),
        end_time: record.end_ms.map(timestamp),
        exit: record.exit.map(show_exit),
        output_start: record.output_start,
        output_end: record.output_end,
        output_lost_bytes: record.output_lost_bytes,
        viewers: u32::try_from(viewers).unwrap_or(u32::MAX),
        node_id: record.node.to_string(),
        idle_timeout: record.idle_timeout_ms.map(|ms| span(Duration::from_millis(ms))),
        creator: record.creator,
    }
}

pub(crate) fn show_exit(exit: Exit) -> pb::Exit {
    let reason = match exit.reason {
        Reason::Exited => exit::Reason::Exited,
        Reason::Closed => exit::Reason::Closed,
        Reason::Killed => exit::Reason::Killed,
        Reason::IdleTimeout => exit::Reason::IdleTimeout,
        Reason::Lost => exit::Reason::Lost,
        Reason::Unknown => exit::Reason::Unknown,
    };
    pb::Exit {
        reason: reason.into(),
        code: exit.code,
        signal: exit.signal,
        signal_name: exit.signal.map(signal_name).unwrap_or_default(),
        cpu_time: exit.cpu_us.map(|us| span(Duration::from_micros(us))),
        peak_memory_bytes: exit.peak_memory_bytes,
    }
}

fn signal_name(signal: i32) -> String {
    // Real-time signals have numbers only.
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("SIG{signal}"), |s| s.as_str().to_owned())
}

pub(super) fn show_viewer(viewer: &Viewer, size: Option<Size>) -> pb::Viewer {
    pb::Viewer {
        id: viewer.id.to_string(),
        principal: viewer.principal.clone(),
        read_only: viewer.writer.is_none(),
        writer_id: viewer.writer.map(|w| w.to_string()).unwrap_or_default(),
        start_time: Some(timestamp(viewer.start_ms)),
        offset: viewer.offset.load(Ordering::Relaxed),
        cols: size.map_or(0, |s| s.cols.into()),
        rows: size.map_or(0, |s| s.rows.into()),
    }
}

pub(super) fn show_range(range: Range, as_text: bool) -> pb::ReadOutputResponse {
    let Range { offset, bytes, gap, output_end, at_end } = range;
    let end_offset = offset + bytes.len() as u64;
    let (data, text) = if as_text {
        let mut filter = TextFilter::default();
        let text = filter.push(&bytes) + &filter.finish();
        (bytes::Bytes::new(), text)
    } else {
        (bytes, String::new())
    };
    let gap = gap.map(|(from, to)| pb::Gap { from, to });
    pb::ReadOutputResponse { offset, end_offset, data, text, gap, output_end, at_end }
}

/// An event as proto; input's acknowledgement has a place of its own. With a filter output becomes text.
pub(super) fn show_event(id: &str, event: Event, text: Option<&mut TextFilter>) -> pb::TerminalEvent {
    use terminal_event::Event as Shown;
    let shown = match event {
        Event::Opened { offset, record, viewers, highest, viewer, writer } => {
            Some(Shown::Opened(pb::Opened {
                offset,
                output_start: record.output_start,
                output_end: record.output_end,
                terminal: Some(show_terminal((*record, viewers))),
                highest_accepted_sequence: highest,
                viewer_id: viewer.map(|v| v.to_string()).unwrap_or_default(),
                writer_id: writer.map(|w| w.to_string()).unwrap_or_default(),
            }))
        }
        Event::Output { offset, bytes } => {
            let end_offset = offset + bytes.len() as u64;
            let (data, text) = match text {
                Some(filter) => (bytes::Bytes::new(), filter.push(&bytes)),
                None => (bytes, String::new()),
            };
            Some(Shown::Output(pb::Output { offset, end_offset, data, text }))
        }
        Event::Gap { from, to } => Some(Shown::Gap(pb::Gap { from, to })),
        Event::Resized { size, offset } => {
            Some(Shown::Resized(pb::Resized { cols: size.cols.into(), rows: size.rows.into(), offset }))
        }
        Event::TitleChanged { title, offset } => {
            Some(Shown::TitleChanged(pb::TitleChanged { title, offset }))
        }
        Event::Exited { exit, final_offset } => {
            Some(Shown::Exited(pb::Exited { exit: Some(show_exit(exit)), final_offset }))
        }
        Event::Heartbeat { offset, output_end } => {
            Some(Shown::Heartbeat(pb::Heartbeat { offset, output_end }))
        }
        Event::Ended { reason, offset } => {
            let reason = match reason {
                EndReason::TerminalEnded => stream_ended::Reason::TerminalEnded,
                EndReason::CaughtUp => stream_ended::Reason::CaughtUp,
                EndReason::Detached => stream_ended::Reason::Detached,
                EndReason::ServerStopping => stream_ended::Reason::ServerStopping,
                EndReason::Deleted => stream_ended::Reason::Deleted,
            };
            Some(Shown::StreamEnded(pb::StreamEnded { reason: reason.into(), offset }))
        }
        Event::InputAccepted(_) => None,
    };
    pb::TerminalEvent { terminal_id: id.to_owned(), event: shown }
}
