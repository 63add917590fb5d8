//! What is dropped is gone, on the server, too.
//!
//! It must not wait for a time: the list of viewers says when.

use anyhow::Result;
use mosaic_client::terminal::{Attachment, Event, Terminal};
use test_support::{Server, programs};

use crate::{client, within};

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
        crate::printed(&terminal, "still here\r\nstill here").await?;
        drop(writer);
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn an_attachment_that_nobody_reads_is_dropped_under_output_all_the_same() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let program = programs::numbered_lines(3_000_000);
        let (terminal, _) = client(&server)?.terminals().create().shell(program).send().await?;
        let attachment = terminal.attach().open().await?;
        terminal.wait().await?;
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
        crate::printed(&terminal, "typed\r\ntyped").await?;
        nobody_reads(&terminal).await
    })
    .await
}

#[tokio::test]
async fn streams_that_nobody_reads_block_no_call() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let (terminal, _) =
            client.terminals().create().shell(programs::numbered_lines(2_000_000)).send().await?;
        let mut unread = Vec::new();
        for _ in 0..40 {
            unread.push(terminal.watch().open().await?);
        }
        terminal.wait().await?;
        assert_eq!(terminal.viewers().await?.len(), unread.len());
        // Nor any other stream.
        let mut watch = terminal.watch().open().await?;
        while !matches!(watch.next().await, None | Some(Ok(Event::Ended(_)))) {}
        Ok(())
    })
    .await
}
