//! Whether the model is there, is being made, or is missing.
//!
//! It must not start anything.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use super::{Failure, FailureKind, Settings};

/// Bytes that a step of the preparation is told in.
const STEP_BYTES_MAX: u64 = 200;

/// The program to start, if it and its weights are there and finished.
pub(super) async fn find(settings: &Settings) -> Result<PathBuf, Failure> {
    let settings = settings.clone();
    let looked = tokio::task::spawn_blocking(move || look(&settings)).await;
    let looked = looked.unwrap_or_else(|cause| Err(format!("cannot look for the local model: {cause}")));
    looked.map_err(|message| Failure::new(FailureKind::Unavailable, message))
}

fn look(settings: &Settings) -> Result<PathBuf, String> {
    if let Some(step) = preparing(&settings.preparing) {
        return Err(format!("preparing: {step}"));
    }
    let program = settings.programs.iter().find(|program| is_file(program));
    let missing = match (program, is_file(&settings.weights)) {
        (Some(program), true) => return Ok(program.clone()),
        (Some(_), false) => "the weights are not there",
        (None, true) => "the program is not there",
        (None, false) => "program and weights are not there",
    };
    Err(format!("{missing}; get them with: {}", settings.prepare_command))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// How far the preparation is, exactly while somebody does it: whoever does holds a lock on the file, which
/// the kernel takes away when that ends, however it ends.
fn preparing(path: &Path) -> Option<String> {
    // Whatever lies there, opening it does not block.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(cause) if io::Error::from(cause).kind() == io::ErrorKind::WouldBlock => {}
        _ => return None,
    }
    let mut step = Vec::new();
    let _ = file.take(STEP_BYTES_MAX).read_to_end(&mut step);
    let step = String::from_utf8_lossy(&step);
    let step = step.lines().next().unwrap_or_default().trim();
    Some(if step.is_empty() { "begins".to_owned() } else { step.to_owned() })
}
