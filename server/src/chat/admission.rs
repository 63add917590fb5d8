//! Before an answer: whether the same request has made one already, what is answered, and whether it fits its place.
//!
//! It knows nothing about models.

use std::{collections::HashSet, sync::Arc};

use super::{
    Chat, How, Say, commands, generation,
    prompt::Said,
    provider::{Image, ToolResult},
    record::{Beside, Conversation, ImageInfo, Message, Role, State, now_ms},
    store::{self, Stored},
    watch::Watch,
    writes,
};
use crate::{
    auth::Principal,
    error::{Error, Reason, Result},
    ids::{ConversationId, MessageId},
    workspace::{
        request::{Claim, RequestId},
        store::known_request,
    },
};

impl Chat {
    /// Says something, and reads the answer from its beginning.
    ///
    /// # Errors
    /// As `SendMessage`.
    pub async fn say(&self, who: &Arc<Principal>, say: Say) -> Result<Watch> {
        writes(who)?;
        let request = say.request.clone();
        self.once(who, request, self.say_new(who, say)).await
    }

    /// Answers again what is there, and reads the answer.
    ///
    /// # Errors
    /// As `RegenerateMessage`.
    pub async fn again(
        &self,
        who: &Arc<Principal>,
        id: MessageId,
        how: How,
        request: Option<RequestId>,
    ) -> Result<Watch> {
        writes(who)?;
        self.once(who, request.clone(), self.again_new(who, id, how, request)).await
    }

    /// The answer that the same request made before, or else a new one. Looked up before anything that the request
    /// names, which has moved on since: the answer itself is the conversation's head now. And again if that fails:
    /// the same request may have been on its way twice.
    async fn once(
        &self,
        who: &Arc<Principal>,
        request: Option<RequestId>,
        new: impl Future<Output = Result<Watch>>,
    ) -> Result<Watch> {
        if let Some(before) = self.before(who, request.as_ref()).await? {
            return self.watch(who, before, 0, true).await;
        }
        match new.await {
            Err(error) => match self.before(who, request.as_ref()).await {
                Ok(Some(before)) => self.watch(who, before, 0, true).await,
                _ => Err(error),
            },
            made => made,
        }
    }

    async fn before(&self, who: &Principal, request: Option<&RequestId>) -> Result<Option<MessageId>> {
        let Some(request) = request else { return Ok(None) };
        match known_request(&self.db, who.workspace, request).await? {
            Claim::New => Ok(None),
            Claim::Same(made) => Ok(Some(MessageId(made))),
            Claim::Different => Err(request.reused()),
        }
    }

    /// Says it for the first time.
    async fn say_new(&self, who: &Arc<Principal>, mut say: Say) -> Result<Watch> {
        self.shared.models.check(&say.how.model)?;
        let now = now_ms();
        let (conversation, is_new) = match say.conversation {
            Some(id) => (store::find(&self.db, who.workspace, id).await?, false),
            None => (new_conversation(who, &say, now), true),
        };
        if !is_new && !say.system.is_empty() {
            let text = "is only for a new conversation; UpdateConversation changes an old one's";
            return Err(Error::bad_request("system", text));
        }
        let parent = say.parent.unwrap_or(conversation.head);
        if commands::line(&say.content).is_some() {
            let said = self.said(who, &say, &conversation, parent, now);
            return self.command(who, say, (conversation, is_new), said).await;
        }
        // The first of two slashes only says that it is no command.
        if say.content.starts_with('/') {
            say.content.remove(0);
        }
        let mut branch = match parent {
            Some(parent) => self.branch(&conversation, parent).await?,
            None => Vec::new(),
        };
        check_results(&say.tool_results, branch.last().map(|said| &said.message))?;
        let message = self.said(who, &say, &conversation, parent, now);
        branch.push(Said { message: message.clone(), images: say.images.clone() });
        let images = say.images.into_iter().map(|image| (image.media_type, image.data)).collect();
        let new = is_new.then(|| conversation.clone());
        self.answer(who, conversation, new, Some((message, images)), branch, say.how, say.request).await
    }

