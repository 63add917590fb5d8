//! An agent's life on this server: started, followed, ended when it must, concluded.
//!
//! A kill at any point leaves a row that says how far it was, and a child in the keeper or none; `settle` goes on from
//! there. It knows nothing about why a job was chosen.

use std::{sync::Arc, time::Duration};

use super::{
    Shared,
    agent::{Agent, Receipt},
    follow::{Ending, Follower},
    job::{EndReason, Job, State, Stop},
    now_ms,
    place::Left,
    profile::Launch,
    running::Running,
    store::{
        self,
        agents::{Both, End, Started, Verdict},
    },
};
use crate::{
    error::{Error, Reason, Result},
    ids::{AgentId, WriterId},
    keeper::wire,
    terminal::{AgentShell, AgentTerminal, Exit, ExitReason, How, Standing, TreeEnd, TreeLimits},
};

/// The pause between two attempts to reach database or keeper.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// A shell that was asked to end and is proven gone is read to its end for at most so long.
const END_PATIENCE: Duration = Duration::from_secs(15);

impl Shared {
    /// Runs an agent that is recorded here, from wherever it is to its end.
    pub(super) async fn run(self: Arc<Self>, job: Job, agent: Agent, running: Arc<Running>) {
        let concluded = self.live(&job, &agent, &running).await;
        if concluded {
            running.over.cancel();
            self.running().remove(&agent.id);
            self.hub.tell(job.id);
            self.kick();
        }
    }

    /// False if the server stopped before its end was recorded.
    async fn live(self: &Arc<Self>, job: &Job, agent: &Agent, running: &Arc<Running>) -> bool {
        let terminal = match self.terminal(job, agent, running).await {
            Ok(Standing::Live(terminal)) => terminal,
            Ok(Standing::Over(exit)) => return self.conclude(job, agent, running, exit, None, 0).await,
            Ok(Standing::Unborn) => return self.stopped_before(agent).await,
            Err(error) => return self.not_started(agent, &error).await,
        };
        let now = now_ms();
        let how = Started { pid: terminal.pid(), time_ms: now, bounds: terminal.bounds() };
        if self.persist(|| store::agents::started(&self.changes, agent.id, how)).await.is_none() {
            return false;
        }
        running.start();
        self.hub.tell(job.id);
        let started = agent.start_ms.unwrap_or(now);
        let mut follower = Follower::new(self, job, started, terminal.clone(), running);
        let ending = follower.follow().await;
        let used = follower.used();
        match ending {
            Ending::Draining => false,
            Ending::Exit(exit) => self.conclude(job, agent, running, exit, None, used).await,
            Ending::Stop(stop) => {
                let Some((exit, receipt)) = self.end(agent, running, &terminal, stop).await else {
                    return false;
                };
                self.conclude(job, agent, running, exit, Some(receipt), used).await
            }
        }
    }

    /// The agent's terminal, started if it was not. [`Standing::Unborn`] if it is to be ended before it began, or
    /// nobody is there who could start it.
    async fn terminal(&self, job: &Job, agent: &Agent, running: &Running) -> Result<Standing> {
        // However long it takes: one of which it is not known whether it runs is neither started nor given up.
        let standing = self.persist(|| self.terminals.of_agent(agent.workspace, agent.terminal)).await;
        let standing = standing.ok_or_else(super::stopping)?;
        if let (Standing::Live(terminal), None) = (&standing, agent.start_ms)
            && let Ok(profile) = self.profiles.get(&job.spec.profile)
            && let Some(prompt) = profile.launch(&job.spec.prompt).typed
        {
            // It was started, and perhaps not told what to do.
            type_prompt(terminal, agent, &prompt)?;
        }
        if !matches!(standing, Standing::Unborn) || running.is_stopping() {
            return Ok(standing);
        }
        let profile = self.profiles.get(&job.spec.profile)?;
        if let Some(why) = profile.unavailable() {
            return Err(Error::new(Reason::ProfileUnavailable, why));
        }
        let Launch { program, typed } = profile.launch(&job.spec.prompt);
        let default = Some(profile.settings.cwd.clone()).filter(|cwd| !cwd.is_empty());
        let mut env = profile.environment(&job.spec.env);
        env.insert("MOSAIC_JOB_ID".to_owned(), job.id.to_string());
        env.insert("MOSAIC_AGENT_ID".to_owned(), agent.id.to_string());
        env.insert("MOSAIC_ATTEMPT".to_owned(), agent.attempt.to_string());
        env.insert("MOSAIC_FENCE".to_owned(), agent.fence.to_string());
        let cwd = match self.place(job, agent).await? {
            Some(place) => Some(place),
            None => job.spec.cwd.clone().or(default),
        };
        let shell = AgentShell {
            id: agent.terminal,
            workspace: agent.workspace,
            agent: agent.id,
            name: agent.name.clone(),
            program,
            cwd,
            env,
            size: job.spec.size,
            limits: TreeLimits {
                memory_bytes_max: profile.settings.memory_bytes_max,
                processes_max: profile.settings.processes_max.into(),
                cpu_millis_max: profile.settings.cpu_millis_max.into(),
            },
            creator: (job.creator.clone(), job.creator_token),
        };
        let standing = self.terminals.start_for_agent(shell).await?;
        if let (Standing::Live(terminal), Some(prompt)) = (&standing, typed) {
            type_prompt(terminal, agent, &prompt)?;
        }
        Ok(standing)
    }

