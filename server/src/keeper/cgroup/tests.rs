//! Groups of both versions as the kernel makes them, with real processes in them.
//!
//! It must not know what a keeper does with groups. Without root, or without a hierarchy, it says what was not tested.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use uuid::Uuid;

use super::{
    Groups, Place,
    files::{self, Own, Version},
    v1, v2,
};
use crate::keeper::wire::{Enforcement, Limits, Tracking};

/// This process's own group of a hierarchy of this version; none where root is needed and not there.
pub(super) fn hierarchy(version: Version) -> Option<Own> {
    let own = files::own().into_iter().find(|own| own.version == version);
    let may = rustix::process::geteuid().is_root();
    let found = own.filter(|own| may && fs::metadata(&own.dir).is_ok());
    if found.is_none() {
        println!("not tested here: groups of {version:?}; they need root and a mounted hierarchy");
    }
    found
}

/// A group that goes with all that is in it.
pub(super) struct Below {
    pub(super) dir: PathBuf,
}

impl Below {
    pub(super) fn make(above: &Path) -> Self {
        let dir = above.join(format!("mosaic-test-{}", Uuid::now_v7()));
        fs::create_dir(&dir).unwrap();
        Self { dir }
    }

    /// A process in this group, which has run this script as far as its first line of output.
    pub(super) fn process(&self, script: &str) -> Child {
        process(std::slice::from_ref(&self.dir), script)
    }
}

impl Drop for Below {
    fn drop(&mut self) {
        v1::kill(&self.dir);
        while !files::is_empty(&self.dir, Version::V1) {
            std::thread::yield_now();
        }
        let _ = files::remove(&self.dir);
    }
}

fn process(groups: &[PathBuf], script: &str) -> Child {
    let enter: String =
        groups.iter().map(|dir| format!("echo $$ > {}/cgroup.procs; ", dir.display())).collect();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{enter} echo inside; {script}")).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "inside\n");
    child
}

/// Groups of one version alone, in a place that goes when the test ends.
fn only(version: Version) -> Option<(Groups, Below, Vec<Below>)> {
    let own = hierarchy(version)?;
    let base = Below::make(&own.dir);
    let name = "mosaic-place".to_owned();
    // Other controllers' hierarchies get a base of their own.
    let mut others = Vec::new();
    let mut below = Vec::new();
    for other in files::own().into_iter().filter(|o| o.version == version && o.dir != own.dir) {
        let base = Below::make(&other.dir);
        below.push(Own { dir: base.dir.clone(), ..other });
        others.push(base);
    }
    below.push(Own { dir: base.dir.clone(), ..own });
    let (unified, v1) = match version {
        Version::V2 => (v2::Place::make(&below, &name), v1::Places::default()),
        Version::V1 => (None, v1::Places::make(&below, &name)),
    };
    let dirs = unified.iter().map(|place| &place.dir).chain(v1.all());
    let places = dirs.map(|dir| Place { version, dir: dir.clone() }).collect();
    Some((Groups { name, unified, v1, places, memory: PathBuf::new() }, base, others))
}

/// The directories of a child's groups.
fn dirs(groups: &Groups, id: Uuid) -> Vec<PathBuf> {
    groups.of(id).map(|place| place.dir).collect()
}

fn a_group_shows_and_ends_all_that_is_in_it(version: Version, tracking: Tracking) {
    let Some((groups, _base, _others)) = only(version) else { return };
    let id = Uuid::now_v7();
    let made = groups.make(id, &Limits::default());
    assert_eq!(made.bounds.tracking(), tracking);
    assert_eq!(made.entries.len(), 1);
    assert!(groups.is_empty(id) && groups.owner(std::process::id().cast_signed()).is_none());
    // The second one has left its session, its parent and its environment behind, and hears no signal but one.
    let hidden = "setsid env -i sh -c 'trap \"\" HUP TERM; sleep 3600 & wait' & wait";
    let mut child = process(&dirs(&groups, id), hidden);
    let pid = child.id().cast_signed();
    while groups.members(id).len() < 3 {
        std::thread::yield_now();
    }
    assert!(groups.members(id).contains(&pid) && !groups.is_empty(id));
    assert_eq!(groups.owner(pid), Some(id));
    groups.remove(id);
    assert!(groups.children().contains(&id), "a group with processes was removed");
    groups.kill(id);
    child.wait().unwrap();
    while !groups.is_empty(id) {
        std::thread::yield_now();
    }
    groups.tidy(|_| false);
    assert!(groups.children().is_empty());
    assert_eq!(groups.tracking(id), Tracking::ProcessTable);
    groups.finish();
}

#[test]
fn a_group_of_version_1_shows_and_ends_all_that_is_in_it() {
    a_group_shows_and_ends_all_that_is_in_it(Version::V1, Tracking::CgroupV1);
}

#[test]
fn a_group_of_version_2_shows_and_ends_all_that_is_in_it() {
    a_group_shows_and_ends_all_that_is_in_it(Version::V2, Tracking::CgroupV2);
}

#[test]
fn limits_of_version_1_are_in_the_kernel() {
    let Some((groups, _base, _others)) = only(Version::V1) else { return };
    let id = Uuid::now_v7();
    let limits = Limits { memory_bytes_max: 64 << 20, processes_max: 20, cpu_millis_max: 250 };
    let bounds = groups.make(id, &limits).bounds;
    let kept = [bounds.memory(), bounds.processes(), bounds.cpu()];
    assert_eq!(kept, [Enforcement::CgroupV1; 3]);
    let read = |file: &str| {
        let found = dirs(&groups, id).iter().find_map(|dir| fs::read_to_string(dir.join(file)).ok());
        found.unwrap_or_default().trim().to_owned()
    };
    assert_eq!(read("memory.limit_in_bytes"), (64 << 20).to_string());
    assert_eq!(read("pids.max"), "20");
    assert_eq!(
        (read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")),
        ("25000".to_owned(), "100000".to_owned())
    );
    groups.remove(id);
    groups.finish();
}

#[test]
fn without_a_hierarchy_nothing_is_kept_and_it_says_so() {
    let groups = Groups::default();
    let limits = Limits { memory_bytes_max: 1, processes_max: 0, cpu_millis_max: 1 };
    let made = groups.make(Uuid::now_v7(), &limits);
    assert!(made.entries.is_empty());
    assert_eq!(made.bounds.tracking(), Tracking::ProcessTable);
    let kept = [made.bounds.memory(), made.bounds.processes(), made.bounds.cpu()];
    assert_eq!(kept, [Enforcement::Unenforced, Enforcement::NotAsked, Enforcement::Unenforced]);
}

#[test]
fn a_later_keeper_remembers_where_groups_are() {
    let dir = std::env::temp_dir().join(format!("mosaic-groups-{}", Uuid::now_v7()));
    let (place, elsewhere) = (dir.join("a/mosaic-1-2"), dir.join("b/mosaic-1-3"));
    fs::create_dir_all(&place).unwrap();
    fs::create_dir_all(&elsewhere).unwrap();
    let places = [(Version::V2, &place), (Version::V1, &elsewhere), (Version::V1, &dir.join("c/mosaic-1-2"))];
    let places = places.into_iter().map(|(version, dir)| Place { version, dir: dir.clone() }).collect();
    let groups = Groups { places, memory: dir.join("groups"), ..Groups::default() };
    groups.remember();
    // Only those that are there, and only those of this name.
    let found = super::remembered(&groups.memory, "mosaic-1-2");
    assert_eq!(found, [Place { version: Version::V2, dir: place }]);
    fs::remove_dir_all(&dir).unwrap();
}
