//! Ending children and all that they started: hang up, wait, kill, look again until nothing is left, and say what was
//! done and whether the end is proven.
//!
//! It knows nothing about who asked; one look at `/proc` serves all that are being ended.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use uuid::Uuid;

use super::{
    accounts::ShellAccount,
    cgroup::Groups,
    exits::now_ms,
    table::Table,
    tree::{self, Leader, Member, Seen},
    wire::{self, Ending, Sent, Step, Survivor, Tracking},
};

/// How long it goes on killing before it names survivors.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses between two looks: short at first, because most shells end at once.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// Looks in a row that have to find nothing: without a group, a process that begins another one and ends can slip
/// through a single one.
const EMPTY_LOOKS: u32 = 2;
/// How often what is overdue is stopped before it is killed: what multiplies faster than it is found stands still then.
const STOP_ROUNDS: u32 = 8;

/// How a terminal is to be ended.
#[derive(Debug)]
pub struct Begin {
    /// Its process, if it is known.
    pub leader: Option<Leader>,
    /// True if this keeper started it: what it left behind came to this process.
    pub own: bool,
    /// Time between the first signals and SIGKILL.
    pub grace: Duration,
    /// True: SIGTERM comes first, too.
    pub terminate: bool,
    /// How its processes are found.
    pub tracking: Tracking,
}

/// What the looks need to know.
pub struct World<'a> {
    /// Whose processes may be signalled.
    pub account: &'a ShellAccount,
    /// All children.
    pub table: &'a Table,
    /// Their groups.
    pub groups: &'a Groups,
}

/// One terminal that is being ended.
#[derive(Debug)]
struct Closing {
    leader: Option<Leader>,
    own: bool,
    terminate: bool,
    tracking: Tracking,
    opened: bool,
    empty_looks: u32,
    kill_at: Instant,
    give_up_at: Instant,
    steps: Vec<Step>,
    /// Who waits for it: connection and question.
    askers: Vec<(u64, u64)>,
    /// Nobody needs the child afterwards.
    forget: bool,
}

/// What became of a terminal that was to be ended.
#[derive(Debug)]
pub struct Closed {
    /// The terminal.
    pub id: Uuid,
    /// Who waits for the answer: connection and question.
    pub askers: Vec<(u64, u64)>,
    /// How it went.
    pub ending: Ending,
    /// Nobody needs the child any more.
    pub forget: bool,
}

/// All terminals that are being ended.
#[derive(Debug, Default)]
pub struct Closings {
    open: HashMap<Uuid, Closing>,
    pause: Duration,
    /// The last look killed something.
    killing: bool,
    next: Option<Instant>,
}

impl Closings {
    /// Begins to end a terminal with the next look, or shortens the grace of one that is being ended.
    pub fn begin(&mut self, id: Uuid, begin: &Begin, asker: Option<(u64, u64)>) {
        let kill_at = Instant::now() + begin.grace;
        let closing = self.open.entry(id).or_insert_with(|| Closing {
            leader: begin.leader,
            own: begin.own,
            terminate: false,
            tracking: begin.tracking,
            opened: false,
            empty_looks: 0,
            kill_at,
            give_up_at: kill_at + KILL_TIMEOUT,
            steps: Vec::new(),
            askers: Vec::new(),
            forget: false,
        });
        // One that asks for more than was sent gets it.
        closing.opened &= closing.terminate || !begin.terminate;
        closing.terminate |= begin.terminate;
        closing.kill_at = closing.kill_at.min(kill_at);
        closing.give_up_at = closing.kill_at + KILL_TIMEOUT;
        closing.askers.extend(asker);
        self.pause = PAUSE_MIN;
        // The first at once; those that come together share a look.
        let now = Instant::now();
        self.next = Some(self.next.map_or(now, |next| next.min(now + PAUSE_MIN)));
    }

    /// Puts off the forgetting of a terminal that is being ended; false if it is not.
    pub fn forget_after(&mut self, id: Uuid, asker: (u64, u64)) -> bool {
        let Some(closing) = self.open.get_mut(&id) else { return false };
        closing.forget = true;
        closing.askers.push(asker);
        true
    }

