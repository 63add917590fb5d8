//! The examples do what they say, against a real server.
//!
//! It must not test Mosaic; only that the examples still fit it. The grpcurl page is run with the other
//! third-party clients.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, ensure};
use mosaic_client::{
    Client,
    proto::{
        orchestrator::v1::job::State,
        workspace::v1::{agent_changed, event::Payload, terminal_changed::Kind},
    },
    workspace::{Events, WorkspaceEvent},
};
use test_support::{
    Server,
    fake_llm::{FakeLlm, Reply, Script, Wire},
};

use tokio::process::Command;

/// Runs a command with a server's endpoint and token.
async fn run(server: &Server, command: &mut Command) -> Result<Output> {
    let command = command.env("MOSAIC_ENDPOINT", server.endpoint()).env("MOSAIC_TOKEN", server.token()?);
    command.output().await.context("run the example")
}

/// The directory with the built programs, `mosaic` among them.
fn programs() -> Result<PathBuf> {
    let directory = Path::new(env!("CARGO_BIN_EXE_terminal")).parent().context("a program lies somewhere")?;
    ensure!(directory.join("mosaic").exists(), "the command line is not built: cargo build -p mosaic-cli");
    Ok(directory.to_owned())
}

fn ci(directory: &Path) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci.sh"));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", directory.display()));
    command
}

#[tokio::test]
async fn the_rust_program_types_reads_and_waits() -> Result<()> {
    let server = Server::start().await?;
    let output = run(&server, &mut Command::new(env!("CARGO_BIN_EXE_terminal"))).await?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("six times seven is 42"), "{stdout}");
    assert!(stderr.contains("exit code Some(3)"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn the_chat_program_shows_two_answers() -> Result<()> {
    let fake = FakeLlm::start(Script::new().reply("story", Reply::text(["A pair ", "of devices."]))).await?;
    let mut config = tempfile::NamedTempFile::new()?;
    config.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    write!(
        config,
        "[chat]\nmodel_titles = false\n[local_model]\nenabled = false\n\
         [provider.fake]\nkind = 'openai'\nbase_url = '{}'\nmodel = 'story'\n",
        fake.base_url(Wire::OpenAi)
    )?;
    let server = Server::builder().config("config", config.path().display()).start().await?;
    let output = run(&server, &mut Command::new(env!("CARGO_BIN_EXE_chat"))).await?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stdout, "A pair of devices.\nA pair of devices.\n");
    assert!(stderr.contains("Complete by fake/story"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn the_ci_script_passes_output_and_exit_code_on() -> Result<()> {
    let server = Server::start().await?;
    let log = std::env::temp_dir().join(format!("mosaic-ci-{}.log", std::process::id()));
    let mut command = ci(&programs()?);
    command.args(["sh", "-c", "echo tested; exit 7"]).env("MOSAIC_LOG", &log);
    let output = run(&server, &mut command).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("tested"), "{stderr}");
    assert!(std::fs::read_to_string(&log)?.contains("tested"));
    std::fs::remove_file(&log)?;
    Ok(())
}

/// Reads events until a terminal of the script's has got so far; answers its name.
async fn until(events: &mut Events, kind: Kind) -> Result<String> {
    loop {
        let WorkspaceEvent::Event(event) = events.next().await.context("an end")?? else { continue };
        let Some(Payload::Terminal(change)) = event.payload else { continue };
        if change.kind() == kind {
            return Ok(change.terminal.context("the terminal")?.name);
        }
    }
}

#[tokio::test]
async fn a_cancelled_ci_job_leaves_nothing_running() -> Result<()> {
    let server = Server::start().await?;
    let client = Client::connect(server.endpoint()).token(server.token()?).build()?;
    let mut events = client.workspace().watch_events().after(0).open().await?;
    let mut command = ci(&programs()?);
    command.args(["sleep", "infinity"]).kill_on_drop(true);
    command.env("MOSAIC_ENDPOINT", server.endpoint()).env("MOSAIC_TOKEN", server.token()?);
    let mut job = command.spawn()?;
    let name = until(&mut events, Kind::Started).await?;
    let pid = job.id().context("the job runs")?.to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await?.success());
    assert_eq!(job.wait().await?.code(), Some(143));
    assert_eq!(until(&mut events, Kind::Exited).await?, name);
    Ok(())
}

#[tokio::test]
async fn the_ci_driver_runs_three_jobs_one_after_the_other() -> Result<()> {
    let server = Server::start().await?;
    let program = env!("CARGO_BIN_EXE_ci_driver");
    let output = run(&server, &mut Command::new(program)).await?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stdout, "build: compiled\ntest: 3 tests passed\ndeploy: deployed\n", "{stderr}");

    let mut failing = Command::new(program);
    failing.args(["echo compiled", "echo 1 test failed; exit 7", "echo never"]);
    let output = run(&server, &mut failing).await?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stdout, "build: compiled\ntest: 1 test failed\n", "what it depends on failed: {stderr}");
    Ok(())
}

/// The script that needs nothing but grpcurl, which `./test` has set up.
fn driver() -> Result<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join("../.tools/python/bin");
    ensure!(tools.join("grpcurl").exists(), "grpcurl is missing: run ./test once, it sets up the tools");
    let mut command = Command::new(root.join("ci_driver.sh"));
    command.env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default()));
    command.kill_on_drop(true);
    Ok(command)
}

#[tokio::test]
async fn the_grpcurl_driver_passes_output_and_exit_code_on() -> Result<()> {
    let server = Server::start().await?;
    let script = r#"echo "a \"quoted\" <word> & 100%"; seq 3; exit 7"#;
    let output = run(&server, driver()?.arg(script)).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, "a \"quoted\" <word> & 100%\n1\n2\n3\n", "{stderr}");
    assert!(stderr.contains("STATE_FAILED"), "{stderr}");
    let output = run(&server, driver()?.arg("true")).await?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn an_interrupted_grpcurl_driver_cancels_its_job() -> Result<()> {
    let server = Server::start().await?;
    let client = Client::connect(server.endpoint()).token(server.token()?).build()?;
    let mut events = client.workspace().watch_events().after(0).open().await?;
    let mut command = driver()?;
    command
        .arg("sleep infinity")
        .env("MOSAIC_ENDPOINT", server.endpoint())
        .env("MOSAIC_TOKEN", server.token()?);
    let mut driver = command.spawn()?;
    let ended = async |events: &mut Events, wanted: agent_changed::Kind| -> Result<String> {
        loop {
            let WorkspaceEvent::Event(event) = events.next().await.context("an end")?? else { continue };
            let Some(Payload::Agent(change)) = event.payload else { continue };
            if change.kind() == wanted {
                return Ok(change.agent.context("the agent")?.job_id);
            }
        }
    };
    let job = ended(&mut events, agent_changed::Kind::Started).await?;
    let pid = driver.id().context("the driver runs")?.to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await?.success());
    assert_eq!(driver.wait().await?.code(), Some(143));
    assert_eq!(ended(&mut events, agent_changed::Kind::Exited).await?, job);
    let info = client.orchestrator().job(job).get().await?;
    assert_eq!(info.state(), State::Cancelled, "{info:?}");
    Ok(())
}
