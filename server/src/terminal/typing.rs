//! Input on its way to the journal: numbered calls in order, streams, and windows' sizes.
//!
//! It knows nothing about how input is typed. Accepted means in the journal, which no kill undoes.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Terminals,
    input::Refused,
    live::{Live, Seat},
    record::Size,
    session::{Session, Source, Start, Typist},
};
use crate::{
    auth::{Principal, Role},
    error::{Error, Reason, Result},
    ids::WriterId,
};

/// Most bytes of one input.
pub(crate) const INPUT_BYTES_MAX: usize = 1024 * 1024;

/// One message of a client on an attachment.
#[derive(Debug)]
pub(crate) enum Typed {
    /// Bytes to type.
    Input {
        /// The writer's number for it.
        sequence: u64,
        /// The bytes.
        data: bytes::Bytes,
    },
    /// Another window size.
    Resize(Size),
}

/// An attachment that is asked for.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) terminal: String,
    pub(crate) start: Start,
    pub(crate) read_only: bool,
    pub(crate) writer: Option<WriterId>,
    pub(crate) size: Option<Size>,
}

/// Checks the length of one input.
///
/// # Errors
/// `BAD_REQUEST`
pub(crate) fn check_length(field: &str, length: usize) -> Result<()> {
    if length > INPUT_BYTES_MAX {
        let problem = format!("has {length} bytes; send at most {INPUT_BYTES_MAX} at once");
        return Err(Error::bad_request(field, problem));
    }
    Ok(())
}

impl Terminals {
    /// Types once. A numbered input that comes too early waits a little for the missing ones.
    pub(crate) async fn write(
        &self,
        principal: &Principal,
        named: &str,
        writer: Option<(WriterId, u64)>,
        data: &[u8],
    ) -> Result<u64> {
        principal.require(Role::Member)?;
        let live = self.shared.find_live(principal, named).await?;
        let settings = &self.shared.settings;
        let deadline = Instant::now() + Duration::from_millis(settings.reorder_wait_ms);
        let mut place = None;
        loop {
            let mut moved = pin!(live.io.input_moved());
            moved.as_mut().enable();
            match live.accept(writer, data) {
                Ok(_) => return Ok(writer.and_then(|(id, _)| live.io.highest(id)).unwrap_or(0)),
                Err(Refused::Gap { .. } | Refused::UnknownWriter) if Instant::now() < deadline => {
                    if place.is_none() {
                        place = Some(live.wait_in_window(settings.reorder_window_max)?);
                    }
                    // Either way it is tried again, and the time is looked at.
                    let _ = tokio::time::timeout_at(deadline, moved).await;
                }
                Err(refused) => return Err(refusal(refused, writer)),
            }
        }
    }

    /// Opens an attachment: the stream to read, and a task that types what comes.
    pub(crate) async fn attach(
        &self,
        principal: &Arc<Principal>,
        open: Open,
        inbound: impl Stream<Item = Result<Typed>> + Send + Unpin + 'static,
    ) -> Result<Session> {
        principal.require(if open.read_only { Role::Viewer } else { Role::Member })?;
        let output = self.output(principal, &open.terminal).await?;
        let offset = open.start.resolve(&output.log)?;
        let writer = open.writer.unwrap_or_else(WriterId::new);
        let live = output.live.clone();
        let types = live.as_ref().filter(|_| !open.read_only).cloned();
        let source = output.source(principal, types.as_ref().map(|_| writer), offset)?;
        let until = until(principal, source.seat.as_ref(), &self.shared.draining);
        let typist = types.map(|live| typist(live, writer, open.size, inbound, until)).transpose()?;
        Ok(self.session(source, offset, true, typist, principal))
    }

    /// Opens a stream that only reads.
    pub(crate) async fn watch(
        &self,
        principal: &Arc<Principal>,
        named: &str,
        start: Start,
        follow: bool,
    ) -> Result<Session> {
        let output = self.output(principal, named).await?;
        let offset = start.resolve(&output.log)?;
        let source = output.source(principal, None, offset)?;
        Ok(self.session(source, offset, follow, None, principal))
    }

