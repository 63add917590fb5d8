//! A job from its making to its end: its output, its questions, and the signals meanwhile.
//!
//! It knows nothing about what is reported afterwards.

use std::{cell::Cell, pin::Pin, time::Duration};

use futures_util::future::{LocalBoxFuture, OptionFuture};
use mosaic_client::{
    Error, JobInfo,
    orchestrator::{Job, LogEvent, Until},
    proto::orchestrator::v1::job::State,
    terminal::Event,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{PAUSE, ending::Ending, groups::Groups};
use crate::{failure::Failure, output::say, signals::Signals, term::print::Printer, text};

/// After a job is over, its output is waited for as long as it comes, and this long for more.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether a question still stands.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is followed, and how.
pub(super) struct Follow {
    pub(super) job: Job,
    /// The job as it was made.
    pub(super) info: JobInfo,
    /// A question is waited out; else it is the end.
    pub(super) waits: bool,
    /// For how long a server may be away.
    pub(super) patience: Duration,
    /// Something else follows on standard output: it begins on a line of its own.
    pub(super) ends_line: bool,
    /// A signal that came before.
    pub(super) interrupted: Option<i32>,
}

/// Signals that come as close as this are one.
const ONE_SIGNAL: Duration = Duration::from_millis(10);

/// Why the job is cancelled from here.
enum Why {
    Signal(i32),
    Question(String),
    NobodyReads,
}

/// What a job came to.
enum Came {
    Over(Box<JobInfo>),
    Asks(Box<JobInfo>),
}

/// Whether output still comes.
struct Progress {
    last: Cell<Instant>,
    /// Something is being written, which may take as long as whoever reads it takes.
    busy: Cell<bool>,
}

type Work<'a, T> = LocalBoxFuture<'a, T>;

impl Follow {
    /// Follows it.
    pub(super) async fn follow(
        self,
        mut printer: Printer,
        mut groups: Groups,
        signals: &mut Signals,
    ) -> Result<Ending, Failure> {
        let ending = self.outcome(&mut printer, &mut groups, signals).await;
        // Whoever reads may have gone; that is told by the ending.
        if let Some(end) = groups.end() {
            let _ = printer.line(&end).await;
        }
        if self.ends_line {
            let _ = printer.end_line().await;
        }
        let _ = printer.finish().await;
        ending
    }

    async fn outcome(
        &self,
        printer: &mut Printer,
        groups: &mut Groups,
        signals: &mut Signals,
    ) -> Result<Ending, Failure> {
        let progress = Progress { last: Cell::new(Instant::now()), busy: Cell::new(false) };
        let mut printing: Option<Work<'_, _>> = Some(Box::pin(self.print(printer, groups, &progress)));
        let mut coming: Work<'_, _> = Box::pin(self.come());
        let mut why = self.interrupted.map(Why::Signal);
        let mut signalled = None;
        let mut cancelling: Option<Work<'_, _>> = why.as_ref().map(|why| self.cancel(why));
        let job = loop {
            tokio::select! {
                Some(printed) = OptionFuture::from(printing.as_mut()) => {
                    printing = None;
                    if self.nobody_reads(printed) && why.is_none() {
                        cancelling = Some(self.cancel(why.insert(Why::NobodyReads)));
                    }
                }
                came = &mut coming => match came {
                    Ok(Came::Over(job)) => break *job,
                    Ok(Came::Asks(job)) => {
                        if why.is_none() {
                            cancelling = Some(self.cancel(why.insert(Why::Question(job.question.clone()))));
                        }
                        coming = Box::pin(self.over());
                    }
                    Err(error) => return self.failed(error, why),
                },
                (number, _) = signals.next() => match why {
                    // timeout(1) signals the program, and then its group: that is one.
                    Some(Why::Signal(_)) if signalled.is_some_and(|at: Instant| at.elapsed() < ONE_SIGNAL) => {}
                    Some(Why::Signal(first)) => {
                        let what = "left at once; whether the job was cancelled is not known";
                        return Ok(Ending::interrupted(first, what, self.info.clone()));
                    }
                    _ => {
                        signalled = Some(Instant::now());
                        cancelling = Some(self.cancel(why.insert(Why::Signal(number))));
                    }
                },
                Some(cancelled) = OptionFuture::from(cancelling.as_mut()) => {
                    cancelling = None;
                    if let Err(error) = cancelled {
                        return self.failed(error, why);
                    }
                }
            }
        };
        if let Some(printing) = printing {
            let printed = drain(printing, &progress, signals).await;
            if self.nobody_reads(printed) && why.is_none() {
                why = Some(Why::NobodyReads);
            }
        }
        Ok(match why {
            None => Ending::of_job(job),
            Some(Why::Signal(number)) => {
                let what =
                    if job.state() == State::Cancelled { "the job is cancelled" } else { "it was over" };
                Ending::interrupted(number, what, job)
            }
            Some(Why::Question(question)) => Ending::input_required(&question, job),
            Some(Why::NobodyReads) => Ending::output_closed(job),
        })
    }

    /// The end of following without knowing the job's.
    fn failed(&self, error: Error, why: Option<Why>) -> Result<Ending, Failure> {
        let failure = Failure::from(error.clone());
        match why {
            Some(Why::Signal(number)) => {
                let what = format!("the job could not be cancelled: {}", error.message());
                Ok(Ending::interrupted(number, &what, self.info.clone()))
            }
            _ if error.is_retryable() => Ok(Ending::server_away(error.message(), self.info.clone())),
            _ => Err(failure),
        }
    }

    /// True if printing ended because nobody reads. Any other failure is said; the job's end is waited for.
    fn nobody_reads(&self, printed: Result<(), Failure>) -> bool {
        let Err(failure) = printed else { return false };
        // A server that is away is the business of the wait for it.
        if !failure.quiet && failure.lost.is_none() {
            failure.report();
            say("[mosaic: its output cannot be shown any further; its end is waited for]");
        }
        failure.quiet
    }

    /// Waits for the end, or for a question that nobody is there to answer.
    async fn come(&self) -> Result<Came, Error> {
        let mut asked = String::new();
        loop {
            let begun = Instant::now();
            let Some(outcome) = self.job.wait_until(Until::InputRequired, None).await? else { continue };
            if outcome.is_over() {
                return Ok(Came::Over(Box::new(outcome.job)));
            }
            let asks = outcome.job.state() == State::InputRequired;
            if asks && !self.waits {
                return Ok(Came::Asks(Box::new(outcome.job)));
            }
            let again = outcome.job.question != asked || begun.elapsed() > LOOK_AGAIN;
            if asks && again {
                asked.clone_from(&outcome.job.question);
                let name = text::quote(&text::escape(&outcome.job.name));
                say(&format!("[mosaic: {name} asks: {}]", text::escape(&asked)));
                say(&format!("[mosaic: answer with `mosaic agent send {name} TEXT`]"));
            }
            // A question stands until it is answered.
            if let Some(outcome) = self.job.wait_timeout(LOOK_AGAIN).await? {
                return Ok(Came::Over(Box::new(outcome.job)));
            }
        }
    }

    async fn over(&self) -> Result<Came, Error> {
        Ok(Came::Over(Box::new(self.job.wait().await?.job)))
    }

    /// Cancels the job, also with a server that comes back in time.
    fn cancel(&self, why: &Why) -> Work<'static, Result<(), Error>> {
        let reason = match why {
            Why::Signal(number) => format!("`mosaic agent run` got signal {number}"),
            Why::Question(_) => "it asks for input, and nobody is there to answer".to_owned(),
            Why::NobodyReads => "nobody reads the output of `mosaic agent run` any more".to_owned(),
        };
        if matches!(why, Why::Signal(_)) {
            say("[mosaic: cancelling the job; a second signal leaves at once]");
        }
        let (job, patience) = (self.job.clone(), self.patience);
        Box::pin(async move {
            let begun = Instant::now();
            loop {
                match job.cancel(&reason, None).await {
                    Ok(_) => return Ok(()),
                    Err(error) if error.is_retryable() && begun.elapsed() < patience => sleep(PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        })
    }

    /// Prints the output of all attempts.
    async fn print(
        &self,
        printer: &mut Printer,
        groups: &mut Groups,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let request = self.job.logs();
        let request = if printer.wants_text() { request.text() } else { request };
        let mut logs = request.open().await?;
        let name = text::escape(&self.info.name);
        while let Some(event) = logs.next().await {
            let event = event?;
            if !matches!(event, LogEvent::Terminal(Event::Heartbeat(_))) {
                progress.last.set(Instant::now());
            }
            progress.busy.set(true);
            match event {
                LogEvent::Attempt(agent) => {
                    let of = match self.info.attempts_max {
                        0 | 1 => String::new(),
                        max => format!(", attempt {} of {max}", agent.attempt),
                    };
                    say(&format!("[mosaic: {name} runs{of}]"));
                    printer.begin(&agent.terminal_id);
                    if let Some(begin) = groups.begin(&format!("{name}{of}"), &agent.id) {
                        printer.line(&begin).await?;
                    }
                }
                LogEvent::Terminal(Event::Ended(ended)) => {
                    printer.print(&Event::Ended(ended)).await?;
                    if let Some(end) = groups.end() {
                        printer.line(&end).await?;
                    }
                }
                LogEvent::Terminal(event) => printer.print(&event).await?,
                LogEvent::Reconnecting(lost) => printer.print(&Event::Reconnecting(lost)).await?,
                _ => {}
            }
            progress.busy.set(false);
        }
        Ok(())
    }
}

/// What of the output comes after the job's end: all of it, unless nothing comes for too long, or a signal does.
async fn drain(
    mut printing: Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>>,
    progress: &Progress,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let over = Instant::now();
    loop {
        let quiet = progress.last.get().max(over) + SILENCE_MAX;
        tokio::select! {
            printed = &mut printing => return printed,
            _ = signals.next() => return Ok(()),
            () = sleep_until(quiet.max(Instant::now() + PAUSE)) => {
                if !progress.busy.get() && progress.last.get().max(over) + SILENCE_MAX <= Instant::now() {
                    say("[mosaic: the job is over, but its output does not end]");
                    return Ok(());
                }
            }
        }
    }
}
