//! How children ended: asks the kernel, writes it down, and only then lets go of the process.
//!
//! A kill of the keeper between the two leaves either a zombie that the next wait tells about, or an exit file.
//! It knows nothing about PTYs.

#![expect(unsafe_code, reason = "waitid with usage and the pidfd ioctl have no safe wrapper")]

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use prost::Message;
use uuid::Uuid;

use super::wire::{Exit, Reason};

/// The directory of exit files.
#[derive(Debug)]
pub struct ExitFiles {
    dir: PathBuf,
}

impl ExitFiles {
    /// Makes the directory if it is not there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Writes how a child ended: whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, id: Uuid, exit: &Exit) -> io::Result<()> {
        let temporary = self.dir.join(format!("{id}.new"));
        fs::write(&temporary, exit.encode_to_vec())?;
        fs::rename(temporary, self.dir.join(id.to_string()))
    }

    /// Forgets how a child ended.
    pub fn remove(&self, id: Uuid) {
        // It may never have been written (a full disk), and a stray file costs a line in the next start's list.
        let _ = fs::remove_file(self.dir.join(id.to_string()));
    }

    /// All that are there.
    pub fn all(&self) -> Vec<(Uuid, Exit)> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.parse().ok()?;
                Some((id, Exit::decode(fs::read(entry.path()).ok()?.as_slice()).ok()?))
            })
            .collect()
    }
}

/// The next child that has ended, without letting go of it: its pid and how it ended.
pub fn next_ended() -> Option<(i32, Exit)> {
    // SAFETY: both structures are plain data for the kernel to fill.
    let (info, usage, result) = unsafe {
        let mut info = std::mem::zeroed::<libc::siginfo_t>();
        let mut usage = std::mem::zeroed::<libc::rusage>();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // The wrapper of the C library does not pass the fifth argument.
        let result = libc::syscall(libc::SYS_waitid, libc::P_ALL, 0, &raw mut info, flags, &raw mut usage);
        (info, usage, result)
    };
    // SAFETY: waitid has filled the fields of a SIGCHLD, or left the pid 0.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if result != 0 || pid == 0 {
        return None;
    }
    let exited = info.si_code == libc::CLD_EXITED;
    let time = |t: libc::timeval| u64::try_from(t.tv_sec * 1_000_000 + t.tv_usec).unwrap_or_default();
    let exit = Exit {
        reason: Reason::Exited.into(),
        code: exited.then_some(status),
        signal: (!exited).then_some(status),
        cpu_us: Some(time(usage.ru_utime) + time(usage.ru_stime)),
        // The kernel counts in KiB.
        peak_memory_bytes: u64::try_from(usage.ru_maxrss).ok().map(|kib| kib * 1024),
        time_ms: now_ms(),
    };
    Some((pid, exit))
}

/// Lets go of a child that has ended.
pub fn reap(pid: i32) {
    // SAFETY: no memory is passed; the process is our zombie.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
}

/// How a process that is not our child ended, if the kernel still tells: since Linux 6.15 a pidfd remembers it.
pub fn of_orphan(pidfd: impl AsFd) -> Exit {
    let mut exit = Exit { reason: Reason::Exited.into(), time_ms: now_ms(), ..Exit::default() };
    if let Some(status) = pidfd_exit_status(pidfd) {
        if libc::WIFEXITED(status) {
            exit.code = Some(libc::WEXITSTATUS(status));
        } else if libc::WIFSIGNALED(status) {
            exit.signal = Some(libc::WTERMSIG(status));
        }
    }
    exit
}

/// `struct pidfd_info` of linux/pidfd.h, as of 6.15.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// `PIDFD_INFO_EXIT`.
const INFO_EXIT: u64 = 1 << 3;
/// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)`, with the size above.
const GET_INFO: libc::c_ulong =
    (3 << 30) | ((size_of::<PidfdInfo>() as libc::c_ulong) << 16) | (0xFF << 8) | 11;

fn pidfd_exit_status(pidfd: impl AsFd) -> Option<i32> {
    let mut info = PidfdInfo { mask: INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the number carries the size of the structure that the kernel fills.
    let result = unsafe { libc::ioctl(pidfd.as_fd().as_raw_fd(), GET_INFO, &raw mut info) };
    (result == 0 && info.mask & INFO_EXIT != 0).then_some(info.exit_code)
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
