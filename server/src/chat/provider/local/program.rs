//! The program: started when it is needed, one for all generations, ended when it idles or its owner does.
//!
//! It must not know what is asked and answered.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    sync::{Mutex, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use super::{Failure, FailureKind, Settings, late, place};

/// The program's name.
pub(super) const NAME: &str = "mosaic-local-model";

/// How long it may take to end after it was told to; then it is killed.
const END_WAIT: Duration = Duration::from_secs(2);

/// Bytes of a line that it writes to its standard error; the rest is another line.
const LINE_BYTES_MAX: u64 = 2048;

/// The program, or that there is none right now.
#[derive(Debug)]
pub(super) struct Programs {
    shared: Arc<Shared>,
    /// Ends the process with its owner.
    _owner: DropGuard,
}

#[derive(Debug)]
struct Shared {
    settings: Arc<Settings>,
    /// The process that takes generations. Held while one is started: the others want the same one.
    slot: Mutex<Option<Arc<Process>>>,
    /// Cancelled with the owner; each process has a child of it.
    stop: CancellationToken,
    /// Processes so far: no two have the same socket.
    count: AtomicU64,
}

/// A process, from its start to its end. Its task holds it; that ends when the process has.
#[derive(Debug)]
struct Process {
    socket: PathBuf,
    uses: watch::Sender<usize>,
    /// Asks it to end.
    stop: CancellationToken,
    /// It has ended.
    ended: CancellationToken,
    /// The last line of its standard error.
    said: std::sync::Mutex<String>,
}

/// The process is in use as long as this is there.
pub(super) struct Use {
    process: Arc<Process>,
    shared: Weak<Shared>,
}

impl Use {
    fn new(process: &Arc<Process>, shared: &Arc<Shared>) -> Self {
        process.uses.send_modify(|uses| *uses += 1);
        Self { process: process.clone(), shared: Arc::downgrade(shared) }
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.process.socket
    }

    /// It broke off. Where it has crashed, this comes back when that is known, so that the next user does not
    /// meet what is left of it.
    pub(super) async fn settle(&self) {
        let _ = timeout(END_WAIT, self.process.ended.cancelled()).await;
    }

    /// It takes no calls: the next user gets another one.
    pub(super) async fn forget(&self) {
        self.process.stop.cancel();
        if let Some(shared) = self.shared.upgrade() {
            let mut slot = shared.slot.lock().await;
            slot.take_if(|process| Arc::ptr_eq(process, &self.process));
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.process.uses.send_modify(|uses| *uses -= 1);
    }
}

impl Programs {
    /// None runs yet.
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let stop = CancellationToken::new();
        let shared =
            Shared { settings, slot: Mutex::default(), stop: stop.clone(), count: AtomicU64::new(0) };
        Self { shared: Arc::new(shared), _owner: stop.drop_guard() }
    }

    /// The one that runs; started if there is none.
    pub(super) async fn running(&self) -> Result<Use, Failure> {
        let shared = &self.shared;
        let slot = timeout(shared.settings.start_wait, shared.slot.lock()).await;
        let mut slot = slot.map_err(|_| late("for others to start it"))?;
        if let Some(process) = slot.as_ref().filter(|process| !process.ended.is_cancelled()) {
            return Ok(Use::new(process, shared));
        }
        let process = start(shared).await?;
        let used = Use::new(&process, shared);
        *slot = Some(process);
        Ok(used)
    }

    /// Ends it, and comes back when it has.
    pub(super) async fn stop(&self) {
        let process = self.shared.slot.lock().await.take();
        if let Some(process) = process {
            process.stop.cancel();
            process.ended.cancelled().await;
        }
    }
}

fn broken(what: &str, cause: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("{what}: {cause}"))
}

