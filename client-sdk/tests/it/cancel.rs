//! What is dropped is gone, on the server, too.
//!
//! It must not wait for a time: the list of viewers says when.

use anyhow::Result;
use mosaic_client::terminal::{Attachment, Terminal};
use test_support::Server;

use crate::{MUCH_OUTPUT, client, printed, within};

/// Asks until nobody reads the terminal; `within` ends it if somebody does for ever.
async fn nobody_reads(terminal: &Terminal) -> Result<()> {
    while !terminal.viewers().await?.is_empty() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn attached(server: &Server) -> Result<(Terminal, Attachment)> {
    let (terminal, _) = client(server)?.terminals().create().command(["cat"]).send().await?;
    let attachment = terminal.attach().open().await?;
    assert_eq!(terminal.viewers().await?.len(), 1);
    Ok((terminal, attachment))
}

#[tokio::test]
async fn a_dropped_attachment_leaves_the_server() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, attachment) = attached(&server).await?;
        drop(attachment);
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn an_attachment_lives_until_both_halves_are_dropped() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, attachment) = attached(&server).await?;
        let (reader, writer) = attachment.split();
        drop(reader);
        writer.send("still here\n").await?;
        writer.flush().await?;
        printed(&terminal, "still here\r\nstill here").await?;
        drop(writer);
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn an_attachment_that_nobody_reads_is_dropped_under_output_all_the_same() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().shell(MUCH_OUTPUT).send().await?;
        let attachment = terminal.attach().open().await?;
        printed(&terminal, "all").await?;
        drop(attachment);
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn closing_waits_for_the_input_and_leaves() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, attachment) = attached(&server).await?;
        attachment.send("typed\n").await?;
        attachment.close().await?;
        printed(&terminal, "typed\r\ntyped").await?;
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn streams_that_nobody_reads_block_no_call() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let (terminal, _) = client.terminals().create().shell(MUCH_OUTPUT).send().await?;
        let mut unread = Vec::new();
        for _ in 0..40 {
            unread.push(terminal.watch().open().await?);
        }
        // Nor any other stream.
        printed(&terminal, "all").await?;
        // The one that was just dropped may still be among them.
        assert!(terminal.viewers().await?.len() >= unread.len());
        Ok(())
    })
    .await
}