    /// Asks for it for the first time.
    async fn again_new(
        &self,
        who: &Arc<Principal>,
        id: MessageId,
        mut how: How,
        request: Option<RequestId>,
    ) -> Result<Watch> {
        self.shared.models.check(&how.model)?;
        let Stored { message, .. } = store::find_message(&self.db, who.workspace, id).await?;
        if message.command {
            return Err(Error::bad_request("message_id", "is a command; SendMessage runs it once more"));
        }
        let question = match (message.role, message.parent) {
            (Role::User, _) => message.id,
            (Role::Assistant, Some(parent)) => {
                if how.model.is_empty() {
                    how.model.clone_from(&message.model);
                }
                parent
            }
            (Role::Assistant, None) => return Err(Error::internal("an answer answers nothing")),
        };
        let conversation = store::find(&self.db, who.workspace, message.conversation).await?;
        let branch = self.branch(&conversation, question).await?;
        self.answer(who, conversation, None, None, branch, how, request).await
    }

    /// The branch that ends with a message, which is whole.
    async fn branch(&self, conversation: &Conversation, last: MessageId) -> Result<Vec<Said>> {
        let mut branch = store::branch(&self.db, conversation.id, last).await?;
        let mut again = false;
        for (said, abandoned) in branch.iter().filter(|(said, _)| said.message.state == State::Streaming) {
            // Ended here if nobody makes it any more; or it may have ended between the two looks.
            again |= self.settle(said.message.clone(), *abandoned).await?;
        }
        if again {
            branch = store::branch(&self.db, conversation.id, last).await?;
        }
        let mut branch: Vec<_> = branch.into_iter().map(|(said, _)| said).collect();
        if branch.is_empty() {
            let text = format!("message {last} is not in conversation {}", conversation.id);
            return Err(Error::new(Reason::MessageNotFound, text).with("message_id", last));
        }
        // Commands are said while an answer is being generated, too.
        if let Some(unfinished) = branch.iter().rfind(|said| said.message.state == State::Streaming) {
            let id = unfinished.message.id;
            let text = format!("message {id} is still being generated; wait for its end, or stop it");
            return Err(Error::new(Reason::MessageStreaming, text).with("message_id", id));
        }
        // What people and the server say to one another is nothing to a model.
        branch.retain(|said| !said.message.command);
        Ok(branch)
    }

    fn said(
        &self,
        who: &Principal,
        say: &Say,
        conversation: &Conversation,
        parent: Option<MessageId>,
        now: u64,
    ) -> Message {
        let info =
            |image: &Image| ImageInfo { media_type: image.media_type.clone(), size: image.data.len() as u64 };
        Message {
            role: Role::User,
            state: State::Complete,
            content: say.content.clone(),
            tool_results: say.tool_results.clone(),
            images: say.images.iter().map(info).collect(),
            end_ms: Some(now),
            ..self.unwritten(who, conversation.id, parent, String::new())
        }
    }

    /// An answer without a word yet.
    pub(super) fn unwritten(
        &self,
        who: &Principal,
        conversation: ConversationId,
        parent: Option<MessageId>,
        model: String,
    ) -> Message {
        Message {
            id: MessageId::new(),
            workspace: who.workspace,
            conversation,
            parent,
            role: Role::Assistant,
            state: State::Streaming,
            content: String::new(),
            beside: Beside::default(),
            tool_results: Vec::new(),
            images: Vec::new(),
            model,
            answered_by: String::new(),
            attempts: Vec::new(),
            finish_reason: String::new(),
            error: None,
            stopped_by: String::new(),
            command: false,
            done: None,
            last_sequence: 0,
            create_ms: now_ms(),
            end_ms: None,
            node: self.node,
        }
    }
}

fn new_conversation(who: &Principal, say: &Say, now: u64) -> Conversation {
    Conversation {
        id: ConversationId::new(),
        workspace: who.workspace,
        title: generation::first_words(&say.content),
        titled: false,
        system: say.system.clone(),
        model: say.how.model.clone(),
        parameters: say.how.parameters.clone().unwrap_or_default(),
        archived: false,
        head: None,
        create_ms: now,
        update_ms: now,
        creator: who.token_name.clone(),
    }
}

/// Results are of calls that the message before has made, one each: every provider refuses others.
pub(super) fn check_results(results: &[ToolResult], before: Option<&Message>) -> Result<()> {
    let before = before.filter(|message| message.state == State::Complete);
    let calls = before.map_or(&[][..], |message| &message.beside.tool_calls);
    let mut given = HashSet::new();
    for (index, result) in results.iter().enumerate() {
        let problem = if !calls.iter().any(|call| call.id == result.call_id) {
            "the message before has made no such call"
        } else if !given.insert(&result.call_id) {
            "has a result already"
        } else {
            continue;
        };
        return Err(Error::bad_request(format!("tool_results[{index}].call_id"), problem));
    }
    Ok(())
}
