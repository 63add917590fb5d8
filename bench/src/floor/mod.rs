//! The floors: the least that does what Mosaic does, without log, journal, resumption, access rules or database.
//!
//! They must not know Mosaic.

mod client;
mod pty;
mod service;
mod spawn;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

pub(crate) use self::{
    client::Stream,
    pty::Pty,
    service::serve,
    spawn::{echo_many, echoes, per_second, spawn_many},
};

/// Makes the terminal pass bytes as they are, and says so.
pub(crate) const RAW: &str = "stty raw -echo; echo ready; ";
/// What [`RAW`] prints.
pub(crate) const READY: &str = "ready\n";
/// A program that does nothing.
pub(crate) const IDLE: [&str; 2] = ["/bin/sleep", "infinity"];

/// A bare gRPC stream over a bare PTY, served by a process of its own, as Mosaic is.
pub(crate) struct Floor {
    process: Child,
    endpoint: String,
}

impl Floor {
    /// Starts the process.
    pub(crate) async fn start() -> Result<Self> {
        let mut process =
            Command::new(std::env::current_exe()?).arg("floor").stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().context("the floor has no output")?;
        let address = tokio::task::spawn_blocking(move || BufReader::new(output).lines().next()).await?;
        let endpoint = format!("http://{}", address.context("the floor did not start")??);
        Ok(Self { process, endpoint })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Runs a command line as `sh -c` and reads until it has said that it is ready.
    pub(crate) async fn run(&self, command_line: &str) -> Result<Stream> {
        let mut stream = Stream::open(&self.endpoint, command_line).await?;
        let mut seen = 0;
        while seen < READY.len() {
            seen += stream.next().await?.context("the program ended before it was ready")?;
        }
        Ok(stream)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
