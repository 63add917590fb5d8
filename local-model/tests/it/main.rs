//! The real program with the real weights, through its socket.
//!
//! It must not know how an answer is computed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod life;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// No answer of these tests takes so long, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn weights() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools/local-model");
    let path = env::var_os("MOSAIC_LOCAL_MODEL_WEIGHTS")
        .map_or_else(|| beside.join("SmolLM2-135M-Instruct.Q4_1.gguf"), PathBuf::from);
    let how = "get them with: scripts/local-model.sh --weights .tools/local-model";
    path.canonicalize().unwrap_or_else(|cause| panic!("no weights at {} ({cause}); {how}", path.display()))
}

/// The program, loaded.
struct Program {
    child: Child,
    place: TempDir,
}

impl Program {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mosaic-local-model"))
            .arg("serve")
            .arg("--socket")
            .arg(place.path().join("socket"))
            .arg("--weights")
            .arg(weights())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, place }
    }

    fn socket(&self) -> PathBuf {
        self.place.path().join("socket")
    }

    /// Asks; the answer's lines are then read from what comes back.
    fn ask(&self, request: &Value) -> Answer {
        self.send(&format!("{request}\n"))
    }

    fn send(&self, line: &str) -> Answer {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // One that refuses early has closed already; what it said is then read.
        let _ = stream.write_all(line.as_bytes());
        Answer(BufReader::new(stream))
    }

    /// The text and the last line.
    fn answer(&self, request: &Value) -> (String, Value) {
        self.ask(request).whole()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer(BufReader<UnixStream>);

impl Answer {
    /// The next line; nothing at the end.
    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        (read.unwrap() > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// The next text.
    fn text(&mut self) -> String {
        loop {
            let line = self.line().unwrap();
            if let Some(text) = line.get("text") {
                return text.as_str().unwrap().to_owned();
            }
            assert!(line.get("read").is_some(), "{line}");
        }
    }

    fn whole(mut self) -> (String, Value) {
        let (mut text, mut last) = (String::new(), Value::Null);
        while let Some(line) = self.line() {
            text += line["text"].as_str().unwrap_or_default();
            last = line;
        }
        (text, last)
    }
}

/// A question, answered without chance.
fn question(text: &str, max_tokens: u32) -> Value {
    json!({"messages": [{"role": "user", "content": text}], "max_tokens": max_tokens, "temperature": 0})
}
