//! PostgreSQL clusters that tests start and stop.
//!
//! It must not know what is stored in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::{account, place};

/// The server programs of one PostgreSQL installation.
pub(crate) fn binaries() -> Result<PathBuf> {
    let from_environment = std::env::var_os("MOSAIC_PG_BIN").map(PathBuf::from);
    let from_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort();
    from_environment
        .into_iter()
        .chain(from_path)
        .chain(debian.into_iter().rev().map(|(_, path)| path))
        // A link in PATH may lead to a directory with all of them.
        .filter_map(|directory| Some(fs::canonicalize(directory.join("initdb")).ok()?.parent()?.to_owned()))
        .find(|directory| directory.join("postgres").is_file())
        .context("no PostgreSQL found: install the package `postgresql`, or set MOSAIC_PG_BIN to its bin directory")
}

/// Runs a command and turns a failure into an error with what it printed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("run {:?}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "{:?} failed ({}): {}{}",
        command.get_program(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes a cluster in `data`, which must not exist.
pub(crate) fn init(bin: &Path, data: &Path) -> Result<()> {
    run(account()?.command(bin.join("initdb")).arg("-D").arg(data).args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]))
    .context("make a database cluster")
}

/// The address of a database of a cluster that listens in `sockets`.
pub(crate) fn url(sockets: &Path, database: &str) -> String {
    format!("postgresql:///{database}?host={}&user=postgres", sockets.display())
}

/// A cluster of a test's own, with durable commits, that can be stopped and started: the database going away.
/// Dropping it ends and deletes it.
#[derive(Debug)]
pub struct Postgres {
    files: Files,
}

/// Where a cluster is, and what runs it.
#[derive(Clone, Debug)]
struct Files {
    bin: PathBuf,
    /// Holds `data`, the sockets and the log.
    directory: PathBuf,
    options: &'static str,
}

impl Postgres {
    /// Makes and starts a cluster. Takes a second or more.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// The same for measures: its commits do not wait for the disk. What it holds may not outlive the machine.
    pub async fn start_without_flush() -> Result<Self> {
        Self::start_with("-c fsync=off").await
    }

    async fn start_with(options: &'static str) -> Result<Self> {
        tokio::task::spawn_blocking(move || {
            let directory = place::base()?.join(format!("pg-{}", short_name()));
            place::directory(&directory, 0o700)?;
            let cluster = Self { files: Files { bin: binaries()?, directory, options } };
            init(&cluster.files.bin, &cluster.files.directory.join("data"))?;
            cluster.files.control(&["-w", "start"])?;
            Ok(cluster)
        })
        .await?
    }

    /// The address of its database `postgres`.
    pub fn url(&self) -> String {
        url(&self.files.directory, "postgres")
    }

    /// The address for one user of several, who can be [shut out](Self::shut_out).
    pub async fn url_as(&self, user: &str) -> Result<String> {
        self.sql(&format!("CREATE ROLE {user} SUPERUSER LOGIN")).await?;
        Ok(self.url().replace("user=postgres", &format!("user={user}")))
    }

    /// Cuts one user's connections and lets that one make no new ones.
    pub async fn shut_out(&self, user: &str) -> Result<()> {
        self.sql(&format!("ALTER ROLE {user} NOLOGIN")).await?;
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");
        self.sql(&cut).await
    }

    /// Lets one user in again.
    pub async fn let_in(&self, user: &str) -> Result<()> {
        self.sql(&format!("ALTER ROLE {user} LOGIN")).await
    }

    async fn sql(&self, statements: &str) -> Result<()> {
        Ok(crate::cluster::connect(&self.url()).await?.batch_execute(statements).await?)
    }

    /// Stops it, cutting all connections. Its data stay.
    pub async fn stop(&self) -> Result<()> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || files.control(&["-w", "-m", "fast", "stop"])).await?
    }

    /// Starts it again after [`stop`](Self::stop).
    pub async fn start_again(&self) -> Result<()> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || files.control(&["-w", "start"])).await?
    }
}

impl Files {
    fn control(&self, arguments: &[&str]) -> Result<()> {
        let options =
            format!("-k {} -h '' -c max_connections=100 {}", self.directory.display(), self.options);
        run(account()?
            .command(self.bin.join("pg_ctl"))
            .arg("-D")
            .arg(self.directory.join("data"))
            .arg("-l")
            .arg(self.directory.join("log"))
            .arg("-o")
            .arg(options)
            .args(arguments))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be stopped already; what counts is that nothing is left.
        let _ = self.files.control(&["-w", "-m", "immediate", "stop"]);
        let _ = fs::remove_dir_all(&self.files.directory);
    }
}

/// A name for a directory: short, since sockets lie in it.
pub(crate) fn short_name() -> String {
    Uuid::new_v4().simple().to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::connect;

    #[tokio::test]
    async fn goes_away_and_comes_back_with_its_data() -> Result<()> {
        let postgres = Postgres::start().await?;
        connect(&postgres.url())
            .await?
            .batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
            .await?;
        postgres.stop().await?;
        assert!(connect(&postgres.url()).await.is_err(), "a stopped database answers");
        postgres.start_again().await?;
        let row = connect(&postgres.url()).await?.query_one("SELECT n FROM kept", &[]).await?;
        assert_eq!(row.get::<_, i32>(0), 7);
        Ok(())
    }
}
