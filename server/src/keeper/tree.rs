//! Finds and signals everything that a terminal started: by control group, by session, by the mark
//! `MOSAIC_TERMINAL_ID` in the environment, and by ancestry.
//!
//! It knows nothing about PTYs or exit records. A process is signalled through a pidfd, after its start time was
//! checked, so a recycled pid is never hit; and as the shell user, so that the kernel itself
//! keeps a privileged keeper from ending anybody else's process.

use std::{collections::HashMap, fs, io::Read, os::unix::fs::MetadataExt};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use uuid::Uuid;

use super::{accounts::ShellAccount, cgroup::Groups, table::Table};

/// What is known of a terminal's own process.
#[derive(Clone, Copy, Debug)]
pub struct Leader {
    /// Its process: leader of the session and of its first process group.
    pub pid: i32,
    /// Its start time.
    pub start_time: u64,
}

impl Leader {
    /// `None` for what is no process id of a program.
    pub fn new(pid: i32, start_time: u64) -> Option<Self> {
        (pid > 1).then_some(Self { pid, start_time })
    }
}

/// A living process of a terminal.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its process id.
    pub pid: i32,
    /// Its start time.
    pub start_time: u64,
    /// Its name.
    pub command: String,
}

/// The variable that marks every process of a terminal.
pub const MARK: &str = "MOSAIC_TERMINAL_ID";

/// The few fields of `/proc/<pid>/stat` that are needed.
#[derive(Clone, Debug)]
struct Stat {
    command: String,
    zombie: bool,
    parent: i32,
    session: i32,
    threads: u64,
    start_time: u64,
    uid: u32,
}

impl Stat {
    fn member(&self, pid: i32) -> Member {
        Member { pid, start_time: self.start_time, command: self.command.clone() }
    }
}

/// The start time of a process; `None` if there is no such process.
pub fn start_time(pid: i32) -> Option<u64> {
    stat(pid).map(|s| s.start_time)
}

/// Stands for no terminal: what the keeper has inherited without knowing from which.
pub const STRAYS: Uuid = Uuid::nil();

/// What one look at all processes has shown.
#[derive(Debug, Default)]
pub struct Seen {
    /// The living processes of each terminal that was asked for.
    pub members: HashMap<Uuid, Vec<Member>>,
    /// Processes that this one has inherited and that no terminal can be said to have started.
    pub strays: Vec<Member>,
}

/// Looks once at all processes and says which live ones belong to which of the terminals: those in its groups, those
/// of its session, those that carry its mark, what it alone can have started, and all that these started. Asked for
/// [`STRAYS`], also every other descendant of this process.
pub fn look(
    terminals: &HashMap<Uuid, Option<Leader>>,
    account: &ShellAccount,
    table: &Table,
    groups: &Groups,
) -> Seen {
    let alive = alive();
    let mut owner: HashMap<i32, Uuid> = HashMap::new();
    for id in terminals.keys() {
        owner.extend(
            groups.members(*id).into_iter().filter(|pid| alive.contains_key(pid)).map(|pid| (pid, *id)),
        );
    }
    let sessions = sessions(terminals.iter().filter_map(|(id, leader)| Some((*id, (*leader)?))));
    for (pid, stat) in &alive {
        // Nobody else's environment may be read, or can hold a mark.
        let marked = || (stat.uid == account.uid || stat.uid == 0).then(|| mark(*pid)).flatten();
        let marked = || marked().filter(|id| terminals.contains_key(id));
        if !owner.contains_key(pid)
            && let Some(id) = sessions.get(&stat.session).copied().or_else(marked)
        {
            owner.insert(*pid, id);
        }
    }
    inherit(&alive, &mut owner);
    let strays = strays(&alive, &mut owner, terminals, table, groups);
    inherit(&alive, &mut owner);
    if terminals.contains_key(&STRAYS) {
        owner.insert(std::process::id().cast_signed(), STRAYS);
        inherit(&alive, &mut owner);
    }
    let mut members: HashMap<Uuid, Vec<Member>> = HashMap::new();
    for (pid, stat) in alive {
        if let Some(id) = owner.get(&pid) {
            members.entry(*id).or_default().push(stat.member(pid));
        }
    }
    Seen { members, strays }
}

