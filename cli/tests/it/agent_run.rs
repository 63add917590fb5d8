//! `mosaic agent run`: every outcome has its exit code, and its word in the summary.
//!
//! It knows nothing about CI systems; `agent_ci` does.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use serde_json::Value;
use test_support::{Server, programs};

use crate::support::{Mosaic, Ran};

/// Profiles beside the one that is always there.
const PROFILES: &str = "\
[profile.counting]
kind = \"command\"
command = [\"sh\", \"-c\", \"echo tokens: 500; sleep 1000; : {prompt}\"]
tokens_pattern = \"tokens: ([0-9]+)\"
";

/// The words of a run of this script, its summary at the end of standard output.
pub(crate) fn run<'a>(options: &[&'a str], script: &'a str) -> Vec<&'a str> {
    let mut words = vec!["agent", "run", "--summary", "-"];
    words.extend(options);
    words.extend(["--", script]);
    words
}

/// What it printed before the summary, and the summary.
pub(crate) fn summary(ran: &Ran) -> Result<(&str, Value)> {
    let all = ran.stdout.strip_suffix('\n').with_context(|| format!("no summary: {ran:?}"))?;
    let begin = all.rfind('\n').map_or(0, |at| at + 1);
    let summary = serde_json::from_str(&all[begin..]).with_context(|| format!("{ran:?}"))?;
    Ok((&ran.stdout[..begin], summary))
}

/// Runs a script to its end: what it printed, once the code and the outcome are as expected.
async fn ends(mosaic: &Mosaic, words: &[&str], code: i32, outcome: &str) -> Result<(String, Value)> {
    let ran = mosaic.run(words).await?;
    let (printed, summary) = summary(&ran)?;
    assert_eq!((ran.code, summary["outcome"].as_str()), (code, Some(outcome)), "{words:?}: {ran:?}");
    assert_eq!(summary["exit_code"], code, "{summary}");
    Ok((printed.to_owned(), summary))
}

#[tokio::test]
async fn a_program_passes_its_output_and_its_code_on() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let (printed, summary) = ends(&mosaic, &run(&["--name", "good"], "echo hi"), 0, "succeeded").await?;
    assert_eq!(printed, "hi\n");
    assert_eq!(summary["job"]["name"], "good");
    assert_eq!(summary["state"], "STATE_SUCCEEDED");
    assert_eq!(
        (&summary["attempts"], &summary["agents"][0]["exit_code"]),
        (&1.into(), &0.into()),
        "{summary}"
    );
    assert!(summary["seconds"].as_f64().is_some_and(|seconds| seconds < 60.0), "{summary}");

    let (printed, _) = ends(&mosaic, &run(&[], "printf open; exit 7"), 7, "failed").await?;
    assert_eq!(printed, "open\n", "the summary is on a line of its own");
    ends(&mosaic, &run(&[], "kill -9 $$"), 128 + 9, "failed").await?;

    let ran = mosaic.run(&["agent", "run", "--", "echo", "two  words;", "exit", "3"]).await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (3, "two words\n"), "the words are joined: {ran:?}");
    let ran = mosaic.run_with(&["agent", "run", "--", "-"], "echo from stdin\nexit 4\n").await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (4, "from stdin\n"), "{ran:?}");
    let colours = r"printf '\033[31mred\033[0m\n'";
    assert_eq!(mosaic.ok(&["agent", "run", "--", colours]).await?, "red\n");
    assert_eq!(mosaic.ok(&["agent", "run", "--raw", "--", colours]).await?, "\x1b[31mred\x1b[0m\r\n");
    let long = mosaic.ok(&["agent", "run", "--", &programs::numbered_lines(100_000)]).await?;
    let expected: String = (1..=100_000).map(|number| format!("{number}\n")).collect();
    assert!(long == expected, "{} bytes of {}", long.len(), expected.len());
    Ok(())
}

#[tokio::test]
async fn what_takes_too_long_asks_or_costs_too_much_has_a_code_of_its_own() -> Result<()> {
    let server = Server::builder().config_file(PROFILES).start().await?;
    let mosaic = Mosaic::operator(&server)?;
    ends(&mosaic, &run(&["--timeout", "1s"], "sleep 1000"), 124, "timed_out").await?;
    let (_, silent) =
        ends(&mosaic, &run(&["--output-timeout", "1s"], "sleep 1000"), 124, "timed_out").await?;
    assert_eq!(silent["end_reason"], "END_REASON_OUTPUT_TIMEOUT");
    mosaic.ok(&["queue", "pause"]).await?;
    let (_, queued) = ends(&mosaic, &run(&["--queued-timeout", "1s"], "true"), 124, "timed_out").await?;
    assert_eq!(queued["end_reason"], "END_REASON_QUEUED_TIMEOUT");
    mosaic.ok(&["queue", "resume"]).await?;

    let costly = run(&["--profile", "counting", "--token-budget", "100"], "x");
    let (_, costly) = ends(&mosaic, &costly, 112, "budget_exceeded").await?;
    assert_eq!(costly["tokens"], 500);

    let asks = run(&["--name", "asks"], "printf 'Really? [y/N] '; read x; exit 0");
    let (_, asks) = ends(&mosaic, &asks, 115, "input_required").await?;
    assert!(asks["message"].as_str().is_some_and(|it| it.contains("Really? [y/N]")), "{asks}");
    assert_eq!(asks["state"], "STATE_CANCELLED", "it does not wait on");
    Ok(())
}

