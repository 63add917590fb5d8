//! One bidirectional stream: the first message is a command line, the others are typed; the answers are its output.
//!
//! It must not keep a byte longer than it takes to pass it on.

use std::{convert::Infallible, io, pin::Pin};

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::{
    io::{AsyncWriteExt, Interest},
    net::{TcpListener, unix::pipe},
    task::JoinHandle,
};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    codegen::{BoxFuture, Context, Poll, Service, http},
    server::{Grpc, NamedService, StreamingService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use super::pty::{OUTPUT_BYTES_MAX, Pty};

/// A read of a PTY returns at most a page.
const READ_BYTES: usize = 4096;

/// Serves on a free port of 127.0.0.1 and prints the address. Ends with its parent's kill.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_service(Floor).serve_with_incoming(incoming).await?;
    Ok(())
}

/// The service. Messages are `google.protobuf.BytesValue`.
#[derive(Clone)]
struct Floor;

impl NamedService for Floor {
    const NAME: &'static str = "floor.Floor";
}

impl Service<http::Request<Body>> for Floor {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let codec = ProstCodec::<Bytes, Bytes>::default();
            Ok(Grpc::new(codec).streaming(Open, request).await)
        })
    }
}

struct Open;

impl StreamingService<Bytes> for Open {
    type Response = Bytes;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move {
            let mut typed = request.into_inner();
            let first = typed.message().await?.ok_or_else(|| Status::invalid_argument("no command line"))?;
            let output = output(&first, typed).map_err(|error| Status::internal(format!("{error:#}")))?;
            let messages = stream::try_unfold(output, |mut output| async {
                Ok(output.next().await?.map(|bytes| (bytes, output)))
            });
            let answers: Self::ResponseStream =
                Box::pin(messages.map_err(|error: io::Error| Status::internal(error.to_string())));
            Ok(Response::new(answers))
        })
    }
}

/// The reading side, which owns the program and the task that types.
struct Output {
    master: pipe::Receiver,
    buffer: BytesMut,
    _pty: Pty,
    typing: JoinHandle<()>,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.typing.abort();
    }
}

fn output(command_line: &[u8], typed: Streaming<Bytes>) -> Result<Output> {
    let pty = Pty::start(std::str::from_utf8(command_line)?)?;
    fcntl_setfl(&pty.master, fcntl_getfl(&pty.master)? | OFlags::NONBLOCK)?;
    // The runtime's names for its two sides; it asks nothing of a pipe but read and write.
    let master = pipe::Receiver::from_owned_fd_unchecked(pty.master.try_clone()?)?;
    let keyboard = pipe::Sender::from_owned_fd_unchecked(pty.master.try_clone()?)?;
    let typing = tokio::spawn(type_all(keyboard, typed));
    Ok(Output { master, buffer: BytesMut::new(), _pty: pty, typing })
}

async fn type_all(mut keyboard: pipe::Sender, mut typed: Streaming<Bytes>) {
    while let Ok(Some(bytes)) = typed.message().await {
        if keyboard.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

impl Output {
    /// All that there is, up to a full message; none at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            self.buffer.reserve(READ_BYTES);
            match self.master.try_read_buf(&mut self.buffer) {
                Ok(0) => break,
                Ok(_) if self.buffer.len() + READ_BYTES <= OUTPUT_BYTES_MAX => {}
                Ok(_) => break,
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                    if !self.buffer.is_empty() {
                        break;
                    }
                    self.master.ready(Interest::READABLE).await?;
                }
                Err(cause) if cause.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => break,
                Err(cause) => return Err(cause),
            }
        }
        Ok(Some(self.buffer.split().freeze()).filter(|bytes| !bytes.is_empty()))
    }
}
