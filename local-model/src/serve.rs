//! The socket: who may ask, who waits, and who has left.
//!
//! It must not know how an answer is made.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::{fs::Mode, process::umask};

use crate::{
    generation::Speaker,
    wire::{Answer, REQUEST_BYTES_MAX, Request},
};

/// Generations that wait while another one runs.
const WAITING_MAX: usize = 16;

/// Connections open at once: the one that is answered, those that wait, and some that are being told that
/// there are too many.
const CONNECTIONS_MAX: usize = 64;

/// How long a request may take to come, and a line to be taken. Its peer is a program on this machine.
const PEER_WAIT: Duration = Duration::from_secs(30);

/// A generation that is asked for.
struct Job {
    request: Request,
    stream: UnixStream,
    /// Set when the connection has ended.
    gone: Arc<AtomicBool>,
}

/// Answers for ever; comes back only with an error. `ready` is called when connections are taken.
pub(crate) fn serve(socket: &Path, speaker: Speaker, ready: impl FnOnce()) -> Result<()> {
    // The socket is there from `bind` on: nobody else may open it then already.
    umask(Mode::from_raw_mode(0o177));
    // Left by one that was killed.
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).with_context(|| format!("cannot make {}", socket.display()))?;
    let (jobs, queue) = sync_channel(WAITING_MAX);
    thread::Builder::new().name("speaker".to_owned()).spawn(move || speak(&speaker, &queue))?;
    ready();
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let mut stream = stream.context("the socket is broken")?;
        stream.set_read_timeout(Some(PEER_WAIT))?;
        stream.set_write_timeout(Some(PEER_WAIT))?;
        if open.fetch_add(1, Relaxed) >= CONNECTIONS_MAX {
            // A fresh socket's buffer has room for it.
            let _ = tell(&mut stream, &Answer::busy());
            open.fetch_sub(1, Relaxed);
            continue;
        }
        let (jobs, open) = (jobs.clone(), open.clone());
        thread::Builder::new().name("connection".to_owned()).spawn(move || {
            // Whatever breaks a connection ends it, and nothing else.
            let _ = connection(stream, &jobs);
            open.fetch_sub(1, Relaxed);
        })?;
    }
    Ok(())
}

/// Ends the program when standard input does: whoever started it holds the other end of that pipe, and
/// even `kill -9` closes it.
pub(crate) fn end_with_stdin(socket: &Path) -> Result<()> {
    let socket = socket.to_owned();
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = fs::remove_file(socket);
        process::exit(0);
    })?;
    Ok(())
}

/// Reads the request, has it answered, and stays to notice when the peer leaves.
fn connection(mut stream: UnixStream, jobs: &SyncSender<Job>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    reader.by_ref().take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return tell(&mut stream, &Answer::invalid("the request is one line of at most 4 MiB"));
    }
    let request = match Request::parse(&line) {
        Ok(request) => request,
        Err(answer) => return tell(&mut stream, &answer),
    };
    let gone = Arc::new(AtomicBool::new(false));
    let job = Job { request, stream: stream.try_clone()?, gone: gone.clone() };
    if jobs.try_send(job).is_err() {
        return tell(&mut stream, &Answer::busy());
    }
    // Until the peer closes, or the answer is complete and the speaker shuts the connection down.
    stream.set_read_timeout(None)?;
    let left = io::copy(&mut reader, &mut io::sink());
    gone.store(true, Relaxed);
    left.map(drop)
}

/// Answers one after the other.
fn speak(speaker: &Speaker, queue: &Receiver<Job>) {
    while let Ok(Job { request, mut stream, gone }) = queue.recv() {
        let answered = speaker.answer(&request, &gone, |answer| {
            if tell(&mut stream, answer).is_err() {
                gone.store(true, Relaxed);
            }
        });
        if let Err(cause) = answered {
            // Neither the request's fault nor the connection's. Whoever supervises starts another one.
            eprintln!("cannot compute: {cause:#}");
            process::abort();
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

fn tell(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}
