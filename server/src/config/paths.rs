//! The directories that a configuration does not name.
//!
//! It creates none: whoever uses a directory makes it.

use std::{env, path::PathBuf};

use super::{Config, Sources};

/// What is wrong: the setting and the problem.
type Wrong = (&'static str, String);

/// Fills in what is empty and makes everything absolute: other programs get these paths, and run in
/// other directories.
pub(super) fn fill(config: &mut Config, sources: &Sources) -> Result<(), Wrong> {
    let data = &mut config.data;
    // Two servers of one account have two data directories, and must not meet in one run directory.
    let named = !data.dir.as_os_str().is_empty();
    if data.dir.as_os_str().is_empty() {
        data.dir = match sources.root {
            true => PathBuf::from("/var/lib/mosaic"),
            false => base(sources, "XDG_DATA_HOME", ".local/share")
                .ok_or_else(|| {
                    ("data.dir", "there is no HOME to put it in; name a directory (--data-dir)".to_owned())
                })?
                .join("mosaic"),
        };
    }
    if data.run_dir.as_os_str().is_empty() {
        data.run_dir = match (sources.root, variable(sources, "XDG_RUNTIME_DIR")) {
            _ if named => data.dir.join("run"),
            (true, _) => PathBuf::from("/run/mosaic"),
            (false, Some(directory)) => directory.join("mosaic"),
            (false, None) => data.dir.join("run"),
        };
    }
    for (key, path) in [
        ("data.dir", Some(&mut data.dir)),
        ("data.run_dir", Some(&mut data.run_dir)),
        ("postgres.bin", config.postgres.bin.as_mut()),
        ("server.tls_cert", config.server.tls_cert.as_mut()),
        ("server.tls_key", config.server.tls_key.as_mut()),
    ] {
        if let Some(path) = path.filter(|path| path.is_relative()) {
            let here = env::current_dir();
            let here =
                here.map_err(|cause| (key, format!("a relative path needs a working directory: {cause}")))?;
            *path = here.join(&path);
        }
    }
    Ok(())
}

/// An XDG base directory: the variable's, else `fallback` in the home directory.
pub(super) fn base(sources: &Sources, name: &str, fallback: &str) -> Option<PathBuf> {
    variable(sources, name).or_else(|| Some(variable(sources, "HOME")?.join(fallback)))
}

/// The XDG specification has relative paths ignored.
fn variable(sources: &Sources, name: &str) -> Option<PathBuf> {
    let (_, value) = sources.variables.iter().find(|(other, _)| other == name)?;
    Some(PathBuf::from(value)).filter(|path| path.is_absolute())
}
