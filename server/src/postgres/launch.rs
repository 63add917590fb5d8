//! From a cluster on disk to a PostgreSQL that answers: started, waited for, or adopted.
//!
//! It knows nothing about what becomes of it afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{OpenOptionsExt as _, chown},
    path::Path,
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::time::{self, Instant};

use super::{Error, binaries, cluster::Cluster, process::Process};
use crate::db::connect;

/// How often a state that nobody announces is looked at.
const POLL: Duration = Duration::from_millis(20);

/// After a kill the former process or its children may be there for a moment, and a start meanwhile is refused.
const LEFTOVERS: [&str; 2] =
    ["lock file \"postmaster.pid\" already exists", "pre-existing shared memory block"];
const LEFTOVERS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one that may be adopted has to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A log that is larger at a start makes place for a new one.
const LOG_BYTES_MAX: u64 = 4 << 20;

/// How much of the log an error quotes.
const LOG_QUOTE_BYTES_MAX: u64 = 2 << 10;

/// The start of the file by which PostgreSQL claims its data directory. It is never deleted here:
/// PostgreSQL itself knows best when it is stale.
struct Claim {
    pid: Pid,
    ready: bool,
}

/// Until it answers, or `postgres.start_ms` is over.
pub(super) async fn launch(cluster: &Cluster) -> Result<Process, Error> {
    let begin = Instant::now();
    loop {
        if let Some(orphan) = adopt(cluster, begin).await? {
            return Ok(orphan);
        }
        match start(cluster, begin).await {
            Err(Error::Start { output, .. })
                if LEFTOVERS.iter().any(|text| output.contains(text))
                    && begin.elapsed() < LEFTOVERS_TIMEOUT =>
            {
                time::sleep(5 * POLL).await;
            }
            started => return started,
        }
    }
}

/// A PostgreSQL that a killed server left on this cluster: adopted if it answers, waited for while
/// it stops. `None` if there is none, or no longer.
async fn adopt(cluster: &Cluster, begin: Instant) -> Result<Option<Process>, Error> {
    loop {
        let has_cluster = |pid: &Pid| has_open(*pid, &cluster.data);
        let Some(pid) = claim(&cluster.data).map(|claim| claim.pid).filter(has_cluster) else {
            return Ok(None);
        };
        // Opened before the question, so that the one who answers and the one adopted are the same.
        let descriptor = pidfd_open(pid, PidfdFlags::empty());
        if answers(cluster).await
            && let Ok(descriptor) = descriptor
        {
            let process =
                Process::adopt(pid, descriptor).map_err(|cause| failed(cluster, cause.to_string()))?;
            tracing::info!(pid = process.pid(), "adopted the PostgreSQL that a former server left");
            return Ok(Some(process));
        }
        if begin.elapsed() > cluster.start_timeout {
            return Err(Error::Foreign { data: cluster.data.clone(), pid: number(pid) });
        }
        time::sleep(POLL).await;
    }
}

/// Starts one and waits until it is ready.
async fn start(cluster: &Cluster, begin: Instant) -> Result<Process, Error> {
    let program = cluster.binaries.directory.join("postgres");
    let (log, log_begin) = open_log(cluster).map_err(|cause| Error::path(&cluster.log, cause))?;
    let mut command = binaries::command(&program, cluster.owner);
    command.arg("-D").arg(&cluster.data).arg("-k").arg(&cluster.sockets).args(["-h", ""]);
    let settings = [
        "unix_socket_permissions=0700",
        // After a crash one call instead of one for each file: 0.5 s instead of 11 s.
        "recovery_init_sync_method=syncfs",
        // What statements get wrong comes back to the server, which says it better.
        "log_min_messages=log",
        "log_checkpoints=off",
    ];
    let buffers = format!("shared_buffers={}", cluster.shared_buffers);
    let connections = format!("max_connections={}", cluster.max_connections);
    for setting in settings.into_iter().chain([buffers.as_str(), connections.as_str()]) {
        command.args(["-c", setting]);
    }
    let error = log.try_clone().map_err(|cause| Error::path(&cluster.log, cause))?;
    command.stdout(log).stderr(error);
    let process = Process::spawn(command).await.map_err(|cause| failed(cluster, cause.to_string()))?;
    loop {
        let own = claim(&cluster.data).filter(|claim| claim.ready).map(|claim| claim.pid);
        if own.is_some_and(|pid| number(pid) == process.pid()) && answers(cluster).await {
            tracing::info!(pid = process.pid(), data = %cluster.data.display(), "PostgreSQL runs");
            return Ok(process);
        }
        if time::timeout(POLL, process.ended()).await.is_ok() {
            return Err(failed(cluster, quote(&cluster.log, log_begin)));
        }
        if begin.elapsed() > cluster.start_timeout {
            let text = quote(&cluster.log, log_begin);
            return Err(failed(cluster, format!("not ready within postgres.start_ms; {text}")));
        }
    }
}

/// Whether the socket answers, and for this very cluster.
async fn answers(cluster: &Cluster) -> bool {
    let there = time::timeout(PROBE_TIMEOUT, connect::data_directory(&cluster.address())).await;
    let Ok(Ok(there)) = there else { return false };
    there == cluster.data || fs::canonicalize(&cluster.data).is_ok_and(|here| here == there)
}

/// Line 1 is the process, line 8 its state. `None` while it is absent or half written.
fn claim(data: &Path) -> Option<Claim> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().and_then(Pid::from_raw)?;
    Some(Claim { pid, ready: lines.nth(6).is_some_and(|state| state.trim() == "ready") })
}

/// Whether the process is a PostgreSQL on this cluster, which is then its working directory. After a
/// reboot the number may be anyone's.
fn has_open(pid: Pid, data: &Path) -> bool {
    let there = fs::read_link(format!("/proc/{}/cwd", number(pid)));
    fs::canonicalize(data).is_ok_and(|here| there.is_ok_and(|there| there == here))
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// The log, and where what is written from now on begins.
fn open_log(cluster: &Cluster) -> io::Result<(File, u64)> {
    if fs::metadata(&cluster.log).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        fs::rename(&cluster.log, cluster.log.with_extension("log.1"))?;
    }
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&cluster.log)?;
    if let Some((uid, gid)) = cluster.owner {
        chown(&cluster.log, Some(uid), Some(gid))?;
    }
    let begin = log.metadata()?.len();
    Ok((log, begin))
}

/// The end of what it wrote since `begin`.
fn quote(log: &Path, begin: u64) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let from = begin.max(file.metadata()?.len().saturating_sub(LOG_QUOTE_BYTES_MAX));
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    };
    read().unwrap_or_else(|cause: io::Error| format!("and its log cannot be read: {cause}"))
}

fn failed(cluster: &Cluster, output: String) -> Error {
    Error::Start { program: cluster.binaries.directory.join("postgres"), output }
}
