//! Conversations with language models: what a caller may do, and what becomes of it.
//!
//! It knows nothing about tonic, SQL and the wire formats of providers.

mod admission;
pub mod commands;
pub mod conversations;
pub mod event;
#[cfg(test)]
mod example;
pub mod generation;
pub mod grpc;
pub mod live;
pub mod models;
mod orphan;
pub mod prompt;
pub mod provider;
pub mod record;
mod replay;
pub mod saver;
pub mod store;
pub mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    generation::{Generation, Shared},
    live::{Live, Lives},
    models::Models,
    prompt::{Question, Said},
    provider::{Image, Parameters, Tool, ToolResult},
    record::{Conversation, Message, Role, State},
    saver::Saver,
    store::{Begin, Begun, Stored},
    watch::{Surroundings, Watch},
};
use crate::{
    auth::{self, Actor, Principal},
    config::Config,
    db::{Db, changes::Changes},
    error::{Error, Reason, Result},
    ids::{ConversationId, MessageId, NodeId},
    orchestrator::Orchestrator,
    workspace::request::RequestId,
};

/// Why the chat does not start. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A model server's settings.
    #[error("{0}")]
    Models(String),
    /// What a kill left behind.
    #[error("answers that were interrupted cannot be stored: {0}")]
    Replay(Error),
}

/// How long answers that are cut short by a stop wait for a database that is away.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The chat.
pub struct Chat {
    db: Db,
    changes: Changes,
    node: NodeId,
    fence: i64,
    shared: Arc<Shared>,
    /// Who does what commands ask for.
    agents: Arc<Orchestrator>,
    heartbeat: Duration,
    /// Generations: they end when the server drains.
    tasks: TaskTracker,
    saver: std::sync::Mutex<Option<saver::Task>>,
}

/// Something to say.
#[derive(Clone, Debug)]
pub struct Say {
    /// The caller's id for the call.
    pub request: Option<RequestId>,
    /// The text.
    pub content: String,
    /// Where; absent: a new conversation.
    pub conversation: Option<ConversationId>,
    /// What it follows: absent: the head; `Some(None)`: nothing.
    pub parent: Option<Option<MessageId>>,
    /// Pictures.
    pub images: Vec<Image>,
    /// What tools gave.
    pub tool_results: Vec<ToolResult>,
    /// Instructions of a new conversation.
    pub system: String,
    /// How to answer.
    pub how: How,
}

/// How to answer.
#[derive(Clone, Debug)]
pub struct How {
    /// The model; empty: the conversation's.
    pub model: String,
    /// How to sample; absent: as the conversation says.
    pub parameters: Option<Parameters>,
    /// Tools that may be asked for.
    pub tools: Vec<Tool>,
    /// If the caller goes away, so does the answer.
    pub stop_on_disconnect: bool,
}

