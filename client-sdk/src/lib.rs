//! The Rust SDK of Mosaic: the public face, and nothing but names.
//!
//! It must not know how any of it works; each module owns one thing.
#![doc = include_str!("../README.md")]

/// Chat: say something to a model, read its answer, conversations, models.
pub mod chat;
mod client;
mod error;
/// Agents: spawn, wait, read, steer, end; jobs and the queue.
pub mod orchestrator;
mod pool;
mod resume;
mod retry;
/// Terminals: create, attach, watch, write, wait.
pub mod terminal;
/// Who one is, tokens, workspaces, and the event log.
pub mod workspace;

pub use client::{Authorization, Client, ClientBuilder, Raw, Transport};
pub use error::{Error, ErrorKind, FieldViolation, Result};
/// The messages of the contract, as they travel.
pub use mosaic_proto as proto;
/// An agent, a job as the server describes them.
pub use mosaic_proto::orchestrator::v1::{Agent as AgentInfo, Job as JobInfo};
/// A terminal as the server describes it.
pub use mosaic_proto::terminal::v1::Terminal as TerminalInfo;
pub use retry::Reconnecting;
/// The gRPC code of an error.
pub use tonic::Code;
