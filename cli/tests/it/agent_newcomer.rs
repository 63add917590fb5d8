//! What newcomers try first with agents: looking at what has not begun, earlier attempts, prompts from pipes.
//!
//! It knows nothing about outcomes; `agent_run` does.

use anyhow::Result;
use serde_json::Value;
use test_support::Server;

use crate::support::Mosaic;

#[tokio::test]
async fn what_has_not_begun_is_shown_as_what_it_is() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["queue", "pause", "--reason", "a look"]).await?;
    mosaic.ok(&["agent", "spawn", "--name", "first", "--", "true"]).await?;
    mosaic.ok(&["agent", "spawn", "--name", "next", "--depends-on", "first", "--", "echo ran"]).await?;
    let ran = mosaic.run(&["agent", "show", "next"]).await?;
    assert!(ran.code == 0 && ran.stderr.contains("next has no agent yet"), "{ran:?}");
    assert!(ran.stdout.contains("waits for    the jobs that it depends on"), "{ran:?}");
    // By their names: nobody knows them by their ids.
    assert!(ran.stdout.contains("depends on   first (queued)"), "{ran:?}");
    assert_eq!(mosaic.json(&["agent", "show", "next"]).await?["job"]["state"], "STATE_QUEUED");
    // What it has printed so far is nothing, and that is said at once.
    let ran = mosaic.run(&["agent", "logs", "first"]).await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let why = "first has not begun, it waits: the queue, which is paused: `mosaic queue resume`";
    assert!(ran.stderr.contains(why) && ran.stderr.contains("-f waits with it"), "{ran:?}");
    let ran = mosaic.run(&["agent", "show", "nobody"]).await?;
    assert!(ran.code == 3 && ran.stderr.contains("(AGENT_NOT_FOUND)"), "{ran:?}");

    mosaic.ok(&["job", "cancel", "first"]).await?;
    assert_eq!(mosaic.run(&["job", "wait", "next"]).await?.code, 118);
    let shown = mosaic.ok(&["job", "show", "next"]).await?;
    assert!(shown.contains("failed one   first (cancelled)"), "{shown}");
    let ran = mosaic.run(&["agent", "logs", "first"]).await?;
    assert!(ran.code == 3 && ran.stderr.contains("first has never run"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn each_attempt_has_its_logs() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let script = "echo attempt $MOSAIC_ATTEMPT; exit 3";
    let tries = ["--attempts", "2", "--backoff", "0s", "--name", "flaky", "--", script];
    let ran = mosaic.run(&[&["agent", "run"][..], &tries].concat()).await?;
    assert_eq!(ran.code, 3, "{ran:?}");
    let logs = async |number| mosaic.ok(&["agent", "logs", "flaky", "--attempt", number]).await;
    assert_eq!((logs("1").await?.as_str(), logs("2").await?.as_str()), ("attempt 1\n", "attempt 2\n"));
    let ran = mosaic.run(&["agent", "logs", "flaky", "--attempt", "3"]).await?;
    assert!(ran.code == 3 && ran.stderr.contains("`mosaic agent ls --job flaky`"), "{ran:?}");
    let shown = mosaic.ok(&["job", "show", "flaky"]).await?;
    assert!(shown.contains("2 of 2 (`mosaic agent ls --job flaky` lists them)"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_prompt_can_be_piped_in() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    for words in [&["agent", "run"] as &[&str], &["agent", "run", "--"], &["agent", "run", "--", "-"]] {
        let ran = mosaic.run_with(words, "echo from a pipe\nexit 4\n").await?;
        assert_eq!((ran.code, ran.stdout.as_str()), (4, "from a pipe\n"), "{words:?}: {ran:?}");
        // Whoever should have written it has failed.
        let ran = mosaic.run_with(words, "\n").await?;
        assert!(ran.code == 125 && ran.stderr.contains("standard input is empty"), "{words:?}: {ran:?}");
    }
    // A prompt that is there is all of it: a loop's list stays the loop's.
    let ran = mosaic.run_with(&["agent", "run", "--", "echo words"], "echo more").await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "words\n"), "{ran:?}");
    let name = mosaic.run_with(&["agent", "spawn", "--name", "piped"], "exit 5").await?;
    assert_eq!(name.stdout, "piped\n", "{name:?}");
    assert_eq!(mosaic.run(&["agent", "wait", "piped"]).await?.code, 5);
    assert_eq!(mosaic.run(&["agent", "spawn"]).await?.code, 2, "nothing to do");
    Ok(())
}

#[tokio::test]
async fn errors_name_what_was_typed() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let long = "x".repeat(70_000);
    for (words, named) in [
        (&["agent", "spawn", "--depends-on", "", "--", "true"] as &[&str], "mosaic: --depends-on: "),
        (&["agent", "spawn", "--queued-timeout", "1ms", "--", "true"], "mosaic: --queued-timeout: "),
        (&["agent", "spawn", "--", &long], "mosaic: PROMPT: "),
        (&["agent", "spawn", "--name", "me", "--depends-on", "me", "--", "true"], "mosaic: --depends-on: "),
    ] {
        let ran = mosaic.run(words).await?;
        assert!(ran.code != 0 && ran.stderr.contains(named), "{named}: {:.300}", ran.stderr);
        assert!(
            !ran.stderr.contains("depends_on") && !ran.stderr.contains("_timeout"),
            "{:.300}",
            ran.stderr
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_run_has_the_codes_of_a_shell() -> Result<()> {
    let file = "[profile.gone]\nkind = \"command\"\ncommand = [\"no-such-program\", \"{prompt}\"]\n";
    let server = Server::builder().config_file(file).start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let outcome = async |words: &[&str]| {
        let ran = mosaic.run(words).await?;
        let summary: Value = serde_json::from_str(ran.stdout.lines().last().unwrap_or_default())?;
        anyhow::Ok((ran.code, summary["outcome"].as_str().unwrap_or_default().to_owned()))
    };
    let run = ["agent", "run", "--summary", "-"];
    for (program, code) in [("no-such-program-here", 127), ("/etc/passwd", 126)] {
        let words = [&run[..], &["--", program]].concat();
        // The shell's own: the program of the job is the shell, and it has run.
        assert_eq!(outcome(&words).await?, (code, "failed".to_owned()), "{program}");
    }
    let words = [&run[..], &["--profile", "gone", "--", "x"]].concat();
    assert_eq!(
        outcome(&words).await?,
        (125, "refused".to_owned()),
        "no profile's program is asked for in vain"
    );
    Ok(())
}

#[tokio::test]
async fn waiting_for_nobody_has_codes_of_its_own() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    for waits in [["agent", "wait", "nobody"], ["job", "wait", "nobody"]] {
        assert_eq!(mosaic.run(&waits).await?.code, 125, "{waits:?}");
    }
    let away = [("MOSAIC_ENDPOINT", "http://127.0.0.1:1"), ("MOSAIC_TOKEN", "mosaic_x")];
    let away = Mosaic::new(&away)?;
    for waits in [["agent", "wait", "x"], ["job", "wait", "x"]] {
        let ran = away.run(&waits).await?;
        assert_eq!(ran.code, 116, "{waits:?}: {ran:?}");
    }
    Ok(())
}
