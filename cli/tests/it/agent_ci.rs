//! `mosaic agent run` in CI: interruptions, detaching, a killed server, JUnit reports, log groups.
//!
//! It knows nothing about single outcomes; `agent_run` does.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};
use test_support::Server;

use crate::{
    agent_run::{run, summary},
    support::Mosaic,
};

/// The agents that have not ended.
async fn live(mosaic: &Mosaic) -> Result<Value> {
    Ok(mosaic.json(&["agent", "ls"]).await?["agents"].clone())
}

#[tokio::test]
async fn an_interruption_cancels_the_job_and_leaves_nothing_running() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut running = mosaic.piped(&run(&["--name", "it"], "echo ready; sleep 1000"))?;
        assert_eq!(running.line().await?, "ready");
        running.signal(signal)?;
        let summary: Value = serde_json::from_str(&running.line().await?)?;
        assert_eq!(summary["outcome"], "interrupted", "{summary}");
        assert_eq!(summary["state"], "STATE_CANCELLED", "it waits for the end: {summary}");
        assert_eq!(running.ended().await?.0, Some(code));
        assert_eq!(live(&mosaic).await?, Value::Null, "the agent is gone");
        let agent = mosaic.json(&["agent", "show", "it"]).await?;
        assert_eq!(agent["agent"]["receipt"]["proven"], true, "{agent}");
    }
    Ok(())
}

#[tokio::test]
async fn a_second_interruption_leaves_at_once_and_the_job_ends_all_the_same() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let stubborn = "trap '' TERM HUP INT; echo ready; while :; do sleep 1; done";
    let mut running = mosaic.piped(&["agent", "run", "--name", "it", "--", stubborn])?;
    assert_eq!(running.line().await?, "ready");
    running.signal(Signal::TERM)?;
    // It has asked for the end before it hears the second one.
    mosaic.wait_for_event("it", "KIND_STOPPING").await?;
    running.signal(Signal::TERM)?;
    let (code, said) = running.ended().await?;
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("left at once"), "{said}");
    assert_eq!(mosaic.run(&["job", "wait", "it"]).await?.code, 113);
    assert_eq!(live(&mosaic).await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn nobody_reads_the_output_any_more() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut yes = mosaic.piped(&["agent", "run", "--name", "y", "--", "yes"])?;
    assert_eq!(yes.line().await?, "y");
    yes.hang_up();
    assert_eq!(yes.ended().await?.0, Some(141));
    assert_eq!(live(&mosaic).await?, Value::Null, "the agent has ended, too");
    Ok(())
}

#[tokio::test]
async fn detached_it_goes_on_by_itself() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let name = mosaic.ok(&["agent", "run", "--detach", "--", "read x; exit 7"]).await?;
    let name = name.trim_end();
    mosaic.ok(&["job", "wait", name, "--until", "started"]).await?;
    mosaic.ok(&["agent", "send", name, "go"]).await?;
    assert_eq!(mosaic.run(&["agent", "wait", name]).await?.code, 7);
    Ok(())
}

#[tokio::test]
async fn a_killed_server_costs_no_byte_and_no_exit_code() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let script = "stty -echo; seq 20000; echo half; read x; seq 20001 40000; exit 3";
    let mut running = mosaic.piped(&["agent", "run", "--name", "it", "--", script])?;
    for number in 1..=20_000 {
        assert_eq!(running.line().await?, number.to_string());
    }
    assert_eq!(running.line().await?, "half");
    server.kill9().await?;
    server.restart().await?;
    mosaic.ok(&["agent", "send", "it", "go"]).await?;
    for number in 20_001..=40_000 {
        assert_eq!(running.line().await?, number.to_string());
    }
    let (code, said) = running.ended().await?;
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(said.matches("trying again").count(), 1, "quietly: {said}");
    Ok(())
}