    /// True if nothing is being ended.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How long until the next look; `None` if there is nothing to look for.
    pub fn due_in(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Looks once, kills what is overdue, and tells which terminals are done.
    pub fn look(&mut self, world: &World<'_>) -> Vec<Closed> {
        let now = Instant::now();
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let seen = self.see(world, now);
        let (mut done, mut killed) = (Vec::new(), false);
        self.open.retain(|id, closing| {
            let members = seen.members.get(id).map_or(&[] as &[Member], Vec::as_slice);
            let empty = members.is_empty() && world.groups.is_empty(*id);
            closing.empty_looks = if empty { closing.empty_looks + 1 } else { 0 };
            if !empty && now < closing.give_up_at {
                closing.act(*id, members, world, now);
                killed |= now >= closing.kill_at;
                return true;
            }
            if empty && closing.empty_looks < EMPTY_LOOKS && closing.tracking == Tracking::ProcessTable {
                return true;
            }
            let ending = closing.ending(members, &seen.strays, empty);
            let askers = std::mem::take(&mut closing.askers);
            done.push(Closed { id: *id, askers, ending, forget: closing.forget });
            false
        });
        // What was killed for the first time is gone in a moment: the pauses begin anew.
        self.pause = if killed && !self.killing { PAUSE_MIN } else { (self.pause * 2).min(PAUSE_MAX) };
        self.killing = killed;
        self.next = (!self.open.is_empty()).then(|| {
            let soonest_kill = self.open.values().map(|c| c.kill_at).filter(|t| *t > now).min();
            (now + self.pause).min(soonest_kill.unwrap_or(now + self.pause))
        });
        done
    }

    /// What is there now. What is overdue is stopped until no more of it appears.
    fn see(&self, world: &World<'_>, now: Instant) -> Seen {
        let wanted: HashMap<Uuid, Option<Leader>> = self.open.iter().map(|(id, c)| (*id, c.leader)).collect();
        let look = || tree::look(&wanted, world.account, world.table, world.groups);
        let overdue = |seen: &Seen| -> Vec<Member> {
            let is_overdue = |id: &Uuid| self.open.get(id).is_some_and(|c| now >= c.kill_at);
            seen.members.iter().filter(|(id, _)| is_overdue(id)).flat_map(|(_, m)| m.clone()).collect()
        };
        let mut seen = look();
        let mut before = 0;
        for _ in 0..STOP_ROUNDS {
            let members = overdue(&seen);
            if members.len() <= before.max(1) {
                break;
            }
            before = members.len();
            tree::signal(&members, &[Signal::STOP], world.account);
            seen = look();
        }
        seen
    }
}

impl Closing {
    /// Sends what is due to a terminal of which something is left.
    fn act(&mut self, id: Uuid, members: &[Member], world: &World<'_>, now: Instant) {
        if now >= self.kill_at {
            let inside = world.groups.members(id);
            if !inside.is_empty() {
                self.note(Sent::CgroupKill, inside.len());
                world.groups.kill(id);
            }
            let outside: Vec<Member> = members.iter().filter(|m| !inside.contains(&m.pid)).cloned().collect();
            if !outside.is_empty() {
                self.note(Sent::Kill, outside.len());
                tree::signal(&outside, &[Signal::KILL], world.account);
            }
        } else if !std::mem::replace(&mut self.opened, true) {
            let mut signals = Vec::new();
            if self.terminate {
                self.note(Sent::Term, members.len());
                signals.push(Signal::TERM);
            }
            self.note(Sent::Hup, members.len());
            // A stopped process sees the others only when it goes on.
            signals.extend([Signal::HUP, Signal::CONT]);
            tree::signal(members, &signals, world.account);
        }
    }

    /// Writes down what is sent; what is sent again and again is one step.
    fn note(&mut self, sent: Sent, processes: usize) {
        let processes = u32::try_from(processes).unwrap_or(u32::MAX);
        match self.steps.iter_mut().find(|step| step.sent() == sent) {
            Some(step) => step.processes = step.processes.max(processes),
            None => self.steps.push(Step { time_ms: now_ms(), sent: sent.into(), processes }),
        }
    }

    /// The end is proven if nothing of the tree was found, and nothing of it can have hidden: a group shows all that
    /// did not leave it, and what left everything came to the keeper that started the tree, as a stray.
    fn ending(&self, members: &[Member], strays: &[Member], empty: bool) -> Ending {
        let after = self.leader.map_or(0, |leader| leader.start_time);
        let mine = |m: &Member| Survivor { pid: m.pid, command: m.command.clone(), possible: false };
        let maybe = |m: &Member| Survivor { possible: true, ..mine(m) };
        let strays = strays.iter().filter(|m| m.start_time >= after).map(maybe);
        let survivors: Vec<Survivor> =
            members.iter().map(mine).chain(strays).take(wire::SURVIVORS_MAX).collect();
        let complete = self.own || matches!(self.tracking, Tracking::CgroupV1 | Tracking::CgroupV2);
        Ending {
            proven: empty && complete && survivors.is_empty(),
            survivors,
            steps: self.steps.clone(),
            tracking: self.tracking.into(),
            time_ms: now_ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn one_that_is_asked_to_terminate_can_put_things_in_order() {
        let script = "trap 'exit 7' TERM; trap '' HUP; echo ready; while :; do sleep 0.01; done";
        let id = Uuid::now_v7();
        let mut command = Command::new("sh");
        command.args(["-c", script]).env(tree::MARK, id.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid = child.id().cast_signed();
        let begin = |terminate| Begin {
            leader: Leader::new(pid, tree::start_time(pid).unwrap()),
            own: true,
            grace: Duration::from_secs(5),
            terminate,
            tracking: Tracking::ProcessTable,
        };
        let table = Table::new();
        let account = ShellAccount::current().unwrap();
        let world = World { account: &account, table: &table, groups: &Groups::default() };
        let mut closings = Closings::default();
        closings.begin(id, &begin(false), None);
        // It is asked again, for more: what was sent before is not enough.
        closings.begin(id, &begin(true), Some((1, 2)));
        let closed = loop {
            if let Some(closed) = closings.look(&world).pop() {
                break closed;
            }
        };
        assert_eq!(child.wait().unwrap().code(), Some(7));
        assert_eq!(closed.askers, [(1, 2)]);
        let sent: Vec<Sent> = closed.ending.steps.iter().map(wire::Step::sent).collect();
        assert_eq!(sent, [Sent::Term, Sent::Hup]);
    }
}
