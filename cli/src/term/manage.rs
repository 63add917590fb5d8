//! `mosaic term resize`, `rename` and `signal`: one small change each.
//!
//! It knows nothing about what a terminal shows.

use mosaic_client::proto::terminal::v1::{SendSignalResponse, UpdateTerminalResponse};

use crate::{
    Outcome, exit,
    session::Session,
    text,
    values::{self, Size},
};

/// The arguments of `resize`.
#[derive(clap::Args, Debug)]
pub(crate) struct Resize {
    /// Name or id
    name: String,
    /// Columns and rows, such as 120x40
    #[arg(value_name = "CxR", value_parser = values::size)]
    size: Size,
}

/// The arguments of `rename`.
#[derive(clap::Args, Debug)]
pub(crate) struct Rename {
    /// Name or id
    name: String,
    /// The new name
    new_name: String,
}

/// The arguments of `signal`.
#[derive(clap::Args, Debug)]
pub(crate) struct Signal {
    /// Name or id
    name: String,
    /// HUP, INT, QUIT, KILL, TERM, USR1, USR2, CONT, STOP, TSTP or WINCH
    signal: String,
}

/// Changes the size, and prints it.
pub(crate) async fn resize(session: &Session, resize: Resize) -> Outcome {
    let Size { cols, rows } = resize.size;
    let answer = session.client()?.terminal(resize.name).resize(cols, rows).await?;
    session.output.show(&answer, || format!("{}x{}", answer.cols, answer.rows))?;
    Ok(exit::OK)
}

/// Changes the name, and prints it.
pub(crate) async fn rename(session: &Session, rename: Rename) -> Outcome {
    let terminal = session.client()?.terminal(rename.name).rename(rename.new_name).await?;
    let name = text::escape(&terminal.name);
    session.output.show(&UpdateTerminalResponse { terminal: Some(terminal) }, || name)?;
    Ok(exit::OK)
}

/// Sends the signal, and prints which process group got it.
pub(crate) async fn signal(session: &Session, signal: Signal) -> Outcome {
    let process_group = session.client()?.terminal(signal.name).signal(signal.signal).await?;
    let answer = SendSignalResponse { process_group };
    session.output.show(&answer, || format!("process group {process_group}"))?;
    Ok(exit::OK)
}
