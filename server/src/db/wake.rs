//! The word between servers on one database: one connection that tells the others of commits, and listens to theirs.
//!
//! It knows nothing about what was committed. A word may be lost with the connection; whoever waits for one also looks
//! for itself from time to time. It is never spoken inside the transaction that it is about: a NOTIFY there makes all
//! commits wait for each other (measured: 263 a second against 7,400).

use std::{convert::Infallible, time::Duration};

use tokio_postgres::{Client, error::Error};

use super::{
    changes::Changes,
    connect::{self, Address},
};
use crate::ids::{NodeId, WorkspaceId};

/// Words for commits that come close together are one.
const GATHER: Duration = Duration::from_millis(10);
/// The pause before the next connection.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Tells and listens until it is aborted.
pub async fn run(address: Address, node: NodeId, changes: Changes) {
    loop {
        let heard = |word: &str| {
            let from = word.split_once(' ');
            if let Some((_, workspace)) = from.filter(|(from, _)| *from != node.to_string()) {
                changes.heard(workspace.parse().map(WorkspaceId).ok());
            }
        };
        let spoken = connect::listening(&address, heard, async |client| {
            let Err(cause) = speak(&client, node, &changes).await;
            tracing::debug!(cause = connect::explain(&cause), "the word to other servers is lost");
        });
        if let Err(cause) = spoken.await {
            tracing::debug!(%cause, "no word from other servers");
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        // What was said meanwhile was not heard.
        changes.heard(None);
    }
}

async fn speak(client: &Client, node: NodeId, changes: &Changes) -> Result<Infallible, Error> {
    // A word is worth nothing after a crash: its commit need not wait for the disk.
    client.batch_execute("SET synchronous_commit = off; LISTEN mosaic").await?;
    let notify = client.prepare("SELECT pg_notify('mosaic', word) FROM unnest($1::text[]) AS word").await?;
    loop {
        let workspaces = changes.committed().await;
        let words: Vec<String> = workspaces.iter().map(|workspace| format!("{node} {workspace}")).collect();
        client.execute(&notify, &[&words]).await?;
        tokio::time::sleep(GATHER).await;
    }
}