impl Chat {
    /// Stores what a kill has interrupted, and is then ready to be called.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: &Config,
        (db, changes): (Db, Changes),
        (node, fence): (NodeId, i64),
        agents: Arc<Orchestrator>,
        draining: CancellationToken,
    ) -> Result<Self, StartError> {
        let models = Models::new(config, |name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let models = models.map_err(StartError::Models)?;
        let root: PathBuf = config.data.dir.join("answers");
        let interrupted = replay::replay(&db, &changes, node, &root).await.map_err(StartError::Replay)?;
        if interrupted > 0 {
            tracing::info!(answers = interrupted, "stored what the last stop had interrupted");
        }
        let settings = config.chat.clone();
        let (saver, inbox) = Saver::new(changes.clone());
        let lives = Lives::new(root, settings.generations_max, settings.generations_per_workspace_max);
        let every = Duration::from_millis(settings.save_ms);
        let lease = Duration::from_secs(settings.lease_s);
        let shared = Arc::new(Shared { models, saver, lives, settings, draining });
        let saving = saver::Settings { every, lease, node };
        let task = inbox.start(db.clone(), changes.clone(), Arc::clone(&shared), saving);
        Ok(Self {
            db,
            changes,
            node,
            fence,
            shared,
            agents,
            heartbeat: Duration::from_millis(config.streams.heartbeat_ms),
            tasks: TaskTracker::new(),
            saver: std::sync::Mutex::new(Some(task)),
        })
    }

    /// After the draining: every answer is stored as it is.
    pub async fn stop(&self) {
        self.tasks.close();
        let saver = self.saver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let generations = tokio::time::timeout(STOP_PATIENCE, self.tasks.wait());
        if generations.await.is_err() {
            tracing::warn!("answers wait for the database; the next start finds them in their logs");
        }
        if let Some(saver) = saver {
            saver.stop(Duration::from_secs(1)).await;
        }
    }

    fn around(&self) -> Surroundings {
        let draining = self.shared.draining.clone();
        Surroundings { db: self.db.clone(), heartbeat: self.heartbeat, draining }
    }

    /// The models, with whether they can be reached right now.
    ///
    /// # Errors
    /// `ROLE_TOO_LOW`.
    pub async fn models(&self, who: &Principal) -> Result<Vec<models::Listed>> {
        reads(who)?;
        Ok(self.shared.models.list().await)
    }

    /// Records an answer, starts its generation, and reads it.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that an answer is made of")]
    async fn answer(
        &self,
        who: &Arc<Principal>,
        conversation: Conversation,
        new: Option<Conversation>,
        said: Option<(Message, Vec<(String, bytes::Bytes)>)>,
        branch: Vec<Said>,
        how: How,
        request: Option<RequestId>,
    ) -> Result<Watch> {
        let model = if how.model.is_empty() { conversation.model.clone() } else { how.model };
        let candidates = self.shared.models.candidates(&model).await?;
        let question = Question {
            system: conversation.system.clone(),
            tools: how.tools,
            parameters: how.parameters.unwrap_or_else(|| conversation.parameters.clone()),
            branch,
        };
        let reserve = candidates.iter().map(|candidate| {
            let input = question.for_model(candidate).input_tokens;
            input + u64::from(question.output_tokens(candidate))
        });
        let reserve = reserve.max().unwrap_or_default();
        let parent = question.branch.last().map(|said| said.message.id);
        let is_first_said = question.branch.len() == 1;
        let answer = self.unwritten(who, conversation.id, parent, model);
        let live = self.shared.lives.begin(&answer)?;
        let (said, images) = said.unzip();
        let title = said.as_ref().map(|said| generation::first_words(&said.content)).unwrap_or_default();
        // Commands before it are no conversation yet.
        let after_commands = said.as_ref().is_some_and(|said| said.parent.is_some()) && is_first_said;
        let first = conversation.head.is_none() || after_commands;
        let begin = Begin {
            conversation: new,
            said,
            images: images.unwrap_or_default(),
            answer: answer.clone(),
            title,
            first,
            request,
            reserve,
            budget: self.shared.settings.daily_budget_tokens,
            fence: self.fence,
            lease_s: self.shared.settings.lease_s,
            actor: Actor::of(who),
        };
        let make = {
            let (shared, live) = (Arc::clone(&self.shared), Arc::clone(&live));
            move |titled: bool| {
                Generation::new(shared, live, answer, question, candidates, first && !titled).run()
            }
        };
        let stop_with = how.stop_on_disconnect.then(|| who.token_name.clone());
        self.begun(who, begin, live, make, stop_with).await
    }

    /// Begins an answer, and reads it; or the one that the same request made before.
    async fn begun<R: Future<Output = ()> + Send>(
        &self,
        who: &Arc<Principal>,
        begin: Begin,
        live: Arc<Live>,
        make: impl FnOnce(bool) -> R + Send + 'static,
        stop_with: Option<String>,
    ) -> Result<Watch> {
        let stops = stop_with.is_some();
        let begun = self.begin(begin, Arc::clone(&live), make, stop_with).await?;
        match begun {
            None => {
                let mut watch = Watch::live(self.around(), Arc::clone(who), &live, 0, true)?;
                if stops {
                    watch.stop_on_drop(live);
                }
                Ok(watch)
            }
            Some(before) => self.watch(who, before, 0, true).await,
        }
    }

    /// The transaction and the making of the answer, in a task of their own: a caller that goes away in between
    /// leaves no answer that nobody makes. The answer that the same request made before, if it did. `make` is told
    /// whether somebody has given the conversation its title.
    async fn begin<R: Future<Output = ()> + Send>(
        &self,
        begin: Begin,
        live: Arc<Live>,
        make: impl FnOnce(bool) -> R + Send + 'static,
        stop_with: Option<String>,
    ) -> Result<Option<MessageId>> {
        let (reply, begun) = oneshot::channel();
        let (changes, shared) = (self.changes.clone(), Arc::clone(&self.shared));
        self.tasks.spawn(async move {
            let result = store::begin(&changes, begin).await;
            match result {
                Ok(Begun::New(conversation)) => {
                    // Whoever asked may have gone; the answer is made nevertheless, unless it was to go with them.
                    if let (Err(_), Some(who)) = (reply.send(Ok(None)), stop_with) {
                        live.stop(&who);
                    }
                    make(conversation.titled).await;
                }
                Ok(Begun::Before(id)) => {
                    shared.lives.discard(&live);
                    let _ = reply.send(Ok(Some(id)));
                }
                Err(error) => {
                    shared.lives.discard(&live);
                    let _ = reply.send(Err(error));
                }
            }
        });
        begun
            .await
            .map_err(|_| Error::new(Reason::ServerStopping, "the server is stopping; try again soon"))?
    }

    /// Reads an answer after a sequence.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, `CURSOR_AHEAD`, `OTHER_NODE`, `BAD_REQUEST` for what is no answer.
    pub async fn watch(
        &self,
        who: &Arc<Principal>,
        id: MessageId,
        after: u64,
        follow: bool,
    ) -> Result<Watch> {
        reads(who)?;
        let live = || self.shared.lives.get(who.workspace, id);
        if let Some(live) = live() {
            return Watch::live(self.around(), Arc::clone(who), &live, after, follow);
        }
        let Stored { message, abandoned } = store::find_without_text(&self.db, who.workspace, id).await?;
        if message.role == Role::User {
            return Err(Error::bad_request(
                "message_id",
                "names a person's message, which has no events; GetMessage",
            ));
        }
        if message.state != State::Streaming {
            return Watch::stored(self.around(), Arc::clone(who), &message, after);
        }
        // It began between the two looks, or another server makes it.
        if let Some(live) = live() {
            return Watch::live(self.around(), Arc::clone(who), &live, after, follow);
        }
        // Or nobody does any more.
        if self.settle(message.clone(), abandoned).await? {
            let Stored { message: ended, .. } = store::find_without_text(&self.db, who.workspace, id).await?;
            if ended.state != State::Streaming {
                return Watch::stored(self.around(), Arc::clone(who), &ended, after);
            }
        }
        Err(self.elsewhere(&message))
    }

    fn elsewhere(&self, message: &Message) -> Error {
        if message.node == self.node {
            let text = "the answer is being finished; try again soon";
            return Error::new(Reason::DatabaseUnavailable, text);
        }
        let text =
            format!("message {} is being generated by server {}; ask that one", message.id, message.node);
        Error::new(Reason::OtherNode, text).with("node_id", message.node)
    }

    /// Ends an answer, and answers when it is stored. One that has ended stays as it is.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, `OTHER_NODE`, `SERVER_STOPPING`.
    pub async fn stop_message(&self, who: &Principal, id: MessageId) -> Result<Message> {
        writes(who)?;
        if let Some(live) = self.shared.lives.get(who.workspace, id) {
            live.stop(&who.token_name);
            let message = tokio::select! {
                message = live.finished() => message,
                () = self.tasks.wait() => None,
            };
            let stopping = || Error::new(Reason::ServerStopping, "the server is stopping; try again soon");
            return message.map(|message| (*message).clone()).ok_or_else(stopping);
        }
        let Stored { message, .. } = self.find_settled(who, id).await?;
        match message.state {
            State::Streaming => Err(self.elsewhere(&message)),
            _ => Ok(message),
        }
    }
}

fn reads(who: &Principal) -> Result<()> {
    who.require(auth::Role::Viewer)?;
    who.require_whole_workspace()
}

fn writes(who: &Principal) -> Result<()> {
    who.require(auth::Role::Member)?;
    who.require_whole_workspace()
}
