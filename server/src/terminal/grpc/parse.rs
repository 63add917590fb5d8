//! Requests into domain types: every bad value is a `BAD_REQUEST` that names its field.
//!
//! It knows the limits of single values and nothing about terminals' states.

use std::time::Duration;

use mosaic_proto::terminal::v1::{self as pb, open, subscription, terminal, watch_request, write_request};

use super::required;
use crate::{
    error::{Error, Result},
    ids::WriterId,
    terminal::{
        create::{NewShell, Program},
        keys,
        record::{Size, State},
        session::Start,
        typing::{self, Open},
    },
    workspace::{request::RequestId, subscriptions::Form},
};

pub(crate) type Parsed<T> = Result<T>;

const SIZE_MAX: u32 = 1000;
const KEYS_MAX: usize = 1024;
const GRACE_MAX: Duration = Duration::from_secs(60);
const WAIT_DEFAULT: Duration = Duration::from_secs(60);
const WAIT_MAX: Duration = Duration::from_secs(3600);
const READ_DEFAULT: u32 = 64 * 1024;
const READ_MAX: u32 = 1024 * 1024;

fn cells(field: &str, value: u32) -> Parsed<u16> {
    let fits = u16::try_from(value).ok().filter(|_| (1..=SIZE_MAX).contains(&value));
    fits.ok_or_else(|| Error::bad_request(field, format!("is {value}; give 1 to {SIZE_MAX} cells")))
}

pub(crate) fn size(cols: u32, rows: u32) -> Parsed<Size> {
    Ok(Size { cols: cells("cols", cols)?, rows: cells("rows", rows)? })
}

pub(crate) fn span(field: &str, value: Option<prost_types::Duration>) -> Parsed<Option<Duration>> {
    let convert = |span: prost_types::Duration| {
        // The library would make something of parts that disagree.
        let whole = (0..1_000_000_000).contains(&span.nanos);
        let span = Duration::try_from(span).ok().filter(|_| whole);
        span.ok_or_else(|| Error::bad_request(field, "is negative or not a time span"))
    };
    value.map(convert).transpose()
}

pub(crate) fn grace(value: Option<prost_types::Duration>) -> Parsed<Option<Duration>> {
    match span("grace", value)? {
        Some(grace) if grace > GRACE_MAX => Err(Error::bad_request("grace", "is longer than 60 s")),
        grace => Ok(grace),
    }
}

pub(super) fn wait_timeout(value: Option<prost_types::Duration>) -> Parsed<Duration> {
    let timeout = span("timeout", value)?.unwrap_or(WAIT_DEFAULT);
    if timeout > WAIT_MAX {
        return Err(Error::bad_request("timeout", "is longer than one hour; wait again after it"));
    }
    Ok(timeout)
}

pub(super) fn length(value: u32) -> Parsed<usize> {
    let length = if value == 0 { READ_DEFAULT } else { value };
    if length > READ_MAX {
        return Err(Error::bad_request(
            "length",
            format!("is {length}; read at most {READ_MAX} bytes at once"),
        ));
    }
    usize::try_from(length).map_err(Error::internal)
}

pub(crate) fn as_text(format: i32) -> Parsed<bool> {
    match pb::Format::try_from(format) {
        Ok(pb::Format::Text) => Ok(true),
        Ok(pb::Format::Raw | pb::Format::Unspecified) => Ok(false),
        Err(_) => Err(Error::bad_request("format", format!("{format} is not a format"))),
    }
}

pub(super) fn writer(id: &str) -> Parsed<Option<WriterId>> {
    if id.is_empty() {
        return Ok(None);
    }
    let parsed: Option<WriterId> = id.parse().ok().filter(|id: &WriterId| id.0.get_version_num() == 7);
    parsed
        .map(Some)
        .ok_or_else(|| Error::bad_request("writer_id", "is not a UUIDv7; make one up, or leave it out"))
}

pub(super) fn states(states: &[i32]) -> Parsed<Vec<State>> {
    let one = |state: &i32| match terminal::State::try_from(*state) {
        Ok(terminal::State::Starting) => Ok(State::Starting),
        Ok(terminal::State::Running) => Ok(State::Running),
        Ok(terminal::State::Exited) => Ok(State::Exited),
        Ok(terminal::State::Lost) => Ok(State::Lost),
        Ok(terminal::State::Unspecified) | Err(_) => {
            Err(Error::bad_request("states", format!("{state} is not a state to ask for")))
        }
    };
    states.iter().map(one).collect()
}

/// The signals that may be sent.
const SIGNALS: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("KILL", libc::SIGKILL),
    ("TERM", libc::SIGTERM),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("WINCH", libc::SIGWINCH),
];

pub(super) fn signal(name: &str) -> Parsed<i32> {
    let short = name.strip_prefix("SIG").unwrap_or(name);
    let found = SIGNALS.iter().find(|(known, _)| *known == short);
    found.map(|(_, number)| *number).ok_or_else(|| {
        let known: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
        Error::bad_request("signal", format!("{name:?} is none of {}", known.join(", ")))
    })
}

