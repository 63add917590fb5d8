//! One connection of a fake model server: requests come, and what the script says goes back at its pace.
//!
//! It must not know how frames look.

use std::{io, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, tcp::WriteHalf},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Shared, http,
    script::{Ending, Reply, Said, Step, Usage},
    wire::{self, Asked, Frames, Wire},
};

/// What is left of a connection after an answer.
#[derive(PartialEq)]
enum After {
    /// The next request may come.
    Next,
    /// It is to be closed.
    Close,
    /// It is to be reset.
    Reset,
}

/// Counts an answer as open as long as it is.
struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.counts.send_modify(|counts| counts.open += 1);
        Self(shared)
    }

    fn end(self, finished: bool) {
        self.0.counts.send_modify(|counts| {
            counts.open -= 1;
            if finished {
                counts.finished += 1;
            } else {
                counts.dropped += 1;
            }
        });
    }
}

/// Serves a connection until one of both sides closes it.
pub(super) async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    if serve(&mut stream, &shared).await == After::Reset {
        // Closing without lingering resets.
        let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
    }
}

async fn serve(stream: &mut TcpStream, shared: &Shared) -> After {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    while let Some(request) = http::read(&mut reader).await {
        shared.record(&request);
        let (wire, asked) = wire::asked(&request);
        let names = shared.script.models.keys().map(String::as_str);
        let list = match asked {
            Asked::Answer => None,
            Asked::Models => Some((200, wire.models(names))),
            Asked::Show => Some((200, wire::show())),
            Asked::Nothing => Some((404, wire.error(404, &said("there is nothing at this path")))),
        };
        if let Some((status, body)) = list {
            if object(&mut writer, status, &body, &Reply::default()).await.is_err() {
                return After::Close;
            }
            continue;
        }
        let open = Open::new(shared);
        let model = request.model.as_str();
        let answer = async {
            match shared.reply(model) {
                Some(reply) => play(&mut writer, wire, model, reply).await,
                None => {
                    let said = said(&format!("model '{model}' not found"));
                    object(&mut writer, 404, &wire.error(404, &said), &Reply::default()).await?;
                    Ok(After::Next)
                }
            }
        };
        let after = tokio::select! {
            after = answer => after.ok(),
            () = gone(&mut reader) => None,
        };
        open.end(after.is_some());
        match after {
            Some(After::Next) => {}
            Some(after) => return after,
            None => return After::Close,
        }
    }
    After::Close
}

fn said(message: &str) -> Said {
    Said { kind: String::new(), message: message.to_owned() }
}

/// Returns when the client has closed the connection.
async fn gone(reader: &mut (impl AsyncBufRead + Unpin)) {
    match reader.fill_buf().await {
        // The next request is here already.
        Ok(bytes) if !bytes.is_empty() => std::future::pending().await,
        _ => {}
    }
}

/// Answers with one object.
async fn object(writer: &mut WriteHalf<'_>, status: u16, body: &Value, reply: &Reply) -> io::Result<()> {
    let body = body.to_string();
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = headers.chain([("content-type", "application/json")]);
    http::head(writer, status, Some(body.len()), headers).await?;
    writer.write_all(body.as_bytes()).await
}

/// Plays a reply.
async fn play(writer: &mut WriteHalf<'_>, wire: Wire, model: &str, reply: &Reply) -> io::Result<After> {
    if reply.wait_ms > 0 {
        sleep(Duration::from_millis(reply.wait_ms)).await;
    }
    if reply.status != 200 {
        let said = reply.error.clone().unwrap_or_default();
        object(writer, reply.status, &wire.error(reply.status, &said), reply).await?;
        return Ok(After::Next);
    }
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    http::head(writer, 200, None, headers.chain([("content-type", wire.content_type())])).await?;
    let mut body = Body { writer, reply, held: Vec::new(), frames: 0, begun: Instant::now(), tokens: 0 };
    let mut frames = wire.frames(model);
    let usage = (!reply.no_usage).then(|| reply.usage.unwrap_or_else(|| made_up(reply)));
    body.frames(&frames.begin(usage)).await?;
    loop {
        for step in &reply.steps {
            if body.step(&mut *frames, step).await? {
                body.end().await?;
                return Ok(After::Next);
            }
        }
        if reply.ending != Ending::Endless || reply.steps.is_empty() {
            break;
        }
        // Also where the script waits for nothing.
        tokio::task::yield_now().await;
    }
    if matches!(reply.ending, Ending::Finished | Ending::Open) {
        body.frames(&frames.finish(reply.stop, usage)).await?;
    }
    body.flush().await?;
    match reply.ending {
        Ending::Finished | Ending::Cut => body.end().await?,
        Ending::Reset => return Ok(After::Reset),
        Ending::HalfClosed => {
            body.writer.shutdown().await?;
            std::future::pending().await
        }
        Ending::Stall | Ending::Open | Ending::Endless => std::future::pending().await,
    }
    Ok(After::Next)
}

