//! The database: the pool of connections that every store borrows from, and its start.
//!
//! It knows nothing about what the tables mean; each service's `store.rs` does.

pub mod changes;
pub mod connect;
mod migrate;
mod retention;
#[cfg(test)]
mod tests;
mod tls;
pub mod wake;

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{
    config,
    error::{Error, Reason, Result},
};
pub use connect::{Address, StartError};

/// The pool. Clones share it.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    identity: Uuid,
    wait: Duration,
}

/// Does something with the database whether or not whoever waits for it goes on waiting just then. A stream whose
/// reader has stalled is not polled: in the middle of a query it would keep its connection from everybody else.
///
/// # Errors
/// Those of the work.
pub async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    AbortOnDropHandle::new(tokio::spawn(work)).await.map_err(Error::internal)?
}

impl Db {
    /// Connects, brings the schema up to date and opens the pool.
    ///
    /// # Errors
    /// The database cannot be reached, is too old, or has a schema of a newer server.
    pub async fn open(address: &Address, config: &config::Database) -> Result<Self, StartError> {
        if connect::is_exposed(address)? {
            tracing::warn!(%address, "no TLS to the database; add ?sslmode=require to its URL unless the way is safe");
        }
        let identity = migrate::migrate(address).await?;
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connect::pooled(address)?, connect::tls(address)?, manager);
        let pool = Pool::builder(manager).max_size(config.pool_size_max);
        // The connection used last comes first: its process has the statements planned and its caches filled.
        let pool = pool.queue_mode(QueueMode::Lifo).build();
        let pool = pool.map_err(|cause| StartError::Pool { cause: cause.to_string() })?;
        Ok(Self { pool, identity, wait: Duration::from_millis(config.wait_ms) })
    }

    /// Borrows a connection. Waits for it at most `database.wait_ms`.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` if there is none by then.
    pub async fn get(&self) -> Result<Object> {
        match time::timeout(self.wait, self.pool.get()).await {
            Ok(connection) => Ok(connection?),
            Err(late) => Err(Error::caused(
                Reason::DatabaseUnavailable,
                "no connection to the database within database.wait_ms; try again soon",
                late,
            )),
        }
    }

    /// Which database this is: the same for every server on it, for as long as it lives.
    pub fn identity(&self) -> Uuid {
        self.identity
    }

    /// Closes the idle connections now and the others when they come back; `get` fails from here on.
    pub fn close(&self) {
        self.pool.close();
    }
}
