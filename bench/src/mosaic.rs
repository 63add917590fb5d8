//! The real server under measurement, and the SDK that talks to it.
//!
//! It must not know what is measured.

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use mosaic_client::{
    Client,
    terminal::{Attachment, Event, Start, Terminal},
};
use test_support::Server;

/// Callers of CreateTerminal at once.
pub(crate) const CALLERS: usize = 16;

/// A server with its own PostgreSQL, as `mosaic-server` starts it, and room for what is measured.
pub(crate) struct Mosaic {
    server: Server,
    client: Client,
}

impl Mosaic {
    /// Starts one with empty directories.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// The same with this configuration file.
    pub(crate) async fn start_with(file: &str) -> Result<Self> {
        let server = Server::builder()
            .embedded_postgres()
            .config_file(file)
            .config("terminal.running_per_workspace_max", 2000)
            .config("terminal.ended_per_workspace_max", 10_000)
            .config("terminal.output_log_bytes_max", 1_u64 << 30)
            // Room and time for calls that hold memory: see `spawn`.
            .config("terminal.reorder_window_max", crate::spawn::HELD_CALLS)
            .config("terminal.reorder_wait_ms", 60_000)
            .config("log.filter", "error")
            .start()
            .await?;
        let client = connect(&server)?;
        Ok(Self { server, client })
    }

    /// A client with connections of its own.
    pub(crate) fn another_client(&self) -> Result<Client> {
        connect(&self.server)
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.server.pid()
    }

    pub(crate) fn keeper_pid(&self) -> Result<u32> {
        self.server.keeper_pid()
    }

    /// Runs a command line as `sh -c`, without a login shell around it.
    pub(crate) async fn run(&self, command_line: &str) -> Result<Terminal> {
        Ok(self.client.terminals().create().command(["/bin/sh", "-c", command_line]).send().await?.0)
    }

    /// Starts so many programs that do nothing, with [`CALLERS`] calls at once.
    pub(crate) async fn start_idle(&self, count: usize) -> Result<Vec<Terminal>> {
        let create = |_| async {
            anyhow::Ok(self.client.terminals().create().command(super::floor::IDLE).send().await?.0)
        };
        let started: Vec<_> = stream::iter(0..count).map(create).buffer_unordered(CALLERS).collect().await;
        started.into_iter().collect()
    }

    /// Ends everything and checks that nothing is left.
    pub(crate) async fn stop(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.server.stop_all()).await?
    }
}

/// Ends terminals.
pub(crate) async fn close(terminals: &[Terminal]) -> Result<()> {
    let ends = stream::iter(terminals).map(|terminal| terminal.close(None)).buffer_unordered(CALLERS);
    for ended in ends.collect::<Vec<_>>().await {
        ended?;
    }
    Ok(())
}

/// Ends a terminal and forgets it with its output.
pub(crate) async fn remove(terminal: Terminal) -> Result<()> {
    terminal.close(None).await?;
    Ok(terminal.delete().await?)
}

/// Reads from the beginning until the program has said that it is ready.
pub(crate) async fn until_ready(terminal: &Terminal) -> Result<Attachment> {
    let mut attachment = terminal.attach().start(Start::Oldest).open().await?;
    let mut seen = 0;
    while seen < super::floor::READY.len() {
        seen += output(&mut attachment).await?.context("the program ended before it was ready")?;
    }
    Ok(attachment)
}

/// The length of the next output; none at the end of the terminal.
pub(crate) async fn output(attachment: &mut Attachment) -> Result<Option<usize>> {
    while let Some(event) = attachment.next().await {
        match event? {
            Event::Output(output) => return Ok(Some(output.data.len())),
            Event::Gap(gap) => anyhow::bail!("output is missing: {gap:?}"),
            Event::Reconnecting(_) => anyhow::bail!("the connection was lost"),
            Event::Ended(_) => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Reads exactly so many bytes.
pub(crate) async fn read(attachment: &mut Attachment, bytes: usize) -> Result<()> {
    let mut left = bytes;
    while left > 0 {
        let n = output(attachment).await?.with_context(|| format!("{left} bytes are missing"))?;
        left = left.checked_sub(n).context("more came than was printed")?;
    }
    Ok(())
}

fn connect(server: &Server) -> Result<Client> {
    Ok(Client::connect(server.endpoint()).token(server.token()?).build()?)
}
