//! Worktrees and the programs behind them, with the real keeper, the real git and an account of their own.
//!
//! It must not know how they are made: it sees what git and the file system tell afterwards.

mod end;
mod make;
mod odd;
mod programs;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mosaic_server::{
    config::{Config, Sources},
    db::{Address, Db, changes::Changes},
    ids::NodeId,
    keeper::accounts::ShellAccount,
    orchestrator::worktree::{Wanted, Worktree, Worktrees},
    terminal::{Link, Terminals},
};
use rustix::process::getuid;
use tempfile::TempDir;
use test_support::{Postgres, server_binary};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Far more than anything here takes: a test that waits for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until there is an answer: a keeper tells nobody when it listens.
pub(crate) async fn soon<T>(ask: impl AsyncFn() -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    loop {
        match ask().await {
            Err(_) if begin.elapsed() < PATIENCE => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

/// The next lines that somebody writes into a named pipe.
pub(crate) async fn lines(pipe: String, count: usize) -> Result<Vec<String>> {
    let read = tokio::task::spawn_blocking(move || {
        // For writing, too: it has no end when a writer leaves.
        let file = fs::File::options().read(true).write(true).open(pipe)?;
        BufReader::new(file).lines().take(count).collect::<std::io::Result<Vec<String>>>()
    });
    Ok(tokio::time::timeout(PATIENCE, read).await???)
}

/// A keeper of a test's own; ends with it.
pub(crate) struct Keeper {
    process: Child,
    pub(crate) dir: PathBuf,
    pub(crate) account: ShellAccount,
    files: TempDir,
}

impl Keeper {
    /// Starts it: run by root, it runs programs as another user.
    pub(crate) fn start() -> Result<Self> {
        Self::start_as(Command::new(server_binary()?))
    }

    fn start_as(command: Command) -> Result<Self> {
        let account = if getuid().is_root() {
            test_support::product_accounts()?;
            ShellAccount::named("mosaic-shell")?
        } else {
            ShellAccount::current()?
        };
        let files = TempDir::with_prefix("mosaic-trees-")?;
        fs::set_permissions(files.path(), fs::Permissions::from_mode(0o755))?;
        let dir = files.path().join("keeper");
        fs::create_dir(&dir)?;
        let process = Self::process(command, &dir, &account)?;
        let keeper = Self { process, dir, account, files };
        for name in ["home", "worktrees"] {
            keeper.own_directory(name)?;
        }
        Ok(keeper)
    }

    /// Kills it and starts another in its place.
    pub(crate) fn replace(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = Self::process(Command::new(server_binary()?), &self.dir, &self.account)?;
        Ok(())
    }

    fn process(mut command: Command, dir: &Path, account: &ShellAccount) -> Result<Child> {
        command.arg("keeper").arg("--dir").arg(dir).args(["--shell-user", &account.name]);
        Ok(command.args(["--peer-uid", &getuid().as_raw().to_string()]).spawn()?)
    }

    fn own_directory(&self, name: &str) -> Result<()> {
        let path = self.files.path().join(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(chown(&path, Some(self.account.uid), Some(self.account.gid))?)
    }

    /// The directory that belongs to the user of the programs.
    pub(crate) fn home(&self) -> String {
        self.files.path().join("home").display().to_string()
    }

    /// Runs a script there, as that user; answers what it printed.
    pub(crate) fn sh(&self, script: &str) -> Result<String> {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).env_clear().current_dir(self.home());
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.home()).env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [("NAME", "Tester"), ("EMAIL", "tester@localhost")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        if getuid().is_root() {
            command.uid(self.account.uid).gid(self.account.gid);
        }
        let output = command.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        ensure!(output.status.success(), "{script}: {}{}", text(&output.stdout), text(&output.stderr));
        Ok(text(&output.stdout))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Everything that worktrees stand on.
pub(crate) struct World {
    pub(crate) keeper: Keeper,
    pub(crate) trees: Worktrees,
    _postgres: Postgres,
}

impl World {
    /// Starts it, with a repository `repo` of one commit in which `a` and `b` are tracked and `*.log` is ignored.
    pub(crate) async fn start() -> Result<Self> {
        let keeper = Keeper::start()?;
        keeper.sh(
            "git init -q -b main repo && cd repo && echo one > a && echo two > b && echo '*.log' > .gitignore
             git add . && git commit -qm first",
        )?;
        Self::with(keeper).await
    }

    pub(crate) async fn with(keeper: Keeper) -> Result<Self> {
        let postgres = Postgres::start().await?;
        let data = keeper.files.path().join("data");
        let variables = [
            ("HOME", keeper.home()),
            ("MOSAIC_DATA_DIR", data.display().to_string()),
            ("DATABASE_URL", postgres.url()),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into())).to_vec();
        let config = Config::load(&Sources { file: None, variables, flags: Vec::new(), root: false })?;
        fs::create_dir_all(&config.data.dir)?;
        let url = config.database.url.clone().context("no database")?;
        let db = Db::open(&Address::Url(url), &config.database).await?;
        let (changes, _) = Changes::start(db.clone(), &config.events);
        let terminals = soon(async || {
            let link = Link { dir: keeper.dir.clone(), start: None, database: db.identity() };
            let shared = (db.clone(), changes.clone());
            let io = tokio::runtime::Handle::current();
            let stop = CancellationToken::new();
            let account = keeper.account.clone();
            Ok(Terminals::start(&config, shared, NodeId::new(), account, link, io, stop).await?)
        })
        .await?;
        let trees = Worktrees::new(Arc::new(terminals), keeper.files.path().join("worktrees"));
        Ok(Self { keeper, trees, _postgres: postgres })
    }

    pub(crate) fn sh(&self, script: &str) -> Result<String> {
        self.keeper.sh(script)
    }

    /// A directory in the home.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.keeper.home())
    }

    /// What an agent of this name wants of a repository.
    pub(crate) async fn want(&self, repository: &str, name: &str) -> Result<Wanted> {
        let repository = self.at(repository);
        let commit = self.trees.check(&repository, "").await?.commit;
        Ok(Wanted { key: Uuid::now_v7(), name: name.to_owned(), repository, commit })
    }

    /// A worktree of `repo`.
    pub(crate) async fn tree(&self, name: &str) -> Result<Worktree> {
        Ok(self.trees.create(&self.want("repo", name).await?).await?)
    }

    /// Runs a script in a worktree.
    pub(crate) fn inside(&self, tree: &Worktree, script: &str) -> Result<String> {
        self.sh(&format!("cd {}; {script}", tree.path.display()))
    }

    /// True if the directory is there.
    pub(crate) fn has(&self, tree: &Worktree) -> bool {
        tree.path.exists() || tree.path.with_extension("gone").exists()
    }
}
