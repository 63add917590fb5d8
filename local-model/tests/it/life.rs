//! How the program lives and ends, and who waits.
//!
//! It must not know what is answered.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{PATIENCE, Program, question};

/// Long enough that it never ends within a test by itself.
fn endless() -> serde_json::Value {
    question("Write a very long story about the sea, with many chapters.", 8000)
}

#[test]
fn nobody_else_may_open_the_socket() {
    let program = Program::start();
    let mode = fs::metadata(program.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// How long a question takes, here and now.
fn answered(program: &Program) -> Duration {
    let start = Instant::now();
    program.answer(&question("Hi", 1));
    start.elapsed()
}

#[test]
fn a_reader_that_leaves_ends_its_generation() {
    let program = Program::start();
    let alone = answered(&program);
    // While it speaks: the next one's turn comes at once, not after 8000 tokens.
    let mut leaves = program.ask(&endless());
    leaves.text();
    drop(leaves);
    let after = answered(&program);
    // While it reads a prompt that takes a minute.
    let mut leaves = program.ask(&question(&"word ".repeat(7000), 8));
    leaves.line();
    drop(leaves);
    let after_reading = answered(&program);
    // As slow as the machine is at its slowest: others may work on it by now.
    let alone = alone.max(answered(&program));
    // 200 ms, times what the machine is slower than one that answers in 400 ms.
    let bound = Duration::from_millis(200).max(alone / 2) + alone * 2;
    assert!(after < bound && after_reading < bound, "{alone:?} alone, {after:?}, {after_reading:?}");
}

#[test]
fn the_end_of_standard_input_ends_it_in_the_middle_of_an_answer() {
    let mut program = Program::start();
    let mut answer = program.ask(&endless());
    answer.text();
    drop(program.child.stdin.take());
    let status = program.child.wait().unwrap();
    assert!(status.success(), "{status}");
    // The reader sees an end that is none.
    let (_, last) = answer.whole();
    assert!(last["done"].is_null(), "{last}");
    assert!(!program.socket().exists());
}

#[test]
fn who_comes_when_too_many_wait_is_told_so() {
    let program = Program::start();
    let mut speaks = program.ask(&endless());
    speaks.text();
    let mut all: Vec<_> = (0..17).map(|_| program.ask(&question("Hi", 1))).collect();
    // One of them is one too many: which, is chance. It gets a line at once, and the others nothing.
    let mut polled: Vec<_> =
        all.iter().map(|answer| PollFd::new(answer.0.get_ref(), PollFlags::IN)).collect();
    poll(&mut polled, Some(&PATIENCE.try_into().unwrap())).unwrap();
    let busy = polled.iter().position(|one| !one.revents().is_empty()).unwrap();
    let (_, last) = all.remove(busy).whole();
    assert_eq!(last["kind"], "busy", "{last}");
    // The others get their turn.
    drop(speaks);
    for answer in all {
        assert_eq!(answer.whole().1["done"], "length");
    }
}

#[test]
fn one_that_is_killed_is_left_and_the_others_get_their_turn() {
    let program = Program::start();
    let waits = program.ask(&endless());
    let other = program.ask(&question("Hi", 1));
    // Gone without a word, as a killed reader is.
    waits.0.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    other.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(other.whole().1["done"], "length");
}

#[test]
fn other_weights_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let weights = place.path().join("weights");
    fs::write(&weights, b"GGUF, but another one").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mosaic-local-model"))
        .args(["serve", "--socket", "socket", "--weights"])
        .arg(&weights)
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(said.contains("not the file it should be"), "{said}");
}
