//! The model server: a fake one, in a process of its own, so that its processor time is nobody else's.
//!
//! It must not know who asks it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// One piece of text, as the fake has it.
pub(super) const WORD_BYTES: usize = "word ".len();
/// Tokens of an answer whose first one is timed.
pub(super) const FIRST_TOKENS: usize = 3;
/// Tokens of an answer at a pace, and their pace.
pub(super) const PACED_TOKENS: u32 = 500;
pub(super) const PACE: u32 = 100;
/// Tokens of all answers together that come as fast as they are taken.
pub(super) const FAST_TOKENS: usize = 204_800;

/// A fake model server. Its models:
///
/// - `first`: few tokens, at 200 a second;
/// - `paced`: [`PACED_TOKENS`] at [`PACE`];
/// - `fast-N`: one Nth of [`FAST_TOKENS`];
/// - `open`: one token, and then nothing for ever.
pub(super) struct Fake {
    process: Child,
    /// `127.0.0.1:port`
    pub(super) address: String,
}

impl Fake {
    /// Starts the `fake-llm` that was built beside this program.
    pub(super) async fn start(streams: &[usize]) -> Result<Self> {
        let mut script = tempfile::NamedTempFile::new()?;
        script.write_all(models(streams).as_bytes())?;
        let program = std::env::current_exe()?.with_file_name("fake-llm");
        ensure!(program.exists(), "build it first: cargo build --release -p test-support");
        let mut process = Command::new(program)
            .arg("--script")
            .arg(script.path())
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("the fake has no output")?;
        let mut fake = Self { process, address: String::new() };
        let line = tokio::task::spawn_blocking(move || BufReader::new(output).lines().next()).await?;
        let line = line.context("the fake did not start")??;
        let address = line.strip_prefix("listening on http://").context("the fake says something else")?;
        address.clone_into(&mut fake.address);
        Ok(fake)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every token in a frame and a write of its own, as real servers have it.
fn models(streams: &[usize]) -> String {
    let mut script = format!(
        "[[models.first]]\ntokens_per_second = 200\nsteps = [{{ words = {FIRST_TOKENS} }}]\n\
         [[models.paced]]\ntokens_per_second = {PACE}\nsteps = [{{ words = {PACED_TOKENS} }}]\n\
         [[models.open]]\nending = \"stall\"\nsteps = [{{ words = 1 }}]\n"
    );
    for streams in streams {
        let words = FAST_TOKENS / streams;
        script += &format!("[[models.fast-{streams}]]\nsteps = [{{ words = {words} }}]\n");
    }
    script
}