pub(super) fn new_shell(request: pb::CreateTerminalRequest) -> Parsed<NewShell> {
    let id = RequestId::parse(
        request.request_id.clone(),
        "CreateTerminal",
        &fingerprint(&request).each_ref().map(Vec::as_slice),
    )?;
    let program = match (request.shell.is_empty(), request.command.is_empty()) {
        (true, true) => Program::LoginShell,
        (false, true) => Program::Line(request.shell),
        (true, false) => Program::Command(request.command),
        (false, false) => {
            return Err(Error::bad_request("shell", "and `command` are both set; give one of them"));
        }
    };
    let default = Size::default();
    let cols = request.cols.map_or(Ok(default.cols), |n| cells("cols", n))?;
    let rows = request.rows.map_or(Ok(default.rows), |n| cells("rows", n))?;
    Ok(NewShell {
        name: Some(request.name).filter(|name| !name.is_empty()),
        program,
        cwd: Some(request.cwd).filter(|cwd| !cwd.is_empty()),
        env: request.env,
        size: Size { cols, rows },
        idle_timeout: span("idle_timeout", request.idle_timeout)?,
        time_limit: span("time_limit", request.time_limit)?,
        limits: None,
        request: id,
    })
}

/// The request without its id, the same for the same request: maps have no order of their own.
fn fingerprint(request: &pb::CreateTerminalRequest) -> [Vec<u8>; 2] {
    use prost::Message;
    let mut env: Vec<(&String, &String)> = request.env.iter().collect();
    env.sort();
    let env = env.iter().map(|(name, value)| format!("{name}\0{value}\0")).collect::<String>().into_bytes();
    let rest =
        pb::CreateTerminalRequest { request_id: String::new(), env: Default::default(), ..request.clone() };
    [rest.encode_to_vec(), env]
}

pub(super) fn open(first: Option<pb::AttachRequest>) -> Parsed<Open> {
    let request = first.and_then(|m| m.request);
    let Some(pb::attach_request::Request::Open(request)) = request else {
        return Err(Error::bad_request("open", "is missing: it is the first message of the stream"));
    };
    let size = match (request.cols, request.rows) {
        (None, None) => None,
        (Some(cols), Some(rows)) => Some(size(cols, rows)?),
        _ => return Err(Error::bad_request("cols", "and `rows` go together; give both or neither")),
    };
    let start = match request.start {
        None => Start::Oldest,
        Some(open::Start::Offset(offset)) => Start::Offset(offset),
        Some(open::Start::TailBytes(bytes)) => Start::Tail(bytes),
        Some(open::Start::Live(live)) => live_or_oldest(live),
    };
    let writer = writer(&request.writer_id)?;
    Ok(Open { terminal: request.terminal_id, start, read_only: request.read_only, writer, size })
}

fn live_or_oldest(live: bool) -> Start {
    if live { Start::Live } else { Start::Oldest }
}

/// What is to be watched.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) terminals: Vec<(String, Start)>,
    pub(super) follow: bool,
    pub(super) as_text: bool,
}

pub(super) fn watch(request: pb::WatchRequest) -> Parsed<Watch> {
    let follow = request.follow.unwrap_or(true);
    let as_text = as_text(request.format)?;
    let terminals = match Form::of("terminal_id", &request.terminal_id, &request.subscriptions)? {
        Form::One => {
            let start = match request.start {
                None => Start::Oldest,
                Some(watch_request::Start::Offset(offset)) => Start::Offset(offset),
                Some(watch_request::Start::TailBytes(bytes)) => Start::Tail(bytes),
                Some(watch_request::Start::Live(live)) => live_or_oldest(live),
            };
            vec![(request.terminal_id, start)]
        }
        Form::Several if request.start.is_none() => {
            request.subscriptions.into_iter().map(subscription).collect()
        }
        Form::Several => {
            return Err(Error::bad_request(
                "subscriptions",
                "have a start each; leave out the one beside them",
            ));
        }
    };
    Ok(Watch { terminals, follow, as_text })
}

fn subscription(one: pb::Subscription) -> (String, Start) {
    let start = match one.start {
        None => Start::Oldest,
        Some(subscription::Start::Offset(offset)) => Start::Offset(offset),
        Some(subscription::Start::TailBytes(bytes)) => Start::Tail(bytes),
        Some(subscription::Start::Live(live)) => live_or_oldest(live),
    };
    (one.terminal_id, start)
}

/// What is to be typed.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) terminal: String,
    pub(super) writer: Option<(WriterId, u64)>,
    pub(super) data: Vec<u8>,
}

pub(super) fn write(request: pb::WriteRequest) -> Parsed<Write> {
    let (field, data) = match required("data", request.input)? {
        write_request::Input::Data(data) => ("data", data.to_vec()),
        write_request::Input::Text(text) => ("text", text.into_bytes()),
        write_request::Input::Keys(keys) => ("keys", key_bytes(&keys.names)?),
    };
    typing::check_length(field, data.len())?;
    let writer = match (writer(&request.writer_id)?, request.sequence) {
        (None, None) => None,
        (Some(_), Some(0)) => return Err(Error::bad_request("sequence", "is 0; the first one is 1")),
        (Some(writer), Some(sequence)) => Some((writer, sequence)),
        (Some(_), None) => return Err(Error::bad_request("sequence", "is missing; a writer_id needs it")),
        (None, Some(_)) => return Err(Error::bad_request("writer_id", "is missing; a sequence needs it")),
    };
    Ok(Write { terminal: request.terminal_id, writer, data })
}

fn key_bytes(names: &[String]) -> Parsed<Vec<u8>> {
    if names.len() > KEYS_MAX {
        return Err(Error::bad_request("keys.names", format!("are more than {KEYS_MAX}")));
    }
    let mut bytes = Vec::new();
    for name in names {
        let key = keys::bytes(name);
        let problem = || format!("{name:?} is no key; write Enter, C-c, Up, F5 … or a single character");
        bytes.extend(key.ok_or_else(|| Error::bad_request("keys.names", problem()))?);
    }
    Ok(bytes)
}
