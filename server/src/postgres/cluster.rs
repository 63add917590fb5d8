//! The files of the private PostgreSQL: directories, lock, and the first making.
//!
//! It starts nothing but `initdb`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, Gid, Mode, OFlags, Uid, fchmod, fchown, flock, fstat},
    io::Errno,
};
use sha2::{Digest as _, Sha256};
use tokio::time::{self, Instant};

use super::{
    Error, Owner,
    binaries::{self, Binaries},
};
use crate::{config::Config, db::Address};

/// In the cluster: the directory of the programs that made it.
const MADE_BY: &str = "mosaic-binaries";

/// A socket's path has 107 bytes; PostgreSQL appends `/.s.PGSQL.5432`.
const SOCKET_DIRECTORY_BYTES_MAX: usize = 93;

/// A killed server's lock goes when the kernel has cleaned up after it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A cluster that is ready to start, and nobody else's.
pub(super) struct Cluster {
    pub(super) data: PathBuf,
    pub(super) sockets: PathBuf,
    pub(super) log: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) owner: Option<Owner>,
    pub(super) start_timeout: Duration,
    pub(super) shared_buffers: String,
    pub(super) max_connections: usize,
    /// Held as long as this lives.
    _lock: File,
}

impl Cluster {
    /// Makes what is missing.
    pub(super) async fn prepare(config: &Config, owner: Option<Owner>) -> Result<Self, Error> {
        if rustix::process::geteuid().is_root() && owner.is_none_or(|(uid, _)| uid == 0) {
            return Err(Error::Root);
        }
        let dir = &config.data.dir;
        directory(dir, owner)?;
        let lock = lock(dir, owner).await?;
        let sockets = socket_directory(config, owner)?;
        let data = config.data.postgres();
        let named = config.postgres.bin.as_deref();
        let binaries = match data.exists() {
            true => known(&data, named, owner).await?,
            false => {
                let binaries = binaries::find(named, owner).await?;
                make(&data, &binaries, owner).await?;
                binaries
            }
        };
        if named.is_some_and(|named| named != binaries.directory) {
            tracing::info!(used = %binaries.directory.display(), "the database goes on with the programs that made it");
        }
        Ok(Self {
            data,
            sockets,
            log: dir.join("postgres.log"),
            binaries,
            owner,
            start_timeout: Duration::from_millis(config.postgres.start_ms),
            shared_buffers: config.postgres.shared_buffers.clone(),
            max_connections: config.postgres.max_connections,
            _lock: lock,
        })
    }

    pub(super) fn address(&self) -> Address {
        Address::Socket(self.sockets.clone())
    }
}

/// The programs of a cluster that exists.
async fn known(data: &Path, named: Option<&Path>, owner: Option<Owner>) -> Result<Binaries, Error> {
    let file = data.join("PG_VERSION");
    let version = fs::read_to_string(&file).map_err(|cause| Error::path(&file, cause))?;
    let major = version.trim().parse().map_err(|_| Error::path(&file, "is not a version of PostgreSQL"))?;
    let made_by = fs::read_to_string(data.join(MADE_BY)).ok().map(|text| PathBuf::from(text.trim_end()));
    let binaries = binaries::find_again(data, major, made_by.as_deref(), named, owner).await?;
    if made_by.as_ref() != Some(&binaries.directory) {
        tracing::warn!(
            former = ?made_by, now = %binaries.directory.display(),
            "the programs that made the database are gone; going on with others of the same version"
        );
        record(data, &binaries, owner)?;
    }
    Ok(binaries)
}

/// Makes the cluster under another name first: what bears the right name is whole.
async fn make(data: &Path, binaries: &Binaries, owner: Option<Owner>) -> Result<(), Error> {
    tracing::info!(data = %data.display(), programs = %binaries.directory.display(), "making a new database");
    let fresh = data.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|cause| Error::path(&fresh, cause))?;
    }
    directory(&fresh, owner)?;
    let mut initdb = binaries::command(&binaries.directory.join("initdb"), owner);
    // No password: the socket's directory lets only this account in, and there is no TCP.
    initdb.arg("-D").arg(&fresh).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
    let output = tokio::process::Command::from(initdb).kill_on_drop(true).output().await;
    let output = output.map_err(|cause| Error::Init { output: cause.to_string() })?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        return Err(Error::Init { output: String::from_utf8_lossy(&text).trim().to_owned() });
    }
    record(&fresh, binaries, owner)?;
    fs::rename(&fresh, data).map_err(|cause| Error::path(data, cause))?;
    let parent = data.parent().unwrap_or(Path::new("/"));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(|cause| Error::path(parent, cause))
}

/// Notes the programs, replacing a former note at once and wholly.
fn record(data: &Path, binaries: &Binaries, owner: Option<Owner>) -> Result<(), Error> {
    let file = data.join(MADE_BY);
    let fresh = file.with_extension("new");
    let write = || {
        let mut opened =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(opened, "{}", binaries.directory.display())?;
        give(&fresh, owner)?;
        opened.sync_all()?;
        fs::rename(&fresh, &file)
    };
    write().map_err(|cause| Error::path(&file, cause))
}

/// Takes the lock that says "a server of this directory lives".
async fn lock(dir: &Path, owner: Option<Owner>) -> Result<File, Error> {
    let path = dir.join("postgres.lock");
    let wrong = |cause: std::io::Error| Error::path(&path, cause);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(wrong)?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    while let Err(cause) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if cause != Errno::WOULDBLOCK {
            return Err(wrong(cause.into()));
        }
        if Instant::now() > deadline {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(wrong)?;
            return Err(Error::InUse { dir: dir.to_owned(), pid: pid.trim().to_owned() });
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(wrong)?;
    give(&path, owner).map_err(wrong)?;
    Ok(file)
}

/// Whoever can enter this directory is PostgreSQL's superuser, so nobody else may.
fn socket_directory(config: &Config, owner: Option<Owner>) -> Result<PathBuf, Error> {
    let mut path = config.data.postgres_socket();
    if path.as_os_str().len() > SOCKET_DIRECTORY_BYTES_MAX {
        let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        path = PathBuf::from(format!("/tmp/mosaic-{hash}"));
    } else {
        directory(&config.data.run_dir, owner)?;
    }
    private(&path, owner).map_err(|cause| match cause {
        Errno::LOOP | Errno::NOTDIR | Errno::PERM => {
            Error::path(&path, "belongs to somebody else; remove it, or set data.run_dir (--run-dir)")
        }
        other => Error::path(&path, other),
    })?;
    Ok(path)
}

/// Makes a directory that only the owner can enter. In /tmp anyone may have made it before, as one
/// of their own or as a link, and may try to swap it: so everything goes through one descriptor.
fn private(path: &Path, owner: Option<Owner>) -> Result<(), Errno> {
    let fresh = match rustix::fs::mkdir(path, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(cause) => return Err(cause),
    };
    let opened =
        rustix::fs::open(path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let (own, found) = (rustix::process::geteuid(), fstat(&opened)?.st_uid);
    let account = owner.map_or(own, |(uid, _)| Uid::from_raw(uid));
    if found != account.as_raw() && !(fresh && found == own.as_raw()) {
        return Err(Errno::PERM);
    }
    if let Some((uid, gid)) = owner {
        fchown(&opened, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    fchmod(&opened, Mode::RWXU)
}

/// Makes a directory, closed to others, if it is missing.
fn directory(path: &Path, owner: Option<Owner>) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| give(path, owner));
    made.map_err(|cause| Error::path(path, cause))
}

fn give(path: &Path, owner: Option<Owner>) -> std::io::Result<()> {
    owner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)))
}
