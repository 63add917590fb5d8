//! Running `mosaic`: with pipes, and in a pseudo-terminal.
//!
//! It knows nothing about what the tests look for.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use test_support::Server;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::ChildStdout,
    time::timeout,
};

/// Longer than anything takes on a slow machine: a test that hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub(crate) const MOSAIC: &str = env!("CARGO_BIN_EXE_mosaic");

/// `mosaic` with the server and the token of a test in its environment, and nothing else.
pub(crate) struct Mosaic {
    environment: Vec<(String, String)>,
    /// HOME, so that no context of whoever runs the tests is seen.
    pub(crate) home: tempfile::TempDir,
}

/// What a run of it left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Mosaic {
    /// As the operator of the server.
    pub(crate) fn operator(server: &Server) -> Result<Self> {
        Self::new(&[("MOSAIC_ENDPOINT", &server.endpoint()), ("MOSAIC_TOKEN", &server.token()?)])
    }

    /// The same with these variables beside the server's.
    pub(crate) fn operator_with(server: &Server, environment: &[(&str, &str)]) -> Result<Self> {
        let (endpoint, token) = (server.endpoint(), server.token()?);
        let mut all = vec![("MOSAIC_ENDPOINT", endpoint.as_str()), ("MOSAIC_TOKEN", token.as_str())];
        all.extend(environment);
        Self::new(&all)
    }

    /// With these variables.
    pub(crate) fn new(environment: &[(&str, &str)]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut all = vec![
            ("PATH".to_owned(), std::env::var("PATH")?),
            ("HOME".to_owned(), home.path().display().to_string()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            // No server that may run on this machine is the local one.
            ("MOSAIC_DATA_DIR".to_owned(), home.path().display().to_string()),
        ];
        all.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Ok(Self { environment: all, home })
    }

    /// A command with these arguments, from a directory that every account can enter.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(MOSAIC);
        command.env_clear().envs(self.environment.clone()).current_dir("/").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        self.run_with(arguments, "").await
    }

    /// Runs it to its end with this on standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Result<Ran> {
        let mut command = tokio::process::Command::from(self.command(arguments));
        let mut child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = timeout(PATIENCE, child.wait_with_output())
            .await
            .with_context(|| format!("{arguments:?} does not end"))??;
        Ok(Ran {
            code: output.status.code().context("a signal ended it")?,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs it to its end and expects success: what it printed.
    pub(crate) async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let ran = self.run(arguments).await?;
        ensure!(ran.code == 0, "{arguments:?}: {ran:?}");
        Ok(ran.stdout)
    }

    /// The same, as one JSON object.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        let stdout = self.ok(&all).await?;
        serde_json::from_str(&stdout).with_context(|| format!("{arguments:?} printed {stdout:?}"))
    }

    /// The same, as one object a line.
    pub(crate) async fn json_lines(&self, arguments: &[&str]) -> Result<Vec<serde_json::Value>> {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        let stdout = self.ok(&all).await?;
        stdout.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Runs it while its output is read line by line.
    pub(crate) fn piped(&self, arguments: &[&str]) -> Result<Piped> {
        let mut child = tokio::process::Command::from(self.command(arguments)).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Piped { child, lines: Some(BufReader::new(stdout).lines()) })
    }

    /// Runs it in a pseudo-terminal of 80x24.
    pub(crate) fn in_pty(&self, arguments: &[&str]) -> Result<Pty> {
        Pty::run(self, arguments)
    }
}

/// `mosaic` into a pipe. Dropping it kills it.
pub(crate) struct Piped {
    child: tokio::process::Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Piped {
    /// The next line of its output.
    pub(crate) async fn line(&mut self) -> Result<String> {
        let lines = self.lines.as_mut().context("nobody reads any more")?;
        let line = timeout(PATIENCE, lines.next_line()).await.context("no line comes")??;
        line.context("its output has ended")
    }

    /// Reads no more: its next write fails.
    pub(crate) fn hang_up(&mut self) {
        self.lines = None;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        send(self.child.id(), signal)
    }

    /// Waits until it has ended: its exit code, and what it said on standard error.
    pub(crate) async fn ended(mut self) -> Result<(Option<i32>, String)> {
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().context("no standard error")?;
        timeout(PATIENCE, stderr.read_to_string(&mut said)).await.context("it does not end")??;
        let status = timeout(PATIENCE, self.child.wait()).await.context("it does not end")??;
        Ok((status.code(), said))
    }
}

fn send(pid: Option<u32>, signal: Signal) -> Result<()> {
    let pid = pid.and_then(|pid| Pid::from_raw(pid.cast_signed())).context("it has ended")?;
    Ok(kill_process(pid, signal)?)
}

/// `mosaic` in a pseudo-terminal, and what it shows there.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal and its attributes outlive the program.
    _slave: Box<dyn SlavePty + Send>,
    child: Option<Box<dyn Child + Send + Sync>>,
    keyboard: Box<dyn std::io::Write + Send>,
    shown: Arc<Shown>,
    /// How much of it was already looked at.
    seen: usize,
    /// The attributes before the program began.
    pub(crate) attributes: String,
}

#[derive(Default)]
struct Shown {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pty {
    fn run(mosaic: &Mosaic, arguments: &[&str]) -> Result<Self> {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(MOSAIC);
        command.env_clear();
        command.cwd("/");
        command.args(arguments);
        for (name, value) in &mosaic.environment {
            command.env(name, value);
        }
        let shown = Arc::new(Shown::default());
        let (mut reader, screen) = (pair.master.try_clone_reader()?, shown.clone());
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                screen.lock().extend(&buffer[..length]);
                screen.more.notify_all();
            }
        });
        let attributes = format!("{:?}", pair.master.get_termios().context("no attributes")?);
        let child = pair.slave.spawn_command(command)?;
        let keyboard = pair.master.take_writer()?;
        let (master, slave) = (pair.master, pair.slave);
        Ok(Self { master, _slave: slave, child: Some(child), keyboard, shown, seen: 0, attributes })
    }

    /// The terminal's attributes now.
    pub(crate) fn attributes_now(&self) -> Result<String> {
        Ok(format!("{:?}", self.master.get_termios().context("no attributes")?))
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) -> Result<()> {
        self.keyboard.write_all(text.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, cols: u16, rows: u16) -> Result<()> {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
    }

    /// Waits until this is shown, after what was waited for before.
    pub(crate) fn wait_for(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut bytes = self.shown.lock();
        loop {
            let found = bytes[self.seen..].windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                self.seen += at + text.len();
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{text:?} is not shown, but {:?}", String::from_utf8_lossy(&bytes));
            }
            bytes = self.shown.more.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All that was shown.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock()).into_owned()
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        send(self.child.as_ref().and_then(|child| child.process_id()), signal)
    }

    /// Waits until the program has ended: its exit code.
    pub(crate) async fn ended(&mut self) -> Result<u32> {
        let mut child = self.child.take().context("it has ended")?;
        let mut killer = child.clone_killer();
        let waiting = tokio::task::spawn_blocking(move || child.wait());
        match timeout(PATIENCE, waiting).await {
            Ok(status) => {
                let status = status??;
                ensure!(status.signal().is_none(), "a signal ended it: {status:?}");
                Ok(status.exit_code())
            }
            Err(_) => {
                killer.kill()?;
                bail!("it does not end; it shows {:?}", self.shown())
            }
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
