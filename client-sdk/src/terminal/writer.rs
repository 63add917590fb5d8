//! Typing with unary calls, each applied once and in order whatever becomes of the connection.
//!
//! It must not read output; that is what `attach` is for.

use bytes::Bytes;
use mosaic_proto::terminal::v1::{self as proto, write_request};
use tokio::time::sleep;
use tonic::Code;
use uuid::Uuid;

use super::INPUT_BYTES_MAX;
use crate::{Client, Error, Result};

/// Types into one terminal under a writer id of its own.
///
/// A write that lost its connection is sent again under the same number, so it is typed once. A write whose
/// future was dropped may or may not have been typed; the next one finishes it first.
#[derive(Debug)]
pub struct Writer {
    client: Client,
    terminal_id: String,
    writer_id: String,
    /// The highest number that the server accepted.
    accepted: u64,
    /// What goes under the next number, for as long as it is not known whether the server has it.
    unsettled: Option<write_request::Input>,
}

impl Writer {
    pub(super) fn new(client: Client, terminal_id: String) -> Self {
        let writer_id = Uuid::now_v7().to_string();
        Self { client, terminal_id, writer_id, accepted: 0, unsettled: None }
    }

    /// The id that this writer types under.
    pub fn id(&self) -> &str {
        &self.writer_id
    }

    /// How many of this writer's inputs the server has accepted: the number of the last of them, 0 before the
    /// first. Each call of at most 64 KiB is one.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Types bytes, in calls of at most 64 KiB; returns when all are accepted.
    ///
    /// # Errors
    /// `INPUT_JOURNAL_FULL` if the program does not read its input. What went into the calls before the one
    /// that failed is accepted.
    pub async fn write(&mut self, data: impl Into<Bytes>) -> Result<()> {
        let mut data = data.into();
        while !data.is_empty() {
            let chunk = data.split_to(data.len().min(INPUT_BYTES_MAX));
            self.send(write_request::Input::Data(chunk)).await?;
        }
        Ok(())
    }

    /// Presses keys by the names that tmux uses: "Enter", "C-c", "Up", or a single character.
    pub async fn keys<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> Result<()> {
        let names = names.into_iter().map(Into::into).collect();
        self.send(write_request::Input::Keys(proto::Keys { names })).await
    }

    async fn send(&mut self, input: write_request::Input) -> Result<()> {
        self.settle().await?;
        self.unsettled = Some(input);
        self.settle().await
    }

    /// Sends what is unsettled until the server has said yes or no.
    async fn settle(&mut self) -> Result<()> {
        let mut retry = self.client.retry();
        while let Some(input) = self.unsettled.clone() {
            match self.call(input).await {
                Ok(()) => {
                    self.accepted += 1;
                    self.unsettled = None;
                }
                Err(cause) => {
                    if is_no(&cause) {
                        self.unsettled = None;
                    }
                    sleep(retry.failed(cause)?.pause).await;
                }
            }
        }
        Ok(())
    }

    async fn call(&self, input: write_request::Input) -> Result<()> {
        let request = proto::WriteRequest {
            terminal_id: self.terminal_id.clone(),
            input: Some(input),
            writer_id: self.writer_id.clone(),
            sequence: Some(self.accepted + 1),
        };
        let answer = self.client.raw()?.terminals.write(request).await;
        answer.map_err(|status| self.client.error(status))?;
        Ok(())
    }
}

/// True if the input was surely not typed and its number is free; after any other error nobody knows.
fn is_no(error: &Error) -> bool {
    !matches!(
        error.code(),
        Code::Unavailable | Code::Internal | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded
    )
}
