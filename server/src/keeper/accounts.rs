//! The account that terminals run under, and acting as it.
//!
//! It knows nothing about processes or terminals.

use std::ffi::CString;

use rustix::process::{geteuid, getuid};

/// A user of the system, as the password database tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellAccount {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Home directory.
    pub home: String,
    /// Login shell; `/bin/sh` where the account has none that logs in.
    pub shell: String,
}

/// Why there is no such account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is not in the password database.
    #[error(
        "there is no user {0:?} on this machine; create it or name another in [accounts] of the configuration"
    )]
    Unknown(String),
    /// The password database could not be read.
    #[error("the user database could not be read")]
    Lookup(#[from] nix::Error),
}

impl ShellAccount {
    /// Looks up a user by name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn named(name: &str) -> Result<Self, Error> {
        nix::unistd::User::from_name(name)?
            .ok_or_else(|| Error::Unknown(name.to_owned()))
            .map(Self::from_user)
    }

    /// The user that this process runs as.
    ///
    /// # Errors
    /// [`Error`].
    pub fn current() -> Result<Self, Error> {
        let uid = getuid().as_raw();
        nix::unistd::User::from_uid(uid.into())?
            .ok_or_else(|| Error::Unknown(format!("with uid {uid}")))
            .map(Self::from_user)
    }

    fn from_user(user: nix::unistd::User) -> Self {
        let groups = CString::new(user.name.clone())
            .ok()
            .and_then(|name| nix::unistd::getgrouplist(&name, user.gid).ok())
            .map_or_else(|| vec![user.gid.as_raw()], |groups| groups.iter().map(|g| g.as_raw()).collect());
        let shell = user.shell.to_string_lossy().into_owned();
        let no_login = shell.is_empty() || shell.ends_with("/nologin") || shell.ends_with("/false");
        Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            groups,
            home: user.dir.to_string_lossy().into_owned(),
            shell: if no_login { "/bin/sh".to_owned() } else { shell },
        }
    }

    /// True if a child must be given this account, because this process has another.
    pub fn must_switch(&self) -> bool {
        getuid().as_raw() != self.uid
    }

    /// Runs `act` with this account's effective uid and without capabilities, so that the kernel checks what may be
    /// signalled. Only for a process with one thread: the uid belongs to all of them.
    pub fn as_shell_user<R>(&self, act: impl FnOnce() -> R) -> R {
        if !geteuid().is_root() || self.uid == 0 {
            return act();
        }
        // Without the switch this would signal with root's power, and without the way back it could spawn nobody:
        // in both cases a new keeper that takes over from the server is better.
        if nix::unistd::seteuid(self.uid.into()).is_err() {
            std::process::abort();
        }
        let result = act();
        if nix::unistd::seteuid(0.into()).is_err() {
            std::process::abort();
        }
        result
    }
}
