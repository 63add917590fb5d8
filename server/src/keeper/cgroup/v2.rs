//! Groups of version 2: one hierarchy, with controllers only where they were handed down.
//!
//! It knows the files of the kernel's interface and nothing about children.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Limit, enterable,
    files::{self, Own, Version},
    v1::{PERIOD_US, quota_us},
};

/// The controllers that limits need.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];
/// A group with controllers for those below it may hold no process itself: this leaf takes them.
const LEAF: &str = "mosaic-main";
/// Processes that come while others are moved are moved in the next round.
const ROUNDS: usize = 16;

/// Where this keeper makes groups.
#[derive(Clone, Debug)]
pub struct Place {
    /// The directory whose subdirectories are groups of children.
    pub dir: PathBuf,
    /// The controllers that children's groups have.
    controllers: Vec<String>,
}

impl Place {
    /// Makes a directory of this name where this process may: beside its own group if what is above was delegated to it
    /// (as systemd's `DelegateSubgroup=` does), else in its own.
    pub fn make(own: &[Own], name: &str) -> Option<Self> {
        let own = &own.iter().find(|o| o.version == Version::V2)?.dir;
        let base = own.parent().filter(|above| is_delegated(above)).unwrap_or(own);
        let place = Self::make_in(base, name, &CONTROLLERS);
        place.filter(|place| enterable(&place.dir))
    }

    fn make_in(base: &Path, name: &str, controllers: &[&str]) -> Option<Self> {
        let dir = base.join(name);
        fs::create_dir_all(&dir).ok()?;
        let handed_down = |controller: &&&str| hand_down(base, controller).is_ok();
        let wanted: Vec<&&str> = controllers.iter().filter(handed_down).collect();
        let controllers = wanted
            .into_iter()
            .filter(|c| files::write(&dir, "cgroup.subtree_control", &format!("+{c}")).is_ok())
            .map(|c| (*c).to_string())
            .collect();
        Some(Self { dir, controllers })
    }

    /// Sets a limit in this group.
    ///
    /// # Errors
    /// The controller was not handed down, or the kernel refuses.
    pub fn limit(&self, group: &Path, limit: Limit) -> io::Result<()> {
        let (controller, file, value) = match limit {
            Limit::Memory(bytes) => ("memory", "memory.max", bytes.to_string()),
            Limit::Processes(most) => ("pids", "pids.max", most.to_string()),
            Limit::CpuMillis(millis) => ("cpu", "cpu.max", format!("{} {PERIOD_US}", quota_us(millis))),
        };
        if !self.controllers.iter().any(|c| c == controller) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        files::write(group, file, &value)?;
        if matches!(limit, Limit::Memory(_)) {
            // What may not be kept in memory is not to be kept beside it. Kernels without swap have no such file.
            let _ = files::write(group, "memory.swap.max", "0");
        }
        Ok(())
    }
}

/// True if whoever made a group handed it over: systemd says so with an attribute.
fn is_delegated(group: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0_u8; 8];
        matches!(rustix::fs::getxattr(group, *name, &mut value[..]), Ok(n) if value.get(..n) == Some(b"1"))
    })
}

/// Gives the groups below this one a controller. Processes stand in the way, but for the root of the hierarchy: they go
/// into a leaf, if the group was delegated and they are therefore all of this service.
fn hand_down(base: &Path, controller: &str) -> io::Result<()> {
    let enable = || files::write(base, "cgroup.subtree_control", &format!("+{controller}"));
    match enable() {
        Err(cause) if cause.kind() == io::ErrorKind::ResourceBusy && is_delegated(base) => {
            empty_into_leaf(base)?;
            enable()
        }
        result => result,
    }
}

fn empty_into_leaf(base: &Path) -> io::Result<()> {
    let leaf = base.join(LEAF);
    fs::create_dir_all(&leaf)?;
    for _ in 0..ROUNDS {
        let inside = fs::read_to_string(base.join("cgroup.procs"))?;
        if inside.is_empty() {
            break;
        }
        for pid in inside.lines() {
            // It may have ended.
            let _ = files::write(&leaf, "cgroup.procs", pid);
        }
    }
    Ok(())
}

