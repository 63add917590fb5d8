//! The private PostgreSQL: made, killed, left behind, adopted, refused.
//!
//! It knows nothing about the tables in it. Other modules' tests borrow [`Scratch`].

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use futures_util::FutureExt as _;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::*;
use crate::{
    config::{Flag, Sources},
    db::connect,
};

/// A directory for a PostgreSQL, gone with the value.
pub(crate) struct Scratch {
    _dir: Option<TempDir>,
    pub(crate) config: Config,
    pub(crate) owner: Option<Owner>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("mosaic-test-").tempdir().unwrap();
        let scratch = Self::at(dir.path());
        Self { _dir: Some(dir), ..scratch }
    }

    fn at(dir: &Path) -> Self {
        let flag = |name, key, value: PathBuf| Flag { name, key, value: value.display().to_string() };
        let flags = vec![
            flag("--data-dir", "data.dir", dir.to_owned()),
            flag("--run-dir", "data.run_dir", dir.join("run")),
        ];
        // PostgreSQL refuses root; this account is on every system.
        let owner = rustix::process::geteuid().is_root().then_some((65534, 65534));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        Self { _dir: None, config, owner }
    }

    pub(crate) async fn start(&self) -> Embedded {
        Embedded::start(&self.config, self.owner).await.unwrap()
    }

    /// As the server starts it, but with these flags too.
    async fn command(&self, flags: &[&str]) -> Command {
        let cluster = Cluster::prepare(&self.config, self.owner).await.unwrap();
        let mut command = binaries::command(&cluster.binaries.directory.join("postgres"), self.owner);
        command
            .arg("-D")
            .arg(&cluster.data)
            .arg("-k")
            .arg(&cluster.sockets)
            .args(flags)
            .stderr(Stdio::null());
        command
    }

    /// Without the server: on a port of its own, with TLS.
    pub(crate) async fn start_with_tls(&self, certificate: &str, key: &str) -> (u16, impl Drop + use<>) {
        let mut command = self
            .command(&["-c", "ssl=on", "-c", "ssl_cert_file=tls.crt", "-c", "ssl_key_file=tls.key"])
            .await;
        for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
            let path = self.config.data.postgres().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            chown(&path, self.owner.map(|(uid, _)| uid), None).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        let process = Process::spawn(command).await.unwrap();
        let address = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let address = Address::Url(address.parse().unwrap());
        let ready = async {
            while connect::data_directory(&address).await.is_err() {
                assert!(process.ended().now_or_never().is_none(), "it does not start with TLS");
                tokio::task::yield_now().await;
            }
        };
        time::timeout(Duration::from_secs(60), ready).await.unwrap();
        (port, process)
    }

    fn postmaster(&self) -> Pid {
        let text = fs::read_to_string(self.config.data.postgres().join("postmaster.pid")).unwrap();
        Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
    }
}

