//! Clients that others wrote: grpcurl, buf and Python's gRPC each make a terminal, type into it and read its output.
//!
//! It must not use anything generated from the contract: the clients learn it from the server's reflection.

use std::{
    fs::Permissions,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use serde_json::{Value, json};
use test_support::{
    Server,
    fake_llm::{FakeLlm, Reply, Script, Wire},
};

/// A program that waits for a line and then says what it was. What is typed before it is ready is echoed first.
const LISTENER: &str = "stty -echo; read line; echo \"got $line\"";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A tool that `./test` has set up.
pub(crate) fn tool(path: &str) -> Result<PathBuf> {
    let tool = root().join(".tools").join(path);
    ensure!(tool.exists(), "{} is missing: run ./test once, it sets up the tools", tool.display());
    Ok(tool)
}

/// Runs a command off this test's runtime and gives its standard output.
async fn output(mut command: Command) -> Result<String> {
    let said = tokio::task::spawn_blocking(move || -> Result<(String, Output)> {
        let output = command.output().with_context(|| format!("run {command:?}"))?;
        Ok((format!("{command:?}"), output))
    });
    let (command, Output { status, stdout, stderr }) = said.await??;
    let (stdout, stderr) = (String::from_utf8(stdout)?, String::from_utf8_lossy(&stderr).into_owned());
    ensure!(status.success(), "{command}: {status}\n{stdout}{stderr}");
    Ok(stdout)
}

/// A client that calls one method with JSON and answers with JSON, one document a message.
trait JsonClient {
    fn command(&self, server: &Server, method: &str, request: &Value) -> Result<Command>;
}

async fn call(client: &impl JsonClient, server: &Server, method: &str, request: Value) -> Result<Vec<Value>> {
    let command =
        client.command(server, &format!("mosaic.terminal.v1.TerminalService/{method}"), &request)?;
    let text = output(command).await?;
    Ok(serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>()?)
}

/// Makes a terminal, types into it, waits for its end and reads what it printed, once whole and once as a stream.
async fn drive(client: &impl JsonClient) -> Result<()> {
    let server = Server::start().await?;
    let created = call(client, &server, "CreateTerminal", json!({ "shell": LISTENER })).await?;
    let id = created[0]["terminal"]["id"].as_str().context("no id")?.to_owned();
    call(client, &server, "Write", json!({ "terminalId": id, "text": "hello\r" })).await?;
    let waited = call(client, &server, "WaitTerminal", json!({ "terminalId": id })).await?;
    assert_eq!(waited[0]["exit"]["code"], json!(0), "{waited:?}");
    let read =
        call(client, &server, "ReadOutput", json!({ "terminalId": id, "format": "FORMAT_TEXT" })).await?;
    assert!(read[0]["text"].as_str().is_some_and(|text| text.ends_with("got hello\n")), "{read:?}");
    let watched = call(client, &server, "Watch", json!({ "terminalId": id })).await?;
    let printed: Vec<u8> = watched
        .iter()
        .filter_map(|message| message["event"]["output"]["data"].as_str())
        .map(|data| base64::engine::general_purpose::STANDARD.decode(data))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    assert!(printed.ends_with(b"got hello\r\n"), "{}", String::from_utf8_lossy(&printed));
    let last = watched.last().context("an empty stream")?;
    assert_eq!(last["event"]["streamEnded"]["reason"], json!("REASON_TERMINAL_ENDED"), "{last}");
    Ok(())
}

struct Grpcurl;

impl JsonClient for Grpcurl {
    fn command(&self, server: &Server, method: &str, request: &Value) -> Result<Command> {
        let mut command = Command::new(tool("python/bin/grpcurl")?);
        command
            .env("MOSAIC_TOKEN", server.token()?)
            .args(["-plaintext", "-expand-headers", "-H", "authorization: Bearer ${MOSAIC_TOKEN}"])
            .args(["-d", &request.to_string(), &server.address(), method]);
        Ok(command)
    }
}

/// `buf curl` with one of its protocols.
struct Buf(&'static [&'static str]);

impl JsonClient for Buf {
    fn command(&self, server: &Server, method: &str, request: &Value) -> Result<Command> {
        let mut command = Command::new(tool("node_modules/.bin/buf")?);
        command
            .current_dir(server.data_dir().parent().context("no directory")?)
            .args(["curl", "--reflect", "--reflect-protocol", "grpc-v1"])
            .args(self.0)
            .arg("--header")
            .arg(format!("authorization: Bearer {}", server.token()?))
            .args(["--data", &request.to_string()])
            .arg(format!("{}/{method}", server.endpoint()));
        Ok(command)
    }
}

#[tokio::test]
async fn grpcurl_drives_a_terminal() -> Result<()> {
    drive(&Grpcurl).await
}

#[tokio::test]
async fn buf_drives_a_terminal_over_grpc_web() -> Result<()> {
    drive(&Buf(&["--protocol", "grpcweb"])).await
}

#[tokio::test]
async fn buf_drives_a_terminal_over_grpc() -> Result<()> {
    drive(&Buf(&["--protocol", "grpc", "--http2-prior-knowledge"])).await
}

#[tokio::test]
async fn python_drives_a_terminal() -> Result<()> {
    let server = Server::start().await?;
    let mut command = Command::new(tool("python/bin/python")?);
    command
        .arg(root().join("test-support/python/drive_terminal.py"))
        .env("MOSAIC_ENDPOINT", server.address())
        .env("MOSAIC_TOKEN", server.token()?);
    let said = output(command).await?;
    assert!(said.contains("python: everything as promised"), "{said}");
    Ok(())
}

#[tokio::test]
async fn every_command_of_the_grpcurl_page_runs() -> Result<()> {
    let page = std::fs::read_to_string(root().join("examples/grpcurl.md"))?;
    let blocks: Vec<&str> = page
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().context("a block without an end"))
        .collect::<Result<_>>()?;
    ensure!(blocks.len() > 3, "only {} commands on the page", blocks.len());
    let fake =
        FakeLlm::start(Script::new().reply("story", Reply::text(["A pair ", "of ", "devices."]))).await?;
    let mut config = tempfile::NamedTempFile::new()?;
    config.as_file().set_permissions(Permissions::from_mode(0o644))?;
    write!(
        config,
        "[chat]\nmodel_titles = false\n[local_model]\nenabled = false\n\
         [provider.fake]\nkind = 'openai'\nbase_url = '{}'\nmodel = 'story'\n",
        fake.base_url(Wire::OpenAi)
    )?;
    let server = Server::builder().config("config", config.path().display()).start().await?;
    let tools = tool("python/bin/grpcurl")?.parent().context("no directory")?.to_owned();
    let path = std::env::join_paths([tools, "/usr/bin".into(), "/bin".into()])?;
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", &blocks.join("\n")])
        .current_dir(server.data_dir().parent().context("no directory")?)
        .env("PATH", path)
        .env("MOSAIC_ENDPOINT", server.address())
        .env("MOSAIC_TOKEN", server.token()?);
    println!("{}", output(command).await?);
    Ok(())
}
