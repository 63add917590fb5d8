//! Messages and models for the tests of this folder.
//!
//! It asks nobody.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{
    models::Candidate,
    provider::{Failure, FailureKind, Offered, Pieces, Prompt, Provider},
    record::{Attempt, Beside, Counted, Left, Message, Role, State},
};
use crate::ids::{ConversationId, MessageId, NodeId, WorkspaceId};

/// A whole message.
pub(super) fn message(role: Role, content: &str) -> Message {
    Message {
        id: MessageId::new(),
        workspace: WorkspaceId(Uuid::nil()),
        conversation: ConversationId(Uuid::nil()),
        parent: None,
        role,
        state: State::Complete,
        content: content.to_owned(),
        beside: Beside::default(),
        tool_results: Vec::new(),
        images: Vec::new(),
        model: String::new(),
        answered_by: String::new(),
        attempts: Vec::new(),
        finish_reason: String::new(),
        error: None,
        stopped_by: String::new(),
        command: false,
        done: None,
        last_sequence: 0,
        create_ms: 1,
        end_ms: None,
        node: NodeId(Uuid::nil()),
    }
}

/// An attempt that failed.
pub(super) fn failed(model: &str) -> Attempt {
    Attempt {
        model: model.to_owned(),
        status: 529,
        failure: Some(Left::Failed(FailureKind::Overloaded)),
        message: "busy".to_owned(),
        start_ms: 1,
        first_content_ms: None,
        duration_ms: 1,
        counted: Counted::default(),
    }
}

/// A model of so many tokens, of which an answer may have `output`.
pub(super) fn candidate(context_tokens: u32, output: u32) -> Candidate {
    Candidate {
        name: "far/m".to_owned(),
        provider: Arc::new(Nobody),
        model: "m".to_owned(),
        context_tokens,
        output_tokens_max: output,
        is_local: false,
    }
}

/// A model server that is not there.
#[derive(Debug)]
struct Nobody;

impl Provider for Nobody {
    fn generate<'a>(&'a self, _: &'a Prompt) -> BoxFuture<'a, Result<Pieces, Failure>> {
        Box::pin(async { Err(Failure::new(FailureKind::Connect, "nobody is there")) })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Offered>, Failure>> {
        Box::pin(async { Err(Failure::new(FailureKind::Connect, "nobody is there")) })
    }
}
