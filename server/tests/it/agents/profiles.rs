//! Profiles: how a program is launched for a prompt, with which secrets, and within which limits.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use mosaic_proto::{
    orchestrator::v1::{ListProfilesRequest, SpawnAgentRequest, job::State, profile::Kind},
    terminal::v1::limit::Enforcement,
};
use test_support::{Server, reason};

use super::{job, named, over, run, shell, spawn, text};

const FILE: &str = r#"
[profile.echo]
kind = "command"
command = ["echo", "-n", "<{prompt}>"]
description = "says it"

[profile.cat]
kind = "tui"
command = ["sh", "-c", "stty -echo; read x; echo got $x"]

[profile.secret]
kind = "command"
command = ["sh", "-c", "echo $PROFILE_SECRET-$OTHER_SECRET-$PLAIN-{prompt}"]
secret_env = ["PROFILE_SECRET"]
env = { PLAIN = "plain" }

[profile.gone]
kind = "command"
command = ["/no/such/program", "{prompt}"]

[profile.keyless]
kind = "command"
command = ["true", "{prompt}"]
secret_env = ["NO_SUCH_SECRET"]

[profile.counts]
kind = "command"
command = ["sh", "-c", "{prompt}"]
tokens_pattern = "used ([0-9,]+) tokens"

[profile.small]
kind = "command"
command = ["sh", "-c", "{prompt}"]
memory_bytes_max = 67108864
cpu_millis_max = 500

[profile.one]
kind = "command"
command = ["sh", "-c", "{prompt}"]
running_max = 1
"#;

async fn server() -> Result<Server> {
    Server::builder()
        .config_file(FILE)
        .variable("PROFILE_SECRET", "s3cret")
        .variable("OTHER_SECRET", "other")
        .start()
        .await
}

fn with(profile: &str, prompt: &str) -> SpawnAgentRequest {
    SpawnAgentRequest { profile: profile.to_owned(), ..shell(prompt) }
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_say_how_a_program_is_launched() -> Result<()> {
    let server = server().await?;
    let mut client = server.agents()?;
    let profiles = client.list_profiles(ListProfilesRequest {}).await?.into_inner();
    assert_eq!(profiles.default_profile, "shell");
    let by_name: HashMap<String, _> = profiles.profiles.into_iter().map(|p| (p.name.clone(), p)).collect();
    assert_eq!((by_name["shell"].kind(), by_name["shell"].available), (Kind::Shell, true));
    assert_eq!((by_name["echo"].kind(), by_name["echo"].description.as_str()), (Kind::Command, "says it"));
    ensure!(by_name["gone"].unavailable_reason.contains("/no/such/program"), "{:?}", by_name["gone"]);
    ensure!(by_name["keyless"].unavailable_reason.contains("NO_SUCH_SECRET"), "{:?}", by_name["keyless"]);
    let printed = async |profile: &str, prompt: &str| {
        let job = run(&server, with(profile, prompt)).await?;
        text(&mut server.agents()?, &job.agent_id).await
    };
    // An argument, whatever is in it.
    let hostile = "$(touch x); `id` \"a\" 'b' {prompt}";
    assert_eq!(printed("echo", hostile).await?, format!("<{hostile}>"));
    // Typed as soon as it runs, perhaps before it has turned the echo off.
    ensure!(printed("cat", "typed line").await?.ends_with("got typed line\n"));
    assert_eq!(printed("secret", "x").await?, "s3cret--plain-x\n");
    for profile in ["gone", "keyless"] {
        let refused = spawn(&mut client, with(profile, "x")).await.unwrap_err();
        assert_eq!(reason(&refused), "PROFILE_UNAVAILABLE", "{refused:?}");
    }
    ensure!(!server.log().contains("s3cret"), "a secret is in the log");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_tokens_ends_what_goes_over_it() -> Result<()> {
    let server = server().await?;
    let prompt = "echo used 1,500 tokens; sleep 0.3; echo used 2,500 tokens; sleep 100";
    let over_budget = SpawnAgentRequest { token_budget: 2000, ..with("counts", prompt) };
    let over_budget = run(&server, over_budget).await?;
    assert_eq!((over_budget.state(), over_budget.tokens_used), (State::BudgetExceeded, 2500));
    let within = SpawnAgentRequest { token_budget: 2000, ..with("counts", "echo used 1,500 tokens") };
    let within = run(&server, within).await?;
    assert_eq!((within.state(), within.tokens_used), (State::Succeeded, 1500));
    let uncounted = SpawnAgentRequest { token_budget: 5, ..shell("true") };
    let refused = spawn(&mut server.agents()?, uncounted).await.unwrap_err();
    assert_eq!(reason(&refused), "BAD_REQUEST");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_has_a_limit_of_its_own() -> Result<()> {
    let server = server().await?;
    let mut client = server.agents()?;
    let one = |name: &str, prompt: &str| SpawnAgentRequest { name: name.to_owned(), ..with("one", prompt) };
    assert_eq!(spawn(&mut client, one("a", "sleep 1")).await?.state(), State::Running);
    assert_eq!(spawn(&mut client, one("b", "true")).await?.state(), State::Queued);
    assert_eq!(run(&server, named("other", "true")).await?.state(), State::Succeeded);
    assert_eq!(job(&mut client, "b").await?.state(), State::Queued);
    assert_eq!(over(&mut client, "b").await?.state(), State::Succeeded);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_limits_what_its_agents_use_and_tells_who_keeps_that() -> Result<()> {
    let server = server().await?;
    // `tail` keeps a line that does not end.
    let greedy = run(&server, with("small", "head -c 300M /dev/zero | tail -n 1 | wc -c")).await?;
    let printed = text(&mut server.agents()?, &greedy.agent_id).await?;
    ensure!(!printed.contains("314572800"), "it got its 300 MB: {printed}");
    let agent = super::agent(&mut server.agents()?, &greedy.agent_id).await?;
    let limits = agent.limits.unwrap_or_default();
    let (memory, cpu) = (limits.memory_bytes.unwrap_or_default(), limits.cpu_millis.unwrap_or_default());
    assert_eq!((memory.max, cpu.max), (64 << 20, 500));
    // Who keeps them depends on the machine; that nobody does is told.
    ensure!(
        memory.enforcement() != Enforcement::Unspecified && cpu.enforcement() != Enforcement::Unspecified
    );
    let modest = run(&server, with("small", "head -c 3M /dev/zero | tail -n 1 | wc -c")).await?;
    assert_eq!(modest.state(), State::Succeeded);
    Ok(())
}
