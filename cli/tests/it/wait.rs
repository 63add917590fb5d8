//! Exit codes and output for scripts and CI: `term new --wait`, `term wait`, `term logs`.
//!
//! It knows nothing about terminals that people sit at.

use anyhow::Result;
use rustix::process::Signal;
use test_support::{Server, programs};

use crate::support::Mosaic;

fn program(script: &str) -> [&str; 7] {
    ["term", "new", "--wait", "--", "sh", "-c", script]
}

#[tokio::test]
async fn output_and_exit_code() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let ran = mosaic.run(&program("echo hi; exit 7")).await?;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (7, "hi\n", ""));
    let ran = mosaic.run(&program("exit 0")).await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    let ran = mosaic.run(&program("kill -9 $$")).await?;
    assert_eq!(ran.code, 128 + 9);
    Ok(())
}

#[tokio::test]
async fn what_fails_itself_has_codes_that_are_not_the_programs() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let ran = mosaic.run(&["term", "new", "--wait", "--", "no-such-program-here"]).await?;
    assert_eq!(ran.code, 127, "{ran:?}");
    assert!(ran.stderr.contains("(COMMAND_NOT_FOUND)"), "{ran:?}");
    let ran = mosaic.run(&["term", "new", "--wait", "--", "/etc/passwd"]).await?;
    assert_eq!(ran.code, 126, "{ran:?}");
    mosaic.ok(&["term", "new", "--name", "taken", "--", "cat"]).await?;
    for failing in [
        &["term", "new", "--wait", "--name", "taken", "--", "true"] as &[&str],
        &["term", "new", "--wait", "--cwd", "/no/such/place", "--", "true"],
        &["term", "new", "--wait", "--bad", "--", "true"],
        &["term", "new", "--wait", "make", "test"],
        &["term", "wait", "nobody"],
        &["term", "attach", "taken"],
    ] {
        let ran = mosaic.run(failing).await?;
        assert_eq!(ran.code, 125, "{failing:?}: {ran:?}");
    }
    // Without --wait there is no program's code that it could be taken for.
    let ran = mosaic.run(&["term", "new", "--", "no-such-program-here"]).await?;
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = mosaic.run(&["term", "new", "make", "test"]).await?;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("did you mean `mosaic term new -- make test`?"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn a_pipe_gets_text_and_raw_gets_bytes() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let colours = r"printf '\033[31mred\033[0m\n\033]0;title\007ok\n'";
    assert_eq!(mosaic.ok(&program(colours)).await?, "red\nok\n");
    let raw = mosaic.ok(&["term", "new", "--wait", "--raw", "--", "sh", "-c", colours]).await?;
    assert_eq!(raw, "\x1b[31mred\x1b[0m\r\n\x1b]0;title\x07ok\r\n");
    Ok(())
}

#[tokio::test]
async fn all_of_a_long_output_arrives() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let output = mosaic.ok(&program(&programs::numbered_lines(200_000))).await?;
    let expected: String = (1..=200_000).map(|number| format!("{number}\n")).collect();
    assert!(output == expected, "{} bytes of {}", output.len(), expected.len());
    Ok(())
}

#[tokio::test]
async fn a_signal_is_the_program_s_to_handle_and_the_second_one_ends_it() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let handles = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
    let stubborn = "trap 'echo no' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
    for (script, answer, code) in [(handles, "bye", Some(3)), (stubborn, "no", None)] {
        let mut mosaic = mosaic.piped(&program(script))?;
        assert_eq!(mosaic.line().await?, "ready");
        mosaic.signal(Signal::TERM)?;
        // The signal goes to all in the foreground, and a shell says so of its child before its trap runs.
        while mosaic.line().await? != answer {}
        if code.is_none() {
            mosaic.signal(Signal::TERM)?;
        }
        // What SIGHUP ended, a shell reports as 128 + 1.
        assert_eq!(mosaic.ended().await?.0, code.or(Some(129)), "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_reads_the_output_any_more() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut yes = mosaic.piped(&["term", "new", "--wait", "--name", "y", "--", "yes"])?;
    assert_eq!(yes.line().await?, "y");
    yes.hang_up();
    assert_eq!(yes.ended().await?, (Some(141), String::new()), "it ends quietly");
    let running = mosaic.json(&["term", "ls"]).await?;
    assert_eq!(running["terminals"], serde_json::Value::Null, "the program has ended, too");
    Ok(())
}

#[tokio::test]
async fn wait_for_a_terminal() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["term", "new", "--name", "w", "--", "sh", "-c", "read x; exit 7"]).await?;
    let ran = mosaic.run(&["term", "wait", "w", "--timeout", "50ms"]).await?;
    assert_eq!(ran.code, 124, "{ran:?}");
    let waiting = mosaic.run(&["term", "wait", "w", "--timeout", "50s"]);
    let typing = async { mosaic.ok(&["term", "send", "w", "--enter", "go"]).await };
    let (waited, typed) = tokio::join!(waiting, typing);
    typed?;
    let waited = waited?;
    assert_eq!((waited.code, waited.stdout.as_str()), (7, "exit code 7\n"), "{waited:?}");
    Ok(())
}

#[tokio::test]
async fn a_wait_outlives_the_server() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let script = "echo ready; read x; echo got:$x; exit 7";
    let mut wait = mosaic.piped(&["term", "new", "--wait", "--name", "w", "--", "sh", "-c", script])?;
    assert_eq!(wait.line().await?, "ready");
    server.kill9().await?;
    server.restart().await?;
    mosaic.ok(&["term", "send", "w", "--enter", "go"]).await?;
    assert_eq!([wait.line().await?, wait.line().await?], ["go", "got:go"]);
    assert_eq!(wait.ended().await?.0, Some(7));
    Ok(())
}

#[tokio::test]
async fn logs_from_anywhere() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let id = mosaic.json(&["term", "new", "--name", "l", "--", "seq", "5"]).await?;
    let id = id["terminal"]["id"].as_str().unwrap_or_default().to_owned();
    mosaic.ok(&["term", "wait", &id]).await?;
    let logs = async |arguments: &[&str]| {
        let mut all = vec!["term", "logs", id.as_str()];
        all.extend(arguments);
        mosaic.ok(&all).await
    };
    assert_eq!(logs(&[]).await?, "1\n2\n3\n4\n5\n");
    assert_eq!(logs(&["-f"]).await?, "1\n2\n3\n4\n5\n", "it ends with the program");
    assert_eq!(logs(&["-n", "2"]).await?, "4\n5\n");
    assert_eq!(logs(&["--tail", "3"]).await?, "5\n");
    assert_eq!(logs(&["--offset", "9", "--raw"]).await?, "4\r\n5\r\n");
    let events = mosaic.json_lines(&["term", "logs", &id]).await?;
    assert_eq!(events[0]["output"]["data"], "MQ0KMg0KMw0KNA0KNQ0K", "{events:?}");
    let ran = mosaic.run(&["term", "logs", &id, "--offset", "99999"]).await?;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("(CURSOR_AHEAD)"), "{ran:?}");
    Ok(())
}
