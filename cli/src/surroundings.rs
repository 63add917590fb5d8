//! What the environment and the files of this account say about servers and tokens.
//!
//! It knows nothing about which of them a command uses.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    contexts::{Context, Contexts},
    failure::Failure,
    target::Surroundings,
};

/// Looks around.
pub(crate) fn look() -> Result<Surroundings, Failure> {
    let given = variable("MOSAIC_TOKEN");
    let token_in_file = given.is_none();
    let token = match (given, variable("MOSAIC_TOKEN_FILE")) {
        (Some(token), _) => Some(token.trim().to_owned()),
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            let missing =
                || Failure::error(format!("MOSAIC_TOKEN_FILE: there is no file {}", path.display()));
            Some(read(&path)?.ok_or_else(missing)?)
        }
        (None, None) => None,
    };
    Ok(Surroundings {
        endpoint: variable("MOSAIC_ENDPOINT"),
        token: token.map(Into::into),
        token_in_file,
        ca: variable("MOSAIC_CA").map(PathBuf::from),
        contexts: contexts_path().map_or_else(|| Ok(Contexts::default()), |path| Contexts::read(&path))?,
        local: local_server()?,
        local_endpoint: local_directory().map(|directory| directory.join("endpoint")),
    })
}

/// The file of contexts, `$XDG_CONFIG_HOME/mosaic/contexts.toml`; none where an account has no home.
pub(crate) fn contexts_path() -> Option<PathBuf> {
    Some(base("XDG_CONFIG_HOME", ".config")?.join("mosaic/contexts.toml"))
}

/// The file of what was said in `mosaic chat`, `$XDG_STATE_HOME/mosaic/chat_history`; none where an account has no home.
pub(crate) fn chat_history_path() -> Option<PathBuf> {
    Some(base("XDG_STATE_HOME", ".local/state")?.join("mosaic/chat_history"))
}

/// The file that leads a browser to its sign-in, `$XDG_RUNTIME_DIR/mosaic/sign-in.html`; where there is none, it stands
/// with the other files that come and go.
pub(crate) fn sign_in_path() -> Option<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
    Some(runtime.or_else(|| base("XDG_STATE_HOME", ".local/state"))?.join("mosaic/sign-in.html"))
}

/// The server that this account runs on this machine: it leaves its URL and the operator's token in
/// its data directory.
fn local_server() -> Result<Option<Context>, Failure> {
    let Some(directory) = local_directory() else { return Ok(None) };
    let (Some(endpoint), Some(token)) =
        (read(&directory.join("endpoint"))?, read(&directory.join("operator-token"))?)
    else {
        return Ok(None);
    };
    Ok(Some(Context { endpoint, token: token.into(), ca: None }))
}

/// The data directory of that server.
fn local_directory() -> Option<PathBuf> {
    // The server's own variable for it.
    match variable("MOSAIC_DATA_DIR") {
        Some(directory) => Some(PathBuf::from(directory)),
        None if rustix::process::geteuid().is_root() => Some(PathBuf::from("/var/lib/mosaic")),
        None => base("XDG_DATA_HOME", ".local/share").map(|base| base.join("mosaic")),
    }
}

/// Refuses to show a terminal in itself: it would show that it shows that, for ever.
pub(crate) fn require_elsewhere(terminal_id: &str) -> Result<(), Failure> {
    // The server gives it to every program in a terminal.
    if variable("MOSAIC_TERMINAL_ID").is_some_and(|here| here == terminal_id) {
        return Err(Failure::usage("this is that terminal: shown in itself, it would show that for ever"));
    }
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

/// The trimmed text of a file, none if it does not exist.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

/// The size of the window around this program: columns and rows. A terminal that was never told its size (0x0, as under
/// some tools that script programs) has none to pass on.
pub(crate) fn window() -> Option<(u32, u32)> {
    let (cols, rows) = crossterm::terminal::size().ok()?;
    (cols > 0 && rows > 0).then(|| (cols.into(), rows.into()))
}