/// What Python's XML parser makes of a report: the suite's attributes, and each case with its children.
async fn parsed(path: &Path) -> Result<Value> {
    const READ: &str = "\
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find('testsuite')
case = lambda it: dict(it.attrib, children={c.tag: dict(c.attrib, text=c.text) for c in it})
print(json.dumps({'suite': suite.attrib, 'cases': [case(it) for it in suite.findall('testcase')]}))";
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/python");
    ensure!(python.exists(), "{} is missing: run ./test once, it sets up the tools", python.display());
    let output = tokio::process::Command::new(python).arg("-c").arg(READ).arg(path).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn a_junit_report_that_others_can_read() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let report = mosaic.home.path().join("agent.xml");
    let path = report.display().to_string();
    // Fails once, after a page of what XML cannot hold, and then passes.
    let marker = tempfile::Builder::new().prefix("mosaic-once-").tempdir_in("/tmp")?;
    let once = format!("{}/done", marker.path().display());
    std::fs::set_permissions(marker.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let script = format!(
        "if [ -e {once} ]; then echo second; exit 0; fi; touch {once}; \
         printf 'first <&]]>\"\\357\\277\\276\\001\\007\\377 \u{e9}\\n'; exit 4"
    );
    let words = run(&["--attempts", "2", "--backoff", "0s", "--name", "a<b", "--junit", &path], &script);
    let ran = mosaic.run(&words).await?;
    assert_eq!(ran.code, 0, "{ran:?}");
    let (printed, told) = summary(&ran)?;
    assert!(printed.starts_with("first ") && printed.ends_with("\nsecond\n"), "{printed:?}");
    assert_eq!((&told["attempts"], told["agents"].as_array().map(Vec::len)), (&json!(2), Some(2)), "{told}");
    let xml = parsed(&report).await?;
    assert_eq!(xml["suite"]["name"], "mosaic agent a<b");
    let counts = ["tests", "failures", "errors", "skipped"].map(|it| xml["suite"][it].as_str());
    assert_eq!(counts, [Some("2"), Some("0"), Some("0"), Some("1")], "{xml}");
    let first = xml["cases"][0]["children"]["system-out"]["text"].as_str().context("no output")?;
    assert!(first.starts_with("first <&]]>\"") && first.contains("\u{e9}"), "{first:?}");
    assert_eq!(xml["cases"][0]["children"]["skipped"]["message"], "exit code 4; it was tried again");
    assert_eq!(xml["cases"][1]["children"], json!({"system-out": {"text": "second\n"}}));

    let words = run(&["--junit", &path], "seq 100000; exit 7");
    assert_eq!(mosaic.run(&words).await?.code, 7);
    let xml = parsed(&report).await?;
    assert_eq!(xml["suite"]["failures"], "1");
    assert_eq!(xml["cases"][0]["children"]["failure"]["type"], "failed");
    let output = xml["cases"][0]["children"]["system-out"]["text"].as_str().unwrap_or_default();
    assert!(output.ends_with("\n100000\n") && output.len() <= 64 * 1024, "{}", output.len());

    let words = run(&["--junit", &path, "--profile", "nope"], "true");
    assert_eq!(mosaic.run(&words).await?.code, 125);
    let xml = parsed(&report).await?;
    assert_eq!(xml["cases"][0]["children"]["error"]["type"], "refused", "{xml}");
    Ok(())
}

#[tokio::test]
async fn groups_fold_and_hold_the_output_s_own_commands() -> Result<()> {
    let server = Server::start().await?;
    let evil = "echo '::endgroup::'; echo '::error::evil'; printf '##[error]evil'";
    let words = ["agent", "run", "--name", "it", "--", evil];
    let shown = Mosaic::operator_with(&server, &[("GITHUB_ACTIONS", "true")])?.ok(&words).await?;
    let lines: Vec<&str> = shown.lines().collect();
    let token = lines[1].strip_prefix("::stop-commands::").context("commands are not stopped")?;
    let expected = [
        "::group::it",
        &format!("::stop-commands::{token}"),
        "::endgroup::",
        "::error::evil",
        "##[error]evil",
        &format!("::{token}::"),
        "::endgroup::",
    ];
    assert_eq!(lines, expected);

    let gitlab = Mosaic::operator_with(&server, &[("GITLAB_CI", "true")])?;
    let shown = gitlab.ok(&["agent", "run", "--name", "it", "--", "echo hi"]).await?;
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "hi"), "{shown:?}");
    assert!(
        lines[0].starts_with("\u{1b}[0Ksection_start:") && lines[0].ends_with("\r\u{1b}[0Kit"),
        "{shown:?}"
    );
    let section = lines[0].rsplit(':').next().and_then(|rest| rest.split('\r').next());
    let end = lines[2].rsplit(':').next().and_then(|rest| rest.split('\r').next());
    assert!(section.is_some_and(|section| section.starts_with("mosaic_")) && section == end, "{shown:?}");

    let plain = gitlab.ok(&["agent", "run", "--no-log-groups", "--", "echo hi"]).await?;
    assert_eq!(plain, "hi\n");
    Ok(())
}
