//! The commands around terminals: who one is, tokens, workspaces, events, contexts.
//!
//! One file a command; each knows its own arguments, and none of them knows the others.

pub(crate) mod completions;
pub(crate) mod context;
pub(crate) mod env;
pub(crate) mod events;
pub(crate) mod login;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod web;
pub(crate) mod whoami;
pub(crate) mod workspace;
