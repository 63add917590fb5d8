//! The writer: each write typed once and in order, over a killed server.
//!
//! It must not use an attachment.

use std::future::poll_fn;

use anyhow::Result;
use test_support::{Proxy, Server};

use crate::{READY, assert_same_bytes, client, client_at, echo_of_input, numbered_bytes, within};

#[tokio::test]
async fn writes_survive_killed_servers_and_cut_connections() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let proxy = Proxy::start(&server.endpoint()).await?;
        let through = client_at(&server, &proxy.endpoint())?;
        let input = numbered_bytes(600_000);
        let (terminal, _) =
            client(&server)?.terminals().create().shell(echo_of_input(input.len())).send().await?;
        crate::printed(&terminal, "ready").await?;
        let mut writer = through.terminal(terminal.id()).writer();
        for (index, chunk) in input.chunks(20_000).enumerate() {
            match index % 10 {
                3 => proxy.cut(),
                7 => {
                    server.kill9().await?;
                    server.restart().await?;
                }
                _ => {}
            }
            writer.write(chunk.to_vec()).await?;
        }
        terminal.wait().await?;
        let mut output = Vec::new();
        loop {
            let range = terminal.read_output(output.len() as u64, 1 << 20).await?;
            output.extend_from_slice(&range.data);
            if range.at_end {
                break;
            }
        }
        assert_same_bytes(&output[READY.len()..], &input);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_dropped_write_is_finished_by_the_next_one() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().shell(echo_of_input(4)).send().await?;
        crate::printed(&terminal, "ready").await?;
        let mut writer = terminal.writer();
        writer.write("a").await?;
        {
            let mut dropped = std::pin::pin!(writer.write("b"));
            // Polled once, it is on its way; nobody will know what became of it.
            poll_fn(|cx| {
                let _ = dropped.as_mut().poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
        }
        writer.write("c").await?;
        writer.keys(["d"]).await?;
        assert_eq!(writer.accepted(), 4);
        terminal.wait().await?;
        assert_eq!(terminal.read_output(READY.len() as u64, 100).await?.data, "abcd");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_refused_write_does_not_use_up_its_number() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().shell(echo_of_input(1)).send().await?;
        crate::printed(&terminal, "ready").await?;
        let mut writer = terminal.writer();
        let error = writer.keys(["NoSuchKey"]).await.expect_err("there is no such key");
        assert_eq!(error.reason(), Some("BAD_REQUEST"));
        writer.write("x").await?;
        assert_eq!(terminal.wait().await?.code, Some(0));
        let error = writer.write("y").await.expect_err("it has ended");
        assert_eq!(error.reason(), Some("TERMINAL_ENDED"));
        Ok(())
    })
    .await
}
