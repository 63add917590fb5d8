//! Jobs and agents by what people call them, and the last lines that an agent printed.
//!
//! It knows nothing about who asks.

use std::sync::Arc;

use uuid::Uuid;

use super::{FoundJob, Orchestrator, ShownAgent, job::State, store};
use crate::{
    auth::Principal,
    db::Db,
    error::Result,
    ids::{AgentId, TerminalId, WorkspaceId},
    terminal::{SessionEvent, Start, TextFilter},
    workspace::request::RequestId,
};

/// A shorter beginning of an id says nothing.
const ID_LETTERS_MIN: usize = 4;
/// Bytes of output that the last lines are looked for in.
const TAIL_BYTES: u64 = 64 * 1024;
/// Bytes of the last lines.
const LINES_BYTES_MAX: usize = 16 * 1024;

impl FoundJob {
    /// What the job waits for, in words; empty: nothing.
    pub fn waiting_for(&self) -> &'static str {
        match self.job.state {
            State::Queued if self.pending > 0 => "the jobs that it depends on",
            State::Queued if self.paused => "the queue, which is paused: ResumeQueue",
            State::Queued => "room: as many agents run as may, or jobs before it go first",
            State::BackingOff => "its next attempt",
            _ => "",
        }
    }
}

/// A job and its newest agent.
#[derive(Debug)]
pub struct Found {
    /// The job.
    pub job: FoundJob,
    /// Its newest agent, if it has had one.
    pub agent: Option<ShownAgent>,
}

/// What somebody may have meant.
#[derive(Debug)]
pub enum Named {
    /// This one.
    One(Box<Found>),
    /// One of these, by name, or by id where the names are the same.
    Several(Vec<String>),
    /// Nothing that is there.
    None,
}

/// The last lines that an agent printed.
#[derive(Clone, Debug)]
pub struct LastLines {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Its terminal.
    pub terminal: TerminalId,
    /// The lines, with a line end behind each but the last.
    pub text: String,
    /// The offset in the output of the byte after them.
    pub offset: u64,
}

impl Orchestrator {
    /// A job by its own or its agent's id or name; of those that are not over, by an unambiguous beginning of one.
    ///
    /// # Errors
    /// `BAD_REQUEST` for what cannot be a name, `ROLE_TOO_LOW`, or the database.
    pub async fn named(&self, who: &Principal, named: &str, candidates_max: usize) -> Result<Named> {
        super::reads(who)?;
        let (db, workspace) = (&self.shared.db, who.workspace);
        let named = super::name(named, "id")?;
        let mut id = named.to_owned();
        if store::read::job(db, workspace, named).await?.is_none() {
            let agent = store::read::agent(db, workspace, named).await?;
            id = match agent {
                Some(agent) => agent.job.to_string(),
                // A whole id is nothing's beginning.
                None if named.parse::<Uuid>().is_ok() => return Ok(Named::None),
                None => {
                    let ids = named.len() >= ID_LETTERS_MIN;
                    let found =
                        store::named::beginning(db, workspace, named, ids, candidates_max + 1).await?;
                    match found.as_slice() {
                        [] => return Ok(Named::None),
                        [(id, _)] => id.to_string(),
                        several => {
                            let names = several.iter().take(candidates_max).map(|(_, name)| name.clone());
                            return Ok(Named::Several(names.collect()));
                        }
                    }
                }
            };
        }
        // It may have been forgotten meanwhile.
        let Some(mut found) = found(db, workspace, &id).await? else { return Ok(Named::None) };
        found.agent = found.agent.map(|(agent, _)| self.shown(agent));
        Ok(Named::One(Box::new(found)))
    }

    /// The last lines that an agent printed, as text.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, `OTHER_NODE`.
    pub async fn last_lines(&self, who: &Arc<Principal>, agent: AgentId, lines: usize) -> Result<LastLines> {
        super::reads(who)?;
        let agent = self.shared.agent(who.workspace, &agent.to_string()).await?;
        let terminal = agent.terminal.to_string();
        let mut session = self.shared.terminals.watch(who, &terminal, Start::Tail(TAIL_BYTES), false).await?;
        let (mut text, mut filter, mut end) = (String::new(), TextFilter::default(), 0);
        while let Some(event) = session.next().await {
            match event? {
                SessionEvent::Output { offset, bytes } => {
                    text.push_str(&filter.push(&bytes));
                    end = offset + bytes.len() as u64;
                }
                SessionEvent::Opened { offset, .. } => end = offset,
                SessionEvent::Gap { to, .. } => {
                    text.push_str(&filter.finish());
                    end = to;
                }
                _ => {}
            }
        }
        text.push_str(&filter.finish());
        let text = last(&text, lines);
        Ok(LastLines { agent: agent.id, name: agent.name, terminal: agent.terminal, text, offset: end })
    }
}

/// A job by its id, and its newest agent.
async fn found(db: &Db, workspace: WorkspaceId, id: &str) -> Result<Option<Found>> {
    let Some(job) = store::read::job(db, workspace, id).await? else { return Ok(None) };
    let agent = match job.job.agent {
        Some(agent) => store::read::agent(db, workspace, &agent.to_string()).await?,
        None => None,
    };
    Ok(Some(Found { job, agent: agent.map(|agent| (agent, String::new())) }))
}

/// The job that a request has made, if it has; whoever asked.
///
/// # Errors
/// The database.
pub async fn made_by(db: &Db, workspace: WorkspaceId, request: &RequestId) -> Result<Option<Found>> {
    match store::named::made(db, workspace, request).await? {
        Some(id) => found(db, workspace, &id.to_string()).await,
        None => Ok(None),
    }
}

/// The last lines of a text as a screen would show them: what a carriage return has overwritten is gone.
fn last(text: &str, lines: usize) -> String {
    let shown = |line: &str| {
        let line = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
        line.chars().filter(|c| *c == '\t' || !c.is_control()).collect::<String>()
    };
    let all: Vec<&str> = text.trim_end_matches(['\n', '\r']).split('\n').collect();
    let text =
        all[all.len().saturating_sub(lines)..].iter().map(|line| shown(line)).collect::<Vec<_>>().join("\n");
    let from = text.ceil_char_boundary(text.len().saturating_sub(LINES_BYTES_MAX));
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_those_of_a_screen() {
        assert_eq!(last("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last("a\n", 5), "a");
        assert_eq!(last("", 5), "");
        assert_eq!(last("10 %\r50 %\r100 %\ndone\r\n\n", 5), "100 %\ndone");
        assert_eq!(last("a\0\u{7}b\tc", 1), "ab\tc");
        assert_eq!(last(&"ä".repeat(20_000), 1).len(), LINES_BYTES_MAX);
    }
}
