//! Finds PostgreSQL's programs.
//!
//! It knows nothing about clusters but the version that one needs.

use std::{
    env, fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Error, Owner};
use crate::db::connect::POSTGRES_VERSION_MIN;

/// Where Debian puts each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A directory with `postgres` and `initdb`, and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    pub(super) major: u32,
}

/// The programs for a new cluster: those that were named, else the first that are new enough.
pub(super) async fn find(named: Option<&Path>, owner: Option<Owner>) -> Result<Binaries, Error> {
    if let Some(directory) = named {
        let bad = |problem: String| Error::BadBinaries { directory: directory.to_owned(), problem };
        let binaries = inspect(directory, owner).await.map_err(bad)?;
        return match binaries.major {
            POSTGRES_VERSION_MIN.. => Ok(binaries),
            old => Err(bad(format!("that is version {old}; {POSTGRES_VERSION_MIN} or newer is needed"))),
        };
    }
    search(owner, |major| major >= POSTGRES_VERSION_MIN).await.map_err(|looked| Error::NoBinaries { looked })
}

/// The programs for a cluster of this version: those that made it, else the named, else any of that version.
pub(super) async fn find_again(
    data: &Path,
    major: u32,
    made_by: Option<&Path>,
    named: Option<&Path>,
    owner: Option<Owner>,
) -> Result<Binaries, Error> {
    for directory in [made_by, named].into_iter().flatten() {
        if let Ok(binaries) = inspect(directory, owner).await
            && binaries.major == major
        {
            return Ok(binaries);
        }
    }
    search(owner, |other| other == major).await.map_err(|looked| Error::WrongMajor {
        data: data.to_owned(),
        major,
        made_by: made_by.map_or("an unknown place".to_owned(), |directory| directory.display().to_string()),
        looked,
    })
}

/// The first usual place whose version will do; else what was found where.
async fn search(owner: Option<Owner>, will_do: impl Fn(u32) -> bool) -> Result<Binaries, String> {
    let mut looked = Vec::new();
    for directory in usual_places() {
        match inspect(&directory, owner).await {
            Ok(binaries) if will_do(binaries.major) => return Ok(binaries),
            Ok(binaries) => looked.push(format!("{}: version {}", directory.display(), binaries.major)),
            Err(problem) => looked.push(format!("{}: {problem}", directory.display())),
        }
    }
    match looked.is_empty() {
        true => Err(format!("neither in PATH nor in {DEBIAN}")),
        false => Err(looked.join("; ")),
    }
}

/// The directories that have a `postgres`: of `PATH`, Debian's from the newest, and beside this program.
fn usual_places() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path)
        // PATH may hold links into a directory that has all programs.
        .filter_map(|directory| {
            fs::canonicalize(directory.join("postgres")).ok()?.parent().map(Path::to_owned)
        })
        .collect();
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        versions.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    places
        .extend(versions.iter().rev().map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin")));
    let program = env::current_exe().ok();
    let prefix = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    places.extend(prefix.map(|prefix| prefix.join("pg/bin")));
    places.retain(|directory| directory.join("postgres").exists());
    let mut seen = Vec::new();
    places.retain(|place| {
        !seen.contains(place) && {
            seen.push(place.clone());
            true
        }
    });
    places
}

/// Asks a directory for its version.
async fn inspect(directory: &Path, owner: Option<Owner>) -> Result<Binaries, String> {
    for program in ["postgres", "initdb"] {
        if !directory.join(program).is_file() {
            return Err(format!("there is no {program}"));
        }
    }
    let mut asked = command(&directory.join("postgres"), owner);
    asked.arg("--version").stdout(Stdio::piped());
    let output = tokio::process::Command::from(asked).output().await;
    let output = output.map_err(|cause| format!("its postgres cannot be run: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major =
        version(&text).ok_or_else(|| format!("its postgres does not tell its version but {text:?}"))?;
    Ok(Binaries { directory: directory.to_owned(), major })
}

/// A program of PostgreSQL's under its account, with nothing of this server's environment.
pub(super) fn command(program: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command.current_dir("/").stdin(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

/// From `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`; also `18beta1`.
fn version(text: &str) -> Option<u32> {
    let number = text.split("(PostgreSQL) ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(version("bash: postgres: command not found"), None);
    }

    #[tokio::test]
    async fn a_named_directory_without_programs_is_refused_by_name() {
        let error = find(Some(Path::new("/nowhere")), None).await.unwrap_err().to_string();
        assert_eq!(error, "postgres.bin (MOSAIC_PG_BIN) names /nowhere, and there is no postgres");
    }

    #[tokio::test]
    async fn a_cluster_of_a_version_that_is_not_installed_is_refused() {
        let made_by = Path::new("/opt/old/bin");
        let error =
            find_again(Path::new("/data"), 9, Some(made_by), None, None).await.unwrap_err().to_string();
        assert!(error.contains("was made by PostgreSQL 9 from /opt/old/bin"), "{error}");
    }
}
