//! Groups of version 1: one hierarchy for each controller, without a way to end a whole group at once.
//!
//! It knows the files of the kernel's interface and nothing about children.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{
    Limit, enterable,
    files::{self, Own, Version},
};

/// The span over which processor time is counted, in microseconds: the kernel's default.
pub const PERIOD_US: u64 = 100_000;

/// Where this keeper makes groups, for each controller that it may use.
#[derive(Clone, Debug, Default)]
pub struct Places {
    memory: Option<PathBuf>,
    processes: Option<PathBuf>,
    cpu: Option<PathBuf>,
    freezer: Option<PathBuf>,
}

impl Places {
    /// Makes a directory of this name in this process's own group of each hierarchy, where it may.
    pub fn make(own: &[Own], name: &str) -> Self {
        let place = |controller: &str| {
            let of = |o: &&Own| o.version == Version::V1 && o.controllers.iter().any(|c| c == controller);
            let dir = own.iter().find(of)?.dir.join(name);
            fs::create_dir_all(&dir).ok()?;
            enterable(&dir).then_some(dir)
        };
        Self {
            memory: place("memory"),
            processes: place("pids"),
            cpu: place("cpu"),
            freezer: place("freezer"),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.memory, &self.processes, &self.cpu, &self.freezer].into_iter().flatten()
    }

    /// The one whose groups best serve to follow processes: where no more of them can be let in first.
    pub fn following(&self) -> Option<&PathBuf> {
        self.processes.as_ref().or(self.freezer.as_ref()).or(self.memory.as_ref()).or(self.cpu.as_ref())
    }

    /// Sets a limit in a group of this name; answers the group.
    ///
    /// # Errors
    /// The controller is not there, or the kernel refuses.
    pub fn limit(&self, group: &str, limit: Limit) -> io::Result<PathBuf> {
        let place = match limit {
            Limit::Memory(_) => &self.memory,
            Limit::Processes(_) => &self.processes,
            Limit::CpuMillis(_) => &self.cpu,
        };
        let group = place.as_ref().ok_or(io::ErrorKind::Unsupported)?.join(group);
        fs::create_dir_all(&group)?;
        match limit {
            Limit::Memory(bytes) => {
                files::write(&group, "memory.limit_in_bytes", &bytes.to_string())?;
                // Without it the limit is of memory alone; kernels without swap accounting have no such file.
                let _ = files::write(&group, "memory.memsw.limit_in_bytes", &bytes.to_string());
            }
            Limit::Processes(most) => files::write(&group, "pids.max", &most.to_string())?,
            Limit::CpuMillis(millis) => {
                files::write(&group, "cpu.cfs_period_us", &PERIOD_US.to_string())?;
                files::write(&group, "cpu.cfs_quota_us", &quota_us(millis).to_string())?;
            }
        }
        Ok(group)
    }
}

/// Processor time in a period, for thousandths of a core.
pub fn quota_us(millis: u64) -> u64 {
    millis.saturating_mul(PERIOD_US / 1000)
}

/// Lets no more processes begin in a group, where the controller of processes has it, and ends those that are there.
/// A process is signalled through a pidfd after it was seen in the group again, so a recycled pid is never hit.
pub fn kill(group: &Path) {
    // Another controller's group has no such file.
    let _ = files::write(group, "pids.max", "0");
    for pid in files::processes(group) {
        let Some(process) = Pid::from_raw(pid) else { continue };
        let Ok(pidfd) = pidfd_open(process, PidfdFlags::empty()) else { continue };
        if files::processes(group).contains(&pid) {
            // One that has ended meanwhile needs no signal; one that may not be signalled is a survivor.
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
}
