//! CreateTerminal, as a builder.
//!
//! It must not check values: the server's rules are the rules.

use std::time::Duration;

use mosaic_proto::terminal::v1 as proto;
use uuid::Uuid;

use super::{Terminal, duration, present};
use crate::{Client, Result, TerminalInfo};

/// A terminal to be. [`send`](Self::send) it again after a lost connection: one builder makes one terminal.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `send`"]
pub struct CreateTerminal {
    client: Client,
    request: proto::CreateTerminalRequest,
    idle_timeout: Option<Duration>,
    time_limit: Option<Duration>,
}

impl CreateTerminal {
    pub(super) fn new(client: Client) -> Self {
        let request =
            proto::CreateTerminalRequest { request_id: Uuid::now_v7().to_string(), ..Default::default() };
        Self { client, request, idle_timeout: None, time_limit: None }
    }

    /// Its name, unique among the live terminals. Default: made up, such as "sh-1".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.request.name = name.into();
        self
    }

    /// Runs a command line as `$SHELL -lc`. Not together with `command`.
    pub fn shell(mut self, command_line: impl Into<String>) -> Self {
        self.request.shell = command_line.into();
        self
    }

    /// Runs a program with these arguments, as they stand. Not together with `shell`.
    pub fn command<S: Into<String>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.request.command = command.into_iter().map(Into::into).collect();
        self
    }

    /// The working directory, absolute. Default: the home of the user that terminals run as.
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.request.cwd = cwd.into();
        self
    }

    /// Adds or replaces an environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.env.insert(name.into(), value.into());
        self
    }

    /// Width and height in cells, 1 to 1000. Default 80x24.
    pub fn size(mut self, cols: u32, rows: u32) -> Self {
        self.request.cols = Some(cols);
        self.request.rows = Some(rows);
        self
    }

    /// Closes the terminal after so long without output and input, at least a second. Default: never.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Closes the terminal when it has run for so long, at least a second. Default: never.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Makes the call repeatable under this id also from another process. Default: an id of this builder's.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request.request_id = id.into();
        self
    }

    /// Starts it: a handle by its id, and how it is.
    pub async fn send(&self) -> Result<(Terminal, TerminalInfo)> {
        let idle_timeout = self.idle_timeout.map(duration).transpose()?;
        let time_limit = self.time_limit.map(duration).transpose()?;
        let request = proto::CreateTerminalRequest { idle_timeout, time_limit, ..self.request.clone() };
        let answer = self.client.raw()?.terminals.create_terminal(request).await;
        let answer = answer.map_err(|status| self.client.error(status))?;
        let info = present(answer.into_inner().terminal)?;
        Ok((Terminal::new(self.client.clone(), info.id.clone()), info))
    }
}
