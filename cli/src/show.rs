//! Messages in words: states, ends, times, spans. Everything that others wrote is made safe here.
//!
//! It knows nothing about tables or streams.

use std::time::{Duration, SystemTime};

use mosaic_client::{
    Reconnecting,
    proto::{
        terminal::v1::{Exit, Terminal, exit::Reason, terminal::State},
        workspace::v1::Role,
    },
};
use prost_types::Timestamp;

use crate::{
    table::{Cell, Colour},
    text,
};

/// A state, and for an ended terminal how it ended.
pub(crate) fn state(terminal: &Terminal) -> Cell {
    match terminal.state() {
        State::Running => Cell::coloured("running", Colour::Green),
        State::Starting => Cell::coloured("starting", Colour::Green),
        State::Lost => Cell::coloured("lost", Colour::Red),
        State::Exited => {
            let exit = terminal.exit.clone().unwrap_or_default();
            let colour = if exit.code == Some(0) { Colour::Dim } else { Colour::Red };
            Cell::coloured(end(&exit), colour)
        }
        State::Unspecified => "unknown".into(),
    }
}

/// What became of a stream that is about to be made again.
pub(crate) fn lost(lost: &Reconnecting) -> &'static str {
    // The last word of a server that goes away.
    match lost.cause.reason() {
        Some("SERVER_STOPPING") => "the server is stopping",
        _ => "connection lost",
    }
}

/// How a terminal ended: `exit code 7`, `SIGKILL (closed)`, `lost`.
pub(crate) fn end(exit: &Exit) -> String {
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => Some(format!("exit code {code}")),
        (None, Some(signal)) if exit.signal_name.is_empty() => Some(format!("signal {signal}")),
        (None, Some(_)) => Some(text::escape(&exit.signal_name)),
        (None, None) => None,
    };
    let why = match exit.reason() {
        Reason::Closed => Some("closed"),
        Reason::Killed => Some("stopped with the server"),
        Reason::IdleTimeout => Some("idle"),
        Reason::TimeLimit => Some("time limit"),
        Reason::Lost => Some("lost"),
        Reason::Exited | Reason::Unknown | Reason::Unspecified => None,
    };
    match (how, why) {
        (Some(how), Some(why)) => format!("{how} ({why})"),
        (Some(how), None) => how,
        (None, Some(why)) => why.to_owned(),
        (None, None) => "ended, nobody knows how".to_owned(),
    }
}

/// A role in words.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Operator => "operator",
        Role::Unspecified => "unknown",
    }
}

/// A time as RFC 3339 in UTC, to the second; `-` for none.
pub(crate) fn time(time: Option<&Timestamp>) -> String {
    system_time(time)
        .map_or_else(|| "-".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// How long ago a time is, in one unit: `5s`, `3m`, `2h`, `9d`; `-` for none.
pub(crate) fn age(time: Option<&Timestamp>) -> String {
    system_time(time).map_or_else(
        || "-".to_owned(),
        // A clock that runs behind the server's sees the future: that is now.
        |time| span(SystemTime::now().duration_since(time).unwrap_or_default()),
    )
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..=119 => format!("{seconds}s"),
        seconds @ 120..=7199 => format!("{}m", seconds / 60),
        seconds @ 7200..=172_799 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A number of bytes in one unit: `512 B`, `4 KiB`, `16 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn system_time(time: Option<&Timestamp>) -> Option<SystemTime> {
    time.copied().and_then(|time| SystemTime::try_from(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_in_words() {
        let exited = |reason: Reason, code, signal: Option<(i32, &str)>| Exit {
            reason: reason.into(),
            code,
            signal: signal.map(|(number, _)| number),
            signal_name: signal.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            ..Exit::default()
        };
        assert_eq!(end(&exited(Reason::Exited, Some(7), None)), "exit code 7");
        assert_eq!(end(&exited(Reason::Closed, None, Some((1, "SIGHUP")))), "SIGHUP (closed)");
        assert_eq!(end(&exited(Reason::Exited, None, Some((34, "")))), "signal 34");
        assert_eq!(end(&exited(Reason::Lost, None, None)), "lost");
        assert_eq!(end(&exited(Reason::Unknown, None, None)), "ended, nobody knows how");
        assert_eq!(end(&exited(Reason::Exited, None, Some((9, "\x1b[31m")))), r"\x1b[31m");
    }

    #[test]
    fn spans_in_one_unit() {
        let shown = [0, 119, 120, 7199, 7200, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "119s", "2m", "119m", "2h", "2d"]);
        assert_eq!([bytes(9999), bytes(65_536), bytes(16 << 20)], ["9999 B", "64 KiB", "16 MiB"]);
    }

    #[test]
    fn times() {
        assert_eq!(time(None), "-");
        assert_eq!(time(Some(&Timestamp { seconds: 0, nanos: 999 })), "1970-01-01T00:00:00Z");
        assert_eq!(age(Some(&Timestamp { seconds: i64::from(u32::MAX), nanos: 0 })), "0s");
    }
}
