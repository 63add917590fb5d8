//! The floor: a client of the model server, which reads the stream as any client would, and keeps nothing.
//!
//! It must not know Mosaic.

use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// A client with connections that are used again.
pub(super) struct Direct {
    address: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Direct {
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), idle: Mutex::default() }
    }

    /// Asks a model and reads its answer to the end: `text` is told of each piece and its length.
    pub(super) async fn ask(&self, model: &str, mut text: impl FnMut(usize)) -> Result<()> {
        let mut connection = self.connection().await?;
        let body = serde_json::json!({
            "model": model, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": super::QUESTION}],
        });
        let request = Request::post("/v1/chat/completions")
            .header("host", &self.address)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))?;
        let response = connection.send_request(request).await?;
        ensure!(response.status().is_success(), "the fake answered {}", response.status());
        let mut body = response.into_body();
        let (mut bytes, mut done) = (BytesMut::new(), false);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            bytes.extend_from_slice(&data);
            while let Some(end) = bytes.windows(2).position(|two| two == b"\n\n") {
                let event = bytes.split_to(end);
                bytes.advance(2);
                let data = event.strip_prefix(b"data: ").context("an event without data")?;
                if data == b"[DONE]" {
                    done = true;
                    continue;
                }
                let chunk: Chunk = serde_json::from_slice(data)?;
                let content = chunk.choices.into_iter().next().and_then(|choice| choice.delta.content);
                if let Some(content) = content.filter(|content| !content.is_empty()) {
                    text(content.len());
                }
            }
        }
        ensure!(done, "the answer was cut short");
        self.idle().push(connection);
        Ok(())
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        loop {
            let Some(mut connection) = self.idle().pop() else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the last handle of its connection.
        tokio::spawn(driver);
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
