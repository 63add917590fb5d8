//! Jobs by the beginning of a name or an id, and by the request that made them.

use uuid::Uuid;

use crate::{
    db::Db,
    error::Result,
    ids::{JobId, WorkspaceId},
    workspace::{
        request::{Claim, RequestId},
        store::known_request,
    },
};

/// The jobs that are not over whose name begins so, or whose id or whose agent's does, if `ids` is true; the newest
/// first, at most so many.
///
/// # Errors
/// The database.
pub async fn beginning(
    db: &Db,
    workspace: WorkspaceId,
    text: &str,
    ids: bool,
    most: usize,
) -> Result<Vec<(JobId, String)>> {
    let sql = "SELECT j.id, j.name FROM jobs j WHERE j.workspace_id = $1 AND j.end_time IS NULL \
               AND (starts_with(j.name, $2) OR $3 AND (starts_with(j.id::text, lower($2)) OR EXISTS ( \
                   SELECT 1 FROM agents a WHERE a.job_id = j.id AND a.end_time IS NULL \
                   AND starts_with(a.id::text, lower($2))))) \
               ORDER BY j.id DESC LIMIT $4";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&workspace.0, &text, &ids, &most]).await?;
    rows.iter().map(|row| Ok((JobId(row.try_get::<_, Uuid>(0)?), row.try_get(1)?))).collect()
}

/// The job that a request has made, if it has.
///
/// # Errors
/// The database.
pub async fn made(db: &Db, workspace: WorkspaceId, request: &RequestId) -> Result<Option<JobId>> {
    Ok(match known_request(db, workspace, request).await? {
        Claim::Same(id) => Some(JobId(id)),
        Claim::New | Claim::Different => None,
    })
}
