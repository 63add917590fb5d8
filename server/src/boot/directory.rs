//! The data directory: its lock, the server's id in it, and where the server says that it listens.
//!
//! It knows nothing about what else is in there.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use uuid::Uuid;

use crate::{
    config::{self, Config},
    ids::NodeId,
};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another server is there.
    #[error(
        "another server (process {pid}) uses {dir}; stop it with `mosaic-server stop`, or choose another --data-dir"
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The other server.
        pid: i32,
    },
    /// The file system.
    #[error("cannot use the data directory {dir}: {cause}")]
    Io {
        /// The directory.
        dir: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The id is damaged.
    #[error(
        "{0} does not hold a server's id; restore it, or remove it if no terminal of this server matters"
    )]
    NodeId(PathBuf),
}

/// Held as long as the server runs.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "open means locked")] File);

fn lock_path(dir: &Path) -> PathBuf {
    dir.join("server.lock")
}

/// Makes the directory and takes it for this process.
pub(super) fn lock(dir: &Path) -> Result<Lock, DirectoryError> {
    let failed = |cause| DirectoryError::Io { dir: dir.to_owned(), cause };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(lock_path(dir)).map_err(failed)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(DirectoryError::Locked {
            dir: dir.to_owned(),
            pid: read_pid(&mut file).unwrap_or_default(),
        });
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(Lock(file))
}

/// The mode of a data directory through which the shell user reaches its worktrees: whoever knows a name may pass, and
/// nobody else may list.
pub(super) const LET_THROUGH: u32 = 0o711;

/// Makes the directory of the worktrees, for terminals of the server's own account.
pub(super) fn make_worktrees(data: &config::Data) -> Result<(), DirectoryError> {
    let dir = data.worktrees();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|cause| DirectoryError::Io { dir, cause })
}

/// Lets the shell user through to the worktrees, and to nothing else: first everything is closed that a former server
/// may have made readable behind a closed directory. What this one makes is closed by its umask; what somebody else has
/// put there is theirs to close.
pub(super) fn let_through(data: &config::Data) -> Result<(), DirectoryError> {
    let failed = |cause| DirectoryError::Io { dir: data.dir.clone(), cause };
    let worktrees = data.worktrees();
    for entry in fs::read_dir(&data.dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if entry.path() == worktrees || kind.is_symlink() {
            continue;
        }
        let found = match entry.metadata() {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(failed)?,
        };
        if found.uid() == geteuid().as_raw() && found.mode() & 0o077 != 0 {
            let closed = fs::Permissions::from_mode(found.mode() & 0o7700);
            fs::set_permissions(entry.path(), closed).map_err(failed)?;
        }
    }
    fs::set_permissions(&data.dir, fs::Permissions::from_mode(LET_THROUGH)).map_err(failed)
}

/// The server that has the directory; `None` if none does.
pub(super) fn holder(dir: &Path) -> io::Result<Option<i32>> {
    let mut file = match File::open(lock_path(dir)) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    read_pid(&mut file).map(Some)
}

fn read_pid(file: &mut File) -> io::Result<i32> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// This server's id, made at its first start.
pub(super) fn node(dir: &Path) -> Result<NodeId, DirectoryError> {
    let failed = |cause| DirectoryError::Io { dir: dir.to_owned(), cause };
    let path = dir.join("node-id");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| DirectoryError::NodeId(path)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let node = NodeId::new();
            write_whole(&path, &format!("{node}\n")).map_err(failed)?;
            Ok(node)
        }
        Err(cause) => Err(failed(cause)),
    }
}

/// Writes where the server listens, for the command line of the same account; answers the URL.
pub(super) fn announce(config: &Config, address: SocketAddr) -> Result<String, DirectoryError> {
    let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
    let reachable = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("{scheme}://{}", SocketAddr::new(reachable, address.port()));
    let dir = &config.data.dir;
    let failed = |cause| DirectoryError::Io { dir: dir.clone(), cause };
    write_whole(&dir.join("endpoint"), &format!("{url}\n")).map_err(failed)?;
    Ok(url)
}

/// The terminals whose logs are here, live or ended, oldest first.
pub(super) fn terminals(dir: &Path) -> Vec<Uuid> {
    let entries = fs::read_dir(dir.join("terminals")).into_iter().flatten().flatten();
    let mut ids: Vec<Uuid> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // Ids begin with their time.
    ids.sort();
    ids
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(temporary, path)
}
