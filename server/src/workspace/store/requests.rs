//! The SQL of request ids: taken with what a request makes, or looked up before.
//!
//! It knows nothing about what the requests make.

use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::{Params, execute, query, the_row};
use crate::{
    db::Db,
    error::Result,
    ids::WorkspaceId,
    workspace::request::{Claim, RequestId},
};

/// Takes a request id for a resource about to be made. It becomes the resource's with the commit.
pub async fn claim_request(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    request: &RequestId,
    resource: Uuid,
) -> Result<Claim> {
    let sql = "INSERT INTO request_ids (workspace_id, request_id, method, fingerprint, resource_id) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, request_id) DO UPDATE \
               SET method = excluded.method, fingerprint = excluded.fingerprint, \
                   resource_id = excluded.resource_id, create_time = now() \
               WHERE request_ids.create_time < now() - interval '24 hours'";
    let RequestId { id, method, fingerprint } = request;
    let params: Params<'_> = &[&workspace.0, id, method, &fingerprint.as_slice(), &resource];
    if execute(tx, sql, params).await? == 1 {
        return Ok(Claim::New);
    }
    let sql = "SELECT method, fingerprint, resource_id FROM request_ids \
               WHERE workspace_id = $1 AND request_id = $2";
    let row = the_row(query(tx, sql, &[&workspace.0, id]).await?)?;
    let same = row.try_get::<_, &str>(0)? == *method && row.try_get::<_, &[u8]>(1)? == fingerprint;
    Ok(if same { Claim::Same(row.try_get(2)?) } else { Claim::Different })
}

/// What is known about a request id, without taking it.
///
/// # Errors
/// The database.
pub async fn known_request(db: &Db, workspace: WorkspaceId, request: &RequestId) -> Result<Claim> {
    let sql = "SELECT method, fingerprint, resource_id FROM request_ids \
               WHERE workspace_id = $1 AND request_id = $2 AND create_time >= now() - interval '24 hours'";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let RequestId { id, method, fingerprint } = request;
    let Some(row) = client.query_opt(&statement, &[&workspace.0, id]).await? else { return Ok(Claim::New) };
    let same = row.try_get::<_, &str>(0)? == *method && row.try_get::<_, &[u8]>(1)? == fingerprint;
    Ok(if same { Claim::Same(row.try_get(2)?) } else { Claim::Different })
}