#[tokio::test]
async fn what_does_not_start_has_a_code_of_its_own() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["agent", "spawn", "--name", "bad", "--", "exit 5"]).await?;
    assert_eq!(mosaic.run(&["job", "wait", "bad"]).await?.code, 5);
    ends(&mosaic, &run(&["--depends-on", "bad"], "true"), 118, "dependency_failed").await?;
    // The same if it fails only later.
    mosaic.ok(&["agent", "spawn", "--name", "late", "--", "read x; exit 5"]).await?;
    let waits = run(&["--name", "waits", "--depends-on", "late"], "true");
    let going = async {
        mosaic.wait_for_event("waits", "KIND_CREATED").await?;
        mosaic.ok(&["agent", "send", "late", "go"]).await
    };
    let (ended, gone) = tokio::join!(ends(&mosaic, &waits, 118, "dependency_failed"), going);
    gone?;
    assert_eq!(ended?.1["end_reason"], "END_REASON_DEPENDENCY_FAILED");

    // Its directory is there when it is asked for, and gone when it would start.
    let directory = tempfile::Builder::new().prefix("mosaic-cwd-").tempdir_in("/tmp")?;
    let cwd = directory.path().display().to_string();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
    mosaic.ok(&["queue", "pause"]).await?;
    mosaic.ok(&["agent", "spawn", "--name", "homeless", "--cwd", &cwd, "--", "true"]).await?;
    drop(directory);
    mosaic.ok(&["queue", "resume"]).await?;
    assert_eq!(mosaic.run(&["job", "wait", "homeless"]).await?.code, 117);

    let (_, refused) = ends(&mosaic, &run(&["--profile", "nope"], "true"), 125, "refused").await?;
    assert!(refused["message"].as_str().is_some_and(|it| it.contains("PROFILE_NOT_FOUND")), "{refused}");
    ends(&mosaic, &run(&["--cwd", "/no/such/place"], "true"), 125, "refused").await?;
    for wrong in
        [&["agent", "run"] as &[&str], &["agent", "run", "make"], &["agent", "run", "--bad", "--", "x"]]
    {
        assert_eq!(mosaic.run(wrong).await?.code, 125, "{wrong:?}");
    }
    let ran = mosaic.run(&["agent", "run", "--junit", "/no/such/place/x.xml", "--", "true"]).await?;
    assert_eq!(ran.code, 125, "{ran:?}");
    assert_eq!(mosaic.ok(&["job", "ls"]).await?.lines().count(), 1, "nothing was started for it");
    Ok(())
}

#[tokio::test]
async fn what_somebody_ends_has_a_code_of_its_own() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    for (end, outcome) in [(["agent", "kill", "it"], "killed"), (["job", "cancel", "it"], "cancelled")] {
        let words = run(&["--name", "it"], "echo ready; sleep 1000");
        let mut running = mosaic.piped(&words)?;
        assert_eq!(running.line().await?, "ready");
        mosaic.ok(&end).await?;
        let summary: Value = serde_json::from_str(&running.line().await?)?;
        assert_eq!(summary["outcome"], outcome, "{summary}");
        assert_eq!(running.ended().await?.0, Some(113));
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_come_back_has_a_code_of_its_own() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let words = run(&["--patience", "2s", "--name", "alone"], "echo ready; sleep 1000");
    let mut running = mosaic.piped(&words)?;
    assert_eq!(running.line().await?, "ready");
    server.kill9().await?;
    let summary: Value = serde_json::from_str(&running.line().await?)?;
    assert_eq!(summary["outcome"], "server_away", "{summary}");
    let (code, said) = running.ended().await?;
    assert_eq!(code, Some(116), "{said}");
    assert!(said.contains("`mosaic agent wait alone`"), "{said}");

    // From the beginning, too.
    let (_, away) = ends(&mosaic, &run(&["--patience", "1s"], "true"), 116, "server_away").await?;
    assert_eq!(away["job"]["id"], Value::Null, "{away}");
    server.restart().await?;
    assert_eq!(mosaic.json(&["job", "show", "alone"]).await?["job"]["state"], "STATE_RUNNING", "it goes on");
    Ok(())
}

#[tokio::test]
async fn what_is_lost_has_a_code_of_its_own() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let words = run(&[], "echo ready; sleep 1000");
    let mut running = mosaic.piped(&words)?;
    assert_eq!(running.line().await?, "ready");
    // The server first: while it lives it makes a new keeper.
    server.kill9().await?;
    server.kill_keeper()?;
    server.restart().await?;
    let summary: Value = serde_json::from_str(&running.line().await?)?;
    assert_eq!(summary["outcome"], "lost", "{summary}");
    assert_eq!(running.ended().await?.0, Some(114));
    Ok(())
}
