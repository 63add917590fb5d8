//! `fake-llm`: serves a script as a model server, for trying fallback lists by hand.
//!
//! It must not know what a script says; the library does.

use std::{io::Write, path::PathBuf};

use anyhow::Result;
use clap::Parser;
use test_support::fake_llm::{FakeLlm, read_script};

/// A model server that says what a script tells it to, in the wire formats of Anthropic, OpenAI and Ollama.
#[derive(Parser)]
#[command(name = "fake-llm")]
struct Arguments {
    /// The script (TOML), as docs/fake-llm.md describes it.
    #[arg(long)]
    script: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:4010")]
    listen: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let fake = FakeLlm::listen(&arguments.listen, read_script(&arguments.script)?).await?;
    writeln!(std::io::stdout(), "listening on {}", fake.endpoint())?;
    tokio::signal::ctrl_c().await?;
    let counts = fake.counts();
    writeln!(
        std::io::stdout(),
        "{} requests: {} answers sent, {} left by their clients",
        counts.requests,
        counts.finished,
        counts.dropped
    )?;
    Ok(())
}
