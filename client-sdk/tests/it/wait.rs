//! Waiting for the end, for longer than one server lasts.
//!
//! It must not depend on how long anything takes.

use std::time::Duration;

use anyhow::{Context, Result};
use test_support::Server;

use crate::{client, within};

#[tokio::test]
async fn a_wait_outlives_the_server() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().shell("read line; exit 9").send().await?;
        let waiting = tokio::spawn({
            let terminal = terminal.clone();
            async move { terminal.wait().await }
        });
        server.kill9().await?;
        server.restart().await?;
        assert!(!waiting.is_finished());
        terminal.writer().write("go\n").await?;
        assert_eq!(waiting.await??.code, Some(9));
        assert_eq!(terminal.wait().await?.code, Some(9), "also after the end");
        let exit = terminal.wait_timeout(Duration::ZERO).await?;
        assert_eq!(exit.context("it has ended")?.code, Some(9), "even without time");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_timeout_is_an_answer_also_while_the_server_is_away() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["cat"]).send().await?;
        let timeout = Duration::from_millis(100);
        assert!(terminal.wait_timeout(timeout).await?.is_none());
        server.kill9().await?;
        assert!(terminal.wait_timeout(timeout).await?.is_none());
        server.restart().await
    })
    .await
}
