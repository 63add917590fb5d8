//! Where tests keep their files, and the locks that keep several test processes out of each other's way.
//!
//! It must not know what is kept there.
//!
//! Everything lies under `/tmp/mosaic-test-<user>`: short, since a unix socket's path may have 107 bytes, and
//! reachable for the test user, which a build directory under a private home is not.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::account;

/// The directory of this user's tests.
pub(crate) fn base() -> Result<PathBuf> {
    let account = account()?;
    let base = PathBuf::from(format!("/tmp/mosaic-test-{}", account.name));
    directory(&base, 0o755)?;
    Ok(base)
}

/// Makes a directory of the test user's unless it is there.
pub(crate) fn directory(path: &Path, mode: u32) -> Result<()> {
    if !path.is_dir() {
        fs::create_dir_all(path).with_context(|| format!("make {}", path.display()))?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        account()?.own(path)?;
    }
    Ok(())
}

/// Opens a lock file of the test user's.
pub(crate) fn lock_file(path: &Path) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .with_context(|| format!("open {}", path.display()))?;
    account()?.own(path)?;
    Ok(file)
}

/// A TCP port of 127.0.0.1 that no other test uses as long as this lives.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u16,
    /// The lock is the reservation.
    _lock: File,
}

/// Ports below the range from which the kernel picks the client's end of a connection: a client that keeps
/// knocking at a stopped server's port of that range would in the end be connected to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Reserves a port.
pub(crate) fn port() -> Result<Port> {
    let directory_of_locks = base()?.join("ports");
    directory(&directory_of_locks, 0o755)?;
    let span = PORTS.end - PORTS.start;
    let (high, low) = (Uuid::new_v4().as_u64_pair().0, Uuid::new_v4().as_u64_pair().1);
    let first = u16::try_from((high ^ low) % u64::from(span))?;
    for step in 0..span {
        let number = PORTS.start + (first + step) % span;
        let lock = lock_file(&directory_of_locks.join(number.to_string()))?;
        if lock.try_lock().is_ok() && std::net::TcpListener::bind(("127.0.0.1", number)).is_ok() {
            return Ok(Port { number, _lock: lock });
        }
    }
    bail!("no free port in {PORTS:?}")
}