/// Ends all processes of a group and of those below it at once; kernels before 5.14 cannot.
///
/// # Errors
/// What the kernel says.
pub fn kill(group: &Path) -> io::Result<()> {
    files::write(group, "cgroup.kill", "1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::cgroup::tests::{Below, hierarchy};

    /// What a kernel shows of a group that has its controllers, in a plain directory.
    fn pretend(controllers: &[&str]) -> (Place, PathBuf) {
        let dir = std::env::temp_dir().join(format!("mosaic-v2-{}", uuid::Uuid::now_v7()));
        let group = dir.join("group");
        fs::create_dir_all(&group).unwrap();
        for file in ["memory.max", "memory.swap.max", "pids.max", "cpu.max"] {
            fs::write(group.join(file), "").unwrap();
        }
        (Place { dir, controllers: controllers.iter().map(|c| (*c).to_owned()).collect() }, group)
    }

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let (place, group) = pretend(&CONTROLLERS);
        for limit in [Limit::Memory(64 << 20), Limit::Processes(20), Limit::CpuMillis(250)] {
            place.limit(&group, limit).unwrap();
        }
        let read = |file: &str| fs::read_to_string(group.join(file)).unwrap();
        assert_eq!(read("memory.max"), "67108864");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("pids.max"), "20");
        assert_eq!(read("cpu.max"), "25000 100000");
        fs::remove_dir_all(&place.dir).unwrap();
    }

    #[test]
    fn a_controller_that_was_not_handed_down_limits_nothing() {
        let (place, group) = pretend(&["pids"]);
        let refused = place.limit(&group, Limit::Memory(1)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        fs::remove_dir_all(&place.dir).unwrap();
    }

    #[test]
    fn processes_make_way_for_controllers_only_where_the_group_was_delegated() {
        let Some(root) = hierarchy(Version::V2) else { return };
        let offered = fs::read_to_string(root.dir.join("cgroup.controllers")).unwrap_or_default();
        let wanted = offered.split_whitespace().find(|c| CONTROLLERS.contains(c));
        let Some(controller) = wanted.or_else(|| offered.split_whitespace().next()) else {
            return println!("not tested here: the hierarchy of version 2 offers no controller");
        };
        if !CONTROLLERS.contains(&controller) {
            println!("not tested here: limits by version 2; it offers {} alone", offered.trim());
        }
        let before = fs::read_to_string(root.dir.join("cgroup.subtree_control")).unwrap();
        hand_down(&root.dir, controller).unwrap();
        processes_make_way(&root.dir, controller);
        if !before.split_whitespace().any(|had| had == controller) {
            files::write(&root.dir, "cgroup.subtree_control", &format!("-{controller}")).unwrap();
        }
    }

    fn processes_make_way(root: &Path, controller: &str) {
        let base = Below::make(root);
        let mut inside = base.process("exec sleep 60");
        assert!(Place::make_in(&base.dir, "place", &[controller]).unwrap().controllers.is_empty());
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(&base.dir, "trusted.delegate", b"1", flags).unwrap();
        let place = Place::make_in(&base.dir, "place", &[controller]).unwrap();
        assert_eq!(place.controllers, [controller]);
        let leaf = fs::read_to_string(base.dir.join(LEAF).join("cgroup.procs")).unwrap();
        assert_eq!(leaf.trim(), inside.id().to_string(), "it was moved elsewhere");
        let group = place.dir.join("group");
        fs::create_dir(&group).unwrap();
        for limit in [Limit::Memory(64 << 20), Limit::Processes(20), Limit::CpuMillis(250)] {
            let kept = place.limit(&group, limit);
            println!(
                "version 2 with {controller}: {limit:?} {}",
                if kept.is_ok() { "kept" } else { "not kept" }
            );
        }
        if controller == "pids" {
            assert_eq!(fs::read_to_string(group.join("pids.max")).unwrap(), "20\n");
        }
        kill(&base.dir).unwrap();
        inside.wait().unwrap();
    }
}