    /// Its program has not begun: somebody wanted it to end before, or there is nobody to start it.
    async fn stopped_before(self: &Arc<Self>, agent: &Agent) -> bool {
        let verdict = Verdict::Requeue;
        self.record(
            agent,
            End {
                exit: None,
                receipt: None,
                time_ms: now_ms(),
                verdict,
                tokens_used: 0,
                left: Left::default(),
            },
        )
        .await
    }

    async fn not_started(self: &Arc<Self>, agent: &Agent, error: &Error) -> bool {
        let verdict = match error.reason() {
            Reason::ServerStopping => return false,
            Reason::KeeperUnavailable => {
                // It may have started it before it went away: whatever did start ends, and nobody knows how far it was.
                let how = How { grace: Duration::ZERO, reason: wire::Reason::Lost, terminate: false };
                if self.persist(|| self.terminals.end_agent(agent.terminal, &how)).await.is_none() {
                    return false;
                }
                Verdict::Lost("the process that starts programs went away while it was asked to".to_owned())
            }
            Reason::DatabaseUnavailable | Reason::ServerBusy => {
                // Nothing was asked of the keeper. Not at once: what is away may stay away for a while.
                tokio::time::sleep(RETRY_PAUSE).await;
                Verdict::Requeue
            }
            _ => {
                tracing::info!(agent = %agent.id, %error, "an agent could not be started");
                // Whatever it is, it is so the next time, too.
                Verdict::Over(State::Failed, EndReason::StartFailed, error.message().to_owned())
            }
        };
        self.record(
            agent,
            End {
                exit: None,
                receipt: None,
                time_ms: now_ms(),
                verdict,
                tokens_used: 0,
                left: Left::default(),
            },
        )
        .await
    }

    /// Ends an agent and all that it started; `None` if the server stopped meanwhile.
    async fn end(
        &self,
        agent: &Agent,
        running: &Running,
        terminal: &AgentTerminal,
        stop: Stop,
    ) -> Option<(Exit, Receipt)> {
        let mut wish = running.wishes();
        let tree = loop {
            let grace = Duration::from_millis(wish.borrow_and_update().as_ref().unwrap_or(&stop).grace_ms);
            let how = How { grace, reason: reason(&stop), terminate: true };
            tokio::select! {
                ended = self.terminals.end_agent(agent.terminal, &how) => match ended {
                    Ok(tree) => break tree,
                    Err(error) => {
                        tracing::warn!(agent = %agent.id, %error, "an agent could not be ended yet");
                        tokio::select! {
                            () = tokio::time::sleep(RETRY_PAUSE) => {}
                            () = self.draining.cancelled() => return None,
                        }
                    }
                },
                // Somebody is less patient: the keeper shortens the grace of what it is ending.
                Ok(()) = wish.changed() => {}
                () = self.draining.cancelled() => return None,
            }
        };
        let mut ended = terminal.ended();
        let over = tokio::time::timeout(END_PATIENCE, ended.wait_for(Option::is_some));
        let exit = tokio::select! {
            over = over => over.ok().and_then(Result::ok).and_then(|exit| *exit),
            () = self.draining.cancelled() => return None,
        };
        let stop = running.wish().clone().unwrap_or(stop);
        let proven = tree.proven && exit.is_some();
        let exit = exit.unwrap_or(Exit { reason: ExitReason::Unknown, ..Exit::LOST });
        Some((exit, Receipt { proven, ..receipt(stop, tree) }))
    }

    /// Its program is over: what it left behind ends, too, and then it is written down.
    async fn conclude(
        self: &Arc<Self>,
        job: &Job,
        agent: &Agent,
        running: &Running,
        exit: Exit,
        receipt: Option<Receipt>,
        tokens_used: u64,
    ) -> bool {
        let receipt = match receipt {
            Some(receipt) => Some(receipt),
            None => {
                let stop = running.wish().clone();
                self.sweep(agent, stop).await
            }
        };
        let verdict = match self.profiles.get(&job.spec.profile) {
            Ok(profile) => verdict(&exit, &profile.settings.no_retry_codes),
            Err(_) => verdict(&exit, &[]),
        };
        self.record(
            agent,
            End { exit: Some(exit), receipt, time_ms: now_ms(), verdict, tokens_used, left: Left::default() },
        )
        .await
    }

    /// Ends what an agent that ended by itself has left running; a receipt only if that could not be done.
    async fn sweep(&self, agent: &Agent, stop: Option<Stop>) -> Option<Receipt> {
        let grace = Duration::from_millis(self.settings.kill_grace_ms);
        let how = How { grace, reason: wire::Reason::Exited, terminate: true };
        let tree = match self.terminals.end_agent(agent.terminal, &how).await {
            Ok(tree) => tree,
            Err(error) => {
                tracing::warn!(agent = %agent.id, %error, "what an agent left behind could not be looked for");
                return None;
            }
        };
        if tree.survivors.is_empty() && tree.steps.is_empty() && stop.is_none() {
            return None;
        }
        let stop = stop.unwrap_or_else(|| Stop {
            why: EndReason::Exited,
            words: "what it left behind".to_owned(),
            principal: "system".to_owned(),
            time_ms: now_ms(),
            grace_ms: self.settings.kill_grace_ms,
        });
        Some(receipt(stop, tree))
    }

