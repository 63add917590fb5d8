//! A model server that says what a script tells it to, in the wire formats of Anthropic, OpenAI and Ollama.
//!
//! It must not know who asks. What it sends is what the real servers send (event shapes, headers, errors), and what
//! they send when something breaks: `docs/fake-llm.md` describes the script.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use test_support::fake_llm::{FakeLlm, Reply, Script};
//!
//! let script = Script::new().reply("small", Reply::text(["Hel", "lo"]));
//! let fake = FakeLlm::start(script).await?;
//! // ... ask fake.endpoint() for the model "small" ...
//! assert_eq!(fake.requests()[0].model, "small");
//! # Ok(()) }
//! ```

mod http;
mod play;
mod script;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use http::Request;
pub use script::{Ending, Reply, Said, Script, Step, Stop, ToolCall, Usage};
pub use wire::Wire;

/// Requests that are kept to be looked at; the oldest go first.
const REQUESTS_MAX: usize = 1000;

/// What became of the requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that came, lists of models among them.
    pub requests: usize,
    /// Answers that are being sent right now.
    pub open: usize,
    /// Answers that were sent as far as the script goes.
    pub finished: usize,
    /// Answers whose client went away before.
    pub dropped: usize,
}

/// The server. Dropping it closes all connections.
#[derive(Debug)]
pub struct FakeLlm {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Accepts and owns the connections; aborted on drop.
    accepting: JoinHandle<()>,
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    script: Script,
    /// How many replies of a model were given.
    given: Mutex<BTreeMap<String, usize>>,
    requests: Mutex<VecDeque<Request>>,
    counts: watch::Sender<Counts>,
}

impl FakeLlm {
    /// Serves a script on a port of its own of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(script: Script) -> Result<Self> {
        Self::listen("127.0.0.1:0", script).await
    }

    /// Serves a script there.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn listen(address: &str, script: Script) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script,
            given: Mutex::default(),
            requests: Mutex::default(),
            counts: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens: `http://127.0.0.1:port`. Behind it are `/v1/messages`, `/v1/chat/completions`, `/api/chat`
    /// and the lists of models.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL as a client of that wire format wants it.
    pub fn base_url(&self, wire: Wire) -> String {
        match wire {
            Wire::Anthropic | Wire::Ollama => self.endpoint(),
            Wire::OpenAi => format!("{}/v1", self.endpoint()),
        }
    }

    /// The requests so far, the latest last: at most 1000.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// What became of them.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.borrow()
    }

    /// Waits until the counts are so.
    pub async fn until(&self, reached: impl FnMut(&Counts) -> bool) -> Counts {
        let mut counts = self.shared.counts.subscribe();
        // The sender lives as long as `self`.
        counts.wait_for(reached).await.map_or_else(|_| self.counts(), |counts| *counts)
    }
}

impl Drop for FakeLlm {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                connections.spawn(play::connection(client, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Shared {
    fn record(&self, request: &Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REQUESTS_MAX {
            requests.pop_front();
        }
        requests.push_back(request.clone());
        drop(requests);
        self.counts.send_modify(|counts| counts.requests += 1);
    }

    /// The next reply for a model: in order, the last one again and again.
    fn reply(&self, model: &str) -> Option<&Reply> {
        let replies = self.script.models.get(model).unwrap_or(&self.script.default);
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = given.entry(model.to_owned()).or_default();
        let reply = replies.get(*next).or(replies.last());
        *next += 1;
        reply
    }
}

/// Reads a script (TOML).
///
/// # Errors
/// It cannot be read, or is none: the message says where.
pub fn read_script(path: &Path) -> Result<Script> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is no script", path.display()))
}

#[cfg(test)]
mod tests;
