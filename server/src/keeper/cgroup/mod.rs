//! Control groups of children: made, entered, limited, looked into and emptied, each found by its terminal's id alone.
//!
//! It remembers only where groups can be, in a file: so a keeper that has replaced itself, and one that took over,
//! find every group again. It knows nothing about PTYs, ends or who asks.

#![expect(unsafe_code, reason = "a short-lived child tries whether groups can be entered")]

mod files;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use self::files::Version;
use super::wire::{Bounds, Enforcement, Limits, Tracking};

/// One limit of a group.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Memory(u64),
    Processes(u64),
    CpuMillis(u64),
}

/// A directory that holds groups of this keeper's children, or of a former one's of the same directory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    version: Version,
    dir: PathBuf,
}

/// All groups of a keeper.
#[derive(Debug, Default)]
pub struct Groups {
    /// What the places are called: no other keeper's are.
    name: String,
    unified: Option<v2::Place>,
    v1: v1::Places,
    places: Vec<Place>,
    /// The file that remembers them.
    memory: PathBuf,
}

/// A child's new groups.
#[derive(Debug, Default)]
pub struct Made {
    /// Whoever writes `0` to these is in them.
    pub entries: Vec<OwnedFd>,
    /// What they are good for.
    pub bounds: Bounds,
}

