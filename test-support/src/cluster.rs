//! The throw-away cluster that all tests of this machine's user share, and the databases cloned in it.
//!
//! It must not know what the schema means: it applies `migrations/` once and copies.
//!
//! The cluster lives as long as a test process holds the lock `users`: a small shell script beside it waits for
//! that lock and then stops it. So neither a crash nor Ctrl-C leaves a database behind, and nobody has to start
//! one by hand. `MOSAIC_TEST_DATABASE_URL` names another cluster to use instead; its user must be a superuser.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use refinery::Runner;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::{account, place, postgres};

/// The schema, read when the tests run: a changed file is never an old one.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");

/// Starts the cluster, says so, and stops it when no test process is left.
const SUPERVISOR: &str = r#"
bin=$1 data=$2 sockets=$3 users=$4
"$bin/pg_ctl" -D "$data" -l "$sockets/log" -w -o "-k $sockets -h '' -c max_connections=400 -c fsync=off \
  -c synchronous_commit=off -c full_page_writes=off -c unix_socket_permissions=0700" start >"$sockets/start" 2>&1 ||
  { cat "$sockets/start" "$sockets/log"; exit 1; }
echo ready
exec >/dev/null 2>&1 9>"$users"
flock --exclusive 9
"$bin/pg_ctl" -D "$data" -m fast -w stop
"#;

/// The cluster, and the lock that keeps it alive until this process ends.
#[derive(Debug)]
struct Cluster {
    /// Address with `{}` for the name of the database.
    pattern: String,
    template: String,
    _in_use: Option<File>,
}

/// A database of one test's own. Dropped by [`Database::drop_it`].
#[derive(Clone, Debug)]
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

impl Database {
    /// Clones the migrated template.
    pub(crate) async fn create() -> Result<Self> {
        let cluster = CLUSTER.get_or_try_init(Cluster::find).await?;
        let name = format!("t_{}", postgres::short_name());
        let admin = connect(&cluster.url("postgres")).await?;
        let template = &cluster.template;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
            .await?;
        let database = Self { url: cluster.url(&name), name };
        // A copy is another database: what was started for one is not the other's.
        let own = connect(&database.url).await?;
        own.batch_execute("UPDATE database_identity SET id = gen_random_uuid()").await?;
        Ok(database)
    }

    /// Drops it with whoever is still connected.
    pub(crate) async fn drop_it(&self) -> Result<()> {
        let cluster = CLUSTER.get().context("no cluster")?;
        let admin = connect(&cluster.url("postgres")).await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await?;
        Ok(())
    }
}

impl Cluster {
    async fn find() -> Result<Self> {
        let (pattern, in_use) = match std::env::var("MOSAIC_TEST_DATABASE_URL") {
            Ok(url) => (pattern_of(&url)?, None),
            Err(_) => {
                let (pattern, in_use) = tokio::task::spawn_blocking(start).await??;
                (pattern, Some(in_use))
            }
        };
        let mut cluster = Self { pattern, template: String::new(), _in_use: in_use };
        cluster.template = cluster.migrated_template().await?;
        Ok(cluster)
    }

    fn url(&self, database: &str) -> String {
        self.pattern.replacen("{}", database, 1)
    }

    /// Makes the template of these migrations, unless another test process has.
    async fn migrated_template(&self) -> Result<String> {
        let migrations = refinery::load_sql_migrations(MIGRATIONS)?;
        let mut hasher = DefaultHasher::new();
        for migration in &migrations {
            migration.checksum().hash(&mut hasher);
        }
        let template = format!("template_{:016x}", hasher.finish());
        let admin = connect(&self.url("postgres")).await?;
        // Held until this connection ends: one process at a time.
        admin.batch_execute("SELECT pg_advisory_lock(7305418)").await?;
        let there = admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await?;
        if there.is_none() {
            let half = format!("{template}_making");
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {half} WITH (FORCE)")).await?;
            admin.batch_execute(&format!("CREATE DATABASE {half} TEMPLATE template0")).await?;
            let mut client = connect(&self.url(&half)).await?;
            Runner::new(&migrations).run_async(&mut client).await.context("apply migrations/")?;
            drop(client);
            // Renaming needs the connection above to be gone; FORCE does not exist for it.
            admin
                .batch_execute(&format!(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{half}'"
                ))
                .await?;
            admin.batch_execute(&format!("ALTER DATABASE {half} RENAME TO {template}")).await?;
        }
        Ok(template)
    }
}

