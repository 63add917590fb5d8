//! `mosaic agent`, `job` and `queue`: what people and scripts see of agents.
//!
//! It knows nothing about `agent run`.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::Server;

use crate::support::Mosaic;

impl Mosaic {
    /// Waits until this has happened to the job with this name.
    pub(crate) async fn wait_for_event(&self, name: &str, kind: &str) -> Result<()> {
        let mut events = self.piped(&["--json", "events", "--after", "0"])?;
        loop {
            let event: Value = serde_json::from_str(&events.line().await?)?;
            if event["job"]["job"]["name"] == name && event["job"]["kind"] == kind {
                return Ok(());
            }
        }
    }
}

#[tokio::test]
async fn the_life_of_an_agent() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let script = "echo ready; read x; echo got:$x; exit 7";
    let made = mosaic.json(&["agent", "spawn", "--name", "a", "--label", "run=42", "--", script]).await?;
    assert_eq!((&made["job"]["name"], &made["job"]["labels"]["run"]), (&json!("a"), &json!("42")), "{made}");
    mosaic.ok(&["agent", "wait", "a", "--until", "started"]).await?;
    let mut logs = mosaic.piped(&["agent", "logs", "-f", "a"])?;
    assert_eq!(logs.line().await?, "ready");

    let list = mosaic.ok(&["agent", "ls"]).await?;
    let row: Vec<&str> = list.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(row[..4], ["a", "running", "shell", "1"], "{list}");
    let shown = mosaic.ok(&["agent", "show", "a"]).await?;
    assert!(shown.contains("`mosaic agent logs -f a`"), "{shown}");
    let found = mosaic.json(&["job", "ls", "--label", "run=42"]).await?;
    assert_eq!(found["jobs"][0]["id"], made["job"]["id"]);
    assert_eq!(mosaic.json(&["job", "ls", "--label", "run=43"]).await?["jobs"], Value::Null);
    assert_eq!(mosaic.run(&["agent", "wait", "a", "--timeout", "50ms"]).await?.code, 124);

    assert_eq!(mosaic.run_with(&["agent", "send", "a", "-"], "go\n").await?.code, 0);
    assert_eq!([logs.line().await?, logs.line().await?], ["go", "got:go"]);
    assert_eq!(logs.ended().await?.0, Some(0));
    let waited = mosaic.run(&["agent", "wait", "a"]).await?;
    assert_eq!(waited.code, 7, "{waited:?}");
    assert!(waited.stdout.starts_with("failed: exit code 7"), "{waited:?}");
    assert_eq!(mosaic.run(&["job", "wait", "a"]).await?.code, 7);
    let printed = mosaic.ok(&["agent", "logs", "a"]).await?;
    assert_eq!(printed, "ready\ngo\ngot:go\n");
    assert_eq!(mosaic.ok(&["agent", "logs", "a", "-n", "1"]).await?, "got:go\n");
    let shown = mosaic.ok(&["job", "show", "a"]).await?;
    assert!(shown.contains("exit code 7") && shown.contains("`mosaic job retry a`"), "{shown}");
    let ran = mosaic.run(&["agent", "send", "a", "more"]).await?;
    assert!(ran.code == 1 && ran.stderr.contains("(AGENT_ENDED)"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn ends_come_with_a_receipt() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    for name in ["a", "b", "c"] {
        mosaic.ok(&["agent", "spawn", "--name", name, "--", "sleep 1000"]).await?;
        mosaic.ok(&["agent", "wait", name, "--until", "started"]).await?;
    }
    let ended = mosaic.ok(&["agent", "kill", "a", "--reason", "wrong \u{202e}branch"]).await?;
    assert!(ended.starts_with("a: killed; nothing of it is left (by "), "{ended}");
    assert!(ended.contains(r"wrong \u{202e}branch"), "{ended}");
    let ran = mosaic.run(&["agent", "kill", "nobody", "b"]).await?;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.starts_with("b: killed"), "it goes on with the others: {ran:?}");

    // On a terminal it asks, and takes silence for a no.
    let mut asked = mosaic.in_pty(&["agent", "kill", "--all"])?;
    asked.wait_for("End all 1 agents and cancel 0 jobs that wait? [y/N]")?;
    asked.type_in("\n")?;
    assert_eq!(asked.ended().await?, 1);
    assert_eq!(mosaic.json(&["agent", "ls"]).await?["agents"][0]["name"], "c");
    mosaic.ok(&["agent", "spawn", "--name", "d", "--depends-on", "c", "--", "true"]).await?;
    let all = mosaic.ok(&["agent", "kill", "--all", "--yes", "--pause", "--reason", "enough"]).await?;
    assert!(all.contains("c: nothing of it is left") && all.contains("1 jobs cancelled"), "{all}");
    assert_eq!(mosaic.json(&["agent", "ls"]).await?["agents"], Value::Null);
    assert!(mosaic.ok(&["queue", "status"]).await?.contains("paused"));
    Ok(())
}