async fn start(shared: &Arc<Shared>) -> Result<Arc<Process>, Failure> {
    let settings = &shared.settings;
    let program = place::find(settings).await?;
    let name = format!("{}.sock", shared.count.fetch_add(1, Relaxed));
    let socket = empty_directory(&settings.socket_dir).await?.join(name);
    let mut command = Command::new(&program);
    command.arg("serve").arg("--socket").arg(&socket).arg("--weights").arg(&settings.weights);
    // Ctrl-C in the server's terminal is the server's: it ends the program when it has drained.
    command.env_clear().current_dir("/").process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child =
        command.spawn().map_err(|cause| broken(&format!("cannot start {}", program.display()), &cause))?;
    info!(program = %program.display(), "the local model starts");
    let process = Arc::new(Process {
        socket,
        uses: watch::Sender::new(0),
        stop: shared.stop.child_token(),
        ended: CancellationToken::new(),
        said: std::sync::Mutex::default(),
    });
    // Whoever gives up waiting ends what was started.
    let unwanted = process.stop.clone().drop_guard();
    let (tell_ready, ready) = oneshot::channel();
    // The task ends with the process, and that with `stop`, which the owner cancels.
    tokio::spawn(keep(process.clone(), child, Arc::downgrade(shared), tell_ready));
    match timeout(settings.start_wait, ready).await {
        Ok(Ok(())) => {
            unwanted.disarm();
            Ok(process)
        }
        Ok(Err(_)) => {
            // Then its last words are there.
            let _ = timeout(END_WAIT * 2, process.ended.cancelled()).await;
            let said = process.said.lock().map(|said| said.clone()).unwrap_or_default();
            Err(broken("the local model's program ended at its start", &said))
        }
        Err(_) => Err(late("to start")),
    }
}

/// The directory of the socket, which is nobody else's; without what killed programs left there.
async fn empty_directory(path: &Path) -> Result<&Path, Failure> {
    let made = async {
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).await?;
        let mut entries = tokio::fs::read_dir(path).await?;
        while let Some(entry) = entries.next_entry().await? {
            match tokio::fs::remove_file(entry.path()).await {
                // The one that has just ended removes its own.
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok::<_, std::io::Error>(path)
    };
    made.await.map_err(|cause| broken(&format!("cannot use {}", path.display()), &cause))
}

/// A process from its start to its end.
async fn keep(process: Arc<Process>, mut child: Child, shared: Weak<Shared>, ready: oneshot::Sender<()>) {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let life = async {
        tokio::select! {
            ended = child.wait() => warn!(?ended, "the local model's program ended by itself"),
            () = process.stop.cancelled() => {}
            () = unused(&process, &shared, stdout, ready) => {}
        }
        // The end of its standard input is how it is told to go.
        drop(stdin);
        if timeout(END_WAIT, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    };
    tokio::join!(life, read_words(&process, stderr));
    let _ = tokio::fs::remove_file(&process.socket).await;
    process.ended.cancel();
}

/// Comes back when nobody has used it for a while, and nobody can any more.
async fn unused(
    process: &Arc<Process>,
    shared: &Weak<Shared>,
    stdout: Option<ChildStdout>,
    ready: oneshot::Sender<()>,
) {
    let Some(stdout) = stdout else { return };
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    let _ = (&mut stdout).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
    if line != b"ready\n" || ready.send(()).is_err() {
        // It ends, or it is another program.
        return;
    }
    let mut uses = process.uses.subscribe();
    loop {
        let Some(idle_stop) = shared.upgrade().map(|shared| shared.settings.idle_stop) else { return };
        if uses.wait_for(|uses| *uses == 0).await.is_err() {
            return;
        }
        if timeout(idle_stop, uses.wait_for(|uses| *uses > 0)).await.is_ok() {
            continue;
        }
        let Some(shared) = shared.upgrade() else { return };
        // Uses begin under the lock: what is unused here stays so.
        let mut slot = shared.slot.lock().await;
        if *uses.borrow() == 0 {
            slot.take_if(|other| Arc::ptr_eq(other, process));
            info!("the local model was not used for a while and ends");
            return;
        }
    }
}

/// Passes on what it says on its standard error, until that ends.
async fn read_words(process: &Process, stderr: Option<impl AsyncRead + Unpin>) {
    let Some(stderr) = stderr else { return };
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut stderr).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        warn!(target: "local_model", "{line}");
        if let Ok(mut said) = process.said.lock() {
            line.clone_into(&mut said);
        }
    }
}
