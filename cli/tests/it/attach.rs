//! `mosaic term attach` in a real terminal.
//!
//! It knows nothing about the server's side of an attachment.

use anyhow::{Result, ensure};
use rustix::process::Signal;
use test_support::Server;

use crate::support::{Mosaic, Pty};

/// A program that tells its size at once whenever it changes.
const TELLS_SIZE: &str = "trap 'stty size' WINCH; echo ready; while :; do sleep 1000 & wait $!; done";

async fn attached(mosaic: &Mosaic, program: &str, ready: &str) -> Result<Pty> {
    let create = ["term", "new", "-d", "--name", "t", "--", "sh", "-c", program];
    assert_eq!(mosaic.ok(&create).await?, "t\n");
    let mut pty = mosaic.in_pty(&["term", "attach", "t", "--tail", "all"])?;
    pty.wait_for("[mosaic: attached to t; detach: Ctrl-\\ then d]")?;
    pty.wait_for(ready)?;
    ensure!(pty.attributes_now()? != pty.attributes, "it must be in raw mode");
    Ok(pty)
}

async fn state(mosaic: &Mosaic) -> Result<String> {
    let list = mosaic.json(&["term", "ls", "--all"]).await?;
    Ok(list["terminals"][0]["state"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn type_see_detach() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = mosaic.in_pty(&["term", "new", "--name", "t", "--", "sh"])?;
    pty.wait_for("attached to t")?;
    pty.type_in("echo $((6*7))\r")?;
    pty.wait_for("\r\n42\r\n")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    pty.wait_for("[mosaic: detached from t; it lives on]")?;
    assert_eq!(pty.attributes_now()?, pty.attributes);
    assert_eq!(state(&mosaic).await?, "STATE_RUNNING");
    // Somebody comes back and finds what was there.
    let mut pty = mosaic.in_pty(&["term", "attach", "t"])?;
    pty.wait_for("\r\n42\r\n")?;
    pty.type_in("exit 7\r")?;
    assert_eq!(pty.ended().await?, 7);
    pty.wait_for("[mosaic: t ended: exit code 7]")?;
    Ok(())
}

#[tokio::test]
async fn the_size_of_the_window_follows() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, TELLS_SIZE, "ready").await?;
    pty.resize(101, 33)?;
    pty.wait_for("33 101\r\n")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    Ok(())
}

#[tokio::test]
async fn one_prefix_is_typed_by_typing_two() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, "stty raw -echo; echo ready; exec od -An -c -w4 -v", "ready").await?;
    pty.type_in("\x1c\x1cdab")?;
    pty.wait_for("034   d   a   b")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_signal_gives_the_terminal_back() -> Result<()> {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let server = Server::start().await?;
        let mosaic = Mosaic::operator(&server)?;
        let program = r"printf '\033[?1049h\033[?25l\033[?1002hready'; exec sleep 1000";
        let mut pty = attached(&mosaic, program, "ready").await?;
        pty.signal(signal)?;
        assert_eq!(pty.ended().await?, code);
        assert_eq!(pty.attributes_now()?, pty.attributes, "{signal:?}");
        for restored in ["\x1b[?1049l", "\x1b[?25h", "\x1b[?1002l"] {
            pty.wait_for(restored)?;
        }
        assert_eq!(state(&mosaic).await?, "STATE_RUNNING");
    }
    Ok(())
}