impl Groups {
    /// Where the keeper of this directory may make groups, and where former ones did. What they left empty is removed.
    pub fn find(keeper: &Path) -> Self {
        // Device and inode: the same after a restart, another one for a directory of the same name elsewhere.
        let Ok(meta) = fs::metadata(keeper) else { return Self::default() };
        let name = format!("mosaic-{:x}-{:x}", meta.dev(), meta.ino());
        let own = files::own();
        let (unified, v1) = (v2::Place::make(&own, &name), v1::Places::make(&own, &name));
        let memory = keeper.join("groups");
        let mut places = remembered(&memory, &name);
        let made =
            unified.iter().map(|p| (Version::V2, &p.dir)).chain(v1.all().map(|dir| (Version::V1, dir)));
        for (version, dir) in made {
            let place = Place { version, dir: dir.clone() };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let groups = Self { name, unified, v1, places, memory };
        groups.remember();
        groups.tidy(|_| false);
        groups
    }

    fn remember(&self) {
        let line = |place: &Place| format!("{:?} {}\n", place.version, place.dir.display());
        let text: String = self.places.iter().map(line).collect();
        if let Err(cause) = fs::write(&self.memory, text) {
            tracing::warn!(%cause, "a next keeper may not find the groups of this one");
        }
    }

    /// Makes groups for a child with these limits. Where there can be none, it says so.
    pub fn make(&self, id: Uuid, limits: &Limits) -> Made {
        let group = id.to_string();
        let mut dirs = BTreeSet::new();
        let unified = self.unified.as_ref().and_then(|place| {
            let dir = place.dir.join(&group);
            fs::create_dir_all(&dir).ok()?;
            dirs.insert(dir.clone());
            Some((place, dir))
        });
        let mut keep = |limit: Limit| {
            if unified.as_ref().is_some_and(|(place, dir)| place.limit(dir, limit).is_ok()) {
                return Enforcement::CgroupV2;
            }
            match self.v1.limit(&group, limit) {
                Ok(dir) => {
                    dirs.insert(dir);
                    Enforcement::CgroupV1
                }
                Err(_) => Enforcement::Unenforced,
            }
        };
        let mut kept = |most: u64, limit: fn(u64) -> Limit| match most {
            0 => Enforcement::NotAsked.into(),
            most => keep(limit(most)).into(),
        };
        let memory = kept(limits.memory_bytes_max, Limit::Memory);
        let processes = kept(limits.processes_max, Limit::Processes);
        let cpu = kept(limits.cpu_millis_max, Limit::CpuMillis);
        if unified.is_none()
            && let Some(place) = self.v1.following()
            && fs::create_dir_all(place.join(&group)).is_ok()
        {
            dirs.insert(place.join(&group));
        }
        let open = |dir: &PathBuf| File::options().write(true).open(dir.join("cgroup.procs"));
        let entries = dirs.iter().filter_map(|dir| open(dir).ok()).map(OwnedFd::from).collect();
        Made { entries, bounds: Bounds { tracking: self.tracking(id).into(), memory, processes, cpu } }
    }

    /// The child's groups that are there.
    fn of(&self, id: Uuid) -> impl Iterator<Item = Place> {
        let group = id.to_string();
        let place = move |place: &Place| Place { version: place.version, dir: place.dir.join(&group) };
        self.places.iter().map(place).filter(|place| place.dir.is_dir())
    }

    /// How the processes of a child are found.
    pub fn tracking(&self, id: Uuid) -> Tracking {
        let versions: Vec<Version> = self.of(id).map(|place| place.version).collect();
        if versions.contains(&Version::V2) {
            Tracking::CgroupV2
        } else if versions.is_empty() {
            Tracking::ProcessTable
        } else {
            Tracking::CgroupV1
        }
    }

    /// The processes in a child's groups.
    pub fn members(&self, id: Uuid) -> BTreeSet<i32> {
        self.of(id).flat_map(|place| files::processes(&place.dir)).collect()
    }

    /// True if no process is in a child's groups.
    pub fn is_empty(&self, id: Uuid) -> bool {
        self.of(id).all(|place| files::is_empty(&place.dir, place.version))
    }

    /// Ends all processes in a child's groups, whoever they run as: only what the child started is in them, since nobody
    /// but this keeper (and root) may put a process there.
    pub fn kill(&self, id: Uuid) {
        for place in self.of(id) {
            if place.version == Version::V1 || v2::kill(&place.dir).is_err() {
                v1::kill(&place.dir);
            }
        }
    }

    /// The child in whose groups a process is.
    pub fn owner(&self, pid: i32) -> Option<Uuid> {
        if self.places.is_empty() {
            return None;
        }
        let paths = files::paths_of(pid);
        paths.iter().find_map(|path| {
            let (_, inside) = path.split_once(&format!("/{}/", self.name))?;
            inside.split('/').next()?.parse().ok()
        })
    }

    /// Removes a child's groups, as far as they are empty.
    pub fn remove(&self, id: Uuid) {
        for place in self.of(id) {
            // One that is not empty stays, and is looked at again by `tidy`.
            let _ = files::remove(&place.dir);
        }
    }

    /// All children that have groups.
    pub fn children(&self) -> BTreeSet<Uuid> {
        let entries = self.places.iter().filter_map(|place| fs::read_dir(&place.dir).ok());
        entries.flat_map(|e| e.flatten()).filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
    }

    /// Removes the empty groups of children that nobody needs any more.
    pub fn tidy(&self, needed: impl Fn(Uuid) -> bool) {
        for id in self.children().into_iter().filter(|id| !needed(*id) && self.is_empty(*id)) {
            self.remove(id);
        }
    }

    /// Removes what is empty of all that there is: the keeper ends.
    pub fn finish(&self) {
        self.tidy(|_| false);
        for place in &self.places {
            let _ = fs::remove_dir(&place.dir);
        }
    }
}

/// The places that former keepers made and that are still there.
fn remembered(memory: &Path, name: &str) -> Vec<Place> {
    let text = fs::read_to_string(memory).unwrap_or_default();
    let place = |line: &str| {
        let (version, dir) = line.split_once(' ')?;
        let version = if version == "V2" { Version::V2 } else { Version::V1 };
        let dir = PathBuf::from(dir);
        (dir.ends_with(name) && dir.is_dir()).then_some(Place { version, dir })
    };
    text.lines().filter_map(place).collect()
}

/// True if a child of this process can put itself into groups in this place: tried, since who may is written nowhere.
fn enterable(place: &Path) -> bool {
    let group = place.join("trial");
    let tried = || -> io::Result<bool> {
        fs::create_dir_all(&group)?;
        let entry = File::options().write(true).open(group.join("cgroup.procs"))?;
        // SAFETY: between fork and exit the child makes system calls only.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let code = i32::from(rustix::io::write(&entry, b"0") != Ok(1));
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(code) }
            }
            child => {
                let mut status = 0;
                // SAFETY: `status` is there for the kernel to fill.
                let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
                Ok(waited == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0)
            }
        }
    };
    let entered = tried().unwrap_or(false);
    let _ = files::remove(&group);
    if !entered {
        // Empty, unless a keeper that could has made groups in it.
        let _ = fs::remove_dir(place);
    }
    entered
}
