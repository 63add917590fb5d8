//! What must live through faults: each test breaks the real processes and checks by offset and content.
//!
//! It must not know how the server keeps its promises, only what they are.

mod both;
mod database;
mod disk;
mod input;
mod keeper;
mod output;
mod server;

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    GetTerminalRequest, Terminal, WaitTerminalRequest, WaitTerminalResponse, WatchRequest,
    terminal_event::Event, watch_request::Start,
};
use test_support::{Server, TerminalClient};

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Lets a random time pass, so that what comes next hits a random instant.
    pub(crate) async fn pause(&mut self, max: Duration) {
        let micros = self.below(u64::try_from(max.as_micros()).unwrap());
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}

/// How many faults: all of them only if asked for.
pub(crate) fn faults(full: usize) -> usize {
    if test_support::long() { full } else { full / 10 }
}

/// A server that keeps more output than the tests print.
pub(crate) async fn roomy() -> Result<Server> {
    Server::builder().config("terminal.output_log_bytes_max", 512 << 20).start().await
}

/// A reader that remembers its offset and its bytes over any number of connections.
#[derive(Default)]
pub(crate) struct Cursor {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: bool,
}

impl Cursor {
    /// Reads on until the connection breaks, the terminal ends, or `enough` says so.
    pub(crate) async fn read(
        &mut self,
        client: &mut TerminalClient,
        id: &str,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Result<()> {
        let start = Some(Start::Offset(self.bytes.len() as u64));
        let request = WatchRequest { terminal_id: id.to_owned(), start, ..Default::default() };
        let mut events = client.watch(request).await?.into_inner();
        while let Some(message) = events.message().await? {
            match message.event.and_then(|e| e.event) {
                Some(Event::Output(output)) => {
                    assert_eq!(output.offset, self.bytes.len() as u64, "a gap or a repetition");
                    self.bytes.extend_from_slice(&output.data);
                    assert_eq!(output.end_offset, self.bytes.len() as u64);
                }
                Some(Event::Gap(gap)) => panic!("{gap:?}"),
                Some(Event::Exited(exited)) => {
                    assert_eq!(exited.final_offset, self.bytes.len() as u64);
                    self.ended = true;
                }
                _ => {}
            }
            if enough(&self.bytes) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads to the end of the terminal.
    pub(crate) async fn finish(&mut self, client: &mut TerminalClient, id: &str) -> Result<()> {
        self.read(client, id, |_| false).await?;
        assert!(self.ended, "the stream ended before the terminal");
        Ok(())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// True if there is no such process any more, or only its record until its parent asks for it.
pub(crate) fn gone(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}

pub(crate) async fn get(client: &mut TerminalClient, id: &str) -> Result<Terminal> {
    let answer = client.get_terminal(GetTerminalRequest { terminal_id: id.to_owned() }).await?;
    answer.into_inner().terminal.context("no terminal in the answer")
}

pub(crate) async fn wait(client: &mut TerminalClient, id: &str) -> Result<WaitTerminalResponse> {
    let answer = client
        .wait_terminal(WaitTerminalRequest { terminal_id: id.to_owned(), ..Default::default() })
        .await?;
    Ok(answer.into_inner())
}
