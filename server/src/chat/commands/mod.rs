//! Commands: messages that begin with a slash, which the server runs.
//!
//! A command is an ordinary pair of messages: it is begun, logged, stored and read as an answer is. It knows the
//! orchestrator only by what that offers everyone, and knows no model.

mod complete;
mod done;
mod grammar;
mod render;
mod run;
mod table;
mod words;

use std::sync::Arc;

pub use self::{
    complete::Completion,
    done::{Done, Outcome},
    grammar::line,
    run::ending,
    table::{Argument, COMMANDS, Flag, Kind, Spec},
};
use self::{complete::Names, grammar::Command, run::Run};
use super::{
    Chat, Say, generation, reads,
    record::{Conversation, Message},
    store::Begin,
    watch::Watch,
};
use crate::{
    auth::{Actor, Principal, Role},
    error::{Error, Reason, Result},
    ids::MessageId,
};

/// Names that are offered for an ambiguous one.
const CANDIDATES_MAX: usize = 5;

/// Why a command is not done, and what else could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable.
    pub reason: Reason,
    /// What is wrong, and what to do.
    pub message: String,
    /// What may have been meant; empty: not known.
    pub suggestion: String,
    /// What an ambiguous name may stand for.
    pub candidates: Vec<String>,
}

impl Problem {
    /// The same with another suggestion.
    fn suggest(mut self, with: impl FnOnce(&str) -> String) -> Self {
        self.suggestion = with(&self.suggestion);
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if error.reason() == Reason::Internal {
            tracing::error!(%error, "a command failed");
        }
        let (reason, message) = (error.reason(), error.message().to_owned());
        Self { reason, message, suggestion: String::new(), candidates: Vec::new() }
    }
}

impl Chat {
    /// Records a command, runs it, and reads its answer.
    pub(super) async fn command(
        &self,
        who: &Arc<Principal>,
        say: Say,
        (conversation, is_new): (Conversation, bool),
        said: Message,
    ) -> Result<Watch> {
        let problem = "are nothing for a command; begin with // for an ordinary message";
        if !say.images.is_empty() {
            return Err(Error::bad_request("images", problem));
        }
        if !say.tool_results.is_empty() {
            return Err(Error::bad_request("tool_results", problem));
        }
        let profiles: Vec<&str> =
            self.agents.profiles(who)?.all().map(|profile| profile.name.as_str()).collect();
        let command = grammar::parse(line(&say.content).unwrap_or_default(), &profiles);
        // What the token may not do is told before anything is recorded.
        if matches!(command, Ok(Command::KillAll(_))) {
            who.require(Role::Admin)?;
        }
        let said = Message { command: true, ..said };
        let answer =
            Message { command: true, ..self.unwritten(who, conversation.id, Some(said.id), String::new()) };
        let live = self.shared.lives.begin(&answer)?;
        let begin = Begin {
            conversation: is_new.then_some(conversation),
            title: generation::first_words(&said.content),
            first: false,
            said: Some(said),
            images: Vec::new(),
            answer: answer.clone(),
            request: say.request,
            reserve: 0,
            budget: self.shared.settings.daily_budget_tokens,
            fence: self.fence,
            lease_s: self.shared.settings.lease_s,
            actor: Actor::of(who),
        };
        let run = Run {
            shared: Arc::clone(&self.shared),
            agents: Arc::clone(&self.agents),
            who: Arc::clone(who),
            live: Arc::clone(&live),
            message: answer,
            command,
        };
        let stop_with = say.how.stop_on_disconnect.then(|| who.token_name.clone());
        self.begun(who, begin, live, |_| run.run(), stop_with).await
    }

    /// The ways to go on with a text.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`, or the database.
    pub async fn complete(&self, who: &Principal, typed: &str, most: usize) -> Result<Vec<Completion>> {
        reads(who)?;
        let names = Names::of(&self.agents, who, typed).await?;
        Ok(complete::complete(typed, &names, most))
    }
}

/// The id of the request that a command makes: whatever repeats it, it is done once.
fn request_of(
    answer: MessageId,
    method: &'static str,
) -> Result<Option<crate::workspace::request::RequestId>> {
    // The id alone tells it from all others; nobody knows it before it is recorded.
    crate::workspace::request::RequestId::parse(format!("command-{answer}"), method, &[])
}
