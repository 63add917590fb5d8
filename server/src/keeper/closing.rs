//! Ending children and all that they started: hang up, wait, kill, look again until nothing is left.
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
    tree::{self, Leader, Member},
    wire,
};

/// How long it goes on killing before it names survivors.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses between two looks: short at first, because most shells end at once.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// One terminal that is being ended.
#[derive(Debug)]
struct Closing {
    leader: Option<Leader>,
    hung_up: bool,
    kill_at: Instant,
    give_up_at: Instant,
    /// Who waits for it: connection and question.
    askers: Vec<(u64, u64)>,
}

/// What became of a terminal that was to be ended.
#[derive(Debug)]
pub struct Closed {
    /// The terminal.
    pub id: Uuid,
    /// Who waits for the answer: connection and question.
    pub askers: Vec<(u64, u64)>,
    /// What could not be ended.
    pub survivors: Vec<wire::Survivor>,
}

/// All terminals that are being ended.
#[derive(Debug, Default)]
pub struct Closings {
    open: HashMap<Uuid, Closing>,
    pause: Duration,
    next: Option<Instant>,
}

impl Closings {
    /// Begins to end a terminal with the next look, or shortens the grace of one that is being ended.
    pub fn begin(&mut self, id: Uuid, leader: Option<Leader>, grace: Duration, asker: Option<(u64, u64)>) {
        let kill_at = Instant::now() + grace;
        let closing = self.open.entry(id).or_insert_with(|| Closing {
            leader,
            hung_up: false,
            kill_at,
            give_up_at: kill_at + KILL_TIMEOUT,
            askers: Vec::new(),
        });
        closing.kill_at = closing.kill_at.min(kill_at);
        closing.give_up_at = closing.kill_at + KILL_TIMEOUT;
        closing.askers.extend(asker);
        self.pause = PAUSE_MIN;
        // The first at once; those that come together share a look.
        let now = Instant::now();
        self.next = Some(self.next.map_or(now, |next| next.min(now + PAUSE_MIN)));
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
    pub fn look(&mut self, account: &ShellAccount) -> Vec<Closed> {
        let now = Instant::now();
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let wanted: HashMap<Uuid, Option<Leader>> = self.open.iter().map(|(id, c)| (*id, c.leader)).collect();
        let found = tree::members(&wanted, account);
        let mut done = Vec::new();
        self.open.retain(|id, closing| {
            let members = found.get(id).map_or(&[] as &[Member], Vec::as_slice);
            if !members.is_empty() && now < closing.give_up_at {
                if now >= closing.kill_at {
                    tree::signal(members, &[Signal::KILL], account);
                } else if !std::mem::replace(&mut closing.hung_up, true) {
                    // A stopped process sees the hang-up only when it goes on.
                    tree::signal(members, &[Signal::HUP, Signal::CONT], account);
                }
                return true;
            }
            let survivors =
                members.iter().map(|m| wire::Survivor { pid: m.pid, command: m.command.clone() }).collect();
            done.push(Closed { id: *id, askers: std::mem::take(&mut closing.askers), survivors });
            false
        });
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.next = (!self.open.is_empty()).then(|| {
            let soonest_kill = self.open.values().map(|c| c.kill_at).filter(|t| *t > now).min();
            (now + self.pause).min(soonest_kill.unwrap_or(now + self.pause))
        });
        done
    }
}
