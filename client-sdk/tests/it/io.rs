//! The `AsyncRead + AsyncWrite` view.
//!
//! It must not use events.

use anyhow::Result;
use mosaic_client::terminal::Start;
use test_support::{Proxy, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{READY, assert_same_bytes, client, client_at, echo_of_input, numbered_bytes, within};

#[tokio::test]
async fn reads_to_the_end_and_knows_the_exit() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["sh"]).send().await?;
        let mut io = terminal.attach().open().await?.into_io();
        io.resize(77, 22)?;
        io.write_all(b"stty size; exit 3\n").await?;
        let mut all = Vec::new();
        io.read_to_end(&mut all).await?;
        assert!(String::from_utf8_lossy(&all).contains("22 77"), "{:?}", String::from_utf8_lossy(&all));
        assert_eq!(io.exit().and_then(|exit| exit.code), Some(3));
        let error = io.write_all(b"x").await.expect_err("the terminal has ended");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn copies_both_ways_through_cut_connections() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let proxy = Proxy::start(&server.endpoint()).await?;
        let client = client_at(&server, &proxy.endpoint())?;
        let input = numbered_bytes(3 << 20);
        let (terminal, _) = client.terminals().create().shell(echo_of_input(input.len())).send().await?;
        crate::printed(&terminal, "ready").await?;
        let start = Start::Offset(READY.len() as u64);
        let (mut reader, mut writer) =
            tokio::io::split(terminal.attach().start(start).open().await?.into_io());
        let typed = input.clone();
        let typing = tokio::spawn(async move {
            writer.write_all(&typed).await?;
            // The program ends with the last byte, and then nobody acknowledges any more.
            writer.shutdown().await.or_else(|error| match error.kind() {
                std::io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(error),
            })
        });
        let mut output = Vec::new();
        let mut next_cut = 0;
        while reader.read_buf(&mut output).await? > 0 {
            if output.len() > next_cut {
                proxy.cut();
                next_cut = output.len() + 300_000;
            }
        }
        typing.await??;
        assert_same_bytes(&output, &input);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_abandoned_flush_holds_up_no_later_write() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let proxy = Proxy::start(&server.endpoint()).await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["cat"]).send().await?;
        let through = client_at(&server, &proxy.endpoint())?.terminal(terminal.id());
        let mut io = through.attach().open().await?.into_io();
        proxy.refuse();
        io.write_all(b"one\n").await?;
        let abandoned = tokio::select! {
            biased;
            flushed = io.flush() => flushed.is_ok(),
            () = std::future::ready(()) => false,
        };
        assert!(!abandoned, "nothing can have been accepted");
        io.write_all(b"two\n").await?;
        proxy.allow();
        io.flush().await?;
        crate::printed(&terminal, "two").await
    })
    .await
}
