//! The making of one answer: an owned task that asks models in turn and puts what comes into the log.
//!
//! It knows nothing about who reads, and nothing about wire formats. Whoever started it may go away.

mod attempt;
mod title;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::attempt::Current;
pub use self::title::first_words;
use super::{
    event::{self, Answer, Event},
    live::{Live, Lives},
    models::{Candidate, Models},
    prompt::Question,
    provider::{Failure, FailureKind, Stop},
    record::{Attempt, Counted, Left, Message, Problem, Skipped, State, now_ms},
    saver::Saver,
};
use crate::{config, ids::MessageId};

/// What all generations of a server share.
#[derive(Debug)]
pub struct Shared {
    /// The models.
    pub models: Models,
    /// Who puts events into the database.
    pub saver: Saver,
    /// Answers that are being generated.
    pub lives: Lives,
    /// `[chat]`
    pub settings: config::Chat,
    /// The server is stopping.
    pub draining: CancellationToken,
}

/// One answer in the making.
pub struct Generation {
    shared: Arc<Shared>,
    live: Arc<Live>,
    message: Message,
    question: Question,
    candidates: Vec<Candidate>,
    answer: Answer,
    /// The attempt under way.
    current: Option<Current>,
    /// What was left out of the last prompt.
    dropped: Vec<MessageId>,
    deadline: Instant,
    /// The conversation has no better title yet than its first words.
    untitled: bool,
}

/// How it ended.
enum Outcome {
    Complete(Stop),
    Stopped(String),
    Interrupted,
    Failed(Problem),
}

impl Generation {
    /// An answer that is recorded and about to be asked for.
    pub fn new(
        shared: Arc<Shared>,
        live: Arc<Live>,
        message: Message,
        question: Question,
        candidates: Vec<Candidate>,
        untitled: bool,
    ) -> Self {
        let deadline = Instant::now() + Duration::from_millis(shared.settings.total_ms);
        let (answer, current, dropped) = (Answer::default(), None, Vec::new());
        Self { shared, live, message, question, candidates, answer, current, dropped, deadline, untitled }
    }

    /// From the first event to the last one.
    pub async fn run(mut self) {
        let (live, draining) = (Arc::clone(&self.live), self.shared.draining.clone());
        // Dropping the attempt closes the stream upstream.
        let outcome = tokio::select! {
            biased;
            () = live.stopped() => Outcome::Stopped(live.stopped_by().unwrap_or_default()),
            () = draining.cancelled() => Outcome::Interrupted,
            outcome = self.generate() => outcome,
        };
        let complete = matches!(outcome, Outcome::Complete(_));
        let message = self.finish(outcome).await;
        if complete && self.untitled {
            self.title(&message).await;
        }
    }

    async fn generate(&mut self) -> Outcome {
        let candidates = self.candidates.clone();
        let names = candidates.iter().map(|candidate| candidate.name.clone()).collect();
        let input_tokens = candidates.first().map_or(0, |first| self.question.for_model(first).input_tokens);
        let started = Event::Started { model: self.message.model.clone(), candidates: names, input_tokens };
        if let Err(failure) = self.append(&[started]) {
            return failed("LOG_FAILED", &failure);
        }
        for (place, candidate) in candidates.iter().enumerate() {
            let next = candidates.get(place + 1);
            // The last one is asked in any case: it is all there is.
            if let Some(next) = next
                && !self.shared.models.is_usable(candidate).await
            {
                let event = Event::FellBack { attempt: skipped(candidate), to: next.name.clone() };
                if let Err(failure) = self.append(&[event]) {
                    return failed("LOG_FAILED", &failure);
                }
                continue;
            }
            match self.ask(candidate, next).await {
                Some(outcome) => return outcome,
                None => self.current = None,
            }
        }
        // Not reached with a list that is not empty: the last one ends in an outcome.
        failed("ALL_MODELS_FAILED", &Failure::new(FailureKind::Unavailable, "there is no model to ask"))
    }

    /// Asks one model, again if that may help; `None` if the next one is to be asked.
    async fn ask(&mut self, candidate: &Candidate, next: Option<&Candidate>) -> Option<Outcome> {
        let mut retries = 0;
        loop {
            let failure = match self.attempt(candidate).await {
                Ok(stop) => {
                    self.shared.models.answered(candidate);
                    return Some(Outcome::Complete(stop));
                }
                Err(failure) => failure,
            };
            tracing::info!(message = %self.message.id, model = candidate.name, kind = ?failure.kind, %failure, "an attempt failed");
            if Instant::now() >= self.deadline {
                return Some(failed("TIMED_OUT", &failure));
            }
            let shown_from = self.answer.content_from;
            let again = failure.is_transient() && failure.kind != FailureKind::Timeout;
            if shown_from.is_none() && again && retries < self.shared.settings.retries_max {
                let delay = self.delay(retries, &failure);
                retries += 1;
                let attempt = self.leave(&failure);
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                if let Err(failure) = self.append(&[Event::Retried { attempt, delay_ms }]) {
                    return Some(failed("LOG_FAILED", &failure));
                }
                sleep_until((Instant::now() + delay).min(self.deadline)).await;
                if Instant::now() >= self.deadline {
                    return Some(failed("TIMED_OUT", &failure));
                }
                continue;
            }
            if failure.is_transient() {
                self.shared.models.failed(candidate);
            }
            let next = next.filter(|_| shown_from.is_none() || self.shared.settings.mid_stream_fallback);
            let Some(next) = next else {
                let reason = if shown_from.is_some() { "PROVIDER_FAILED" } else { "ALL_MODELS_FAILED" };
                return Some(failed(reason, &failure));
            };
            let mut events: Vec<_> =
                shown_from.map(|from_sequence| Event::Superseded { from_sequence }).into_iter().collect();
            events.push(Event::FellBack { attempt: self.leave(&failure), to: next.name.clone() });
            return self.append(&events).err().map(|failure| failed("LOG_FAILED", &failure));
        }
    }

