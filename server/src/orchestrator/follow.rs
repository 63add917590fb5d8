//! Following a running agent: its output, its times, and those who want it to end.
//!
//! It knows nothing about how an agent is ended.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Shared,
    job::{EndReason, Job, State, Stop},
    now_ms,
    running::Running,
    scan::Scanner,
    store,
};
use crate::{
    auth::Actor,
    terminal::{AgentTerminal, Exit},
};

/// What made an agent end.
pub(super) enum Ending {
    /// By itself.
    Exit(Exit),
    /// Somebody or something wanted it.
    Stop(Stop),
    /// The server stops; the agent lives on.
    Draining,
}

/// Follows a running agent: its output, its times, and those who want it to end.
pub(super) struct Follower<'a> {
    shared: &'a Shared,
    job: &'a Job,
    running: &'a Running,
    terminal: AgentTerminal,
    scanner: Option<Scanner>,
    /// When it has run for too long.
    deadline: Instant,
    told: Told,
}

/// The question that was told last and stands.
enum Told {
    Nothing,
    /// That of the line with this number.
    Line(u64),
    /// By a server before this one: what it read.
    Before(String),
}

/// How often at most the output is looked at.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

impl<'a> Follower<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        job: &'a Job,
        start_ms: u64,
        terminal: AgentTerminal,
        running: &'a Running,
    ) -> Self {
        let ran = Duration::from_millis(now_ms().saturating_sub(start_ms));
        let deadline = Instant::now() + Duration::from_millis(job.spec.timeout_ms).saturating_sub(ran);
        let scanner = shared.profiles.get(&job.spec.profile).ok().map(|profile| {
            Scanner::new(terminal.log().clone(), profile.input.clone(), profile.tokens.clone())
        });
        let told = match job.state {
            State::InputRequired => Told::Before(job.question.clone()),
            _ => Told::Nothing,
        };
        Self { shared, job, running, terminal, scanner, deadline, told }
    }

    pub(super) fn used(&mut self) -> u64 {
        self.look();
        self.scanner.as_ref().map_or(0, |scanner| scanner.used)
    }

    pub(super) async fn follow(&mut self) -> Ending {
        let mut ended = self.terminal.ended();
        let mut wish = self.running.wishes();
        let mut progress = self.terminal.log().progress();
        let mut next_look = Instant::now();
        let mut news = true;
        loop {
            if let Some(stop) = wish.borrow_and_update().clone() {
                return Ending::Stop(stop);
            }
            if news && Instant::now() >= next_look {
                next_look = Instant::now() + LOOK_PAUSE;
                progress.mark_unchanged();
                self.look();
                news = self.scanner.as_ref().is_some_and(Scanner::is_behind);
            }
            if let Some(stop) = self.overdue().await {
                return Ending::Stop(stop);
            }
            let wake = self.wake(news.then_some(next_look));
            tokio::select! {
                biased;
                exit = ended.wait_for(Option::is_some) => {
                    if let Some(exit) = exit.ok().and_then(|exit| *exit) {
                        return Ending::Exit(exit);
                    }
                }
                Ok(()) = wish.changed() => {}
                () = self.shared.draining.cancelled() => return Ending::Draining,
                Ok(()) = progress.changed(), if !news => news = true,
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Reads some of the new output; true if there was any.
    fn look(&mut self) -> bool {
        let Some(scanner) = &mut self.scanner else { return false };
        match scanner.advance() {
            Ok(true) => {
                self.running.printed(scanner.last_line());
                true
            }
            Ok(false) => false,
            Err(cause) => {
                tracing::debug!(%cause, "an agent's output cannot be read");
                false
            }
        }
    }

    /// What has become due: a time, a question, a budget.
    async fn overdue(&mut self) -> Option<Stop> {
        let spec = &self.job.spec;
        if Instant::now() >= self.deadline {
            let words = format!("it ran longer than {} s", spec.timeout_ms / 1000);
            return self.stop(EndReason::Timeout, words).await;
        }
        if let Some(most) = spec.output_timeout_ms
            && self.silent_ms() >= most
        {
            let words = format!("it printed nothing for {} s", most / 1000);
            return self.stop(EndReason::OutputTimeout, words).await;
        }
        let scanner = self.scanner.as_ref()?;
        let used = scanner.used + self.job.tokens_used;
        if spec.token_budget > 0 && used > spec.token_budget {
            let words = format!("it used {used} tokens; {} are allowed", spec.token_budget);
            return self.stop(EndReason::TokenBudget, words).await;
        }
        match scanner.asks_in() {
            None => self.tell(None).await,
            Some(wait) if wait.is_zero() => {
                let (line, question) = (scanner.lines, scanner.last_line());
                if !self.has_told(scanner) {
                    // What is asked now may be another question than the one that stands.
                    self.tell(None).await;
                    self.tell(Some(question)).await;
                }
                self.told = Told::Line(line);
            }
            Some(_) => {}
        }
        None
    }

    fn has_told(&self, scanner: &Scanner) -> bool {
        match &self.told {
            Told::Nothing => false,
            Told::Line(line) => *line == scanner.lines,
            Told::Before(question) => *question == scanner.last_line(),
        }
    }

    /// Writes down what the agent asks, or that it asks nothing any more.
    async fn tell(&mut self, question: Option<String>) {
        if question.is_none() && matches!(self.told, Told::Nothing) {
            return;
        }
        self.told = Told::Nothing;
        let agent = self.running.agent;
        let told = self.shared.persist(|| store::jobs::asked(&self.shared.changes, agent, question.clone()));
        told.await;
        self.shared.hub.tell(self.job.id);
    }

    /// The server itself wants it to end, and writes that down first.
    async fn stop(&self, why: EndReason, words: String) -> Option<Stop> {
        let stop = Stop {
            why,
            words,
            principal: "system".to_owned(),
            time_ms: now_ms(),
            grace_ms: self.shared.settings.kill_grace_ms,
        };
        let actor = Actor::system();
        let stopped = self
            .shared
            .persist(|| store::jobs::stop(&self.shared.changes, self.job.id, stop.clone(), actor.clone()))
            .await;
        self.shared.hub.tell(self.job.id);
        // Somebody may have been quicker; then it is that one's.
        let stop = stopped.flatten().and_then(|stopped| stopped.job.stop).unwrap_or(stop);
        self.running.stop(stop.clone());
        Some(stop)
    }

    fn silent_ms(&self) -> u64 {
        now_ms().saturating_sub(self.terminal.active_ms())
    }

    /// When to look again if nothing happens.
    fn wake(&self, look: Option<Instant>) -> Instant {
        let silence =
            self.job.spec.output_timeout_ms.map(|most| {
                Instant::now() + Duration::from_millis(most.saturating_sub(self.silent_ms()).max(1))
            });
        let scanner = self.scanner.as_ref().filter(|scanner| !self.has_told(scanner));
        let asks = scanner.and_then(Scanner::asks_in);
        let asks = asks.map(|wait| Instant::now() + wait);
        [Some(self.deadline), look, silence, asks].into_iter().flatten().min().unwrap_or(self.deadline)
    }
}
