//! A file to print, and the command lines that print it.
//!
//! It must not know who reads what is printed.

use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::floor::RAW;

/// The size of the file.
pub(crate) const BYTES: u32 = 100_000_000;
/// The file is printed when this key comes.
pub(crate) const GO: &[u8] = b"g";

const WORDS: &str = "The quick brown fox jumps over the lazy dog and does not look back.";

/// Numbered lines of text; gone when this is dropped.
pub(crate) struct Text(NamedTempFile);

impl Text {
    /// Writes the file, which every user may read.
    pub(crate) fn write() -> Result<Self> {
        let mut file = NamedTempFile::with_prefix("mosaic-bench-")?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        let mut block = Vec::new();
        for number in 1..=12_500 {
            // 80 bytes each, and so a block of a million.
            writeln!(block, "{number:>7} {WORDS:<71}")?;
        }
        for _ in 0..BYTES / u32::try_from(block.len())? {
            file.write_all(&block)?;
        }
        Ok(Self(file))
    }

    /// Says that it is ready, waits for [`GO`] and prints the file so many times, byte for byte.
    pub(crate) fn printer(&self, times: usize) -> Result<String> {
        let path = self.0.path().to_str().context("the path of temporary files is not text")?;
        let files = vec![path; times].join(" ");
        Ok(format!("{RAW}head -c {} >/dev/null; exec cat {files}", GO.len()))
    }
}