    /// How long to wait before the same model is asked again: the server's wish, or twice as long each time, with up
    /// to a quarter less so that many do not come back at once.
    fn delay(&self, retries: u32, failure: &Failure) -> Duration {
        if let Some(wish) = failure.retry_after {
            return wish;
        }
        let settings = &self.shared.settings;
        let doubled = settings.retry_ms.saturating_mul(1 << retries.min(20)).min(settings.retry_ms_max);
        let jitter = doubled / 4 * u64::from(self.message.id.0.as_bytes()[15]) / 256;
        Duration::from_millis(doubled - jitter)
    }

    fn append(&mut self, events: &[Event]) -> Result<(), Failure> {
        let written = self.live.append(&mut self.answer, events);
        written.map_err(|cause| {
            tracing::error!(message = %self.message.id, %cause, "an answer cannot be written down");
            Failure::new(FailureKind::Malformed, "the server cannot write the answer down; its log says why")
        })
    }

    /// Fills in the message, has it stored, and shows the last event. From here on the text is there once, however
    /// long it waits for the database.
    async fn finish(&mut self, outcome: Outcome) -> Arc<Message> {
        let complete = matches!(outcome, Outcome::Complete(_));
        if let Some(current) = self.current.take() {
            let failure = match &outcome {
                Outcome::Failed(_) => current.failure.clone(),
                _ => None,
            };
            let attempt = current.end(failure.as_ref(), complete, self.answer.bytes());
            self.answer.left.push(attempt);
        }
        let mut message = self.message.clone();
        let sequence = self.answer.sequence;
        fill(&mut message, std::mem::take(&mut self.answer));
        self.answer.sequence = sequence;
        match outcome {
            Outcome::Complete(stop) => {
                message.state = State::Complete;
                message.finish_reason = event::finish_reason(&stop);
                // Also of an answer that is empty.
                message.answered_by =
                    message.attempts.last().map(|last| last.model.clone()).unwrap_or_default();
            }
            Outcome::Stopped(by) => (message.state, message.stopped_by) = (State::Stopped, by),
            Outcome::Interrupted => message.state = State::Interrupted,
            Outcome::Failed(problem) => (message.state, message.error) = (State::Failed, Some(problem)),
        }
        let usage = Event::Usage(message.usage());
        // A full disk leaves it out; the database has the count.
        let _ = self.append(&[usage]);
        end(&self.shared, &self.live, &self.answer, message).await
    }

    /// The attempt under way as it is recorded when it is left.
    fn leave(&mut self, failure: &Failure) -> Attempt {
        let bytes = self.answer.bytes();
        match self.current.take() {
            Some(current) => current.end(Some(failure), false, bytes),
            None => skipped_with(String::new(), None),
        }
    }
}

/// Has a finished message stored, and shows the last event: the message as it is stored.
pub(super) async fn end(
    shared: &Shared,
    live: &Arc<Live>,
    answer: &Answer,
    mut message: Message,
) -> Arc<Message> {
    message.last_sequence = answer.sequence + 1;
    let mut message = Arc::new(message);
    if let Some(stored) = shared.saver.finish(live, &message).await {
        message = stored;
        live.finish(Arc::clone(&message));
    } else {
        // The server ends without its database: the next start finds the log.
        live.log.finish();
    }
    shared.lives.remove(live.message);
    message
}

/// Puts what the events have made into the message.
pub(super) fn fill(message: &mut Message, answer: Answer) {
    message.content = answer.content;
    message.beside = answer.beside;
    message.attempts = answer.left;
    message.done = answer.done;
    // The last attempt is the one that the content is of.
    if answer.content_from.is_some()
        && let Some(last) = message.attempts.last()
    {
        message.answered_by.clone_from(&last.model);
    }
    message.end_ms = Some(now_ms());
}

fn failed(reason: &str, failure: &Failure) -> Outcome {
    let message = event::storable(failure.message.clone());
    Outcome::Failed(Problem { reason: reason.to_owned(), message })
}

fn skipped(candidate: &Candidate) -> Attempt {
    skipped_with(candidate.name.clone(), Some(Left::Skipped(Skipped::Cooldown)))
}

fn skipped_with(model: String, failure: Option<Left>) -> Attempt {
    Attempt {
        model,
        status: 0,
        failure,
        message: String::new(),
        start_ms: now_ms(),
        first_content_ms: None,
        duration_ms: 0,
        counted: Counted::default(),
    }
}
