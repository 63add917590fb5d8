//! Identities as types of their own; raw strings stop at `grpc.rs`.
//!
//! It knows nothing about what the ids name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident;)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one: a UUIDv7, so that ids sort by their time of making.
            #[expect(clippy::new_without_default, reason = "two calls give two values")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, uuid::Error> {
                s.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// A workspace.
    WorkspaceId;
    /// A token (not its secret).
    TokenId;
    /// A terminal.
    TerminalId;
    /// Someone who types into a terminal; made up by the client.
    WriterId;
    /// A reader of a terminal.
    ViewerId;
    /// A conversation.
    ConversationId;
    /// A message of a conversation.
    MessageId;
    /// A job.
    JobId;
    /// An attempt at a job.
    AgentId;
    /// A server among those on one database.
    NodeId;
}
