//! The machine and its processes: cores, load, memory, processor time.
//!
//! It must not know which processes are measured.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Binds this process, and all that it will start, to one core: the one asked for, or the last that it may use.
pub(crate) fn bind_to(core: Option<usize>) -> Result<usize> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|core| allowed.is_set(*core));
    let core = core.or(last).context("this process may use no core")?;
    ensure!(core < CpuSet::MAX_CPU && allowed.is_set(core), "this process may not use core {core}");
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)?;
    Ok(core)
}

/// The machine in a sentence, and what shares the core.
pub(crate) fn describe() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{}, {cores} cores, Linux {}. Benchmark, floors, server, keeper, PostgreSQL and shells on {}; \
         niceness {}; load at the start: {}.\n",
        model.map_or("unknown processor", |(_, name)| name.trim()),
        release.trim(),
        std::env::var(super::BOUND).unwrap_or_default(),
        rustix::process::getpriority_process(None)?,
        load()?
    ))
}

/// How many tasks ran or wanted to: the mean of one minute.
pub(crate) fn load() -> Result<String> {
    Ok(fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default().to_owned())
}

/// Anonymous resident memory in KiB (`RssAnon`): what the process alone holds, without program text and files.
pub(crate) fn memory_kib(pid: u32) -> Result<f64> {
    let resident = test_support::cost(pid)?.resident_kib;
    Ok(f64::from(u32::try_from(resident)?))
}

/// The processor time that a process has used, its ended threads included; in steps of 10 ms.
pub(crate) fn processor_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before it may hold blanks, and ends with the last parenthesis.
    let fields = stat.rsplit(") ").next().context("no fields in stat")?;
    let ticks =
        |at: usize| -> Result<u64> { Ok(fields.split(' ').nth(at).context("a short stat")?.parse()?) };
    // utime and stime are fields 14 and 15, counted from 1; two stand before the parenthesis.
    let total = ticks(11)? + ticks(12)?;
    Ok(Duration::from_millis(total * 1000 / rustix::param::clock_ticks_per_second()))
}
