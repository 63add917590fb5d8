//! The running of one command: an owned task that does it once, and ends its answer.
//!
//! It knows nothing about who reads.

use std::sync::Arc;

use super::{
    Problem,
    done::{Done, Outcome, kept},
    grammar::{Command, Spawn},
    request_of,
    table::{COMMANDS, Verb},
};
use crate::{
    auth::Principal,
    chat::{
        event::{Answer, Event},
        generation::{self, Shared},
        live::Live,
        record::{Message, Problem as Failed, State, now_ms},
    },
    db::Db,
    error::{Error, Reason, Result},
    ids::AgentId,
    orchestrator::{AgentState, Found, Named, Orchestrator, SpawnWish, StopWish, made_by},
    workspace::page::Page,
};

/// Jobs or agents that a result has.
const LIST_MAX: u32 = 20;
/// Lines that `/logs` shows.
const LINES_MAX: usize = 40;
/// The method that a command's request id belongs to: nobody else's.
const SPAWN: &str = "SendMessage /spawn";
const SEND: &str = "SendMessage /send";

/// A command that is recorded and about to be done.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) agents: Arc<Orchestrator>,
    pub(super) who: Arc<Principal>,
    pub(super) live: Arc<Live>,
    pub(super) message: Message,
    pub(super) command: Result<Command, Problem>,
}

impl Run {
    /// From the first event to the last one. A server that stops waits for it: what it waits for then ends, too.
    pub(super) async fn run(self) {
        let mut answer = Answer::default();
        let mut message = self.message.clone();
        let started = Event::Started { model: String::new(), candidates: Vec::new(), input_tokens: 0 };
        if let Err(cause) = self.live.append(&mut answer, &[started]) {
            tracing::error!(message = %message.id, %cause, "a command cannot be written down, and is not done");
            let text =
                "the server cannot write the answer down, and has not run the command; its log says why";
            message.error = Some(Failed { reason: "LOG_FAILED".to_owned(), message: text.to_owned() });
            message.state = State::Failed;
        } else {
            // What was begun when somebody stops it goes on, but nobody waits for it.
            tokio::select! {
                biased;
                () = self.live.stopped() => {
                    message.state = State::Stopped;
                    message.stopped_by = self.live.stopped_by().unwrap_or_default();
                }
                done = self.done() => {
                    let event = Event::CommandResult(Box::new(done));
                    if let Err(cause) = self.live.append(&mut answer, std::slice::from_ref(&event)) {
                        // The message has it.
                        tracing::error!(message = %message.id, %cause, "a command's result cannot be written down");
                        let sequence = answer.sequence;
                        answer.apply(sequence, &event);
                    }
                    message.state = State::Complete;
                }
            }
        }
        message.content.clone_from(&answer.content);
        message.done.clone_from(&answer.done);
        message.end_ms = Some(now_ms());
        generation::end(&self.shared, &self.live, &answer, message).await;
    }

    async fn done(&self) -> Done {
        let (verb, outcome) = match &self.command {
            Ok(command) => {
                let outcome = self.outcome(command).await;
                (Some(verb(command)), outcome.unwrap_or_else(Outcome::from))
            }
            Err(problem) => (None, problem.clone().into()),
        };
        Done::new(verb, outcome)
    }

    async fn outcome(&self, command: &Command) -> Result<Outcome, Problem> {
        let (agents, who) = (&self.agents, &self.who);
        Ok(match command {
            Command::Agents => {
                let (found, _) = agents.agents(who, &page()?, &[], "").await?;
                Outcome::Agents { agents: found.items, more: !found.next_page_token.is_empty() }
            }
            Command::Jobs => {
                let (found, _) = agents.jobs(who, &page()?, &[], &std::collections::BTreeMap::new()).await?;
                let more = !found.next_page_token.is_empty();
                Outcome::Jobs { jobs: found.items.into_iter().map(kept).collect(), more }
            }
            Command::Status(None) => self.overview().await?,
            Command::Status(Some(named)) => {
                let Found { job, agent } = self.find(named, Reason::JobNotFound).await?;
                Outcome::Status { job: Box::new(kept(job)), agent: agent.map(Box::new) }
            }
            Command::Kill(named, why) => self.kill(named, why).await?,
            Command::KillAll(why) => {
                let switched = agents.kill_all(who, stop(why), false).await?;
                Outcome::Killed { job: None, agents: switched.agents, cancelled: switched.cancelled }
            }
            Command::Logs(named) => {
                let log = agents.last_lines(who, self.agent(named).await?.0, LINES_MAX).await?;
                let (agent_id, terminal_id) = (log.agent.to_string(), log.terminal.to_string());
                Outcome::Log { agent_id, terminal_id, text: log.text, offset: log.offset }
            }
            Command::Send(named, text) => {
                let (agent, name) = self.agent(named).await?;
                let (agent_id, typed) = (agent.to_string(), format!("{text}\r"));
                agents.send(who, &agent_id, &typed, request_of(self.message.id, SEND)?).await?;
                Outcome::Sent { agent_id, name }
            }
            Command::Pause(why) => {
                let (queue, most) = agents.pause(who, true, why).await?;
                Outcome::Queue(queue, most)
            }
            Command::Resume => {
                let (queue, most) = agents.pause(who, false, "").await?;
                Outcome::Queue(queue, most)
            }
            Command::Spawn(spawn) => self.spawn(spawn).await?,
            Command::Help(about) => {
                let shown = COMMANDS.iter().filter(|spec| about.is_none_or(|verb| verb == spec.verb));
                Outcome::Help(shown.map(|spec| spec.name.to_owned()).collect())
            }
        })
    }

