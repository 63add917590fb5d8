//! Programs that the keeper runs to their end without a terminal: git, mostly.
//!
//! It knows nothing about what they do. They are processes of the shell user like every other child, in a session of
//! their own and with a mark; unlike a terminal's child they end with the server that asked for them, and with their
//! time. What they print goes into sealed memory that cannot grow, so nothing is read here and nothing can fill up.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    process::Resource,
};
use uuid::Uuid;

use super::{
    answer::{errno, spawn_failed},
    closing::{Begin, Closed},
    serve::Keeper,
    spawn,
    tree::{self, Leader, MARK},
    wire::{self, FailureKind, Reply},
};

/// Between the hang-up and the kill of a program that takes too long: git removes its lock files meanwhile.
const GRACE: Duration = Duration::from_secs(1);

/// One program that runs.
#[derive(Debug)]
struct Running {
    /// Who waits for it: connection and question.
    asker: (u64, u64),
    leader: Option<Leader>,
    pid: i32,
    deadline: Instant,
    output: OwnedFd,
    errors: OwnedFd,
    exit: Option<wire::Exit>,
    timed_out: bool,
    /// True once all that is left of it is being ended.
    ending: bool,
}

/// All of them, by the id that marks what they start.
#[derive(Debug, Default)]
pub struct Runs(HashMap<Uuid, Running>);

impl Runs {
    /// True if none runs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long until the next one has taken too long.
    pub fn due_in(&self) -> Option<Duration> {
        let deadlines = self.0.values().filter(|run| !run.ending).map(|run| run.deadline);
        deadlines.min().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

impl Keeper {
    /// Starts a program; it is answered when it is over.
    pub(super) fn run_program(&mut self, token: u64, id: u64, ask: &wire::Run) -> Option<Reply> {
        let Some(uuid) = Uuid::from_slice(&ask.id).ok().filter(|uuid| !self.is_known(*uuid)) else {
            return Some(Reply::failed(id, FailureKind::Refused, 0));
        };
        if self.stopping.is_some() || self.runs.0.len() >= wire::RUNS_MAX {
            return Some(Reply::failed(id, FailureKind::Busy, 0));
        }
        let memories = memory(ask.output_bytes_max).and_then(|out| Ok((out, memory(ask.output_bytes_max)?)));
        let (output, errors) = match memories {
            Ok(memories) => memories,
            Err(cause) => return Some(Reply::failed(id, FailureKind::System, errno(&cause))),
        };
        let pid = match self.start_program(uuid, ask, &output, &errors) {
            Ok(pid) => pid,
            Err(cause) => return Some(spawn_failed(id, &cause)),
        };
        let timeout = Duration::from_millis(ask.timeout_ms.min(wire::RUN_TIMEOUT_MS_MAX));
        let running = Running {
            asker: (token, id),
            leader: Leader::new(pid, tree::start_time(pid).unwrap_or_default()),
            pid,
            deadline: Instant::now() + timeout,
            output,
            errors,
            exit: None,
            timed_out: false,
            ending: false,
        };
        self.runs.0.insert(uuid, running);
        None
    }

    /// True for the id of a terminal, and of what runs.
    fn is_known(&self, uuid: Uuid) -> bool {
        uuid == tree::STRAYS || self.table.children.contains_key(&uuid) || self.runs.0.contains_key(&uuid)
    }

    fn start_program(
        &self,
        uuid: Uuid,
        ask: &wire::Run,
        output: &OwnedFd,
        errors: &OwnedFd,
    ) -> Result<i32, spawn::Error> {
        let missing = || spawn::Error::Exec(io::ErrorKind::NotFound.into());
        let (program, arguments) = ask.argv.split_first().ok_or_else(missing)?;
        let stdio = |fd: &OwnedFd| fd.try_clone().map(Stdio::from).map_err(spawn::Error::System);
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(ask.env.iter().filter_map(|v| v.split_once('=')));
        command.env(MARK, uuid.to_string());
        command.stdin(Stdio::null()).stdout(stdio(output)?).stderr(stdio(errors)?);
        let begin =
            spawn::Begin { entries: Vec::new(), resources: vec![(Resource::Nofile, self.settings.nofile())] };
        spawn::exec(command, &ask.cwd, &self.settings.account, begin, false)
    }

    /// A process has ended that is no terminal's. What a program left behind ends with it: it may still print.
    pub(super) fn program_ended(&mut self, pid: i32, exit: wire::Exit) {
        let ours = |run: &&mut Running| run.pid == pid && run.exit.is_none();
        if let Some(run) = self.runs.0.values_mut().find(ours) {
            run.exit = Some(exit);
            self.end_runs(Duration::ZERO, |run| run.pid == pid);
        }
    }

    /// Ends those that take too long, and those whose asker is gone.
    pub(super) fn end_overdue_runs(&mut self) {
        let now = Instant::now();
        for run in self.runs.0.values_mut() {
            run.timed_out |= !run.ending && run.deadline <= now;
        }
        let connected: Vec<u64> = self.connections.keys().copied().collect();
        self.end_runs(GRACE, |run| run.timed_out || !connected.contains(&run.asker.0));
    }

    /// Ends all of them: the keeper goes, too.
    pub(super) fn end_all_runs(&mut self, grace: Duration) {
        self.end_runs(grace, |_| true);
    }

    fn end_runs(&mut self, grace: Duration, which: impl Fn(&Running) -> bool) {
        for (uuid, run) in self.runs.0.iter_mut().filter(|(_, run)| !run.ending && which(run)) {
            run.ending = true;
            let begin = Begin {
                leader: run.leader,
                own: true,
                grace,
                terminate: false,
                tracking: wire::Tracking::ProcessTable,
            };
            self.closings.begin(*uuid, &begin, None);
        }
    }

    /// Answers, if this was a run: nothing of it is left that could print.
    pub(super) fn answer_run(&mut self, closed: &Closed) {
        // It may have ended during the look that found nothing left.
        self.collect_ended();
        let Some(run) = self.runs.0.remove(&closed.id) else { return };
        let ran = wire::Ran { exit: run.exit, timed_out: run.timed_out };
        let (token, id) = run.asker;
        let reply = Reply { ran: Some(ran), survivors: closed.ending.survivors.clone(), ..Reply::ok(id) };
        if self.send(token, &reply, &[run.output.as_fd(), run.errors.as_fd()]).is_err() {
            self.connections.remove(&token);
        }
    }
}

/// Memory for what a program prints: writing beyond its end fails.
fn memory(bytes_max: u64) -> io::Result<OwnedFd> {
    let memory = memfd_create("run-output", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, bytes_max.min(wire::RUN_OUTPUT_BYTES_MAX))?;
    fcntl_add_seals(&memory, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(File::from(memory).into())
}
