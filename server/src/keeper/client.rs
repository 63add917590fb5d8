//! The server's side of the keeper's socket: questions, their answers, and news of ended children.
//!
//! It knows nothing about what the answers are used for.

#![expect(unsafe_code, reason = "the reactor takes descriptors on our word that they stay open")]

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prost::Message;
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{Semaphore, mpsc, oneshot},
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{
    start::connect_to,
    table::ChildIo,
    wire::{self, Ask, Failure, FailureKind, Reply, Request},
};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was not asked: it was gone before.
    #[error("the keeper is not there: {0}")]
    Absent(#[source] io::Error),
    /// It went away or does not answer, and may have done what it was asked.
    #[error("the keeper does not answer: {0}")]
    Gone(#[source] io::Error),
    /// It said no.
    #[error("the keeper refused: {0:?}")]
    Failed(Failure),
}

impl Error {
    /// What kind of no it was.
    pub fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind()),
            Self::Absent(_) | Self::Gone(_) => None,
        }
    }
}

type Answer = (Reply, Vec<OwnedFd>);
type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A connection to a keeper. When it is dropped the connection closes.
#[derive(Debug)]
pub struct Client {
    socket: Arc<AsyncFd<OwnedFd>>,
    pending: Pending,
    next_id: AtomicU64,
    /// As many programs as the keeper runs at once.
    runs: Semaphore,
    /// Which keeper it is, once it has been greeted.
    identity: OnceLock<Uuid>,
    /// Reads answers and news; ends with this struct.
    _reader: AbortOnDropHandle<()>,
}

/// No question waits longer: a close takes its grace (60 s at most) and the killing after it. A program that is run has
/// its own time besides.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

impl Client {
    /// Connects. `ended` gets each child that ends; it is closed when the keeper is gone.
    ///
    /// # Errors
    /// What `connect` says.
    pub fn connect(dir: &Path, ended: mpsc::Sender<wire::Child>) -> io::Result<Self> {
        let socket = connect_to(dir)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        // SAFETY: the descriptor is owned by the AsyncFd and stays open as long as it is registered.
        let socket = Arc::new(unsafe { AsyncFd::register(socket) }?);
        let pending = Pending::default();
        let reader = tokio::spawn(read(Arc::clone(&socket), Arc::clone(&pending), ended));
        let reader = AbortOnDropHandle::new(reader);
        Ok(Self {
            socket,
            pending,
            next_id: AtomicU64::new(1),
            runs: Semaphore::new(wire::RUNS_MAX),
            identity: OnceLock::new(),
            _reader: reader,
        })
    }

    /// Keeps what the keeper said to a greeting about who it is.
    pub fn identify(&self, keeper: &[u8]) {
        if let Ok(keeper) = Uuid::from_slice(keeper) {
            // Said once; an upgraded keeper is the same.
            let _ = self.identity.set(keeper);
        }
    }

    /// Which keeper it is; absent for an older one, which does not tell.
    pub fn identity(&self) -> Option<Uuid> {
        self.identity.get().copied()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ask(&self, ask: Ask) -> Result<Reply, Error> {
        self.ask_with_fds(ask, None).await.map(|(reply, _)| reply)
    }

    /// All children, without their descriptors.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn children(&self) -> Result<Vec<wire::Child>, Error> {
        let mut children: Vec<wire::Child> = Vec::new();
        loop {
            let after = children.last().map(|child| child.id.clone()).unwrap_or_default();
            let page = self.ask(Ask::List(wire::List { paged: true, after })).await?;
            let more = page.more && !page.children.is_empty();
            children.extend(page.children);
            if !more {
                return Ok(children);
            }
        }
    }

    /// Asks for one child with its descriptors, by `Take` or `Spawn`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ask_child(&self, ask: Ask) -> Result<(wire::Child, Option<ChildIo>), Error> {
        let (reply, fds) = self.ask_with_fds(ask, None).await?;
        let child = reply.children.into_iter().next();
        let child = child.ok_or_else(|| Error::Gone(io::ErrorKind::InvalidData.into()))?;
        Ok((child, ChildIo::from_fds(fds)))
    }

    /// Hands a child to the keeper.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn adopt(&self, adopt: wire::Adopt, io: &ChildIo) -> Result<wire::Child, Error> {
        let (reply, _) = self.ask_with_fds(Ask::Adopt(adopt), Some(io)).await?;
        reply.children.into_iter().next().ok_or_else(|| Error::Gone(io::ErrorKind::InvalidData.into()))
    }

    /// Has a program run to its end; answers what it printed, too. Waits for its turn: the keeper takes so many at
    /// once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run(&self, run: wire::Run) -> Result<(wire::Ran, Vec<OwnedFd>), Error> {
        let gone = || Error::Gone(io::ErrorKind::InvalidData.into());
        let _turn = self.runs.acquire().await.map_err(|_| gone())?;
        let patience = ANSWER_TIMEOUT + Duration::from_millis(run.timeout_ms);
        let (reply, fds) = self.ask_within(Ask::Run(run), None, patience).await?;
        Ok((reply.ran.ok_or_else(gone)?, fds))
    }

    async fn ask_with_fds(&self, ask: Ask, io: Option<&ChildIo>) -> Result<Answer, Error> {
        self.ask_within(ask, io, ANSWER_TIMEOUT).await
    }

    async fn ask_within(&self, ask: Ask, io: Option<&ChildIo>, patience: Duration) -> Result<Answer, Error> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request { id, ask: Some(ask) };
        if request.encoded_len() > wire::MESSAGE_BYTES_MAX {
            let failure = Failure { kind: FailureKind::System.into(), errno: libc::E2BIG, pid: 0 };
            return Err(Error::Failed(failure));
        }
        let (sender, receiver) = oneshot::channel();
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        let fds = io.map(ChildIo::fds);
        let sent = self.socket.async_io(Interest::WRITABLE, |socket| {
            wire::send(socket.as_fd(), &request, fds.as_ref().map_or(&[], |f| f.as_slice()))
        });
        let answered = async {
            sent.await.map_err(Error::Absent)?;
            receiver.await.map_err(|_| Error::Gone(io::ErrorKind::ConnectionReset.into()))
        };
        let answer = tokio::time::timeout(patience, answered).await;
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let (reply, fds) = answer.map_err(|_| Error::Gone(io::ErrorKind::TimedOut.into()))??;
        match reply.failure {
            Some(failure) => Err(Error::Failed(failure)),
            None => Ok((reply, fds)),
        }
    }
}

/// Reads until the keeper is gone; then everybody who waits learns it.
async fn read(socket: Arc<AsyncFd<OwnedFd>>, pending: Pending, ended: mpsc::Sender<wire::Child>) {
    loop {
        let received =
            socket.async_io(Interest::READABLE, |socket| wire::receive::<Reply>(socket.as_fd())).await;
        let Ok(Some((reply, fds))) = received else { break };
        if reply.id == 0 {
            for child in reply.children {
                if ended.send(child).await.is_err() {
                    return;
                }
            }
            continue;
        }
        let asker = pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&reply.id);
        if let Some(asker) = asker {
            // One that no longer waits has lost interest.
            let _ = asker.send((reply, fds));
        }
    }
    pending.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
