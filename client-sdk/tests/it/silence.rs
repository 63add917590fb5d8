//! A stream on which nothing comes, not even a heartbeat, is lost even if nobody says so.
//!
//! It must not cut a connection: here all of them live.

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_client::{
    Client,
    terminal::{Attachment, Event},
    workspace::WorkspaceEvent,
};
use test_support::Server;

use crate::within;

/// Shorter than what HTTP/2's own sign of life takes, so that it is not that which finds out.
const LIMIT: Duration = Duration::from_secs(3);

fn impatient(server: &Server, limit: Duration) -> Result<Client> {
    Ok(Client::connect(server.endpoint()).token(server.token()?).silence_limit(limit).build()?)
}

/// Reads until the stream is lost for silence.
async fn lost(attachment: &mut Attachment) -> Result<()> {
    loop {
        if let Event::Reconnecting(lost) = attachment.next().await.context("an end")?? {
            let cause = lost.cause.to_string();
            anyhow::ensure!(cause.contains("not even a heartbeat"), "{cause}");
            return Ok(());
        }
    }
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_the_stream_goes_on_after_it() -> Result<()> {
    within(async {
        let server = Server::builder().config("streams.heartbeat_ms", 200).start().await?;
        let client = impatient(&server, LIMIT)?;
        let (terminal, _) = client.terminals().create().command(["cat"]).send().await?;
        let mut attachment = terminal.attach().open().await?;
        // Heartbeats alone keep it for longer than the limit.
        let mut heartbeats = 0;
        while heartbeats < 20 {
            match attachment.next().await.context("an end")?? {
                Event::Heartbeat(_) => heartbeats += 1,
                Event::Reconnecting(lost) => anyhow::bail!("{:?} after {heartbeats}", lost.cause),
                _ => {}
            }
        }
        server.stop_signal()?;
        lost(&mut attachment).await?;
        attachment.send("typed meanwhile\n").await?;
        server.cont()?;
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("typed meanwhile\r\ntyped meanwhile\r\n") {
            if let Event::Output(output) = attachment.next().await.context("an end")?? {
                seen.extend_from_slice(&output.data);
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_silent_stream_is_made_again_even_if_its_connection_lives() -> Result<()> {
    within(async {
        let server = Server::builder().config("streams.heartbeat_ms", 30_000).start().await?;
        let client = impatient(&server, Duration::from_millis(300))?;
        let (terminal, _) = client.terminals().create().command(["cat"]).send().await?;
        let mut attachment = terminal.attach().open().await?;
        lost(&mut attachment).await?;
        while !matches!(attachment.next().await.context("an end")??, Event::Reconnected(_)) {}

        let mut watch = terminal.watch().open().await?;
        while !matches!(watch.next().await.context("an end")??, Event::Reconnected(_)) {}

        let mut events = client.workspace().watch_events().open().await?;
        while !matches!(events.next().await.context("an end")??, WorkspaceEvent::Reconnected) {}
        Ok(())
    })
    .await
}
