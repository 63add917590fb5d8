//! The provider with the real program and the real weights.
//!
//! It must not know what the model answers, only that it does.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process, test_kill_process},
};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{
    super::{Failure, FailureKind, Parameters, Part, Piece, Prompt, Provider, Role, Stop, Turn},
    Local, MODEL, Settings, program,
};

const WEIGHTS: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// No answer of these tests takes so long, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where cargo puts programs: beside the directory of this test.
fn built() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(program::NAME)
}

/// A data directory and a run directory, as a server has them.
struct Place {
    directory: TempDir,
    settings: Settings,
}

impl Place {
    /// With the program, with the weights, or without.
    fn new(with_program: bool, with_weights: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().join("data/local-model");
        fs::create_dir_all(&here).unwrap();
        let mut settings = Settings::of(&directory.path().join("data"), &directory.path().join("run"));
        settings.start_wait = PATIENCE;
        // The one that cargo built would be found, too.
        settings.programs.truncate(1);
        if with_program {
            std::os::unix::fs::symlink(built(), &settings.programs[0]).unwrap();
        }
        if with_weights {
            let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/local-model").join(WEIGHTS);
            let weights = std::env::var_os("MOSAIC_LOCAL_MODEL_WEIGHTS").map_or(beside, PathBuf::from);
            let how = "get them with: scripts/local-model.sh --weights .tools/local-model";
            assert!(weights.is_file(), "no weights at {}; {how}", weights.display());
            std::os::unix::fs::symlink(weights.canonicalize().unwrap(), &settings.weights).unwrap();
        }
        Self { directory, settings }
    }

    fn whole() -> Self {
        let place = Self::new(true, true);
        assert!(built().is_file(), "build it first: cargo build -p mosaic-local-model");
        place
    }

    fn local(&self) -> Local {
        Local::new(self.settings.clone())
    }

    /// The program's process: the one that has this place's socket among its arguments.
    fn process(&self) -> Option<Pid> {
        let mark = self.directory.path().to_str().unwrap();
        fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            String::from_utf8_lossy(&arguments).contains(mark).then(|| Pid::from_raw(pid))?
        })
    }
}

fn prompt(text: &str, output_tokens_max: u32) -> Prompt {
    Prompt {
        model: MODEL.to_owned(),
        system: String::new(),
        turns: vec![Turn { role: Role::User, parts: vec![Part::Text(text.to_owned())] }],
        tools: Vec::new(),
        parameters: Parameters { temperature: Some(0.0), ..Parameters::default() },
        output_tokens_max,
        context_tokens: 8192,
    }
}

/// The whole answer: its text, and its last piece.
async fn answer(local: &Local, prompt: &Prompt) -> (String, Result<Piece, Failure>) {
    let pieces = timeout(PATIENCE, local.generate(prompt)).await.unwrap();
    let mut pieces = match pieces {
        Ok(pieces) => pieces,
        Err(failure) => return (String::new(), Err(failure)),
    };
    let (mut text, mut last) = (String::new(), None);
    while let Some(piece) = timeout(PATIENCE, pieces.next()).await.unwrap() {
        if let Ok(Piece::Text(more)) = &piece {
            text += more;
        }
        last = Some(piece);
    }
    (text, last.unwrap())
}

