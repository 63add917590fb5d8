//! What Mosaic's tests stand on: the real server on a real database, in real processes, and the faults that hit them.
//!
//! It must not know how the server works inside: it sees what a user sees, and what `/proc` tells.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let server = test_support::Server::start().await?;
//! let viewer = server.token_for(test_support::Role::Viewer).await?;
//! let mut terminals = server.terminals_as(&viewer)?;
//! server.kill9().await?;
//! server.restart().await?;
//! # Ok(()) }
//! ```
//!
//! The server under test never runs as root unless a test asks for it: a test run by root starts everything as
//! the user `mosaic-test`, which it makes. Dropping a [`Server`] ends it with all of its shells and fails the
//! test if a process is left.

mod account;
mod calls;
mod cluster;
pub mod fake_llm;
mod place;
mod postgres;
mod process;
mod processes;
pub mod programs;
mod proxy;
mod server;

pub use account::{Account, account, product_accounts};
pub use calls::{AgentClient, Bearer, ChatClient, TerminalClient, WorkspaceClient, reason};
pub use mosaic_proto::workspace::v1::Role;
pub use postgres::Postgres;
pub use processes::{Cost, Seen, cost, descendants, processes_with};
pub use proxy::Proxy;
pub use server::{Builder, Server, server_binary};

/// True if the full counts were asked for (`./test --long`, `MOSAIC_TEST_LONG=1`); otherwise a tenth is enough.
pub fn long() -> bool {
    std::env::var_os("MOSAIC_TEST_LONG").is_some_and(|value| value == "1")
}