#[tokio::test]
async fn goes_on_through_a_killed_server() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, "echo ready; while read line; do echo got:$line; done", "ready").await?;
    pty.type_in("before\r")?;
    pty.wait_for("got:before")?;
    server.kill9().await?;
    pty.wait_for("[mosaic: connection lost, trying again; leave: Ctrl-\\ then d]")?;
    // Typed while nobody listens, delivered when somebody does.
    pty.type_in("meanwhile\r")?;
    server.restart().await?;
    pty.wait_for("[mosaic: connected again]")?;
    pty.wait_for("got:meanwhile")?;
    pty.type_in("after\r")?;
    pty.wait_for("got:after")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    let shown = pty.shown();
    for line in ["got:before", "got:meanwhile", "got:after"] {
        assert_eq!(shown.matches(line).count(), 1, "{line} in {shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stopping_server_says_so() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, "echo ready; exec cat", "ready").await?;
    server.sigterm().await?;
    pty.wait_for("[mosaic: the server is stopping, trying again; leave: Ctrl-\\ then d]")?;
    server.restart().await?;
    pty.wait_for("[mosaic: connected again]")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    assert!(!pty.shown().contains("connection lost"), "{:?}", pty.shown());
    Ok(())
}

#[tokio::test]
async fn leaving_works_without_a_server() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, "echo ready; exec cat", "ready").await?;
    server.kill9().await?;
    pty.wait_for("connection lost")?;
    pty.type_in("\x1cd")?;
    assert_eq!(pty.ended().await?, 0);
    assert_eq!(pty.attributes_now()?, pty.attributes);
    server.restart().await
}

#[tokio::test]
async fn a_look_types_nothing() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let _typing = attached(&mosaic, "echo ready; exec cat", "ready").await?;
    let mut look = mosaic.in_pty(&["term", "attach", "t", "--read-only", "--tail", "all"])?;
    look.wait_for("ready")?;
    look.type_in("hello\r")?;
    look.type_in("\x03")?;
    assert_eq!(look.ended().await?, 0);
    let output = mosaic.ok(&["term", "logs", "t"]).await?;
    assert_eq!(output, "ready\n");
    Ok(())
}

#[tokio::test]
async fn old_questions_are_not_answered_again() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let asks = r"printf 'one\033[6ntwo\033[cready\n'; exec cat";
    let pty = attached(&mosaic, asks, "onetwoready").await?;
    assert!(!pty.shown().contains("\x1b[6n"));
    Ok(())
}

#[tokio::test]
async fn attach_needs_a_terminal() -> Result<()> {
    let mosaic = Mosaic::new(&[("MOSAIC_ENDPOINT", "http://127.0.0.1:1"), ("MOSAIC_TOKEN", "mosaic_x")])?;
    let ran = mosaic.run(&["term", "attach", "t"]).await?;
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.stderr.contains("term logs -f"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn viewers_are_listed_and_shown_out() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut pty = attached(&mosaic, "echo ready; exec cat", "ready").await?;
    let viewers = mosaic.json(&["term", "viewers", "t"]).await?;
    let viewer = &viewers["viewers"][0];
    assert_eq!((&viewer["cols"], &viewer["rows"]), (&80.into(), &24.into()), "{viewers}");
    mosaic.ok(&["term", "detach", "t", viewer["id"].as_str().unwrap_or_default()]).await?;
    assert_eq!(pty.ended().await?, 0);
    pty.wait_for("somebody detached this window")?;
    assert_eq!(pty.attributes_now()?, pty.attributes);
    Ok(())
}

#[tokio::test]
async fn a_terminal_is_not_shown_in_itself() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let made = mosaic.json(&["term", "new", "--name", "t", "--", "cat"]).await?;
    let id = made["terminal"]["id"].as_str().unwrap_or_default();
    let (endpoint, token) = (server.endpoint(), server.token()?);
    let variables =
        [("MOSAIC_ENDPOINT", endpoint.as_str()), ("MOSAIC_TOKEN", &token), ("MOSAIC_TERMINAL_ID", id)];
    let inside = Mosaic::new(&variables)?;
    let mut pty = inside.in_pty(&["term", "attach", "t"])?;
    assert_eq!(pty.ended().await?, 125);
    assert_eq!(inside.run(&["term", "logs", "-f", "t"]).await?.code, 2);
    assert_eq!(inside.run(&["term", "logs", "t"]).await?.code, 0);
    Ok(())
}
