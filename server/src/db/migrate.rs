//! Brings the schema up to date at start, one server at a time.
//!
//! It knows nothing about what the migrations do; they lie in `migrations/` and are only ever added.

use tokio_postgres::Client;
use uuid::Uuid;

use super::connect::{self, Address, POSTGRES_VERSION_MIN, StartError};

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// The advisory lock of everyone who migrates ("mosaic" in ASCII).
const LOCK: i64 = 0x6d6f_7361_6963;

/// Applies what is missing and answers which database this is.
pub(super) async fn migrate(address: &Address) -> Result<Uuid, StartError> {
    let mut connection = connect::alone(address).await?;
    let client = &mut connection.client;
    let failed = |cause: &dyn std::error::Error| StartError::Preparation {
        place: address.to_string(),
        cause: connect::explain(cause),
    };
    let found = version(client).await.map_err(|cause| failed(&cause))?;
    if found < POSTGRES_VERSION_MIN {
        return Err(StartError::TooOld { place: address.to_string(), found });
    }
    lock(client).await.map_err(|cause| failed(&cause))?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0);
    if let Some(found) = schema(client).await.map_err(|cause| failed(&cause))?.filter(|found| *found > known)
    {
        return Err(StartError::SchemaNewer { place: address.to_string(), found, known });
    }
    let report = runner.run_async(client).await.map_err(|cause| failed(&cause))?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "migrated the database");
    }
    let row = client.query_one("SELECT id FROM database_identity", &[]).await;
    // The lock ends with the connection.
    row.and_then(|row| row.try_get(0)).map_err(|cause| failed(&cause))
}

/// PostgreSQL's major version.
async fn version(client: &Client) -> Result<u32, tokio_postgres::Error> {
    let row = client.query_one("SELECT current_setting('server_version_num')::int4 / 10000", &[]).await?;
    Ok(row.try_get::<_, i32>(0)?.unsigned_abs())
}

async fn lock(client: &Client) -> Result<(), tokio_postgres::Error> {
    if !client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.try_get::<_, bool>(0)? {
        tracing::info!("another server is migrating the database; waiting for it");
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    }
    Ok(())
}

/// The newest migration that the database has had.
async fn schema(client: &Client) -> Result<Option<i32>, tokio_postgres::Error> {
    let table = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(table, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    client.query_one("SELECT max(version) FROM refinery_schema_history", &[]).await?.try_get(0)
}
