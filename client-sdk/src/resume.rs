//! A server stream that comes back by itself: connect, read, lose, pause, connect again.
//!
//! It must not know what is read, nor where a stream has to go on; that is its `Source`'s.

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::time::sleep;
use tonic::{Status, Streaming};

use crate::{Client, Error, Raw, Reconnecting, Result, retry::Retry};

/// What is read, and where it goes on.
pub(crate) trait Source: Send + 'static {
    /// What the server sends.
    type Message: Send + 'static;
    /// What the reader gets.
    type Item: Send + 'static;
    /// The server's first message.
    type Opened: Send + 'static;

    fn client(&self) -> &Client;

    /// Makes the call, from where the last stream was lost.
    fn call(&self, raw: &mut Raw) -> impl Future<Output = Result<Messages<Self::Message>, Status>> + Send;

    /// Takes the first message of a stream.
    fn open(&mut self, message: Self::Message) -> Result<Self::Opened>;

    /// Takes a further message.
    fn take(&mut self, message: Self::Message) -> Result<Taken<Self::Item>>;

    /// The last item, if everything was read and only the server's last message is missing.
    fn finished(&self) -> Option<Self::Item>;

    /// Tells the reader that the stream was lost.
    fn reconnecting(notice: Reconnecting) -> Self::Item;

    /// Tells the reader that it is back.
    fn reconnected(opened: Self::Opened) -> Self::Item;
}

/// The messages of one call. Calls that answer with the same under different names look alike here.
pub(crate) struct Messages<M>(BoxStream<'static, Result<M, Status>>);

impl<M: Send + 'static> Messages<M> {
    /// The messages of a call, made into `M`.
    pub(crate) fn of<T: Into<M> + Send + 'static>(call: Streaming<T>) -> Self {
        Self(call.map_ok(Into::into).boxed())
    }

    /// The next message; None at the end of the call.
    async fn message(&mut self) -> Result<Option<M>, Status> {
        self.0.try_next().await
    }
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    /// It is for the reader.
    Give(T),
    /// It is for nobody.
    Skip,
    /// The server goes away; connect again.
    Resume,
    /// It is for the reader, and then nothing more.
    Last(T),
}

/// Connects, once; then reads, with all the connections that it takes.
pub(crate) async fn open<S: Source>(
    mut source: S,
) -> Result<(S::Opened, BoxStream<'static, Result<S::Item>>)> {
    let (line, opened) = connect(&mut source).await?;
    let retry = source.client().retry();
    let reader = Reader { source, retry, phase: Phase::Open(Box::new(line)) };
    let items = stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) });
    Ok((opened, items.boxed()))
}

struct Reader<S: Source> {
    source: S,
    retry: Retry,
    phase: Phase<S::Message>,
}

enum Phase<M> {
    /// Connect after a pause.
    Lost(Reconnecting),
    /// Read.
    Open(Box<Line<M>>),
    /// Nothing comes any more.
    Over,
}

/// A stream, and the connection that it is on.
struct Line<M> {
    messages: Messages<M>,
    _raw: Raw,
}

impl<M: Send + 'static> Line<M> {
    /// The next message; an end without a last word is an error.
    async fn message(&mut self, client: &Client) -> Result<M> {
        let message = async { self.messages.message().await.map_err(|status| client.error(status)) };
        client.unless_silent(message).await?.ok_or_else(|| client.cut_short())
    }
}

impl<S: Source> Reader<S> {
    /// The next item; None after the last one, which an error is, too.
    async fn next(&mut self) -> Option<Result<S::Item>> {
        loop {
            let result = match &mut self.phase {
                Phase::Over => return None,
                Phase::Lost(notice) => {
                    sleep(notice.pause).await;
                    self.reconnect().await
                }
                Phase::Open(line) => match line.message(self.source.client()).await {
                    Ok(message) => self.take(message),
                    Err(cause) => self.lost(cause),
                },
            };
            match result {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.phase = Phase::Over;
                    return Some(Err(error));
                }
            }
        }
    }

    fn take(&mut self, message: S::Message) -> Result<Option<S::Item>> {
        match self.source.take(message)? {
            Taken::Give(item) => Ok(Some(item)),
            Taken::Skip => Ok(None),
            Taken::Resume => self.lost(self.source.client().stopping()),
            Taken::Last(item) => {
                self.phase = Phase::Over;
                Ok(Some(item))
            }
        }
    }

    fn lost(&mut self, cause: Error) -> Result<Option<S::Item>> {
        if let Some(last) = self.source.finished() {
            self.phase = Phase::Over;
            return Ok(Some(last));
        }
        let notice = self.retry.failed(cause)?;
        self.phase = Phase::Lost(notice.clone());
        Ok(Some(S::reconnecting(notice)))
    }

    async fn reconnect(&mut self) -> Result<Option<S::Item>> {
        match connect(&mut self.source).await {
            Ok((line, opened)) => {
                self.retry.succeeded();
                self.phase = Phase::Open(Box::new(line));
                Ok(Some(S::reconnected(opened)))
            }
            Err(cause) => self.lost(cause),
        }
    }
}

/// One attempt, up to and with the server's first message.
async fn connect<S: Source>(source: &mut S) -> Result<(Line<S::Message>, S::Opened)> {
    let client = source.client().clone();
    let mut line = client.unless_silent(call(source)).await?;
    let first = line.message(&client).await?;
    Ok((line, source.open(first)?))
}

async fn call<S: Source>(source: &mut S) -> Result<Line<S::Message>> {
    let mut raw = source.client().raw_streams()?;
    let called = source.call(&mut raw).await;
    let messages = called.map_err(|status| source.client().error(status))?;
    Ok(Line { messages, _raw: raw })
}
