//! `mosaic agent logs`: what an agent printed, and what it prints.
//!
//! It knows nothing about the forms of output; `term::print` does.

use mosaic_client::{
    JobInfo,
    orchestrator::LogEvent,
    terminal::{Event, Start},
};

use super::{
    find::{self, Found},
    words::waiting,
};
use crate::{
    Outcome, exit,
    output::say,
    session::Session,
    surroundings,
    term::{attach::start, print::Printer, tail},
    text, values,
};

/// What to know about it.
pub(super) const HELP: &str = "\
Into a pipe the output is text without escape sequences; --raw keeps the bytes. With
--json it is a line an event, with offsets. With -f it waits for an agent that has not
begun, and goes on with the next attempt, until the job is over.

Examples:
  mosaic agent logs build                all that is kept of the newest attempt
  mosaic agent logs build -f -n 20       the last lines, and what comes
  mosaic agent logs build --attempt 1    of an earlier attempt; `agent ls --job build`
  mosaic agent logs build --raw > build.typescript";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Logs {
    /// Name or id
    name: String,
    /// Go on with what comes, until the job is over
    #[arg(long, short)]
    follow: bool,
    /// What this attempt printed, from 1 [default: the newest]
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    attempt: Option<u32>,
    /// Begin so many bytes before the end, such as 4096 or 64k
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, group = "begin")]
    tail: Option<u64>,
    /// Begin so many lines before the end
    #[arg(long, short = 'n', value_name = "LINES", group = "begin")]
    lines: Option<u64>,
    /// The bytes as they are, also into a pipe
    #[arg(long)]
    raw: bool,
}

/// Prints it.
pub(super) async fn run(session: &Session, logs: Logs) -> Outcome {
    let client = session.client()?;
    let agent = match (logs.attempt, logs.follow) {
        (Some(number), _) => find::attempt(&client, &logs.name, number).await?,
        (None, true) => find::started(&client, &logs.name).await?,
        (None, false) => match find::now(&client, &logs.name).await? {
            Found::Agent(agent) => find::running(&client, agent).await?,
            Found::Job(job) => return nothing_yet(&logs.name, &job),
        },
    };
    if logs.follow {
        surroundings::require_elsewhere(&agent.terminal_id)?;
    }
    let start = match (logs.tail, logs.lines) {
        (Some(bytes), _) => start(bytes),
        (_, Some(lines)) => Start::Offset(tail::lines(&client.terminal(&agent.terminal_id), lines).await?),
        (None, None) => Start::Oldest,
    };
    let mut printer = Printer::new(session.output, logs.raw);
    if logs.follow {
        let job = client.orchestrator().job(&agent.job_id);
        let request = job.logs().newest().start(start);
        let request = if printer.wants_text() { request.text() } else { request };
        let mut events = request.open().await?;
        while let Some(event) = events.next().await {
            print(&mut printer, event?).await?;
        }
    } else {
        let request = client.orchestrator().agent(&agent.id).log().start(start).follow(false);
        let request = if printer.wants_text() { request.text() } else { request };
        let mut watch = request.open().await?;
        printer.begin(&agent.terminal_id);
        while let Some(event) = watch.next().await {
            printer.print(&event?).await?;
        }
    }
    printer.finish().await?;
    Ok(exit::OK)
}

/// There is no output, since there was no agent: that is all of it, unless there never will be one.
fn nothing_yet(name: &str, job: &JobInfo) -> Outcome {
    let why = waiting(job).ok_or_else(|| find::never_ran(name))?;
    let name = text::escape(&job.name);
    say(&format!("[mosaic: {name} has not begun, it waits: {why}; -f waits with it]"));
    Ok(exit::OK)
}

async fn print(printer: &mut Printer, event: LogEvent) -> Result<(), crate::failure::Failure> {
    match event {
        LogEvent::Attempt(agent) => {
            printer.begin(&agent.terminal_id);
            if agent.attempt > 1 {
                say(&format!("[mosaic: attempt {}]", agent.attempt));
            }
            Ok(())
        }
        LogEvent::Terminal(event) => printer.print(&event).await,
        LogEvent::Reconnecting(lost) => printer.print(&Event::Reconnecting(lost)).await,
        _ => Ok(()),
    }
}