/// Whose session is which. A leader's pid can belong to somebody else once its session is empty: then the session is
/// not ours.
fn sessions(leaders: impl Iterator<Item = (Uuid, Leader)>) -> HashMap<i32, Uuid> {
    leaders
        .filter(|(_, leader)| start_time(leader.pid).is_none_or(|t| t == leader.start_time))
        .map(|(id, leader)| (leader.pid, id))
        .collect()
}

/// The children of this process that no terminal claims, by group, session or mark: somebody started them and hid well.
/// What only one terminal can have started, and that one was asked for, is counted as its own.
fn strays(
    alive: &HashMap<i32, Stat>,
    owner: &mut HashMap<i32, Uuid>,
    terminals: &HashMap<Uuid, Option<Leader>>,
    table: &Table,
    groups: &Groups,
) -> Vec<Member> {
    let own = std::process::id().cast_signed();
    let inherited = |(pid, stat): &(&i32, &Stat)| stat.parent == own && !owner.contains_key(pid);
    let found: Vec<(&i32, &Stat)> = alive.iter().filter(inherited).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let sessions = sessions(table.children.iter().filter_map(|(id, c)| Some((*id, c.leader?))));
    let mut strays = Vec::new();
    for (pid, stat) in found {
        let claimed =
            || sessions.contains_key(&stat.session) || groups.owner(*pid).is_some() || mark(*pid).is_some();
        match table.only_starter(stat.start_time).filter(|id| terminals.contains_key(id)) {
            _ if claimed() => {}
            Some(id) => {
                owner.insert(*pid, id);
            }
            None => strays.push(stat.member(*pid)),
        }
    }
    strays
}

/// Children belong where their parents do.
fn inherit(alive: &HashMap<i32, Stat>, owner: &mut HashMap<i32, Uuid>) {
    loop {
        let new: Vec<(i32, Uuid)> = alive
            .iter()
            .filter(|(pid, _)| !owner.contains_key(pid))
            .filter_map(|(pid, stat)| owner.get(&stat.parent).map(|id| (*pid, *id)))
            .collect();
        if new.is_empty() {
            return;
        }
        owner.extend(new);
    }
}

/// All living processes, but for this one. Whose they are does not matter: a terminal can have started them through a
/// set-uid program.
fn alive() -> HashMap<i32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    let own = std::process::id().cast_signed();
    let candidates = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse::<i32>().ok().filter(|pid| *pid != own)?;
        let uid = entry.metadata().ok()?.uid();
        let stat = Stat { uid, ..stat(pid)? };
        (!stat.zombie).then_some((pid, stat))
    });
    candidates.collect()
}

/// How many tasks (processes with their threads) an account has.
pub fn tasks_of(uid: u32) -> u64 {
    alive().values().filter(|stat| stat.uid == uid).map(|stat| stat.threads).sum()
}

/// Signals these processes, as the shell user; those that are gone or not ours to signal stay as they are.
pub fn signal(members: &[Member], signals: &[Signal], account: &ShellAccount) {
    account.as_shell_user(|| {
        for member in members {
            let Some(pid) = Pid::from_raw(member.pid) else { continue };
            let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if start_time(member.pid) != Some(member.start_time) {
                continue;
            }
            for signal in signals {
                // A process that ended in between needs no signal; one that may not be signalled is a survivor.
                let _ = pidfd_send_signal(&pidfd, *signal);
            }
        }
        0
    });
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, parentheses too.
    let (head, tail) = text.rsplit_once(')')?;
    let command = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Stat {
        command,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
        uid: 0,
    })
}

/// The terminal that a process's first environment names. What a process did to its environment later does not
/// show here.
fn mark(pid: i32) -> Option<Uuid> {
    // execve allows far more; the mark stands near the front.
    const ENVIRON_BYTES_MAX: u64 = 256 * 1024;
    let mut environ = Vec::new();
    fs::File::open(format!("/proc/{pid}/environ"))
        .ok()?
        .take(ENVIRON_BYTES_MAX)
        .read_to_end(&mut environ)
        .ok()?;
    environ
        .split(|b| *b == 0)
        .filter_map(|v| std::str::from_utf8(v).ok()?.split_once('='))
        .find(|(name, _)| *name == MARK)
        .and_then(|(_, value)| value.parse().ok())
}
