//! The model that comes with Mosaic: a program of its own, started on first use and spoken to over a socket.
//!
//! It must not know how the model computes, nor who fetches its weights.

mod answer;
mod place;
mod program;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{Failure, FailureKind, Offered, Part, Pieces, Prompt, Provider, Role};
use program::{Programs, Use};

/// The only model.
pub const MODEL: &str = "smollm2-135m";

/// What it was taught with: prompt and answer together.
const CONTEXT_TOKENS: u32 = 8192;

/// Tokens of an answer: a model this small goes round in circles before long, and answers one after the other.
const OUTPUT_TOKENS_MAX: u32 = 1024;

/// Bytes of a request's line. No prompt of [`CONTEXT_TOKENS`] comes near.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// How long taking a request may last: the program reads it at once.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// Where things are, and how long they may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `mosaic-local-model`: the first of these that is there.
    pub programs: Vec<PathBuf>,
    /// The weights that it reads.
    pub weights: PathBuf,
    /// A file that is locked while the two are being made, and says how far that is.
    pub preparing: PathBuf,
    /// Directory of the socket; made if it is missing, open to its owner alone.
    pub socket_dir: PathBuf,
    /// What to run to get what is missing; for the person who reads why there is no model.
    pub prepare_command: String,
    /// How long a start may take: it reads and checks 98 MB.
    pub start_wait: Duration,
    /// How long the program stays when nobody asks it anything.
    pub idle_stop: Duration,
    /// How long it may say nothing: it answers one after the other, so others' answers are in it.
    pub silence: Duration,
}

impl Settings {
    /// As `scripts/local-model.sh` leaves it in a data directory.
    pub fn of(data_dir: &Path, run_dir: &Path) -> Self {
        let here = data_dir.join("local-model");
        let beside = std::env::current_exe().ok();
        let beside = beside.and_then(|own| Some(own.parent()?.join(program::NAME)));
        Self {
            programs: [here.join(program::NAME)].into_iter().chain(beside).collect(),
            weights: here.join("SmolLM2-135M-Instruct.Q4_1.gguf"),
            preparing: here.join("preparing"),
            socket_dir: run_dir.join("local-model"),
            prepare_command: format!("scripts/local-model.sh --data-dir {}", data_dir.display()),
            start_wait: Duration::from_secs(60),
            idle_stop: Duration::from_mins(10),
            silence: Duration::from_mins(5),
        }
    }
}

/// The provider `local`. Dropping it ends the program.
#[derive(Debug)]
pub struct Local {
    settings: Arc<Settings>,
    programs: Programs,
}

impl Local {
    /// Starts nothing yet.
    pub fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        Self { programs: Programs::new(settings.clone()), settings }
    }

    /// Ends the program, and comes back when it has ended. The next use starts another one.
    pub async fn stop(&self) {
        self.programs.stop().await;
    }

    /// A connection to the program, which is started if it does not run.
    async fn connect(&self) -> Result<(UnixStream, Use), Failure> {
        let process = self.programs.running().await?;
        match UnixStream::connect(process.socket()).await {
            // It has crashed since: nothing was asked yet, so another one can be.
            Err(cause) if matches!(cause.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
                process.forget().await;
            }
            connected => {
                return connected.map(|stream| (stream, process)).map_err(|cause| no_connection(&cause));
            }
        }
        let process = self.programs.running().await?;
        let stream = UnixStream::connect(process.socket()).await.map_err(|cause| no_connection(&cause))?;
        Ok((stream, process))
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Pieces, Failure> {
        let line = request(prompt)?;
        let (mut stream, process) = self.connect().await?;
        let taken = timeout(REQUEST_WAIT, stream.write_all(&line)).await;
        // One that broke off may have been refused unread: the answer tells.
        let _ = taken.map_err(|_| late("to take the request"))?;
        Ok(answer::pieces(BufReader::new(stream), process, self.settings.silence))
    }
}

fn no_connection(cause: &io::Error) -> Failure {
    Failure::new(FailureKind::Connect, format!("the local model takes no calls: {cause}"))
}

fn late(what: &str) -> Failure {
    Failure::new(FailureKind::Timeout, format!("the local model took too long {what}"))
}

impl Provider for Local {
    fn generate<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>> {
        Box::pin(self.ask(prompt))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>> {
        Box::pin(async {
            place::find(&self.settings).await?;
            let offered = Offered {
                name: MODEL.to_owned(),
                context_tokens: Some(CONTEXT_TOKENS),
                output_tokens_max: Some(OUTPUT_TOKENS_MAX),
                tools: Some(false),
                thinking: Some(false),
                images: Some(false),
            };
            Ok(vec![offered])
        })
    }
}

/// What the program is asked.
#[derive(Serialize)]
struct Request<'a> {
    messages: Vec<Message<'a>>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    stop: &'a [String],
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Cow<'a, str>,
}

/// The prompt as the program's line.
fn request(prompt: &Prompt) -> Result<Vec<u8>, Failure> {
    if prompt.model != MODEL {
        let message = format!("there is no local model {:?}, only {MODEL}", prompt.model);
        return Err(Failure::new(FailureKind::ModelNotFound, message));
    }
    if !prompt.tools.is_empty() {
        return Err(Failure::new(FailureKind::Refused, "the local model cannot call tools"));
    }
    let system = Message { role: "system", content: prompt.system.as_str().into() };
    let mut messages: Vec<_> = (!prompt.system.is_empty()).then_some(system).into_iter().collect();
    for turn in &prompt.turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        messages.push(Message { role, content: text(&turn.parts)? });
    }
    let parameters = &prompt.parameters;
    let request = Request {
        messages,
        max_tokens: prompt.output_tokens_max.max(1),
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        stop: &parameters.stop,
    };
    let mut line = serde_json::to_vec(&request)
        .map_err(|cause| Failure::new(FailureKind::Refused, format!("the prompt is not JSON: {cause}")))?;
    line.push(b'\n');
    match line.len() > REQUEST_BYTES_MAX {
        true => Err(Failure::new(FailureKind::ContextTooLong, "the conversation is longer than 4 MiB")),
        false => Ok(line),
    }
}

/// A turn's text. What another model thought and did in the conversation is left out, except for what it
/// was answered; pictures are refused.
fn text(parts: &[Part]) -> Result<Cow<'_, str>, Failure> {
    if let [Part::Text(text)] = parts {
        return Ok(text.into());
    }
    let mut all = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => all.push(text.as_str()),
            Part::ToolResult(result) => all.push(&result.content),
            Part::Thinking { .. } | Part::ToolCall(_) => {}
            Part::Image(_) => {
                return Err(Failure::new(FailureKind::Refused, "the local model cannot see pictures"));
            }
        }
    }
    Ok(all.join("\n").into())
}
