//! The hole at the end of a log whose disk is full: where it began and how far it reaches by now.
//!
//! The file is made, with its block, while there is room. A hole is written down before the bytes are let go, so a
//! kill between the two counts some bytes twice: a hole may look a little larger than it is, never smaller.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Offsets of a hole's first byte and of the byte after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) from: u64,
    pub(super) to: u64,
}

const NAME: &str = "hole";
const LENGTH: usize = 20;

/// Makes the place for a hole.
pub(super) fn reserve(dir: &Path) -> io::Result<()> {
    let file = open(dir)?;
    if file.metadata()?.len() < LENGTH as u64 { file.write_all_at(&[0; LENGTH], 0) } else { Ok(()) }
}

/// Writes down how far a hole reaches, in place.
pub(super) fn write(dir: &Path, hole: Hole) -> io::Result<()> {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&hole.from.to_le_bytes());
    bytes[8..16].copy_from_slice(&hole.to.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..16]);
    bytes[16..].copy_from_slice(&sum.to_le_bytes());
    open(dir)?.write_all_at(&bytes, 0)
}

/// The hole that was open when the log was last used; `None` if there was none.
pub(super) fn read(dir: &Path) -> io::Result<Option<Hole>> {
    let mut bytes = [0; LENGTH];
    match File::open(dir.join(NAME)) {
        Ok(file) => match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(cause) => return Err(cause),
        },
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    }
    let number = |range: std::ops::Range<usize>| {
        bytes.get(range).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
    };
    let sum = bytes.get(16..).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let hole = Hole { from: number(0..8), to: number(8..16) };
    Ok((sum == crc32fast::hash(&bytes[..16]) && hole.from < hole.to).then_some(hole))
}

fn open(dir: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(dir.join(NAME))
}
