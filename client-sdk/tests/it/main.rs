//! The SDK against the real server: one file for each promise.
//!
//! It must not look inside the server: it does what a program with the SDK does.

mod attach;
mod calls;
mod cancel;
mod chat;
mod events;
mod io;
mod orchestrator;
mod silence;
mod tls;
mod typing;
mod wait;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_client::{
    Client,
    terminal::{Event, Terminal},
};
use test_support::Server;

/// What waits for what never comes shall fail, not hang. The slowest test takes some ten seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test, for at most [`PATIENCE`], or ten times that with the full counts.
async fn within(test: impl Future<Output = Result<()>>) -> Result<()> {
    let patience = if test_support::long() { 10 * PATIENCE } else { PATIENCE };
    tokio::time::timeout(patience, test).await.context("the test waits for what does not come")?
}

/// A client with the operator's token.
fn client(server: &Server) -> Result<Client> {
    client_at(server, &server.endpoint())
}

/// The same, through another endpoint.
fn client_at(server: &Server, endpoint: &str) -> Result<Client> {
    Ok(Client::connect(endpoint).token(server.token()?).build()?)
}

/// A command line that prints `ready`, then exactly the bytes that are typed, and ends after so many.
fn echo_of_input(bytes: usize) -> String {
    format!("stty raw -echo; echo ready; exec head -c {bytes}")
}

/// A command line that prints more than anybody holds unread, then `all`, and then waits.
const MUCH_OUTPUT: &str = "seq 2000000; echo all; read line";

/// What [`echo_of_input`] prints first.
const READY: &[u8] = b"ready\n";

/// Bytes that say at each place where they belong.
fn numbered_bytes(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..length as u64 / 8 + 1).flat_map(|n| format!("{n:07}\n").into_bytes()).collect();
    bytes.truncate(length);
    bytes
}

/// Says where two byte strings differ, not what they are: they are long.
fn assert_same_bytes(seen: &[u8], expected: &[u8]) {
    let differ = seen.iter().zip(expected).position(|(seen, expected)| seen != expected);
    assert_eq!(differ, None, "the bytes differ from this offset on");
    assert_eq!(seen.len(), expected.len(), "bytes are missing or too many at the end");
}

/// Pseudo-random numbers (xorshift64*), the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// Waits until the terminal has printed this text since its start.
async fn printed(terminal: &Terminal, text: &str) -> Result<()> {
    let mut watch = terminal.watch().open().await?;
    let mut seen = Vec::new();
    loop {
        match watch.next().await.context("the terminal ended")?? {
            Event::Output(output) => seen.extend_from_slice(&output.data),
            Event::Ended(ended) => anyhow::bail!("{ended:?} after {:?}", String::from_utf8_lossy(&seen)),
            _ => {}
        }
        if seen.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(());
        }
        // The text may lie across two events, but no further back.
        seen.drain(..seen.len().saturating_sub(text.len()));
    }
}
