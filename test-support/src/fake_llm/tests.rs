//! The script format of `docs/fake-llm.md`, and the server over plain HTTP.
//!
//! It must not know any client of the real providers.

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// The example of the documentation.
fn documented() -> Result<Script> {
    let page = include_str!("../../../docs/fake-llm.md");
    let script = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    Ok(toml::from_str(script.context("the page has no script")?)?)
}

/// All that the server says to a request for a model.
async fn ask(fake: &FakeLlm, path: &str, model: &str) -> Result<String> {
    let mut stream = TcpStream::connect(fake.address).await?;
    let body = format!("{{\"model\":\"{model}\"}}");
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut read = [0; 4096];
    // An object has a length, a stream ends with the empty chunk.
    while !(answer.ends_with(b"}") || answer.ends_with(b"\r\n0\r\n\r\n")) {
        let length = stream.read(&mut read).await?;
        anyhow::ensure!(length > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&read[..length]);
    }
    Ok(String::from_utf8(answer)?)
}

#[tokio::test]
async fn the_documented_script_plays() -> Result<()> {
    let fake = FakeLlm::start(documented()?).await?;
    let busy = ask(&fake, "/v1/messages", "large").await?;
    assert!(busy.starts_with("HTTP/1.1 529 ") && busy.contains("overloaded_error"), "{busy}");
    let slow = ask(&fake, "/v1/chat/completions", "large").await?;
    assert!(slow.contains(" 429 ") && slow.contains("retry-after: 2\r\n"), "{slow}");
    for _ in 0..2 {
        let answer = ask(&fake, "/api/chat", "large").await?;
        assert!(answer.contains("Here ") && answer.contains("\"done\":true"), "{answer}");
    }
    let unknown = ask(&fake, "/api/chat", "other").await?;
    assert!(unknown.contains(" 404 ") && unknown.contains("model 'other' not found"), "{unknown}");
    let broken = ask(&fake, "/v1/chat/completions", "small").await?;
    assert!(broken.contains("out of memory") && !broken.contains("[DONE]"), "{broken}");
    assert_eq!(fake.requests()[0].model, "large");
    let counts = fake.until(|counts| counts.open == 0).await;
    assert_eq!((counts.requests, counts.finished + counts.dropped), (6, 6));
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_is_seen() -> Result<()> {
    let fake = FakeLlm::start(documented()?).await?;
    let mut stream = TcpStream::connect(fake.address).await?;
    stream.write_all(b"POST /api/chat HTTP/1.1\r\ncontent-length: 18\r\n\r\n{\"model\":\"medium\"}").await?;
    fake.until(|counts| counts.open == 1).await;
    drop(stream);
    assert_eq!(fake.until(|counts| counts.dropped == 1).await.open, 0);
    Ok(())
}

#[test]
fn every_step_and_ending_of_the_page_is_read() -> Result<()> {
    let script = r#"
        [[default]]
        steps = [{ text = "a" }, { words = 2 }, { thinking = "b" }, { signature = "c" }, "ping",
            { tool_call = { id = "d", name = "e", arguments = "{}" } }, { wait_ms = 1 }, { raw = "f" },
            { large_event_bytes = 9 }, { error = { kind = "g", message = "h" } }]
        usage = { input = 1, output = 2, cached = 3, thinking = 4 }
        stop = "tool_call"
        ending = "half_closed"
    "#;
    let script: Script = toml::from_str(script)?;
    assert_eq!(script.default[0].steps.len(), 10);
    let page = include_str!("../../../docs/fake-llm.md");
    for ending in ["finished", "cut", "half_closed", "reset", "stall", "open", "endless"] {
        assert!(page.contains(&format!("| `{ending}`")), "{ending} is not documented");
        let script: Script = toml::from_str(&format!("[[default]]\nending = \"{ending}\""))?;
        assert_eq!(script.default.len(), 1);
    }
    assert!(toml::from_str::<Script>("[[default]]\nstatsu = 1").is_err(), "a slip of the pen is told");
    Ok(())
}
