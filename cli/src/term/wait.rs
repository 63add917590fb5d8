//! `mosaic term wait`, and the waiting of `term new --wait`: a terminal's end as an exit code.
//!
//! It knows nothing about the forms of output; `print` does.

use std::time::Duration;

use mosaic_client::{
    Client,
    proto::terminal::v1::{Exit, Terminal, WaitTerminalResponse, stream_ended::Reason},
    terminal::Event,
};

use super::print::Printer;
use crate::{Outcome, exit, failure::Failure, session::Session, show, signals::Signals, text, values};

/// For how long an end that is known is waited for to be in lists, too.
const RECORDED_WAIT: Duration = Duration::from_secs(2);

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Wait {
    /// Name or id
    name: String,
    /// Wait no longer than this, such as 90s or 10m; then exit with 124 [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,
}

/// Waits for the end.
pub(crate) async fn run(session: &Session, wait: Wait) -> Outcome {
    let client = session.client()?;
    // By its id from now on: the name may be another's by the time it has ended.
    let id = client.terminal(&wait.name).get().await?.id;
    let terminal = client.terminal(&id);
    let exit = match wait.timeout {
        Some(timeout) => terminal.wait_timeout(timeout).await?,
        None => Some(terminal.wait().await?),
    };
    if session.output.json {
        let terminal = Some(terminal.get().await?);
        let answer = WaitTerminalResponse { timed_out: exit.is_none(), exit: exit.clone(), terminal };
        session.output.message(&answer)?;
    }
    let name = text::quote(&wait.name);
    let Some(exit) = exit else {
        return Err(Failure::timeout(format!("{name} has not ended within the --timeout")));
    };
    if !session.output.json {
        session.output.line(&show::end(&exit))?;
    }
    code(&name, &exit)
}

/// Prints the output of a terminal until it ends, and passes signals on to its program.
pub(super) async fn output(session: &Session, client: &Client, terminal: &Terminal, raw: bool) -> Outcome {
    let handle = client.terminal(&terminal.id);
    let mut signals = Signals::listen()?;
    let mut signalled = None;
    let mut printer = Printer::new(session.output, raw);
    let mut watch = printer.open(handle.watch()).await?;
    let mut printing = std::pin::pin!(async move {
        let mut exit = None;
        while let Some(event) = watch.next().await {
            let event = event?;
            printer.print(&event).await?;
            match event {
                Event::Exited(exited) => exit = exited.exit,
                Event::Ended(ended) if ended.reason() == Reason::TerminalEnded => {}
                Event::Ended(ended) => return Err(stopped(ended.reason())),
                _ => {}
            }
        }
        printer.finish().await?;
        Ok(exit.unwrap_or_default())
    });
    let ended = loop {
        let (number, name) = tokio::select! {
            ended = &mut printing => break ended,
            signal = signals.next() => signal,
        };
        // The first one is the program's to handle; the second one ends it.
        let passed = match signalled {
            None => handle.signal(name).await.map(drop),
            Some(_) => handle.close(None).await.map(drop),
        };
        if let Err(error) = passed {
            Failure::from(error).report();
            return Ok(exit::of_signal(number));
        }
        signalled = Some(number);
    };
    match ended {
        Ok(exit) => {
            // The stream tells the end a moment before lists do: the next command is to find it there. If the
            // server has gone meanwhile, the end is known all the same.
            let _ = handle.wait_timeout(RECORDED_WAIT).await;
            code(&text::quote(&terminal.name), &exit)
        }
        Err(failure) => {
            if failure.quiet {
                // As a program of one's own ends when nobody reads its output any more.
                handle.close(None).await?;
            }
            Err(failure)
        }
    }
}

fn stopped(reason: Reason) -> Failure {
    match reason {
        Reason::Detached => Failure::error("somebody detached this reader; the program runs on"),
        Reason::Deleted => Failure::not_found("the terminal was deleted"),
        _ => Failure::unavailable("the stream ended before the program did"),
    }
}

/// The program's exit code; that nobody knows it is a failure and not a made-up code.
fn code(name: &str, exit: &Exit) -> Outcome {
    exit::of_program(exit)
        .ok_or_else(|| Failure::error(format!("{name} has ended, but how is not known: {}", show::end(exit))))
}