#[tokio::test]
async fn the_queue_and_what_waits_in_it() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let paused = mosaic.ok(&["queue", "pause", "--reason", "a \u{1b}[31mrelease"]).await?;
    assert!(paused.contains(r"paused: a \x1b[31mrelease"), "{paused}");
    let ran = mosaic.run(&["agent", "spawn", "--name", "w", "--", "echo ran"]).await?;
    assert!(ran.code == 0 && ran.stderr.contains("[mosaic: w waits: "), "{ran:?}");
    let shown = mosaic.ok(&["job", "show", "w"]).await?;
    assert!(shown.contains("waits for"), "{shown}");
    assert_eq!(mosaic.json(&["queue", "status"]).await?["queue"]["paused"], true);
    // Whoever wants to read it waits with it.
    let mut logs = mosaic.piped(&["agent", "logs", "-f", "w"])?;
    mosaic.ok(&["queue", "resume"]).await?;
    assert_eq!(logs.line().await?, "ran");
    assert_eq!(logs.ended().await?.0, Some(0));
    assert_eq!(mosaic.ok(&["job", "wait", "w"]).await?, "succeeded\n");

    mosaic.ok(&["queue", "pause"]).await?;
    mosaic.ok(&["agent", "spawn", "--name", "x", "--", "true"]).await?;
    assert_eq!(mosaic.ok(&["job", "cancel", "x"]).await?, "x: cancelled\n");
    assert_eq!(mosaic.run(&["job", "wait", "x"]).await?.code, 113);
    let ran = mosaic.run(&["agent", "logs", "x"]).await?;
    assert!(ran.code == 3 && ran.stderr.contains("`mosaic job show x`"), "{ran:?}");
    mosaic.ok(&["job", "retry", "x"]).await?;
    mosaic.ok(&["queue", "resume"]).await?;
    assert_eq!(mosaic.run(&["job", "wait", "x"]).await?.code, 0);
    Ok(())
}

#[tokio::test]
async fn profiles_and_what_happens() -> Result<()> {
    let server = Server::builder()
        .config_file("[profile.absent]\nkind = \"command\"\ncommand = [\"no-such-program\", \"{prompt}\"]\n")
        .start()
        .await?;
    let mosaic = Mosaic::operator(&server)?;
    let profiles = mosaic.ok(&["agent", "profiles"]).await?;
    assert!(profiles.contains("shell (default)") && profiles.contains("not installed"), "{profiles}");
    let ran = mosaic.run(&["agent", "spawn", "--profile", "absent", "--", "x"]).await?;
    assert!(ran.stderr.contains("(PROFILE_UNAVAILABLE)"), "{ran:?}");
    assert!(ran.stderr.contains("`mosaic agent profiles`"), "{ran:?}");

    let mut watch = mosaic.piped(&["job", "ls", "--watch"])?;
    assert!(watch.line().await?.starts_with("NAME"));
    mosaic.ok(&["agent", "spawn", "--name", "\u{202e}j", "--", "exit 3"]).await?;
    let mut seen = Vec::new();
    while !seen.last().is_some_and(|line: &String| line.contains("failed: exit code 3")) {
        seen.push(watch.line().await?);
    }
    assert!(seen[0].contains(r"created   job \u{202e}j: exit 3"), "{seen:?}");
    assert!(!seen.concat().contains('\u{202e}'), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn a_question_is_seen_and_answered() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let script = "echo ready; printf 'Really? [y/N] '; read x; echo; echo answer:$x";
    let waits = ["agent", "run", "--on-input", "wait", "--name", "q", "--", script];
    let mut running = mosaic.piped(&waits)?;
    assert_eq!(running.line().await?, "ready");
    mosaic.ok(&["agent", "wait", "q", "--until", "input-required"]).await?;
    let shown = mosaic.ok(&["job", "show", "q"]).await?;
    assert!(shown.contains("Really? [y/N]") && shown.contains("`mosaic agent send q TEXT`"), "{shown}");
    mosaic.ok(&["agent", "send", "q", "y"]).await?;
    while running.line().await? != "answer:y" {}
    let (code, said) = running.ended().await?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("[mosaic: q asks: Really? [y/N]]"), "{said}");
    Ok(())
}

#[tokio::test]
async fn attached_one_sits_in_its_terminal() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["agent", "spawn", "--name", "a", "--", "echo ready; read x; exit 7"]).await?;
    let mut pty = mosaic.in_pty(&["agent", "attach", "a"])?;
    pty.wait_for("detach: Ctrl-\\ then d]")?;
    pty.wait_for("ready")?;
    pty.type_in("go\r")?;
    assert_eq!(pty.ended().await?, 7);
    Ok(())
}