async fn statement(embedded: &Embedded, sql: &str) {
    connect::alone(&embedded.connection()).await.unwrap().client.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn it_is_made_once_and_keeps_what_was_written() {
    let scratch = Scratch::new();
    // What an interrupted first start leaves.
    fs::create_dir_all(scratch.config.data.dir.join("postgres.new/base")).unwrap();
    let first = scratch.start().await;
    statement(&first, "CREATE TABLE kept ()").await;
    let second = Embedded::start(&scratch.config, scratch.owner).await.err().unwrap();
    assert!(
        matches!(second, Error::InUse { ref pid, .. } if *pid == std::process::id().to_string()),
        "{second}"
    );
    first.stop().await;
    assert!(!scratch.config.data.postgres().join("postmaster.pid").exists(), "it was not stopped cleanly");

    let made_by = fs::read_to_string(scratch.config.data.postgres().join("mosaic-binaries")).unwrap();
    assert!(Path::new(made_by.trim()).join("initdb").exists(), "{made_by}");
    let again = scratch.start().await;
    statement(&again, "SELECT FROM kept").await;
    again.stop().await;
}

#[tokio::test]
async fn it_comes_back_when_it_is_killed() {
    let scratch = Scratch::new();
    let embedded = scratch.start().await;
    statement(&embedded, "CREATE TABLE kept ()").await;
    let former = scratch.postmaster();
    kill_process(former, Signal::KILL).unwrap();
    let back = async {
        while connect::data_directory(&embedded.connection()).await.is_err() || scratch.postmaster() == former
        {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(Duration::from_secs(60), back).await.unwrap();
    statement(&embedded, "SELECT FROM kept").await;
    embedded.stop().await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_followed_by_the_next() {
    let scratch = Scratch::new();
    for round in 0..3 {
        let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::server", "--ignored", "--nocapture"])
            .env("MOSAIC_TEST_DATA", &scratch.config.data.dir)
            .env("MOSAIC_TEST_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap().expect("the server ended before it was ready");
            if line.contains("server is ready") {
                break;
            }
        }
        let pid = scratch.postmaster();
        let postgres = Process::adopt(pid, pidfd_open(pid, PidfdFlags::empty()).unwrap()).unwrap();
        server.kill().await.unwrap();
        // Nobody is left to stop it: it goes by itself.
        time::timeout(Duration::from_secs(60), postgres.ended()).await.unwrap();
    }
    let embedded = scratch.start().await;
    statement(&embedded, "SELECT FROM kept0, kept1, kept2").await;
    embedded.stop().await;
}

#[tokio::test]
#[ignore = "a process of the test above, not a test"]
async fn server() {
    let data = std::env::var_os("MOSAIC_TEST_DATA").unwrap();
    let round = std::env::var("MOSAIC_TEST_ROUND").unwrap();
    let embedded = Scratch::at(Path::new(&data)).start().await;
    statement(&embedded, &format!("CREATE TABLE kept{round} ()")).await;
    println!("server is ready");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn one_that_was_left_behind_is_adopted() {
    let scratch = Scratch::new();
    let mut orphan = scratch.command(&["-h", ""]).await.spawn().unwrap();
    // The claim is in the file some time before the socket answers: the start waits for it.
    while !scratch.config.data.postgres().join("postmaster.pid").exists() {
        tokio::task::yield_now().await;
    }
    let embedded = scratch.start().await;
    assert_eq!(scratch.postmaster().as_raw_nonzero().get().unsigned_abs(), orphan.id(), "it was replaced");
    embedded.stop().await;
    assert!(orphan.wait().unwrap().success(), "it was not stopped cleanly");
}

#[tokio::test]
async fn a_long_path_has_its_socket_elsewhere() {
    let short = Scratch::new();
    let scratch = Scratch::at(&short.config.data.dir.join("d".repeat(100)));
    // Nobody else could enter the directory above it.
    Cluster::prepare(&short.config, short.owner).await.unwrap();
    let embedded = scratch.start().await;
    let Address::Socket(sockets) = embedded.connection() else { panic!("not a socket") };
    assert!(sockets.starts_with("/tmp") && sockets.as_os_str().len() <= 93, "{}", sockets.display());
    assert_eq!(fs::metadata(&sockets).unwrap().permissions().mode() & 0o777, 0o700);
    embedded.stop().await;
    fs::remove_dir(&sockets).unwrap();
    // Whoever guesses the name must not get between server and database.
    symlink(&short.config.data.dir, &sockets).unwrap();
    let error = Embedded::start(&scratch.config, scratch.owner).await.err().unwrap();
    fs::remove_file(&sockets).unwrap();
    assert!(error.to_string().contains("belongs to somebody else"), "{error}");
}

#[tokio::test]
async fn files_of_another_version_are_refused() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.config.data.postgres()).unwrap();
    fs::write(scratch.config.data.postgres().join("PG_VERSION"), "9\n").unwrap();
    let error = Embedded::start(&scratch.config, scratch.owner).await.err().unwrap();
    assert!(matches!(error, Error::WrongMajor { major: 9, .. }), "{error}");
}

#[tokio::test]
async fn root_needs_another_account() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let error = Embedded::start(&Scratch::new().config, None).await.err().unwrap();
    assert!(matches!(error, Error::Root), "{error}");
}
