//! Under whose uid the programs under test run.
//!
//! It must not know what those programs are.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use nix::unistd::User;

/// The user that a test run by root starts servers and databases as.
const TEST_USER: &str = "mosaic-test";

/// A user of this machine.
#[derive(Clone, Debug)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// True if a command has to change its uid to become this user.
    switch: bool,
}

impl Account {
    /// A command that runs as this user, with a small clean environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.adopt(&mut command);
        command
    }

    /// Makes `command` run as this user, with a small clean environment.
    fn adopt(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", &self.home)
            .env("USER", &self.name)
            .env("LOGNAME", &self.name)
            .env("SHELL", "/bin/bash")
            .env("LANG", "C.UTF-8")
            .env("RUST_BACKTRACE", "1")
            .current_dir("/");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives a file or directory to this user.
    pub(crate) fn own(&self, path: &std::path::Path) -> Result<()> {
        if self.switch {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("chown {} to {}", path.display(), self.name))?;
        }
        Ok(())
    }
}

/// Who runs the servers and databases under test: whoever runs the test, or `mosaic-test` if that is root.
pub fn account() -> Result<&'static Account> {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    if let Some(account) = ACCOUNT.get() {
        return Ok(account);
    }
    let root = rustix::process::geteuid().is_root();
    let user = if root {
        user_named(TEST_USER, &["--create-home", "--shell", "/bin/bash"])?
    } else {
        User::from_uid(nix::unistd::geteuid())?.context("this user has no line in /etc/passwd")?
    };
    let account = Account {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        home: user.dir,
        switch: root,
    };
    Ok(ACCOUNT.get_or_init(|| account))
}

/// Makes the two users that a server started as root needs: one for itself, one for the shells.
pub fn product_accounts() -> Result<()> {
    user_named("mosaic", &["--system", "--home-dir", "/var/lib/mosaic", "--shell", "/usr/sbin/nologin"])?;
    user_named("mosaic-shell", &["--create-home", "--shell", "/bin/bash"])?;
    Ok(())
}

/// Finds a user or makes it.
fn user_named(name: &str, options: &[&str]) -> Result<User> {
    if let Some(user) = User::from_name(name)? {
        return Ok(user);
    }
    // useradd looks first and locks then: of two at once the second would replace what the first has made.
    let alone = std::fs::File::open("/etc")?;
    alone.lock()?;
    if User::from_name(name)?.is_none() {
        let output = Command::new("useradd")
            .args(["--user-group", "--comment", "Mosaic"])
            .args(options)
            .arg(name)
            .output()
            .context("useradd (package passwd) is needed to test as root")?;
        ensure!(
            output.status.success(),
            "useradd {name}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    User::from_name(name)?.with_context(|| format!("user {name} is missing after useradd"))
}
