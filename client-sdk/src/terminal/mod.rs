//! Terminals: the service, and a handle on one of them.
//!
//! It must not know how streams resume (`watch`, `attach`) or how input is numbered (`writer`).

mod attach;
mod create;
mod cursor;
mod event;
mod list;
mod wait;
mod watch;
mod writer;

use std::time::Duration;

use mosaic_proto::terminal::v1::{self as proto, terminal_service_client::TerminalServiceClient};

pub(crate) use self::cursor::{Cursor, Step};
pub use self::{
    attach::{Attach, Attachment, AttachmentIo, AttachmentReader, AttachmentWriter},
    create::CreateTerminal,
    event::{Event, Start},
    list::ListTerminals,
    watch::{Watch, WatchTerminal},
    writer::Writer,
};
use crate::{Client, Error, Result, TerminalInfo, client::Transport};

/// The most input that goes into one message, in bytes.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// The terminals of a workspace.
#[derive(Clone, Debug)]
pub struct Terminals {
    client: Client,
}

/// One terminal, named by id or name. Making a handle makes no call.
///
/// A name means the live terminal that has it, else the newest that had it; an id means one terminal for ever.
#[derive(Clone, Debug)]
pub struct Terminal {
    client: Client,
    id: String,
}

impl Terminals {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// A new terminal; by default a login shell, 80x24.
    pub fn create(&self) -> CreateTerminal {
        CreateTerminal::new(self.client.clone())
    }

    /// The terminals of the workspace, newest first.
    pub fn list(&self) -> ListTerminals {
        ListTerminals::new(self.client.clone())
    }
}

impl Terminal {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The id or the name that this handle was made with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The terminal as it is now.
    pub async fn get(&self) -> Result<TerminalInfo> {
        let request = proto::GetTerminalRequest { terminal_id: self.id.clone() };
        let answer = self.raw()?.get_terminal(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().terminal)
    }

    /// Gives the terminal another name: the terminal after it. A handle made with the old name is stale.
    pub async fn rename(&self, name: impl Into<String>) -> Result<TerminalInfo> {
        let request = proto::UpdateTerminalRequest { terminal_id: self.id.clone(), name: name.into() };
        let answer =
            self.raw()?.update_terminal(request).await.map_err(|status| self.client.error(status))?;
        present(answer.into_inner().terminal)
    }

    /// Ends the terminal and everything that it started: SIGHUP, `grace` (None: the server's default, 2 s),
    /// SIGKILL. Answers when it is gone, and says whether that is proven.
    pub async fn close(&self, grace: Option<Duration>) -> Result<proto::CloseTerminalResponse> {
        let grace = grace.map(duration).transpose()?;
        let request = proto::CloseTerminalRequest { terminal_id: self.id.clone(), grace };
        let answer = self.raw()?.close_terminal(request).await.map_err(|status| self.client.error(status))?;
        Ok(answer.into_inner())
    }

    /// Forgets an ended terminal and its output.
    pub async fn delete(&self) -> Result<()> {
        let request = proto::DeleteTerminalRequest { terminal_id: self.id.clone() };
        self.raw()?.delete_terminal(request).await.map_err(|status| self.client.error(status))?;
        Ok(())
    }

    /// Types into the terminal and reads its output, on one stream that survives lost connections and
    /// restarts of the server.
    pub fn attach(&self) -> Attach {
        Attach::new(self.client.clone(), self.id.clone())
    }

    /// Reads the output, on a stream that survives the same.
    pub fn watch(&self) -> WatchTerminal {
        WatchTerminal::new(self.client.clone(), self.id.clone())
    }

    /// A writer: types with one call for each write, safe to repeat.
    pub fn writer(&self) -> Writer {
        Writer::new(self.client.clone(), self.id.clone())
    }

    /// Changes the size: width and height in cells, 1 to 1000.
    pub async fn resize(&self, cols: u32, rows: u32) -> Result<proto::ResizeResponse> {
        let request =
            proto::ResizeRequest { terminal_id: self.id.clone(), cols, rows, writer_id: String::new() };
        let answer = self.raw()?.resize(request).await.map_err(|status| self.client.error(status))?;
        Ok(answer.into_inner())
    }

    /// Sends a signal, such as "INT", to the foreground process group: the group that got it.
    pub async fn signal(&self, signal: impl Into<String>) -> Result<u32> {
        let request = proto::SendSignalRequest { terminal_id: self.id.clone(), signal: signal.into() };
        let answer = self.raw()?.send_signal(request).await.map_err(|status| self.client.error(status))?;
        Ok(answer.into_inner().process_group)
    }

    /// A range of the output, as bytes: from `offset`, at most `length` bytes (1 MiB; 0: 64 KiB).
    pub async fn read_output(&self, offset: u64, length: u32) -> Result<proto::ReadOutputResponse> {
        self.read(offset, length, proto::Format::Raw).await
    }

    /// A range of the output, as text without escape sequences.
    pub async fn read_text(&self, offset: u64, length: u32) -> Result<proto::ReadOutputResponse> {
        self.read(offset, length, proto::Format::Text).await
    }

    async fn read(
        &self,
        offset: u64,
        length: u32,
        format: proto::Format,
    ) -> Result<proto::ReadOutputResponse> {
        let request =
            proto::ReadOutputRequest { terminal_id: self.id.clone(), offset, length, format: format.into() };
        let answer = self.raw()?.read_output(request).await.map_err(|status| self.client.error(status))?;
        Ok(answer.into_inner())
    }

    /// The readers that are attached now, oldest first.
    pub async fn viewers(&self) -> Result<Vec<proto::Viewer>> {
        let request = proto::ListViewersRequest { terminal_id: self.id.clone() };
        let answer = self.raw()?.list_viewers(request).await.map_err(|status| self.client.error(status))?;
        Ok(answer.into_inner().viewers)
    }

    /// Ends one reader's stream; the terminal lives on.
    pub async fn detach(&self, viewer_id: impl Into<String>) -> Result<()> {
        let request =
            proto::DetachViewerRequest { terminal_id: self.id.clone(), viewer_id: viewer_id.into() };
        self.raw()?.detach_viewer(request).await.map_err(|status| self.client.error(status))?;
        Ok(())
    }

    fn raw(&self) -> Result<TerminalServiceClient<Transport>> {
        Ok(self.client.raw()?.terminals)
    }
}

/// Every answer about a terminal holds it.
fn present<T>(field: Option<T>) -> Result<T> {
    field.ok_or_else(|| Error::protocol("the server's answer lacks its terminal"))
}

fn duration(span: Duration) -> Result<prost_types::Duration> {
    span.try_into().map_err(|_| Error::configuration(format!("{span:?} is too long a time")))
}
