//! What a server stands on that a test can take away: room on its disk, and its own program file.
//!
//! It must not know what the server does about it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::{Builder, Server};
use crate::{account, place};

impl Builder {
    /// Gives the server's data a small disk of its own, of so many bytes. Only a test run by root can.
    pub fn small_disk(mut self, bytes: u64) -> Self {
        self.disk_bytes = Some(bytes);
        self
    }

    /// Gives the server a copy of the program that [`Server::replace_program`] can replace.
    pub fn own_program(mut self) -> Self {
        self.own_program = true;
        self
    }

    /// Mounts the small disk, if one was asked for.
    pub(super) fn mount(&self, directory: &Path) -> Result<()> {
        let Some(bytes) = self.disk_bytes else { return Ok(()) };
        let data = directory.join("data");
        place::directory(&data, 0o700)?;
        let options = format!("size={bytes},mode=700");
        mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], &data)?;
        account()?.own(&data)
    }
}

impl Server {
    /// Makes the small disk larger.
    pub fn grow_disk(&self, bytes: u64) -> Result<()> {
        mount(&["-o", &format!("remount,size={bytes}")], &self.data_dir())
    }

    /// Puts a new file with the same program in the place of the one that runs, as an upgrade does.
    pub fn replace_program(&self) -> Result<()> {
        ensure!(self.how.own_program, "the server was not started with its own_program()");
        let new = self.binary.with_extension("new");
        fs::copy(&self.binary, &new)?;
        fs::rename(new, &self.binary)?;
        Ok(())
    }

    /// Takes the small disk away, if there is one.
    pub(super) fn unmount(&self) {
        if self.how.disk_bytes.is_some() {
            // Lazily: what still has a file open there keeps it until it ends.
            let _ = Command::new("umount").arg("--lazy").arg(self.data_dir()).status();
        }
    }
}

/// A copy of the program in the server's own directory.
pub(super) fn copy_program(binary: &Path, directory: &Path) -> Result<std::path::PathBuf> {
    let copy = directory.join("mosaic-server");
    fs::copy(binary, &copy)?;
    Ok(copy)
}

fn mount(arguments: &[&str], on: &Path) -> Result<()> {
    let status = Command::new("mount").args(arguments).arg(on).status().context("mount")?;
    ensure!(status.success(), "mount {arguments:?} {} failed", on.display());
    Ok(())
}