/// Puts `{}` in the place of the database's name.
fn pattern_of(url: &str) -> Result<String> {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = address
        .rsplit_once('/')
        .filter(|(server, _)| server.contains("//"))
        .context("MOSAIC_TEST_DATABASE_URL must look like postgresql://user@host/postgres")?;
    Ok(if options.is_empty() { format!("{server}/{{}}") } else { format!("{server}/{{}}?{options}") })
}

/// Joins the users of the shared cluster, starting it if nobody has. Returns its address and the lock to hold.
fn start() -> Result<(String, File)> {
    let bin = postgres::binaries()?;
    let directory = place::base()?.join("cluster");
    place::directory(&directory, 0o700)?;
    let pattern = postgres::url(&directory, "{}");
    // While a supervisor stops the cluster it holds this lock exclusively: wait until it is done.
    let in_use = place::lock_file(&directory.join("users"))?;
    in_use.lock_shared()?;
    let starting = place::lock_file(&directory.join("starting"))?;
    starting.lock()?;
    if directory.join(".s.PGSQL.5432").exists()
        && std::os::unix::net::UnixStream::connect(directory.join(".s.PGSQL.5432")).is_ok()
    {
        return Ok((pattern, in_use));
    }
    let data = data_directory(&directory, &bin)?;
    supervise(&bin, &data, &directory)?;
    Ok((pattern, in_use))
}

/// The data directory for this boot of the machine and these binaries: without fsync, no cluster outlives a power cut.
fn data_directory(directory: &Path, bin: &Path) -> Result<PathBuf> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("read the boot id")?;
    let mut hasher = DefaultHasher::new();
    (boot, bin).hash(&mut hasher);
    let data = directory.join(format!("data-{:016x}", hasher.finish()));
    for entry in fs::read_dir(directory)?.flatten() {
        let stale = entry.file_name().to_string_lossy().starts_with("data-") && entry.path() != data;
        if stale {
            fs::remove_dir_all(entry.path())?;
        }
    }
    if !data.join("PG_VERSION").exists() {
        let fresh = directory.join("data-fresh");
        postgres::init(bin, &fresh)?;
        fs::rename(&fresh, &data)?;
    }
    Ok(data)
}

/// Starts the supervisor and waits for its word.
fn supervise(bin: &Path, data: &Path, directory: &Path) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let mut supervisor = account()?
        .command("/bin/sh")
        .args(["-euc", SUPERVISOR, "supervisor"])
        .args([bin, data, directory, &directory.join("users")])
        // Ctrl-C in the test run must reach it only through the lock.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start the supervisor of the test database")?;
    let answers = supervisor.stdout.take().context("the supervisor has no output")?;
    let mut said = String::new();
    for line in BufReader::new(answers).lines() {
        let line = line?;
        if line == "ready" {
            return Ok(());
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the test database did not start: {said}")
}

/// A connection that a task of this runtime drives until the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.with_context(|| format!("connect to {url}"))?;
    tokio::spawn(connection);
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_tests_have_two_databases_with_the_schema() -> Result<()> {
        let (one, two) = tokio::try_join!(Database::create(), Database::create())?;
        let identity = async |database: &Database| {
            let row = connect(&database.url)
                .await?
                .query_one("SELECT id::text FROM database_identity", &[])
                .await?;
            anyhow::Ok(row.get::<_, String>(0))
        };
        assert_ne!(identity(&one).await?, identity(&two).await?);
        one.drop_it().await?;
        two.drop_it().await?;
        assert!(connect(&one.url).await.is_err(), "a dropped database answers");
        Ok(())
    }

    #[test]
    fn a_given_address_becomes_a_pattern() -> Result<()> {
        assert_eq!(pattern_of("postgresql://u@h:1/postgres")?, "postgresql://u@h:1/{}");
        assert_eq!(pattern_of("postgresql:///postgres?host=/run")?, "postgresql:///{}?host=/run");
        assert!(pattern_of("host=/run").is_err());
        Ok(())
    }
}
