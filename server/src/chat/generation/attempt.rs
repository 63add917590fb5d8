//! One attempt: one model is asked, and what comes is put into the log as it comes.
//!
//! It knows nothing about retries and fallback.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};

use super::Generation;
use crate::chat::{
    event::{self, Event},
    models::Candidate,
    prompt::tokens_of_bytes,
    provider::{Failure, FailureKind, Piece, Pieces, Stop, Usage},
    record::{Attempt, Counted, Left, now_ms},
};

/// Pieces that are put into the log at once, if they are there at once.
const PIECES_MAX: usize = 512;
/// How long pieces may be gathered that are not quite there at once: nobody sees it, and a stream that is faster than
/// its readers costs a fraction. If the answer is stopped meanwhile they are lost, as if they had come later.
const GATHER_MAX: Duration = Duration::from_millis(20);
/// Text of one event, where several pieces are there at once.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Content that is put into the log at once, if it is there at once; one piece more.
const BATCH_BYTES_MAX: usize = 256 * 1024;

/// An attempt under way.
pub(super) struct Current {
    attempt: Attempt,
    began: Instant,
    /// Tokens of the prompt, estimated.
    input_tokens: u64,
    reported: Option<Usage>,
    /// The model server has begun to answer.
    answering: bool,
    /// What it failed with, for the record.
    pub(super) failure: Option<Failure>,
}

impl Current {
    fn begin(candidate: &Candidate, input_tokens: u64) -> Self {
        let attempt = Attempt {
            model: candidate.name.clone(),
            status: 0,
            failure: None,
            message: String::new(),
            start_ms: now_ms(),
            first_content_ms: None,
            duration_ms: 0,
            counted: Counted::default(),
        };
        Self { attempt, began: Instant::now(), input_tokens, reported: None, answering: false, failure: None }
    }

    /// The record of it. `whole`: it came to its end, so that a provider's count is all of it.
    pub(super) fn end(self, failure: Option<&Failure>, whole: bool, answer_bytes: usize) -> Attempt {
        let mut attempt = self.attempt;
        attempt.duration_ms = milliseconds(self.began.elapsed());
        if let Some(failure) = failure {
            attempt.failure = Some(Left::Failed(failure.kind));
            attempt.status = failure.status.unwrap_or_default();
            attempt.message = event::storable(failure.message.clone());
        }
        attempt.counted = match self.reported {
            Some(usage) if whole => Counted { usage, estimated: false },
            reported => {
                let had_content = attempt.first_content_ms.is_some();
                let mut usage = reported.unwrap_or_default();
                // Who was stopped or lost before the model server began to answer has cost nothing that is known of.
                if usage.input == 0 && (had_content || (failure.is_none() && self.answering)) {
                    usage.input = self.input_tokens;
                }
                if had_content {
                    usage.output = usage.output.max(tokens_of_bytes(answer_bytes));
                }
                Counted { usage, estimated: usage != Usage::default() }
            }
        };
        attempt
    }
}

/// Content and counts of what was there at once.
struct Batch {
    events: Vec<Event>,
    usage: Option<Usage>,
    end: Option<Result<Stop, Failure>>,
    pieces: usize,
    /// Bytes of the content.
    bytes: usize,
    /// Bytes that it may have: the finished message must fit into one message of the server.
    room: usize,
}

impl Batch {
    fn new(room: usize) -> Self {
        Self { events: Vec::new(), usage: None, end: None, pieces: 0, bytes: 0, room }
    }

    fn take(&mut self, next: Option<Result<Piece, Failure>>) {
        self.pieces += 1;
        match next {
            None => self.end = Some(Err(Failure::new(FailureKind::Cut, "the stream ended before its end"))),
            Some(Err(failure)) => self.end = Some(Err(failure)),
            Some(Ok(Piece::Stop(stop))) => self.end = Some(Ok(stop)),
            Some(Ok(Piece::Usage(usage))) => self.usage = Some(usage),
            Some(Ok(piece)) => {
                self.bytes += bytes_of(&piece);
                if self.bytes > self.room {
                    let message = "the answer is larger than it may be (chat.answer_bytes_max)";
                    self.end = Some(Err(Failure::new(FailureKind::Malformed, message)));
                    return;
                }
                let Some(event) = event::of_content(piece) else { return };
                match (self.events.last_mut(), event) {
                    (Some(Event::Text(text)), Event::Text(more)) if text.len() < TEXT_BYTES_MAX => {
                        text.push_str(&more);
                    }
                    (_, event) => self.events.push(event),
                }
            }
        }
    }

