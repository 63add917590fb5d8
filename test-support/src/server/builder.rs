//! How a server under test is started: the program, its settings, its database.
//!
//! It must not know what happens to the server afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Context, Result, ensure};

use super::Server;
use crate::{cluster::Database, place, postgres};

/// Where the program under test is: `MOSAIC_TEST_SERVER_BIN`, or beside this test's own executable.
pub fn server_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MOSAIC_TEST_SERVER_BIN") {
        return Ok(path.into());
    }
    let executable = std::env::current_exe()?;
    // target/<profile>/deps/<test>-<hash>
    let profile = executable.parent().and_then(Path::parent).context("the test lies in no directory")?;
    let binary = profile.join("mosaic-server");
    ensure!(binary.is_file(), "{} is missing: run `cargo build -p mosaic-server`", binary.display());
    Ok(binary)
}

/// What database the server is given.
#[derive(Clone, Debug)]
pub(super) enum Storage {
    /// A clone of the shared template.
    Cloned,
    /// The test's own.
    Given(String),
    /// None: the server runs its own PostgreSQL.
    Embedded,
}

/// What the name of a server's directory begins with.
pub(super) const PLACE: &str = "s-";

/// Settles how a server is started.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) environment: Vec<(String, String)>,
    pub(super) arguments: Vec<String>,
    pub(super) file: String,
    pub(super) storage: Storage,
    pub(super) root: bool,
    pub(super) disk_bytes: Option<u64>,
    pub(super) own_program: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            environment: Vec::new(),
            arguments: Vec::new(),
            file: String::new(),
            storage: Storage::Cloned,
            root: false,
            disk_bytes: None,
            own_program: false,
        }
    }

    /// Sets a configuration key (`"terminal.running_per_workspace_max"`).
    pub fn config(mut self, key: &str, value: impl ToString) -> Self {
        let name = format!("MOSAIC_{}", key.replace('.', "_").to_uppercase());
        self.environment.push((name, value.to_string()));
        self
    }

    /// Gives it this configuration file.
    pub fn config_file(mut self, text: impl Into<String>) -> Self {
        self.file = text.into();
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a command-line argument.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Uses this database instead of a clone of the migrated template.
    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.storage = Storage::Given(url.into());
        self
    }

    /// Uses the database of another server, which must live longer: a second node. Not of one with an embedded one.
    pub fn database_of(self, other: &Server) -> Result<Self> {
        let url = other.database_url().context("the other server runs its own database")?;
        Ok(self.database_url(url))
    }

    /// Gives it no database: it runs its own PostgreSQL.
    pub fn embedded_postgres(mut self) -> Self {
        self.storage = Storage::Embedded;
        self
    }

    /// Starts it as root, as an administrator would. Only a test run by root can.
    pub fn as_root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Starts the server and waits until it listens.
    pub async fn start(mut self) -> Result<Server> {
        if self.root {
            ensure!(rustix::process::geteuid().is_root(), "only root can start a server as root");
            crate::product_accounts()?;
        }
        let database = match self.storage {
            Storage::Cloned => Some(Database::create().await?),
            _ => None,
        };
        super::ending::sweep()?;
        let directory = place::base()?.join(format!("{PLACE}{}", postgres::short_name()));
        place::directory(&directory, 0o755)?;
        let alive = place::lock_file(&directory.join("alive"))?;
        alive.lock()?;
        self.mount(&directory)?;
        if !self.file.is_empty() {
            let file = directory.join("mosaic.toml");
            fs::write(&file, &self.file)?;
            self.arguments.extend(["--config".to_owned(), file.display().to_string()]);
        }
        let mut binary = reachable_binary()?;
        if self.own_program {
            binary = super::disk::copy_program(&binary, &directory)?;
        }
        let server = Server {
            binary,
            how: self,
            directory,
            _alive: alive,
            port: place::port()?,
            database,
            scheme: Mutex::default(),
            process: Mutex::default(),
        };
        server.launch().await?;
        Ok(server)
    }
}

/// The program at a path that the test user can reach: a build directory under a private home is copied.
fn reachable_binary() -> Result<PathBuf> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let binary = server_binary()?;
    let private = |path: &Path| fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o001 == 0);
    let own = !rustix::process::geteuid().is_root();
    if own || !binary.ancestors().any(private) {
        return Ok(binary);
    }
    let data = fs::metadata(&binary)?;
    let directory = place::base()?.join(format!("bin-{}-{}", data.mtime(), data.len()));
    place::directory(&directory, 0o755)?;
    let copying = place::lock_file(&directory.join("copying"))?;
    copying.lock()?;
    let copy = directory.join("mosaic-server");
    if !copy.exists() {
        let half = directory.join("half");
        fs::copy(&binary, &half)?;
        fs::rename(&half, &copy)?;
    }
    Ok(copy)
}
