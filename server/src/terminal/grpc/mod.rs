//! `mosaic.terminal.v1.TerminalService`: proto to domain and back.
//!
//! It knows no rule and no SQL: each handler parses, calls, converts.

mod parse;
mod show;
mod streams;

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use mosaic_proto::terminal::v1::{self as pb, terminal_service_server};
use tonic::{Request, Response, Status, Streaming};

pub(crate) use parse::{as_text, grace, size, span as parse_span};
pub(crate) use show::{show_exit, span, timestamp, to_proto_record};
pub(crate) use streams::watched_one;

use self::{
    parse::Parsed,
    show::{show_terminal, show_viewer},
};
use super::{Terminals, session::Start};
use crate::{
    auth::principal,
    error::{Error, Result},
    workspace::page::Page,
};

/// The letter that keeps the page tokens of this list apart.
const TERMINALS: u8 = b't' + 1;

/// The generated server around the service.
pub type Service = terminal_service_server::TerminalServiceServer<Handlers>;

/// The service to add to the server's routes.
pub fn service(terminals: Arc<Terminals>, message_bytes_max: usize) -> Service {
    Service::new(Handlers { terminals })
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(message_bytes_max)
}

/// The handlers.
pub struct Handlers {
    terminals: Arc<Terminals>,
}

