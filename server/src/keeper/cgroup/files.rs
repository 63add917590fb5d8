//! What `/proc` says about control groups: which hierarchies are mounted where, and which groups a process is in.
//!
//! It makes nothing and knows nothing about children.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The two interfaces of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all.
    V2,
}

/// A group that a process is in, as a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Whose interface.
    pub version: Version,
    /// The controllers of its hierarchy; none in version 2.
    pub controllers: Vec<String>,
    /// Where it is.
    pub dir: PathBuf,
}

/// The groups that this process is in, as far as they can be reached.
pub fn own() -> Vec<Own> {
    let read = |name| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    own_in(&read("cgroup"), &read("mountinfo"))
}

fn own_in(cgroup: &str, mountinfo: &str) -> Vec<Own> {
    let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(mount).collect();
    lines(cgroup)
        .filter_map(|(controllers, path)| {
            let wanted: Vec<&str> = controllers.split(',').filter(|c| !c.is_empty()).collect();
            let fits = |m: &&Mount<'_>| match m.version {
                Version::V2 => wanted.is_empty(),
                Version::V1 => !wanted.is_empty() && wanted.iter().all(|c| m.options.contains(c)),
            };
            let mount = mounts.iter().find(fits)?;
            // A group above the mount, or above the namespace, cannot be reached.
            let below = Path::new(path).strip_prefix(&mount.root).ok().filter(|_| !path.contains(".."))?;
            Some(Own {
                version: mount.version,
                controllers: wanted.iter().map(|c| (*c).to_owned()).collect(),
                dir: mount.point.join(below).components().collect(),
            })
        })
        .collect()
}

/// Controllers and path of each line of a process's `cgroup` file.
fn lines(cgroup: &str) -> impl Iterator<Item = (&str, &str)> {
    cgroup.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'))
}

/// The paths of the groups that a process is in.
pub fn paths_of(pid: i32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    lines(&text).map(|(_, path)| path.to_owned()).collect()
}

struct Mount<'a> {
    version: Version,
    root: String,
    point: PathBuf,
    options: Vec<&'a str>,
}

/// A line of mountinfo, if it is a hierarchy: `id parent dev root point options [more ...] - type source options`.
fn mount(line: &str) -> Option<Mount<'_>> {
    let (place, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let version = match kind.next()? {
        "cgroup" => Version::V1,
        "cgroup2" => Version::V2,
        _ => return None,
    };
    let options = kind.nth(1)?.split(',').collect();
    let mut place = place.split(' ').skip(3);
    let (root, point) = (unescaped(place.next()?), unescaped(place.next()?));
    Some(Mount { version, root, point: point.into(), options })
}

/// Blanks are written as `\040`.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// All processes in a group and in the groups below it.
pub fn processes(group: &Path) -> Vec<i32> {
    let mut found = Vec::new();
    walk(group, &mut |dir| {
        let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        // 0 stands for a process of another namespace.
        found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok().filter(|pid| *pid > 0)));
    });
    found
}

/// True if no process is in a group or below it; a group that is not there is empty.
pub fn is_empty(group: &Path, version: Version) -> bool {
    if version == Version::V2
        && let Ok(events) = fs::read_to_string(group.join("cgroup.events"))
    {
        return events.lines().any(|line| line == "populated 0");
    }
    processes(group).is_empty()
}

/// Removes a group and those below it; all of them have to be empty.
///
/// # Errors
/// What the file system says; none if the group is not there.
pub fn remove(group: &Path) -> io::Result<()> {
    let mut dirs = Vec::new();
    walk(group, &mut |dir| dirs.push(dir.to_owned()));
    for dir in dirs.iter().rev() {
        match fs::remove_dir(dir) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

/// Visits a group, then those below it.
fn walk(group: &Path, visit: &mut impl FnMut(&Path)) {
    visit(group);
    let Ok(entries) = fs::read_dir(group) else { return };
    for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())) {
        walk(&entry.path(), visit);
    }
}

/// Writes a value into one of a group's files.
///
/// # Errors
/// What the kernel says to it.
pub fn write(group: &Path, file: &str, value: &str) -> io::Result<()> {
    use io::Write;
    fs::File::options().write(true).open(group.join(file))?.write_all(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Own, Version, own_in};

    #[test]
    fn groups_are_found_where_they_are_mounted() {
        let cgroup =
            "5:cpu,cpuacct:/a b/c\n4:memory:/docker/x\n3:pids:/../up\n1:name=systemd:/s\n0::/user/y\n";
        let mountinfo = "\
            20 1 0:1 / / rw - ext4 /dev/sda rw\n\
            30 20 0:2 /docker/x /sys/fs/cgroup/memory rw,relatime master:9 - cgroup cgroup rw,memory\n\
            31 20 0:3 / /sys/fs/cgroup/cpu\\040acct rw - cgroup cgroup rw,cpu,cpuacct\n\
            32 20 0:4 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            33 20 0:5 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let own = |version, controllers: &[&str], dir: &str| Own {
            version,
            controllers: controllers.iter().map(|c| (*c).to_owned()).collect(),
            dir: dir.into(),
        };
        assert_eq!(
            own_in(cgroup, mountinfo),
            [
                own(Version::V1, &["cpu", "cpuacct"], "/sys/fs/cgroup/cpu acct/a b/c"),
                own(Version::V1, &["memory"], "/sys/fs/cgroup/memory"),
                own(Version::V2, &[], "/sys/fs/cgroup/unified/user/y"),
            ]
        );
    }
}