    /// Writes down that it is over, once nothing of its work can be lost any more.
    async fn record(self: &Arc<Self>, agent: &Agent, mut end: End) -> bool {
        let Some(left) = self.put_away(agent).await else { return false };
        end.left = left;
        let ended = self.persist(|| store::agents::ended(&self.changes, agent.id, end.clone())).await;
        if let Some(Some(Both { job, .. })) = &ended
            && let Some(retry_ms) = job.retry_ms
        {
            self.kick_at(retry_ms);
        }
        ended.is_some()
    }

    /// Does what must be done in the database, however long that takes; `None` if the server stops before.
    pub(super) async fn persist<T, F>(&self, mut act: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match act().await {
                Ok(value) => return Some(value),
                Err(error) if error.reason() == Reason::ServerStopping => return None,
                Err(error) => tracing::debug!(%error, "a change of an agent is not recorded yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = self.draining.cancelled() => return None,
            }
        }
    }

    /// Writes down that an agent is lost, and what comes of its job.
    pub(super) async fn lose(&self, agent: AgentId, words: &str) -> Option<Both> {
        let verdict = Verdict::Lost(words.to_owned());
        let end = End {
            exit: None,
            receipt: None,
            time_ms: now_ms(),
            verdict,
            tokens_used: 0,
            left: Left::default(),
        };
        self.persist(|| store::agents::ended(&self.changes, agent, end.clone())).await.flatten()
    }
}

/// Tells an agent what to do. By a writer that is its own, so that after a kill the prompt is not typed twice.
fn type_prompt(terminal: &AgentTerminal, agent: &Agent, prompt: &str) -> Result<()> {
    terminal.type_once(WriterId(agent.id.0), format!("{prompt}\r").as_bytes())
}

/// What ending a tree came to.
fn receipt(stop: Stop, tree: TreeEnd) -> Receipt {
    let TreeEnd { proven, survivors, tracking, steps } = tree;
    Receipt { stop, end_ms: now_ms(), proven, survivors, tracking, steps }
}

/// Why the terminal of an agent that is being ended will have ended.
fn reason(stop: &Stop) -> wire::Reason {
    match stop.why {
        EndReason::Cancelled | EndReason::Killed | EndReason::KillSwitch => wire::Reason::Closed,
        EndReason::Timeout => wire::Reason::TimeLimit,
        _ => wire::Reason::Killed,
    }
}

/// What a program's end says about its job.
fn verdict(exit: &Exit, no_retry: &[i32]) -> Verdict {
    match exit.reason {
        ExitReason::Lost => return Verdict::Lost("both processes that held it went away".to_owned()),
        ExitReason::Unknown => {
            return Verdict::Lost("it ended while nobody could see how it did".to_owned());
        }
        ExitReason::Closed | ExitReason::Killed | ExitReason::IdleTimeout | ExitReason::TimeLimit => {
            let message = "its terminal was closed".to_owned();
            return Verdict::Over(State::Cancelled, EndReason::Killed, message);
        }
        ExitReason::Exited => {}
    }
    match (exit.code, exit.signal) {
        (Some(0), _) => Verdict::Over(State::Succeeded, EndReason::Exited, String::new()),
        (Some(code), _) => {
            let message = format!("the program exited with {code}");
            if no_retry.contains(&code) {
                Verdict::Over(State::Failed, EndReason::Exited, message)
            } else {
                Verdict::Failed(EndReason::Exited, message)
            }
        }
        (None, signal) => {
            let message = format!("signal {} ended the program", signal.unwrap_or_default());
            Verdict::Failed(EndReason::Signaled, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_what_becomes_of_the_job() {
        let exit = |reason, code, signal| Exit { reason, code, signal, ..Exit::LOST };
        let ended = |code| verdict(&exit(ExitReason::Exited, Some(code), None), &[3]);
        assert!(matches!(ended(0), Verdict::Over(State::Succeeded, ..)));
        assert!(matches!(ended(1), Verdict::Failed(EndReason::Exited, _)));
        assert!(matches!(ended(3), Verdict::Over(State::Failed, ..)));
        let killed = verdict(&exit(ExitReason::Exited, None, Some(9)), &[]);
        assert!(matches!(killed, Verdict::Failed(EndReason::Signaled, _)));
        let closed = verdict(&exit(ExitReason::Closed, None, Some(1)), &[]);
        assert!(matches!(closed, Verdict::Over(State::Cancelled, EndReason::Killed, _)));
        for reason in [ExitReason::Lost, ExitReason::Unknown] {
            assert!(matches!(verdict(&exit(reason, None, None), &[]), Verdict::Lost(_)));
        }
    }
}