    /// Takes what else is there. A connection hands over one chunk of what it has read at a time, and the next one
    /// when it has had its turn; so it is given a turn after each, and the first one that brings nothing ends it.
    async fn gather(&mut self, pieces: &mut Pieces) {
        let began = Instant::now();
        let mut had_turn = false;
        while self.end.is_none() && self.pieces < PIECES_MAX && self.bytes < BATCH_BYTES_MAX {
            match pieces.next().now_or_never() {
                Some(more) => {
                    self.take(more);
                    had_turn = false;
                }
                None if had_turn || began.elapsed() >= GATHER_MAX => break,
                None => {
                    yield_now().await;
                    had_turn = true;
                }
            }
        }
    }
}

impl Generation {
    /// Asks a model once.
    pub(super) async fn attempt(&mut self, candidate: &Candidate) -> Result<Stop, Failure> {
        let asked = self.question.for_model(candidate);
        if asked.dropped != self.dropped {
            self.append(&[Event::ContextTrimmed { dropped: asked.dropped.clone() }])?;
            self.dropped = asked.dropped;
        }
        self.current = Some(Current::begin(candidate, asked.input_tokens));
        let result = self.stream(candidate, &asked.prompt).await;
        if let (Err(failure), Some(current)) = (&result, &mut self.current) {
            current.failure = Some(failure.clone());
        }
        result
    }

    async fn stream(
        &mut self,
        candidate: &Candidate,
        prompt: &crate::chat::provider::Prompt,
    ) -> Result<Stop, Failure> {
        let settings = &self.shared.settings;
        let (first, idle) =
            (Duration::from_millis(settings.first_content_ms), Duration::from_millis(settings.idle_ms));
        let bytes_max = settings.answer_bytes_max;
        let mut due = (Instant::now() + first).min(self.deadline);
        let mut waiting_for = "the first content";
        let late = |waiting_for: &str, deadline: Instant| {
            let what = if Instant::now() >= deadline { "the end" } else { waiting_for };
            Failure::new(FailureKind::Timeout, format!("{what} did not come in time"))
        };
        let asking = timeout_at(due, candidate.provider.generate(prompt)).await;
        let mut pieces = asking.map_err(|_| late(waiting_for, self.deadline))??;
        if let Some(current) = &mut self.current {
            current.answering = true;
        }
        loop {
            let mut batch = Batch::new(bytes_max.saturating_sub(self.answer.bytes()));
            batch.take(timeout_at(due, pieces.next()).await.map_err(|_| late(waiting_for, self.deadline))?);
            batch.gather(&mut pieces).await;
            let has_content = !batch.events.is_empty();
            if has_content {
                self.append(&batch.events)?;
            }
            if let Some(current) = &mut self.current {
                current.reported = batch.usage.or(current.reported);
                if has_content {
                    let since = milliseconds(current.began.elapsed());
                    current.attempt.first_content_ms.get_or_insert(since);
                }
            }
            if let Some(end) = batch.end {
                return end;
            }
            // A stream that always has something to say never waits for its time.
            if Instant::now() >= self.deadline {
                return Err(late(waiting_for, self.deadline));
            }
            // Only content counts: a server that only says that it is there may do so for ever.
            if has_content {
                due = (Instant::now() + idle).min(self.deadline);
                waiting_for = "more content";
            }
        }
    }
}

/// Bytes of everything in a piece that is kept.
fn bytes_of(piece: &Piece) -> usize {
    match piece {
        Piece::Text(text) => text.len(),
        Piece::Thinking { text, signature } => text.len() + signature.len(),
        Piece::ToolCall { id, name, arguments, .. } => id.len() + name.len() + arguments.len(),
        Piece::Usage(_) | Piece::Stop(_) => 0,
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
