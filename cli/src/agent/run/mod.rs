//! `mosaic agent run`: an agent from its making to its end, for CI and for people who look on.
//!
//! It knows nothing about how output is followed (`follow`) or reported on (`report`).

mod ending;
mod follow;
mod groups;
mod junit;
mod report;

use std::{
    io::{IsTerminal as _, stdin},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use mosaic_client::{
    Client, JobInfo,
    orchestrator::{Job, SpawnAgent},
};
use tokio::time::sleep;

use self::{ending::Ending, follow::Follow, groups::Groups, report::Reports};
use super::{ask::Ask, words::waiting};
use crate::{
    Outcome, exit,
    failure::{Failure, Lost},
    output::say,
    session::Session,
    signals::Signals,
    term::print::Printer,
    text, values,
};

/// What to know about it.
pub(super) const HELP: &str = "\
The words of PROMPT are joined with spaces, as ssh does: quote what a shell is to read,
-- 'echo one; echo two'. Without PROMPT, what is piped in is it. The output goes to
standard output as it comes, of all attempts, everything else to standard error. Into a
pipe it is text without escape sequences.

SIGINT, SIGTERM and SIGHUP cancel the job and wait for its end; a second one leaves at
once. A kill -9 of this command cancels nothing: --timeout bounds that.

Exit codes: the program's own (128 + signal number if a signal ended it), and
  112  it used more tokens than --token-budget
  113  somebody else cancelled the job, or killed the agent
  114  nobody knows what became of it
  115  it asks something, and nobody is there to answer (--on-input fail)
  116  the server went away and did not come back within --patience
  117  its program could not be started
  118  a job that it --depends-on did not succeed
  124  it took too long: waiting, running, or without output
  125  mosaic failed: no such profile, a name that is taken, a wrong command line, ...
  126, 127  the command cannot be run, there is no such command
  128+n  this command got signal n, and cancelled the job: 129 HUP, 130 INT, 143 TERM
A program may use these numbers, too. `outcome` in the --summary tells for sure:
succeeded, failed, timed_out, budget_exceeded, cancelled, killed, lost, input_required,
server_away, start_failed, dependency_failed, interrupted, output_closed, refused,
detached.

In GitHub Actions and GitLab CI the output of each attempt is a group that folds. GitHub's
commands in the output of the program do nothing there.

Examples:
  mosaic agent run -- make test
  mosaic agent run --attempts 3 --timeout 10m --junit agent.xml -- ./flaky.sh
  mosaic agent run --profile claude --repository . --base main < task.md
  mosaic agent run --detach --name nightly -- ./nightly.sh";

/// Between two attempts to reach a server that is not there.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a job that was asked for is waited for, to be cancelled, after a signal.
const SPAWN_WAIT: Duration = Duration::from_secs(5);

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    ask: Ask,
    /// Print the job's name, and leave it alone
    #[arg(long, short)]
    detach: bool,
    /// What to do if it asks something [default: fail where standard input is no terminal, else wait]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_input: Option<OnInput>,
    /// The bytes as they are, also into a pipe
    #[arg(long, conflicts_with = "text")]
    raw: bool,
    /// Text without escape sequences, also on a terminal
    #[arg(long)]
    text: bool,
    /// Write how it ended as one JSON object; `-` is the last line of standard output
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Write a JUnit report: a test case for each attempt
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fold nothing in the log of a CI system
    #[arg(long)]
    no_log_groups: bool,
    /// For how long to wait for a server that is away
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s")]
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnInput {
    /// Cancel it, and exit with 115
    Fail,
    /// Say so, and wait until somebody answers
    Wait,
}

/// Runs it.
pub(super) async fn run(session: &Session, run: Run) -> Outcome {
    let mut signals = Signals::listen()?;
    // Before anything starts: a report that cannot be written is known of now, not after an hour.
    let reports = Reports::open(run.summary.as_deref(), run.junit.as_deref())?;
    let client = session.patient_client(run.patience)?;
    let (ending, failure) = match to_its_end(session, &client, &run, &mut signals).await {
        Ok(ending) => (ending, None),
        Err(failure) => {
            let failure = failure.beside_an_agent();
            (Ending::refused(&failure, run.ask.name()), Some(failure))
        }
    };
    reports.write(&client, &ending).await?;
    failure.map_or(Ok(ending.code), Err)
}

async fn to_its_end(
    session: &Session,
    client: &Client,
    run: &Run,
    signals: &mut Signals,
) -> Result<Ending, Failure> {
    let request = run.ask.request(client).await?;
    let spawned = match spawn(&request, run.patience, signals).await? {
        Spawned::Made(spawned) => spawned,
        Spawned::Interrupted(number) => return Ok(Ending::interrupted_early(number)),
    };
    let Made { job, info, interrupted } = *spawned;
    let name = text::escape(&info.name);
    if run.detach && interrupted.is_none() {
        session.output.line(&name)?;
        return Ok(Ending::detached(info));
    }
    if let Some(why) = waiting(&info) {
        say(&format!("[mosaic: {name} waits: {why}]"));
    }
    let printer = match run.text {
        true => Printer::text(session.output),
        false => Printer::new(session.output, run.raw),
    };
    let waits = run.on_input.map_or_else(|| stdin().is_terminal(), |what| what == OnInput::Wait);
    let groups = Groups::detect(!run.no_log_groups && !session.output.json);
    let ends_line = run.summary.as_deref() == Some(Path::new("-"));
    let follow = Follow { job, info, waits, patience: run.patience, ends_line, interrupted };
    let ending = follow.follow(printer, groups, signals).await?;
    if ending.code != exit::OK {
        say(&format!("[mosaic: {name}: {}]", text::escape(&ending.message)));
    }
    Ok(ending)
}

enum Spawned {
    Made(Box<Made>),
    /// By a signal, before it was known what it came to.
    Interrupted(i32),
}

struct Made {
    job: Job,
    info: JobInfo,
    /// The number of a signal that came meanwhile.
    interrupted: Option<i32>,
}

/// Makes the job. A signal meanwhile lets it be made, so that it can be cancelled.
async fn spawn(request: &SpawnAgent, patience: Duration, signals: &mut Signals) -> Result<Spawned, Failure> {
    let mut making = std::pin::pin!(make(request, patience));
    let mut interrupted = None;
    loop {
        tokio::select! {
            made = &mut making => {
                let (job, info) = made?;
                return Ok(Spawned::Made(Box::new(Made { job, info, interrupted })));
            }
            (number, _) = signals.next() => match interrupted {
                None => interrupted = Some(number),
                Some(first) => return Ok(Spawned::Interrupted(first)),
            },
            () = sleep(SPAWN_WAIT), if interrupted.is_some() => {
                return Ok(Spawned::Interrupted(interrupted.unwrap_or_default()));
            }
        }
    }
}

async fn make(request: &SpawnAgent, patience: Duration) -> Result<(Job, JobInfo), Failure> {
    let begun = Instant::now();
    let mut said = false;
    loop {
        let error = match request.send().await {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        if error.is_retryable() && begun.elapsed() < patience {
            if !std::mem::replace(&mut said, true) {
                let why = text::escape(error.message());
                say(&format!("[mosaic: {why}; trying again for up to {patience:?}]"));
            }
            sleep(PAUSE).await;
            continue;
        }
        return Err(match Failure::from(error) {
            failure if failure.lost == Some(Lost::NotThere) => failure.after(&format!("{patience:?}")),
            failure => failure,
        });
    }
}
