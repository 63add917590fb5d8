//! What is recorded of a terminal's tree of processes: its limits and who keeps them, and how it ended.
//!
//! It knows neither tonic nor SQL, and nothing of how the keeper does it.

use serde::{Deserialize, Serialize};

use crate::{config, keeper::wire};

/// What a terminal with all that it starts may use; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes_max: u64,
    /// Processes and threads.
    pub processes_max: u64,
    /// Thousandths of a processor core.
    pub cpu_millis_max: u64,
}

impl Limits {
    /// Those of terminals that people open.
    pub fn of_terminals(settings: &config::Terminal) -> Self {
        let config::Terminal { memory_bytes_max, processes_max, cpu_millis_max, .. } = *settings;
        Self { memory_bytes_max, processes_max, cpu_millis_max }
    }
}

impl From<Limits> for wire::Limits {
    fn from(limits: Limits) -> Self {
        let Limits { memory_bytes_max, processes_max, cpu_millis_max } = limits;
        Self { memory_bytes_max, processes_max, cpu_millis_max }
    }
}

/// Who keeps a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Enforcement {
    /// A cgroup of version 2.
    CgroupV2,
    /// A cgroup of version 1.
    CgroupV1,
    /// A resource limit.
    Rlimit,
    /// Nobody.
    Unenforced,
}

/// How the processes of a tree are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Tracking {
    /// By session, mark and ancestry.
    ProcessTable,
    /// Besides, by a cgroup of version 1.
    CgroupV1,
    /// Besides, by a cgroup of version 2.
    CgroupV2,
}

impl Tracking {
    /// What the keeper says; `None` if it says nothing.
    pub fn from_wire(tracking: wire::Tracking) -> Option<Self> {
        match tracking {
            wire::Tracking::Unknown => None,
            wire::Tracking::ProcessTable => Some(Self::ProcessTable),
            wire::Tracking::CgroupV1 => Some(Self::CgroupV1),
            wire::Tracking::CgroupV2 => Some(Self::CgroupV2),
        }
    }
}

impl From<Tracking> for wire::Tracking {
    fn from(tracking: Tracking) -> Self {
        match tracking {
            Tracking::ProcessTable => Self::ProcessTable,
            Tracking::CgroupV1 => Self::CgroupV1,
            Tracking::CgroupV2 => Self::CgroupV2,
        }
    }
}

/// What holds a tree together: how it is followed, and who keeps which limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// How its processes are found; absent if an older keeper started it.
    pub tracking: Option<Tracking>,
    /// What it may use.
    pub limits: Limits,
    /// Who keeps the limit of memory; absent if there is none.
    pub memory: Option<Enforcement>,
    /// Who keeps the limit of processes.
    pub processes: Option<Enforcement>,
    /// Who keeps the limit of processor time.
    pub cpu: Option<Enforcement>,
}

impl Bounds {
    /// What the keeper made of these limits. One that says nothing is older than limits: it keeps none.
    pub fn new(limits: Limits, kept: Option<wire::Bounds>) -> Self {
        let kept = kept.unwrap_or_default();
        let by = |most: u64, kept: wire::Enforcement| match kept {
            _ if most == 0 => None,
            wire::Enforcement::CgroupV2 => Some(Enforcement::CgroupV2),
            wire::Enforcement::CgroupV1 => Some(Enforcement::CgroupV1),
            wire::Enforcement::Rlimit => Some(Enforcement::Rlimit),
            wire::Enforcement::NotAsked | wire::Enforcement::Unenforced => Some(Enforcement::Unenforced),
        };
        Self {
            tracking: Tracking::from_wire(kept.tracking()),
            limits,
            memory: by(limits.memory_bytes_max, kept.memory()),
            processes: by(limits.processes_max, kept.processes()),
            cpu: by(limits.cpu_millis_max, kept.cpu()),
        }
    }
}

/// How a tree ended that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEnd {
    /// True if nothing of it is left for certain; else it was best effort.
    pub proven: bool,
    /// What is left, or may be.
    pub survivors: Vec<Survivor>,
    /// How its processes were found; absent from an older keeper.
    pub tracking: Option<Tracking>,
    /// What was sent, in this order. Not recorded: it is of the moment.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

/// A process that outlived its terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivor {
    /// Its process id.
    pub pid: i32,
    /// Its name.
    pub command: String,
    /// True if another terminal may have started it as well: it was left alone.
    pub possible: bool,
}

/// One thing that was sent to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When first, in milliseconds since 1970.
    pub time_ms: u64,
    /// What.
    pub sent: Sent,
    /// To how many processes at once, at most.
    pub processes: u32,
}

/// What can be sent to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sent {
    /// SIGHUP, and SIGCONT for what is stopped.
    Hup,
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
    /// The end of a whole cgroup.
    CgroupKill,
}

impl TreeEnd {
    /// What the keeper says. An older one names survivors and means it when there are none.
    pub fn from_reply(reply: wire::Reply) -> Self {
        match reply.ending {
            Some(ending) => ending.into(),
            None => Self {
                proven: reply.survivors.is_empty(),
                survivors: reply.survivors.into_iter().map(Survivor::from).collect(),
                tracking: None,
                steps: Vec::new(),
            },
        }
    }

    /// The same, if this tree was ended before: what was proven then stays so, unless something was found now.
    pub fn after(self, before: Option<&Self>) -> Self {
        let proven = self.proven || (self.survivors.is_empty() && before.is_some_and(|b| b.proven));
        Self { proven, ..self }
    }
}

impl From<wire::Ending> for TreeEnd {
    fn from(ending: wire::Ending) -> Self {
        Self {
            proven: ending.proven,
            tracking: Tracking::from_wire(ending.tracking()),
            steps: ending.steps.iter().filter_map(Step::from_wire).collect(),
            survivors: ending.survivors.into_iter().map(Survivor::from).collect(),
        }
    }
}

impl From<wire::Survivor> for Survivor {
    fn from(survivor: wire::Survivor) -> Self {
        Self { pid: survivor.pid, command: survivor.command, possible: survivor.possible }
    }
}

impl Step {
    fn from_wire(step: &wire::Step) -> Option<Self> {
        let sent = match step.sent() {
            wire::Sent::Unknown => return None,
            wire::Sent::Hup => Sent::Hup,
            wire::Sent::Term => Sent::Term,
            wire::Sent::Kill => Sent::Kill,
            wire::Sent::CgroupKill => Sent::CgroupKill,
        };
        Some(Self { time_ms: step.time_ms, sent, processes: step.processes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_that_knows_no_limits_keeps_none() {
        let limits = Limits { memory_bytes_max: 1, processes_max: 0, cpu_millis_max: 2 };
        let bounds = Bounds::new(limits, None);
        assert_eq!((bounds.memory, bounds.processes), (Some(Enforcement::Unenforced), None));
        assert_eq!((bounds.cpu, bounds.tracking), (Some(Enforcement::Unenforced), None));
    }

    #[test]
    fn an_older_keeper_means_what_it_says_and_a_proof_stays_one() {
        let end = TreeEnd::from_reply(wire::Reply::ok(1));
        assert!(end.proven && end.tracking.is_none());
        let doubt = TreeEnd { proven: false, ..end.clone() };
        assert!(doubt.clone().after(Some(&end)).proven);
        assert!(!doubt.clone().after(None).proven);
        let survivor = Survivor { pid: 7, command: "x".to_owned(), possible: true };
        assert!(!TreeEnd { survivors: vec![survivor], ..doubt }.after(Some(&end)).proven);
    }
}
