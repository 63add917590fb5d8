//! What is written about a run after its end: a summary for programs, a JUnit report.
//!
//! It knows nothing about how the run went; the ending, the job and its agents say that.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use mosaic_client::{AgentInfo, Client, JobInfo, terminal::Start};
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::{ending::Ending, junit};
use crate::{failure::Failure, output::say, text};

/// How much of an attempt's output goes into a report: its end.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

/// The files to be written.
pub(super) struct Reports {
    summary: Option<Place>,
    junit: Option<Place>,
}

enum Place {
    StandardOutput,
    File(PathBuf, File),
}

/// One attempt, and the end of what it printed.
pub(super) struct Attempt {
    pub(super) agent: AgentInfo,
    pub(super) output: String,
}

impl Reports {
    /// Makes the files.
    pub(super) fn open(summary: Option<&Path>, junit: Option<&Path>) -> Result<Self, Failure> {
        Ok(Self {
            summary: summary.map(Place::open).transpose()?,
            junit: junit.map(Place::open).transpose()?,
        })
    }

    /// Writes them.
    pub(super) async fn write(self, client: &Client, ending: &Ending) -> Result<(), Failure> {
        if self.summary.is_none() && self.junit.is_none() {
            return Ok(());
        }
        let mut attempts = match &ending.job {
            Some(job) => attempts(client, job).await,
            None => Vec::new(),
        };
        if let Some(place) = self.junit {
            for attempt in &mut attempts {
                attempt.output = output(client, &attempt.agent).await;
            }
            place.write(&junit::report(ending, &attempts))?;
        }
        if let Some(place) = self.summary {
            place.write(&(text::escape_json(&summary(ending, &attempts).to_string()) + "\n"))?;
        }
        Ok(())
    }
}

impl Place {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::StandardOutput);
        }
        let file = File::create(path).map_err(|error| Failure::file("write", path, &error))?;
        Ok(Self::File(path.to_owned(), file))
    }

    fn write(self, text: &str) -> Result<(), Failure> {
        match self {
            Self::StandardOutput => Ok(std::io::stdout().write_all(text.as_bytes())?),
            Self::File(path, mut file) => {
                file.write_all(text.as_bytes()).map_err(|error| Failure::file("write", &path, &error))
            }
        }
    }
}

/// The attempts, oldest first. What the server does not tell any more is not in the report.
async fn attempts(client: &Client, job: &JobInfo) -> Vec<Attempt> {
    match client.orchestrator().job(&job.id).agents().all().await {
        Ok((agents, _)) => {
            agents.into_iter().rev().map(|agent| Attempt { agent, output: String::new() }).collect()
        }
        Err(error) => {
            say(&format!("[mosaic: the report lacks the attempts: {}]", text::escape(error.message())));
            Vec::new()
        }
    }
}

/// The end of what an attempt printed, as text.
async fn output(client: &Client, agent: &AgentInfo) -> String {
    if agent.terminal_id.is_empty() {
        return String::new();
    }
    let handle = client.orchestrator().agent(&agent.id);
    let request = handle.log().start(Start::Tail(OUTPUT_BYTES_MAX)).follow(false).text();
    let read = async {
        let mut printed = String::new();
        let mut watch = request.open().await?;
        while let Some(event) = watch.next().await {
            if let mosaic_client::terminal::Event::Output(output) = event? {
                printed.push_str(&output.text);
            }
        }
        Ok::<_, mosaic_client::Error>(printed)
    };
    read.await.unwrap_or_else(|error| {
        let why = text::escape(error.message());
        say(&format!("[mosaic: the report lacks the output of attempt {}: {why}]", agent.attempt));
        String::new()
    })
}

/// One object: what a script wants to know.
fn summary(ending: &Ending, attempts: &[Attempt]) -> Value {
    let job = ending.job.clone().unwrap_or_default();
    let name = ending.name.clone().unwrap_or_else(|| job.name.clone());
    let known = ending.job.is_some();
    json!({
        "outcome": ending.outcome,
        "exit_code": ending.code,
        "message": ending.message,
        "state": known.then(|| job.state().as_str_name()),
        "end_reason": known.then(|| job.end_reason().as_str_name()),
        "job": {"id": known.then_some(&job.id), "name": (!name.is_empty()).then_some(name)},
        "profile": known.then_some(&job.profile),
        "program_exit_code": job.exit.as_ref().and_then(|exit| exit.code),
        "program_signal": job.exit.as_ref().and_then(|exit| exit.signal),
        "attempts": job.attempts,
        "agents": attempts.iter().map(|attempt| agent(&attempt.agent)).collect::<Vec<_>>(),
        "create_time": time(job.create_time.as_ref()),
        "start_time": time(job.start_time.as_ref()),
        "end_time": time(job.end_time.as_ref()),
        "queued_seconds": seconds(job.create_time.as_ref(), job.start_time.as_ref()),
        "seconds": seconds(job.start_time.as_ref(), job.end_time.as_ref()),
        "tokens": job.tokens_used,
    })
}

fn agent(agent: &AgentInfo) -> Value {
    json!({
        "id": agent.id,
        "attempt": agent.attempt,
        "state": agent.state().as_str_name(),
        "terminal_id": agent.terminal_id,
        "exit_code": agent.exit.as_ref().and_then(|exit| exit.code),
        "signal": agent.exit.as_ref().and_then(|exit| exit.signal),
        "start_time": time(agent.start_time.as_ref()),
        "end_time": time(agent.end_time.as_ref()),
        "seconds": seconds(agent.start_time.as_ref(), agent.end_time.as_ref()),
        "branch": (!agent.branch.is_empty()).then_some(&agent.branch),
        "saved_ref": (!agent.saved_ref.is_empty()).then_some(&agent.saved_ref),
        "tokens": agent.tokens_used,
    })
}

/// A time as RFC 3339 in UTC; none if it is absent.
pub(super) fn time(time: Option<&Timestamp>) -> Option<String> {
    let time = SystemTime::try_from(*time?).ok()?;
    Some(humantime::format_rfc3339_millis(time).to_string())
}

/// The seconds from one time to another; none if one is absent. A clock that was set back makes 0 of it.
pub(super) fn seconds(from: Option<&Timestamp>, to: Option<&Timestamp>) -> Option<f64> {
    let from = SystemTime::try_from(*from?).ok()?;
    let to = SystemTime::try_from(*to?).ok()?;
    let span: Duration = to.duration_since(from).unwrap_or_default();
    Some((span.as_secs_f64() * 1000.0).round() / 1000.0)
}