    async fn overview(&self) -> Result<Outcome, Problem> {
        let queue = self.agents.queue(&self.who).await?;
        let alive: Vec<AgentState> = AgentState::ALL.into_iter().filter(|state| !state.is_over()).collect();
        let (found, _) = self.agents.agents(&self.who, &page()?, &alive, "").await?;
        let more = !found.next_page_token.is_empty();
        Ok(Outcome::Overview { queue, running: found.items, more })
    }

    async fn spawn(&self, spawn: &Spawn) -> Result<Outcome, Problem> {
        let mut depends_on = Vec::with_capacity(spawn.depends_on.len());
        for named in &spawn.depends_on {
            depends_on.push(self.find(named, Reason::JobNotFound).await?.job.job.id.to_string());
        }
        let wish = SpawnWish {
            request: request_of(self.message.id, SPAWN)?,
            profile: spawn.profile.clone(),
            prompt: spawn.prompt.clone(),
            name: spawn.name.clone(),
            cwd: spawn.cwd.clone(),
            repository: spawn.repository.clone(),
            base: spawn.base.clone(),
            depends_on,
            priority: spawn.priority,
            attempts: spawn.attempts,
            timeout: spawn.timeout,
            labels: spawn.labels.clone(),
            ..SpawnWish::default()
        };
        let (job, agent) = self.agents.spawn(&self.who, wish).await?;
        let agent = agent.map(|agent| Box::new((agent, String::new())));
        Ok(Outcome::Spawned { job: Box::new(kept(job)), agent })
    }

    async fn kill(&self, named: &str, why: &str) -> Result<Outcome, Problem> {
        let id = self.find(named, Reason::AgentNotFound).await?.job.job.id.to_string();
        // By the job's id: an agent that ends meanwhile may have a successor.
        match self.agents.kill(&self.who, &id, stop(why)).await {
            // It was over, or is by now.
            Err(error) if error.reason() == Reason::AgentNotFound => {}
            killed => drop(killed?),
        }
        let Found { job, agent } = self.find(&id, Reason::AgentNotFound).await?;
        let agents = agent.into_iter().map(|(agent, _)| agent).collect();
        Ok(Outcome::Killed { job: Some(Box::new(kept(job))), agents, cancelled: 0 })
    }

    /// A job by what somebody calls it.
    async fn find(&self, named: &str, reason: Reason) -> Result<Found, Problem> {
        match self.agents.named(&self.who, named, super::CANDIDATES_MAX).await? {
            Named::One(found) => Ok(*found),
            Named::Several(candidates) => Err(Problem {
                reason: Reason::NameAmbiguous,
                message: format!("{named:?} may stand for several; type more of the name"),
                suggestion: String::new(),
                candidates,
            }),
            Named::None => {
                let text = format!(
                    "there is no job or agent {named:?} in this workspace; /jobs lists those there are"
                );
                Err(Error::new(reason, text).into())
            }
        }
    }

    /// The newest agent of a job, and its name.
    async fn agent(&self, named: &str) -> Result<(AgentId, String), Problem> {
        // An agent of its own id is meant, even if it is not the newest.
        if let Ok((agent, _)) = self.agents.agent(&self.who, named).await
            && agent.id.to_string() == named
        {
            return Ok((agent.id, agent.name));
        }
        let Found { job, agent } = self.find(named, Reason::AgentNotFound).await?;
        let none = || {
            let text = format!(
                "job {:?} has had no agent yet; /status {:?} says what it waits for",
                job.job.name, job.job.name
            );
            Error::new(Reason::AgentNotFound, text)
        };
        let (agent, _) = agent.ok_or_else(none)?;
        Ok((agent.id, agent.name))
    }
}

fn verb(command: &Command) -> Verb {
    match command {
        Command::Agents => Verb::Agents,
        Command::Help(_) => Verb::Help,
        Command::Jobs => Verb::Jobs,
        Command::Kill(..) | Command::KillAll(_) => Verb::Kill,
        Command::Logs(_) => Verb::Logs,
        Command::Pause(_) => Verb::Pause,
        Command::Resume => Verb::Resume,
        Command::Send(..) => Verb::Send,
        Command::Spawn(_) => Verb::Spawn,
        Command::Status(_) => Verb::Status,
    }
}

fn page() -> Result<Page> {
    Page::parse(b' ', LIST_MAX, "")
}

fn stop(why: &str) -> StopWish {
    StopWish { words: why.to_owned(), grace: None, force: false }
}

/// The result of a command that a kill has interrupted, where it can still be told: of a `/spawn` that has made its job.
///
/// # Errors
/// The database.
pub async fn ending(db: &Db, message: &Message) -> Result<Option<Done>> {
    let Some(request) = request_of(message.id, SPAWN)? else { return Ok(None) };
    let made = made_by(db, message.workspace, &request).await?;
    Ok(made.map(|Found { job, agent }| {
        Done::new(
            Some(Verb::Spawn),
            Outcome::Spawned { job: Box::new(kept(job)), agent: agent.map(Box::new) },
        )
    }))
}