/// A count for a reply that tells none.
fn made_up(reply: &Reply) -> Usage {
    let output = reply.steps.iter().map(tokens).sum::<usize>();
    Usage { input: 10, output: u64::try_from(output).unwrap_or(u64::MAX), ..Usage::default() }
}

/// Tokens of a step, as pacing counts them.
fn tokens(step: &Step) -> usize {
    match step {
        Step::Text(_) | Step::Thinking(_) | Step::ToolCall(_) => 1,
        Step::Words(count) => *count,
        _ => 0,
    }
}

/// The body of a stream under way.
struct Body<'a, 'b> {
    writer: &'a mut WriteHalf<'b>,
    reply: &'a Reply,
    /// Frames that wait to be written together.
    held: Vec<u8>,
    frames: usize,
    begun: Instant,
    tokens: u32,
}

impl Body<'_, '_> {
    /// Plays a step; true if nothing may follow.
    async fn step(&mut self, frames: &mut dyn Frames, step: &Step) -> io::Result<bool> {
        match step {
            Step::WaitMs(wait) => {
                self.flush().await?;
                sleep(Duration::from_millis(*wait)).await;
            }
            Step::Raw(text) => self.frames(&[text.clone().into_bytes()]).await?,
            Step::LargeEventBytes(bytes) => {
                self.frames(&frames.step(&Step::Text("x".repeat(*bytes)))).await?;
            }
            Step::Error(said) => {
                self.frames(&[frames.error(said)]).await?;
                return Ok(true);
            }
            Step::Words(count) => {
                let word = Step::Text("word ".to_owned());
                let mut rendered = Vec::new();
                for place in 0..*count {
                    // The first may begin something; from the second on they are all the same.
                    if place < 2 {
                        rendered = frames.step(&word);
                    }
                    self.pace().await?;
                    self.frames(&rendered).await?;
                }
            }
            step => {
                if tokens(step) > 0 {
                    self.pace().await?;
                }
                self.frames(&frames.step(step)).await?;
            }
        }
        Ok(false)
    }

    /// Waits until the next token is due. What is late is not made later.
    async fn pace(&mut self) -> io::Result<()> {
        let speed = self.reply.tokens_per_second;
        if speed > 0.0 {
            let due = self.begun + Duration::from_secs_f64(f64::from(self.tokens) / speed);
            self.tokens = self.tokens.saturating_add(1);
            if due > Instant::now() {
                sleep_until(due).await;
            }
        }
        Ok(())
    }

    async fn frames(&mut self, frames: &[Vec<u8>]) -> io::Result<()> {
        for frame in frames {
            self.held.extend_from_slice(frame);
            self.frames += 1;
            if self.frames >= self.reply.frames_per_write {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes what is held.
    async fn flush(&mut self) -> io::Result<()> {
        self.frames = 0;
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        if self.reply.split_bytes == 0 {
            return http::chunk(self.writer, &held).await;
        }
        for piece in held.chunks(self.reply.split_bytes) {
            http::chunk(self.writer, piece).await?;
            if self.reply.split_ms > 0 {
                sleep(Duration::from_millis(self.reply.split_ms)).await;
            } else {
                // So that the pieces are read one by one, not by luck.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Ends the body as HTTP wants it.
    async fn end(&mut self) -> io::Result<()> {
        self.flush().await?;
        http::chunk(self.writer, b"").await
    }
}
