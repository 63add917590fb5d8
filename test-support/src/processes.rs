//! What `/proc` tells about processes: who is there, by what mark, and what it costs.
//!
//! It must not know how the server finds its own processes: it is the second opinion.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

/// A process as its files in `/proc` describe it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its pid.
    pub pid: u32,
    /// Its arguments, separated by blanks.
    pub command: String,
}

/// What a process holds at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub descriptors: u64,
    /// Resident memory in KiB, without pages shared with files.
    pub resident_kib: u64,
}

/// Processes, zombies aside, whose environment or arguments hold one of `marks`.
///
/// The environment of another user's process, or of one that is not dumpable, reads as empty.
pub fn processes_with(marks: &BTreeSet<String>) -> Vec<Seen> {
    let mut found: Vec<Seen> = pids()
        .into_iter()
        .filter(|pid| *pid != std::process::id())
        .filter_map(|pid| {
            let command = text(pid, "cmdline");
            // A zombie has no arguments; a kernel thread neither.
            let environment = text(pid, "environ");
            let marked = marks.iter().any(|mark| command.contains(mark) || environment.contains(mark));
            (marked && !command.is_empty()).then_some(Seen { pid, command })
        })
        .collect();
    found.sort();
    found
}

/// Waits until `pid` has ended, whosever child it is. False if it still runs after `limit`.
pub(crate) fn ends_within(pid: u32, limit: Duration) -> Result<bool> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("pid 0")?;
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let limit = Timespec::try_from(limit)?;
    Ok(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? > 0)
}

/// What `pid` costs now.
pub fn cost(pid: u32) -> Result<Cost> {
    let status = fs::read_to_string(file(pid, "status")).with_context(|| format!("process {pid} is gone"))?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok())
            .with_context(|| format!("no {name} in the status of process {pid}"))
    };
    let descriptors = fs::read_dir(file(pid, "fd")).with_context(|| format!("descriptors of {pid}"))?.count();
    Ok(Cost {
        threads: field("Threads:")?,
        descriptors: u64::try_from(descriptors)?,
        resident_kib: field("RssAnon:")?,
    })
}

/// The children of `pid`, their children, and so on.
pub fn descendants(pid: u32) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> = pids()
        .into_iter()
        .filter_map(|child| {
            let status = fs::read_to_string(file(child, "status")).ok()?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())?;
            Some((child, parent))
        })
        .collect();
    let mut found = BTreeSet::from([pid]);
    // As often as the tree is deep.
    while let Some((child, _)) =
        parents.iter().find(|(child, parent)| found.contains(parent) && !found.contains(child))
    {
        found.insert(*child);
    }
    found.remove(&pid);
    found
}

/// All processes of this machine that are there now.
fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn file(pid: u32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// A file of NUL-terminated strings with blanks instead of the NULs; empty if the process is gone.
fn text(pid: u32, name: &str) -> String {
    let bytes = fs::read(file(pid, name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}
