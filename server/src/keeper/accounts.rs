//! The account that terminals run under, and acting as it.
//!
//! It knows nothing about processes or terminals.

#![expect(unsafe_code, reason = "fork and changing the uid have no safe wrapper")]

use std::ffi::CString;

use rustix::process::getuid;

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

    /// Runs `act` as this account: in a process of its own that gives up everything else first, so that the kernel
    /// checks what may be signalled. (An effective uid alone would not do: a sender's *real* uid counts, too.) Answers
    /// the error number that `act` answers, 0 for none. Only for a process with one thread.
    pub fn as_shell_user(&self, act: impl FnOnce() -> i32) -> i32 {
        if !self.must_switch() {
            return act();
        }
        // SAFETY: this process has one thread, so the child may do what this one may; it ends without unwinding.
        match unsafe { libc::fork() } {
            -1 => libc::EAGAIN,
            0 => {
                let errno = if self.give_up_everything_else() { act() } else { libc::EPERM };
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(errno) }
            }
            child => {
                let mut status = 0;
                // SAFETY: `status` is there for the kernel to fill.
                while unsafe { libc::waitpid(child, &raw mut status, 0) } == -1 {
                    if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                        return libc::ECHILD;
                    }
                }
                if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { libc::EINTR }
            }
        }
    }

    fn give_up_everything_else(&self) -> bool {
        // SAFETY: system calls on this process alone, with a pointer into a live value.
        unsafe {
            libc::setgroups(self.groups.len(), self.groups.as_ptr()) == 0
                && libc::setresgid(self.gid, self.gid, self.gid) == 0
                && libc::setresuid(self.uid, self.uid, self.uid) == 0
        }
    }
}
