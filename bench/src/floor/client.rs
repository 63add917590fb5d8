//! The client's end of the bare stream, on a connection with the windows and frames that the SDK asks for.
//!
//! It must not know what runs at the other end.

use anyhow::Result;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming, client::Grpc, codegen::http::uri::PathAndQuery, transport::Endpoint};
use tonic_prost::ProstCodec;

/// What may be sent before it is read.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 32 * STREAM_WINDOW_BYTES;
const FRAME_BYTES_MAX: u32 = 128 * 1024;
/// Keys on their way.
const TYPED_MAX: usize = 16;

/// An open stream.
pub(crate) struct Stream {
    typed: mpsc::Sender<Bytes>,
    output: Streaming<Bytes>,
}

impl Stream {
    /// Connects and starts a command line.
    pub(crate) async fn open(endpoint: &str, command_line: &str) -> Result<Self> {
        let channel = Endpoint::from_shared(endpoint.to_owned())?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .connect()
            .await?;
        let (typed, messages) = mpsc::channel(TYPED_MAX);
        typed.send(command_line.to_owned().into()).await?;
        let mut client = Grpc::new(channel);
        client.ready().await?;
        let request = Request::new(ReceiverStream::new(messages));
        let path = PathAndQuery::from_static("/floor.Floor/Open");
        let answer = client.streaming(request, path, ProstCodec::<Bytes, Bytes>::default()).await?;
        Ok(Self { typed, output: answer.into_inner() })
    }

    /// Types.
    pub(crate) async fn send(&self, bytes: &'static [u8]) -> Result<()> {
        Ok(self.typed.send(Bytes::from_static(bytes)).await?)
    }

    /// The length of the next output; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<usize>> {
        Ok(self.output.message().await?.map(|bytes| bytes.len()))
    }
}
