//! What a fake model server is to say: replies for each model, as data.
//!
//! It must not know how any of it looks on the wire. `docs/fake-llm.md` describes the same in TOML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Replies for each model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// By the model's name: one request takes one reply, in order; the last one is given again and again.
    #[serde(default)]
    pub models: BTreeMap<String, Vec<Reply>>,
    /// For models without a line of their own; empty: there is no such model (404).
    #[serde(default)]
    pub default: Vec<Reply>,
}

/// What one request gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// Silence before the first byte, headers included.
    pub wait_ms: u64,
    /// HTTP status. Anything but 200 is answered with `error` as the wire format has it, and no steps.
    pub status: u16,
    /// More headers, such as `retry-after` or `location`.
    pub headers: BTreeMap<String, String>,
    /// The words of an error before the stream.
    pub error: Option<Said>,
    /// What comes in the stream, in order.
    pub steps: Vec<Step>,
    /// Steps with content in a second; 0: as fast as they are taken.
    pub tokens_per_second: f64,
    /// Frames that are written at once.
    pub frames_per_write: usize,
    /// Every write is cut into pieces of so many bytes; 0: it is not.
    pub split_bytes: usize,
    /// Time between these pieces.
    pub split_ms: u64,
    /// The count that is told; absent: one is made up, of a token a step.
    pub usage: Option<Usage>,
    /// No count is told.
    pub no_usage: bool,
    /// Why the answer ends.
    pub stop: Stop,
    /// How the stream ends.
    pub ending: Ending,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            wait_ms: 0,
            status: 200,
            headers: BTreeMap::new(),
            error: None,
            steps: Vec::new(),
            tokens_per_second: 0.0,
            frames_per_write: 1,
            split_bytes: 0,
            split_ms: 0,
            usage: None,
            no_usage: false,
            stop: Stop::End,
            ending: Ending::Finished,
        }
    }
}

/// The words of an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Said {
    /// The provider's name for it (`overloaded_error`); empty: one that goes with the status.
    pub kind: String,
    /// A sentence.
    pub message: String,
}

/// Something in a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A piece of text.
    Text(String),
    /// So many pieces, each `word `, for load.
    Words(usize),
    /// A piece of thoughts.
    Thinking(String),
    /// The seal under the thoughts; only Anthropic has one.
    Signature(String),
    /// A call of a tool.
    ToolCall(ToolCall),
    /// What shows that the server lives: an event of Anthropic's, a comment of OpenAI's; Ollama has nothing.
    Ping,
    /// Silence.
    WaitMs(u64),
    /// Bytes as they are.
    Raw(String),
    /// An event of so many bytes: a piece of text in the wire's own form.
    LargeEventBytes(usize),
    /// An error in the middle of the stream, after which nothing more comes.
    Error(Said),
}

/// A call of a tool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolCall {
    /// Its id; Ollama tells none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Arguments as JSON text, which comes in pieces of 5 bytes; whole with Ollama.
    pub arguments: String,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// All of the prompt.
    pub input: u64,
    /// All of the answer.
    pub output: u64,
    /// Of the prompt: from a cache. Ollama tells none.
    pub cached: u64,
    /// Of the answer: thinking. Only OpenAI tells it.
    pub thinking: u64,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It is done.
    End,
    /// The limit.
    Length,
    /// A tool is to be called.
    ToolCall,
    /// The model or a filter refuses; Ollama has no word for it.
    Refused,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// As it should.
    Finished,
    /// In good order as far as HTTP knows, but without the last events.
    Cut,
    /// The server closes its half of the connection in the middle, and reads on.
    HalfClosed,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays.
    Stall,
    /// The last events come, and the connection stays.
    Open,
    /// All steps again and again, until the client goes.
    Endless,
}

impl Script {
    /// An empty script: no model is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reply for a model.
    #[must_use]
    pub fn reply(mut self, model: &str, reply: Reply) -> Self {
        self.models.entry(model.to_owned()).or_default().push(reply);
        self
    }
}

impl Reply {
    /// A stream of these steps.
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// A stream of text.
    pub fn text<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self::steps(pieces.into_iter().map(|piece| Step::Text(piece.to_owned())))
    }

    /// An error before the stream.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let said = Said { kind: kind.to_owned(), message: message.to_owned() };
        Self { status, error: Some(said), ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Says how it ends.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}
