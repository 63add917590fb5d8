//! Requests into domain types: every bad value is a `BAD_REQUEST` that names its field.
//!
//! It knows nothing about what a request does; what a job may be, the domain checks.

use std::time::Duration;

use mosaic_proto::orchestrator::v1::{self as pb, tail_log_request};

use crate::{
    error::{Error, Result},
    orchestrator::{SpawnWish, StopWish, Until, agent, job},
    terminal::{
        Size, Start,
        grpc::{grace, parse_span as span, size},
    },
    workspace::request::RequestId,
};

const REASON_BYTES_MAX: usize = 1024;
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(300);
const COLS: u32 = 80;
const ROWS: u32 = 24;

pub(super) fn wish(request: pb::SpawnAgentRequest) -> Result<SpawnWish> {
    let request_id = request_id(&request)?;
    let size = match (request.cols, request.rows) {
        (None, None) => Size::default(),
        (cols, rows) => size(cols.unwrap_or(COLS), rows.unwrap_or(ROWS))?,
    };
    Ok(SpawnWish {
        request: request_id,
        profile: request.profile,
        prompt: request.prompt,
        name: request.name,
        cwd: request.cwd,
        env: request.env.into_iter().collect(),
        repository: request.repository,
        base: request.base,
        depends_on: request.depends_on,
        priority: request.priority,
        attempts: request.attempts,
        backoff: span("backoff", request.backoff)?,
        queued_timeout: span("queued_timeout", request.queued_timeout)?,
        timeout: span("timeout", request.timeout)?,
        output_timeout: span("output_timeout", request.output_timeout)?,
        rerun_when_lost: request.rerun_when_lost,
        token_budget: request.token_budget,
        labels: request.labels.into_iter().collect(),
        size,
    })
}

/// The request's id with a fingerprint of all its other fields. Maps have no order, so theirs are sorted.
fn request_id(request: &pb::SpawnAgentRequest) -> Result<Option<RequestId>> {
    let sorted = |map: &std::collections::HashMap<String, String>| {
        let mut all: Vec<String> = map.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.sort();
        all.join("\0")
    };
    let rest = pb::SpawnAgentRequest {
        request_id: String::new(),
        env: std::collections::HashMap::new(),
        labels: std::collections::HashMap::new(),
        ..request.clone()
    };
    let rest = prost::Message::encode_to_vec(&rest);
    let (env, labels) = (sorted(&request.env), sorted(&request.labels));
    let fields = [rest.as_slice(), env.as_bytes(), labels.as_bytes()];
    RequestId::parse(request.request_id.clone(), "SpawnAgent", &fields)
}

pub(super) fn retry_id(request: &pb::RetryJobRequest) -> Result<Option<RequestId>> {
    RequestId::parse(request.request_id.clone(), "RetryJob", &[request.job_id.as_bytes()])
}

pub(super) fn input_id(request: &pb::SendInputRequest) -> Result<Option<RequestId>> {
    let fields = [request.agent_id.as_bytes(), request.text.as_bytes(), &[request.no_enter.into()]];
    RequestId::parse(request.request_id.clone(), "SendInput", &fields)
}

pub(super) fn reason(text: String) -> Result<String> {
    if text.len() > REASON_BYTES_MAX {
        let problem = format!("has {} bytes; at most {REASON_BYTES_MAX} are allowed", text.len());
        return Err(Error::bad_request("reason", problem));
    }
    if text.contains('\0') {
        return Err(Error::bad_request("reason", "holds NUL; leave it out"));
    }
    Ok(text)
}

pub(super) fn stop(words: String, time: Option<prost_types::Duration>, force: bool) -> Result<StopWish> {
    Ok(StopWish { words: reason(words)?, grace: grace(time)?, force })
}

pub(super) fn until(until: i32) -> Result<Until> {
    match pb::wait_job_request::Until::try_from(until) {
        Ok(pb::wait_job_request::Until::Unspecified | pb::wait_job_request::Until::Over) => Ok(Until::Over),
        Ok(pb::wait_job_request::Until::Started) => Ok(Until::Started),
        Ok(pb::wait_job_request::Until::InputRequired) => Ok(Until::InputRequired),
        Err(_) => Err(Error::bad_request("until", "is unknown; leave it out to wait for the end")),
    }
}

pub(super) fn wait_timeout(value: Option<prost_types::Duration>) -> Result<Duration> {
    let timeout = span("timeout", value)?.unwrap_or(WAIT_DEFAULT);
    if timeout > WAIT_MAX {
        return Err(Error::bad_request("timeout", "is longer than 5 minutes; wait again after it"));
    }
    Ok(timeout)
}

pub(super) fn start(start: Option<tail_log_request::Start>) -> Start {
    match start {
        None | Some(tail_log_request::Start::Live(false)) => Start::Oldest,
        Some(tail_log_request::Start::Offset(offset)) => Start::Offset(offset),
        Some(tail_log_request::Start::TailBytes(bytes)) => Start::Tail(bytes),
        Some(tail_log_request::Start::Live(true)) => Start::Live,
    }
}

pub(super) fn job_states(states: &[i32]) -> Result<Vec<job::State>> {
    let one = |(index, number): (usize, &i32)| {
        let state = pb::job::State::try_from(*number).ok();
        let found = state.and_then(|state| {
            let name = state.as_str_name().trim_start_matches("STATE_");
            job::State::ALL.into_iter().find(|known| known.as_str() == name)
        });
        found
            .ok_or_else(|| Error::bad_request(format!("states[{index}]"), "is unknown; leave it out for all"))
    };
    states.iter().enumerate().map(one).collect()
}

pub(super) fn agent_states(states: &[i32]) -> Result<Vec<agent::State>> {
    let one = |(index, number): (usize, &i32)| {
        let state = pb::agent::State::try_from(*number).ok();
        let found = state.and_then(|state| {
            let name = state.as_str_name().trim_start_matches("STATE_");
            agent::State::ALL.into_iter().find(|known| known.as_str() == name)
        });
        found
            .ok_or_else(|| Error::bad_request(format!("states[{index}]"), "is unknown; leave it out for all"))
    };
    states.iter().enumerate().map(one).collect()
}
