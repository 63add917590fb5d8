//! Programs started in PTYs by a small parent, one after the other, as fast as it goes.
//!
//! It must not be asked by anybody: no call, no record, no answer.

use std::{process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::IDLE;

/// Starts so many in a process of its own: starts per second.
pub(crate) async fn per_second(count: usize) -> Result<f64> {
    let program = std::env::current_exe()?;
    let run = move || Command::new(program).arg("floor-spawn").arg(count.to_string()).output();
    let output = tokio::task::spawn_blocking(run).await??;
    ensure!(output.status.success(), "floor-spawn: {}", String::from_utf8_lossy(&output.stderr));
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse().context("floor-spawn's seconds")?;
    Ok(f64::from(u32::try_from(count)?) / seconds)
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
