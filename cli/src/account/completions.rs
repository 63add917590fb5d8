//! `mosaic completions`: a completion script for a shell.
//!
//! It knows nothing about servers.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{Outcome, args::Cli, exit};

/// How to install them.
pub(crate) const HELP: &str = "\
Examples:
  mosaic completions bash > ~/.local/share/bash-completion/completions/mosaic
  mosaic completions zsh > ~/.zfunc/_mosaic       (a directory in $fpath)
  mosaic completions fish > ~/.config/fish/completions/mosaic.fish";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(completions: Completions) -> Outcome {
    // Into memory first: the generator panics where standard output is closed.
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "mosaic", &mut script);
    io::stdout().write_all(&script)?;
    Ok(exit::OK)
}