    fn session(
        &self,
        source: Source,
        offset: u64,
        follow: bool,
        typist: Option<Typist>,
        principal: &Arc<Principal>,
    ) -> Session {
        let (draining, heartbeat) = (self.shared.draining.clone(), self.shared.heartbeat);
        Session::new(source, offset, follow, typist, Arc::clone(principal), draining, heartbeat)
    }
}

fn typist(
    live: Arc<Live>,
    writer: WriterId,
    size: Option<Size>,
    inbound: impl Stream<Item = Result<Typed>> + Send + Unpin + 'static,
    until: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<Typist> {
    if let Some(size) = size {
        live.open_window(writer, size)?;
    }
    let highest = live.io.highest(writer).unwrap_or(0);
    let (sender, accepted) = watch::channel(highest);
    // Not only the reading side ends with the token: a client that stops reading must not go on typing.
    let task = tokio::spawn(async move {
        tokio::select! {
            biased;
            over = until => over?,
            typed = type_all(live, writer, inbound, sender) => typed?,
        }
        // The stream goes on for reading.
        std::future::pending().await
    });
    Ok(Typist { writer, highest, accepted, news: false, task: AbortOnDropHandle::new(task) })
}

/// Resolves when a client may no longer type: with the error of its token, or because it was shown out.
fn until(
    principal: &Arc<Principal>,
    seat: Option<&Seat>,
    draining: &CancellationToken,
) -> impl Future<Output = Result<()>> + Send + 'static {
    let detach = seat.map(|seat| seat.viewer.detach.clone()).unwrap_or_default();
    let (principal, draining) = (Arc::clone(principal), draining.clone());
    async move {
        tokio::select! {
            error = principal.ended() => Err(error),
            () = detach.cancelled() => Ok(()),
            () = draining.cancelled() => Ok(()),
        }
    }
}

/// Types what a client sends until it stops sending. It stops reading while the journal is full: HTTP/2 then holds
/// the client back.
async fn type_all(
    live: Arc<Live>,
    writer: WriterId,
    mut inbound: impl Stream<Item = Result<Typed>> + Unpin,
    accepted: watch::Sender<u64>,
) -> Result<()> {
    while let Some(typed) = inbound.next().await {
        match typed? {
            Typed::Resize(size) => live.resize(Some(writer), size)?,
            Typed::Input { sequence, data } => {
                type_one(&live, writer, sequence, &data).await?;
                // Also for a repetition: the client waits for the acknowledgement. Not for what a terminal that ended
                // meanwhile did not take.
                if let Some(highest) = live.io.highest(writer) {
                    accepted.send_replace(highest);
                }
            }
        }
    }
    // The channel has to stay open as long as the stream goes on.
    std::future::pending::<Result<()>>().await
}

async fn type_one(live: &Live, writer: WriterId, sequence: u64, data: &[u8]) -> Result<()> {
    loop {
        let mut moved = pin!(live.io.input_moved());
        moved.as_mut().enable();
        match live.accept(Some((writer, sequence)), data) {
            Ok(_) => return Ok(()),
            Err(Refused::Full) => {
                tokio::select! {
                    () = moved.as_mut() => {}
                    () = live.over() => return Ok(()),
                }
            }
            Err(refused) => return Err(refusal(refused, Some((writer, sequence)))),
        }
    }
}

pub(super) fn refusal(refused: Refused, writer: Option<(WriterId, u64)>) -> Error {
    let sequence = writer.map_or(0, |(_, sequence)| sequence);
    match refused {
        Refused::Gap { expected } => {
            let message = format!("sequence {sequence} skips; the next one of this writer is {expected}");
            Error::new(Reason::SequenceGap, message).with("expected", expected)
        }
        Refused::UnknownWriter => {
            let message = format!(
                "this writer is not known here and begins at sequence {sequence}; begin anew at 1 with a new writer_id"
            );
            Error::new(Reason::WriterUnknown, message)
        }
        Refused::Full => {
            let message = "the program does not read its input, and the journal is full; wait until it reads";
            Error::quota(Reason::InputJournalFull, "terminal.input_journal_bytes_max", message)
        }
        Refused::Io(cause) => Error::internal(cause),
    }
}
