//! Programs started in PTYs by a small parent, one after the other, as fast as it goes.
//!
//! It must not be asked by anybody: no call, no record, no answer.

use std::{
    io::Read,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::IDLE;

/// Starts so many in a process of its own: starts per second.
pub(crate) async fn per_second(count: usize) -> Result<f64> {
    let seconds: f64 = small("floor-spawn", count).await?.trim().parse().context("floor-spawn's seconds")?;
    Ok(f64::from(u32::try_from(count)?) / seconds)
}

/// Runs `/bin/echo` so often in a process of its own: the time from each start to the first output.
pub(crate) async fn echoes(count: usize) -> Result<Vec<Duration>> {
    let told = small("floor-echo", count).await?;
    told.lines().map(|micros| Ok(Duration::from_micros(micros.parse()?))).collect()
}

/// What a small process prints.
async fn small(what: &'static str, count: usize) -> Result<String> {
    let program = std::env::current_exe()?;
    let run = move || Command::new(program).arg(what).arg(count.to_string()).output();
    let output = tokio::task::spawn_blocking(run).await??;
    ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// What that process does: starts them, prints the seconds, ends them.
pub(crate) fn spawn_many(count: usize) -> Result<()> {
    let mut children = Vec::with_capacity(count);
    let began = Instant::now();
    for _ in 0..count {
        let pair = native_pty_system().openpty(PtySize::default())?;
        let mut command = CommandBuilder::new(IDLE[0]);
        command.args(&IDLE[1..]);
        let child = pair.slave.spawn_command(command)?;
        children.push((pair.master, child));
    }
    println!("{}", began.elapsed().as_secs_f64());
    for (_, child) in &mut children {
        // Sends SIGHUP, which ends this program at once.
        child.kill()?;
    }
    Ok(())
}

/// What the other one does: each runs to its end before the next starts.
pub(crate) fn echo_many(count: usize) -> Result<()> {
    for _ in 0..count {
        let began = Instant::now();
        let pair = native_pty_system().openpty(PtySize::default())?;
        let mut command = CommandBuilder::new("/bin/echo");
        command.arg("hello");
        let mut child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let read = pair.master.try_clone_reader()?.read(&mut [0; 64])?;
        println!("{}", began.elapsed().as_micros());
        ensure!(read > 0, "echo printed nothing");
        child.wait()?;
    }
    Ok(())
}