type Answer<T> = Result<Response<T>, Status>;
type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl terminal_service_server::TerminalService for Handlers {
    async fn create_terminal(
        &self,
        request: Request<pb::CreateTerminalRequest>,
    ) -> Answer<pb::CreateTerminalResponse> {
        let who = principal(&request)?;
        let new = parse::new_shell(request.into_inner())?;
        let shown = self.terminals.create(&who, new).await?;
        Ok(Response::new(pb::CreateTerminalResponse { terminal: Some(show_terminal(shown)) }))
    }

    async fn get_terminal(
        &self,
        request: Request<pb::GetTerminalRequest>,
    ) -> Answer<pb::GetTerminalResponse> {
        let who = principal(&request)?;
        let shown = self.terminals.get(&who, &request.into_inner().terminal_id).await?;
        Ok(Response::new(pb::GetTerminalResponse { terminal: Some(show_terminal(shown)) }))
    }

    async fn list_terminals(
        &self,
        request: Request<pb::ListTerminalsRequest>,
    ) -> Answer<pb::ListTerminalsResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let page = Page::parse(TERMINALS, request.page_size, &request.page_token)?;
        let states = parse::states(&request.states)?;
        let (paged, sequence) = self.terminals.list(&who, &page, &states).await?;
        let terminals = paged.items.into_iter().map(show_terminal).collect();
        let next_page_token = paged.next_page_token;
        Ok(Response::new(pb::ListTerminalsResponse { terminals, next_page_token, sequence }))
    }

    async fn update_terminal(
        &self,
        request: Request<pb::UpdateTerminalRequest>,
    ) -> Answer<pb::UpdateTerminalResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let shown = self.terminals.rename(&who, &request.terminal_id, &request.name).await?;
        Ok(Response::new(pb::UpdateTerminalResponse { terminal: Some(show_terminal(shown)) }))
    }

    async fn close_terminal(
        &self,
        request: Request<pb::CloseTerminalRequest>,
    ) -> Answer<pb::CloseTerminalResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let grace = parse::grace(request.grace)?;
        let receipt = self.terminals.close(&who, &request.terminal_id, grace).await?;
        let survivor =
            |s: crate::keeper::wire::Survivor| pb::Survivor { pid: s.pid.unsigned_abs(), command: s.command };
        Ok(Response::new(pb::CloseTerminalResponse {
            terminal: Some(show_terminal(receipt.shown)),
            proven: receipt.survivors.is_empty(),
            survivors: receipt.survivors.into_iter().map(survivor).collect(),
        }))
    }

    async fn delete_terminal(
        &self,
        request: Request<pb::DeleteTerminalRequest>,
    ) -> Answer<pb::DeleteTerminalResponse> {
        let who = principal(&request)?;
        self.terminals.delete(&who, &request.into_inner().terminal_id).await?;
        Ok(Response::new(pb::DeleteTerminalResponse {}))
    }

    type AttachStream = Events<pb::AttachResponse>;

    async fn attach(&self, request: Request<Streaming<pb::AttachRequest>>) -> Answer<Self::AttachStream> {
        let who = principal(&request)?;
        let mut inbound = request.into_inner();
        let open = parse::open(inbound.message().await?)?;
        let read_only = open.read_only;
        let typed = streams::typed(inbound, read_only);
        let session = self.terminals.attach(&who, open, typed).await?;
        Ok(Response::new(streams::attached(session)))
    }

    type WatchStream = Events<pb::WatchResponse>;

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Answer<Self::WatchStream> {
        let who = principal(&request)?;
        let watch = parse::watch(request.into_inner())?;
        let mut sessions = Vec::with_capacity(watch.terminals.len());
        for (terminal, start) in watch.terminals {
            sessions.push(self.terminals.watch(&who, &terminal, start, watch.follow).await?);
        }
        Ok(Response::new(streams::watched(sessions, watch.as_text)))
    }

    async fn write(&self, request: Request<pb::WriteRequest>) -> Answer<pb::WriteResponse> {
        let who = principal(&request)?;
        let write = parse::write(request.into_inner())?;
        let highest = self.terminals.write(&who, &write.terminal, write.writer, &write.data).await?;
        Ok(Response::new(pb::WriteResponse { highest_accepted_sequence: highest }))
    }

    async fn resize(&self, request: Request<pb::ResizeRequest>) -> Answer<pb::ResizeResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let size = parse::size(request.cols, request.rows)?;
        let writer = parse::writer(&request.writer_id)?;
        let size = self.terminals.resize(&who, &request.terminal_id, writer, size).await?;
        Ok(Response::new(pb::ResizeResponse { cols: size.cols.into(), rows: size.rows.into() }))
    }

    async fn send_signal(&self, request: Request<pb::SendSignalRequest>) -> Answer<pb::SendSignalResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let signal = parse::signal(&request.signal)?;
        let process_group = self.terminals.signal(&who, &request.terminal_id, signal).await?;
        Ok(Response::new(pb::SendSignalResponse { process_group }))
    }

    async fn read_output(&self, request: Request<pb::ReadOutputRequest>) -> Answer<pb::ReadOutputResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let length = parse::length(request.length)?;
        let as_text = parse::as_text(request.format)?;
        let output = self.terminals.output(&who, &request.terminal_id).await?;
        let start = Start::Offset(request.offset).resolve(output.log())?;
        let range = output.read(start, length).await?;
        Ok(Response::new(show::show_range(range, as_text)))
    }

    async fn wait_terminal(
        &self,
        request: Request<pb::WaitTerminalRequest>,
    ) -> Answer<pb::WaitTerminalResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let timeout = parse::wait_timeout(request.timeout)?;
        let (shown, timed_out) = self.terminals.wait(&who, &request.terminal_id, timeout).await?;
        let exit = shown.0.exit.map(show_exit);
        Ok(Response::new(pb::WaitTerminalResponse { timed_out, exit, terminal: Some(show_terminal(shown)) }))
    }

    async fn list_viewers(
        &self,
        request: Request<pb::ListViewersRequest>,
    ) -> Answer<pb::ListViewersResponse> {
        let who = principal(&request)?;
        let viewers = self.terminals.viewers(&who, &request.into_inner().terminal_id).await?;
        let viewers = viewers.iter().map(|(viewer, size)| show_viewer(viewer, *size)).collect();
        Ok(Response::new(pb::ListViewersResponse { viewers }))
    }

    async fn detach_viewer(
        &self,
        request: Request<pb::DetachViewerRequest>,
    ) -> Answer<pb::DetachViewerResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        self.terminals.detach(&who, &request.terminal_id, &request.viewer_id).await?;
        Ok(Response::new(pb::DetachViewerResponse {}))
    }
}

/// A value that is set, or the error for one that is not.
fn required<T>(field: &str, value: Option<T>) -> Parsed<T> {
    value.ok_or_else(|| Error::bad_request(field, "is missing"))
}
