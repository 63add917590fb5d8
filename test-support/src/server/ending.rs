//! The end of a server under test, and the proof that nothing of it is left.
//!
//! It must not trust what the server says about that: `/proc` decides.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{OnceLock, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use super::{PATIENCE, Server, builder::PLACE};
use crate::{
    cluster, place, postgres, process,
    processes::{ends_within, processes_with},
};

/// How long a process may take to end that was told to.
const LAST_STEPS: Duration = Duration::from_secs(2);

impl Server {
    /// Ends everything, on a thread's own time: called from a destructor.
    pub(super) fn end(&self) -> Result<()> {
        let process = self.process()?;
        // A stopped server cannot drain.
        let _ = process.signal(Signal::CONT);
        let mut command = self.command("stop")?;
        let stopped = postgres::run(command.arg("--all")).context("mosaic-server stop --all");
        if !process.ended_blocking(PATIENCE) {
            let _ = process.signal(Signal::KILL);
            bail!("the server did not end");
        }
        stopped?;
        let marks = self.marks()?;
        for seen in processes_with(&marks) {
            // It may be about to go.
            ensure!(ends_within(seen.pid, LAST_STEPS)?, "a process is left: {seen:?}");
        }
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// What a process of this server has in its arguments or its environment.
    pub(super) fn marks(&self) -> Result<BTreeSet<String>> {
        let mut marks = marks_in(&self.directory);
        // What a second node leaves is found by its directory: the database tells of the first one's terminals, too.
        if let Some(url) = self.database_url().filter(|_| !self.how.second_node) {
            let ids = outside_of_runtime(async move {
                let client = cluster::connect(&url).await?;
                let rows = client.query("SELECT DISTINCT subject_id::text FROM events", &[]).await?;
                anyhow::Ok(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>())
            })?;
            marks.extend(ids.into_iter().map(|id| format!("MOSAIC_TERMINAL_ID={id}")));
        }
        Ok(marks)
    }
}

/// Ends what test processes have left that were killed themselves. Once a process.
pub(super) fn sweep() -> Result<()> {
    static SWEPT: OnceLock<()> = OnceLock::new();
    if SWEPT.set(()).is_err() {
        return Ok(());
    }
    for entry in fs::read_dir(place::base()?)?.flatten() {
        let directory = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(PLACE) {
            continue;
        }
        let Ok(alive) = fs::File::open(directory.join("alive")) else { continue };
        if alive.try_lock().is_ok() {
            kill(&marks_in(&directory));
            let _ = fs::remove_dir_all(&directory);
        }
    }
    Ok(())
}

/// The marks that a server's directory tells of: itself, and the terminals whose logs it holds.
fn marks_in(directory: &Path) -> BTreeSet<String> {
    let logs = fs::read_dir(directory.join("data/terminals")).into_iter().flatten().flatten();
    logs.map(|log| format!("MOSAIC_TERMINAL_ID={}", log.file_name().to_string_lossy()))
        .chain([directory.display().to_string()])
        .collect()
}

/// Kills whatever carries one of these marks.
fn kill(marks: &BTreeSet<String>) {
    for seen in processes_with(marks) {
        let _ = process::send(seen.pid, Signal::KILL);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let started = !self.scheme.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let ended = match self.process() {
            Ok(_) => self.end(),
            // It was ended by the test.
            Err(_) => Ok(()),
        };
        kill(&self.marks().unwrap_or_default());
        if let Some(database) = self.database.clone() {
            let _ = outside_of_runtime(async move { database.drop_it().await });
        }
        // Shown only if the test fails.
        eprintln!("the server's log:\n{}", self.log());
        self.unmount();
        let _ = fs::remove_dir_all(&self.directory);
        if let Err(error) = ended {
            eprintln!("ending the server: {error:#}");
            assert!(!started || std::thread::panicking(), "the server and all of its processes must end");
        }
    }
}

/// Runs async code from where a runtime may or may not be: on a thread and a runtime of its own.
fn outside_of_runtime<T, F>(work: F) -> Result<T>
where
    T: Send,
    F: Future<Output = Result<T>> + Send,
{
    std::thread::scope(|scope| {
        let thread = scope
            .spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work));
        thread.join().unwrap_or_else(|_| bail!("the cleaning thread panicked"))
    })
}
