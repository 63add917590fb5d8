//! Nothing that somebody else wrote reaches the terminal as a control; failures have codes and reasons.
//!
//! It knows nothing about how text is made safe.

use anyhow::Result;
use test_support::Server;

use crate::support::Mosaic;

/// What would move, hide or colour text.
const UNSAFE: [char; 5] = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{200b}'];

fn assert_safe(what: &str, text: &str) {
    assert!(!text.contains(UNSAFE), "{what}: {text:?}");
}

#[tokio::test]
async fn names_titles_and_commands() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let name = "a\u{202e}b\u{200b}c";
    let script = "printf '\\033]0;evil\u{202e}title\\007ready\\n'; : '\u{1b}[31m\u{7}'; exec cat";
    let made = mosaic.ok(&["term", "new", "--name", name, "--", "sh", "-c", script]).await?;
    assert_eq!(made, "a\\u{202e}b\\u{200b}c\n");
    let mut pty = mosaic.in_pty(&["term", "attach", name, "--tail", "all"])?;
    pty.wait_for("[mosaic: attached to a\\u{202e}b\\u{200b}c;")?;
    pty.wait_for("ready")?;
    for arguments in [
        &["term", "ls"] as &[&str],
        &["--json", "term", "ls"],
        &["events", "--no-follow"],
        &["--json", "events", "--no-follow"],
        &["term", "viewers", name],
    ] {
        let shown = mosaic.ok(arguments).await?;
        assert_safe(&arguments.join(" "), &shown);
    }
    let list = mosaic.ok(&["term", "ls"]).await?;
    assert!(list.contains(r"a\u{202e}b\u{200b}c"), "{list}");
    assert!(list.contains(r"evil\u{202e}title"), "{list}");
    assert!(list.contains(r"\x1b[31m\x07"), "{list}");
    // The JSON is safe and still has the real name.
    assert_eq!(mosaic.json(&["term", "ls"]).await?["terminals"][0]["name"], name);
    Ok(())
}

#[tokio::test]
async fn failures_have_codes_reasons_and_no_controls() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let ran = mosaic.run(&["term", "close", "\u{1b}[31mnope", "other\u{202e}"]).await?;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.stderr.matches("(TERMINAL_NOT_FOUND)").count(), 2, "each is said: {ran:?}");
    assert_safe("errors", &ran.stderr);
    assert!(
        ran.stderr.contains("`mosaic term ls --all`") && !ran.stderr.contains("ListTerminals"),
        "{ran:?}"
    );
    assert_eq!(ran.stdout, "", "failures are not data");

    let taken = ["term", "new", "--name", "t", "--", "cat"];
    mosaic.ok(&taken).await?;
    let ran = mosaic.run(&taken).await?;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.starts_with("mosaic: ") && ran.stderr.contains("(NAME_TAKEN)"), "{ran:?}");
    let ran = mosaic.run(&["term", "rm", "t"]).await?;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("mosaic term close"), "it says what to do: {ran:?}");
    let ran = mosaic.run(&["term", "new", "--name", "\u{1b}[31m", "--", "cat"]).await?;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(mosaic.run(&["term", "frobnicate"]).await?.code, 2);
    Ok(())
}

#[tokio::test]
async fn ended_terminals_are_told_of_on_a_terminal_only() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["term", "new", "--name", "t", "--", "cat"]).await?;
    assert_eq!(mosaic.run(&["term", "new", "--wait", "--", "true"]).await?.code, 0);
    let ran = mosaic.run(&["term", "ls"]).await?;
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (2, ""), "{ran:?}");
    let mut shown = mosaic.in_pty(&["term", "ls"])?;
    shown.wait_for("1 ended: `mosaic term ls --all` shows them, too")?;
    assert_eq!(shown.ended().await?, 0);
    Ok(())
}

#[tokio::test]
async fn colours_only_on_a_terminal_that_wants_them() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["term", "new", "--name", "t", "--", "cat"]).await?;
    let mut coloured = mosaic.in_pty(&["term", "ls"])?;
    coloured.wait_for("\u{1b}[32mrunning\u{1b}[0m")?;
    assert_eq!(coloured.ended().await?, 0);
    let (endpoint, token) = (server.endpoint(), server.token()?);
    let variables = [("MOSAIC_ENDPOINT", endpoint.as_str()), ("MOSAIC_TOKEN", &token), ("NO_COLOR", "1")];
    let mut plain = Mosaic::new(&variables)?.in_pty(&["term", "ls"])?;
    plain.wait_for("running")?;
    assert_eq!(plain.ended().await?, 0);
    assert_safe("NO_COLOR", &plain.shown());
    Ok(())
}
