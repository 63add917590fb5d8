//! The real server through its contract: one file a resource, and one for what other people's clients do with it.
//!
//! It must not use the SDK or the server's own code: only the contract and the program. There are three exceptions:
//! `providers`, since adapters to model servers have a contract of their own, which stands in the server's library;
//! `worktrees`, whose states after a kill no call can make; and `keeper`, for questions that no call makes a server ask.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agents;
mod as_root;
mod capacity;
mod chat;
mod ending;
mod events;
mod front;
mod keeper;
mod providers;
mod shells;
mod survive;
mod terminal_access;
mod terminal_errors;
mod terminal_input_errors;
mod terminal_streams;
mod terminal_typing;
mod third_party;
mod workspace;
mod workspace_access;
mod worktrees;