async fn unavailable(local: &Local) -> String {
    let failure = local.models().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(local.generate(&prompt("Hi", 1)).await.err(), Some(failure.clone()));
    failure.message
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_command_that_gets_it() {
    let place = Place::new(false, false);
    let command = format!("scripts/local-model.sh --data-dir {}/data", place.directory.path().display());
    let message = unavailable(&place.local()).await;
    assert_eq!(message, format!("program and weights are not there; get them with: {command}"));
    let place = Place::new(true, false);
    assert!(unavailable(&place.local()).await.starts_with("the weights are not there; get them with: "));
}

#[tokio::test]
async fn it_is_preparing_exactly_while_the_lock_is_held() {
    let place = Place::whole();
    let local = place.local();
    let mut preparing = File::create(&place.settings.preparing).unwrap();
    // One that was killed leaves the file and its text.
    preparing.write_all(b"fetching the weights (40 % of 93 MB)\n").unwrap();
    assert_eq!(local.models().await.unwrap()[0].name, MODEL);
    flock(&preparing, FlockOperation::LockExclusive).unwrap();
    assert_eq!(unavailable(&local).await, "preparing: fetching the weights (40 % of 93 MB)");
    drop(preparing);
    assert_eq!(local.models().await.unwrap()[0].context_tokens, Some(8192));
    assert!(place.process().is_none(), "looking starts nothing");
}

#[tokio::test]
async fn it_answers_several_from_one_process_and_ends_with_its_owner() {
    let place = Place::whole();
    let local = place.local();
    let asked = prompt("Complete the sentence: The capital of France is", 30);
    let answers = join_all((0..3).map(|_| answer(&local, &asked))).await;
    for (text, last) in answers {
        assert!(text.contains("Paris"), "{text}");
        assert_eq!(last, Ok(Piece::Stop(Stop::End)));
    }
    let process = place.process().unwrap();
    local.stop().await;
    assert!(test_kill_process(process).is_err());
    // Stopped is not over: the next use starts another one, which ends with its owner.
    let mut pieces = local.generate(&prompt("Tell me a long story.", 4000)).await.unwrap();
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    drop(local);
    let last = timeout(PATIENCE, pieces.collect::<Vec<_>>()).await.unwrap().pop().unwrap();
    assert_eq!(last.unwrap_err().kind, FailureKind::Cut);
}

#[tokio::test]
async fn a_crash_cuts_the_answer_and_the_next_one_is_whole() {
    let place = Place::whole();
    let local = place.local();
    let mut pieces = local.generate(&prompt("Tell me a long story.", 4000)).await.unwrap();
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    let first = place.process().unwrap();
    kill_process(first, Signal::KILL).unwrap();
    let last = timeout(PATIENCE, pieces.collect::<Vec<_>>()).await.unwrap().pop().unwrap();
    assert_eq!(last.unwrap_err().kind, FailureKind::Cut);
    let (_, last) = answer(&local, &prompt("Hi", 1)).await;
    assert_eq!(last, Ok(Piece::Stop(Stop::Length)));
    assert_ne!(place.process().unwrap(), first);
}

#[tokio::test]
async fn it_ends_when_it_idles_and_not_before() {
    let mut place = Place::whole();
    place.settings.idle_stop = Duration::ZERO;
    let local = place.local();
    let mut pieces = local.generate(&prompt("Count from 1 to 50.", 40)).await.unwrap();
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    let process = place.process().unwrap();
    let pidfd = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).unwrap();
    // In use it stays, whatever the time.
    assert_eq!(pieces.collect::<Vec<_>>().await.pop().unwrap(), Ok(Piece::Stop(Stop::Length)));
    let ended = tokio::task::spawn_blocking(move || {
        let mut polled = [PollFd::new(&pidfd, PollFlags::IN)];
        poll(&mut polled, Some(&PATIENCE.try_into().unwrap())).unwrap()
    });
    assert_eq!(ended.await.unwrap(), 1);
    let (_, last) = answer(&local, &prompt("Hi", 1)).await;
    assert_eq!(last, Ok(Piece::Stop(Stop::Length)));
}

#[tokio::test]
async fn a_program_that_does_not_start_says_why() {
    let place = Place::new(true, false);
    fs::write(&place.settings.weights, "other weights").unwrap();
    let (_, last) = answer(&place.local(), &prompt("Hi", 1)).await;
    let failure = last.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.message.contains("is not the file it should be"), "{failure}");
}

#[tokio::test]
async fn what_it_cannot_do_it_refuses() {
    let place = Place::whole();
    let local = place.local();
    let kind = async |prompt: &Prompt| answer(&local, prompt).await.1.unwrap_err().kind;
    assert_eq!(kind(&prompt(&"word ".repeat(9000), 8)).await, FailureKind::ContextTooLong);
    assert_eq!(kind(&prompt(&"x".repeat(5 << 20), 8)).await, FailureKind::ContextTooLong);
    assert_eq!(
        kind(&Prompt { model: "other".to_owned(), ..prompt("Hi", 1) }).await,
        FailureKind::ModelNotFound
    );
    let image = super::super::Image { media_type: "image/png".to_owned(), data: bytes::Bytes::new() };
    let turns = vec![Turn { role: Role::User, parts: vec![Part::Image(image)] }];
    assert_eq!(kind(&Prompt { turns, ..prompt("", 1) }).await, FailureKind::Refused);
}

/// The owner of a test server's directories must be able to remove them.
#[test]
fn nothing_is_left_in_the_directory_of_the_socket() {
    let place = Place::whole();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let local = place.local();
        fs::create_dir_all(&place.settings.socket_dir).unwrap();
        fs::write(place.settings.socket_dir.join("left.sock"), "").unwrap();
        answer(&local, &prompt("Hi", 1)).await.1.unwrap();
        local.stop().await;
    });
    let left: io::Result<Vec<_>> = fs::read_dir(&place.settings.socket_dir).unwrap().collect();
    assert!(left.unwrap().is_empty());
}
