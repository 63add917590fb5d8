//! As much of HTTP/1.1 as a fake server needs, by hand: it must be able to break every rule when it answers.
//!
//! It must not know what is asked.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of a request's headers, and of its body (pictures are in it).
const HEAD_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES_MAX: usize = 64 << 20;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers with their names in small letters, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The model that it names; empty: none.
    pub model: String,
}

impl Request {
    /// The first header of that name (small letters).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The next request of a connection; `None`: it was closed, or what came is no request.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let read = reader.read_until(b'\n', &mut head).await.ok()?;
        if read == 0 || head.len() > HEAD_BYTES_MAX {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, path, headers, body: Vec::new(), model: String::new() };
    let length = request.header("content-length").map_or(Ok(0), str::parse).ok()?;
    if length > BODY_BYTES_MAX {
        return None;
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).await.ok()?;
    request.model = request.json()["model"].as_str().unwrap_or_default().to_owned();
    Some(request)
}

/// Writes the head of an answer; `length`: of its body, which otherwise comes in chunks.
pub(super) async fn head<'a>(
    writer: &mut (impl AsyncWrite + Unpin),
    status: u16,
    length: Option<usize>,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} \r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &match length {
        Some(length) => format!("content-length: {length}\r\n\r\n"),
        None => "transfer-encoding: chunked\r\n\r\n".to_owned(),
    };
    writer.write_all(head.as_bytes()).await
}

/// Writes one chunk of a body; the empty one ends it.
pub(super) async fn chunk(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    writer.write_all(&framed).await
}
