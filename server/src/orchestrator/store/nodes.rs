//! Which servers are believed to be alive, and what ran on those that are not. All by the database's clock.

use crate::{
    db::Db,
    error::Result,
    ids::{AgentId, NodeId},
};

/// This server is alive for another lease.
///
/// # Errors
/// The database.
pub async fn heartbeat(db: &Db, node: NodeId, lease_s: u64) -> Result<()> {
    let sql = "UPDATE nodes SET lease_time = now() + make_interval(secs => $2::float8) WHERE id = $1";
    db.get().await?.execute(sql, &[&node.0, &super::seconds(lease_s * 1000)]).await?;
    Ok(())
}

/// This server stops: nobody has to wait for its lease to run out before its agents are called unreachable.
///
/// # Errors
/// The database.
pub async fn leave(db: &Db, node: NodeId) -> Result<()> {
    db.get().await?.execute("UPDATE nodes SET lease_time = now() WHERE id = $1", &[&node.0]).await?;
    Ok(())
}

/// What became of agents whose server does not answer.
#[derive(Debug, Default)]
pub struct Silent {
    /// They are not marked yet.
    pub unreachable: Vec<AgentId>,
    /// Their server was not heard of for so long that they count as lost.
    pub lost: Vec<AgentId>,
}

/// Agents of other servers at which something must be done, a few at a time.
///
/// # Errors
/// The database.
pub async fn silent(db: &Db, here: NodeId, lost_after_s: u64) -> Result<Silent> {
    let sql = "SELECT a.id, a.state = 'UNREACHABLE', n.lease_time < now() - make_interval(secs => $2::float8) \
               FROM agents a JOIN nodes n ON n.id = a.node_id \
               WHERE a.end_time IS NULL AND a.node_id <> $1 AND n.lease_time < now() \
               AND (a.state <> 'UNREACHABLE' OR n.lease_time < now() - make_interval(secs => $2::float8)) LIMIT 200";
    let client = db.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let mut silent = Silent::default();
    for row in client.query(&statement, &[&here.0, &super::seconds(lost_after_s * 1000)]).await? {
        let id = AgentId(row.try_get(0)?);
        let (marked, lost): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        if lost {
            silent.lost.push(id);
        } else if !marked {
            silent.unreachable.push(id);
        }
    }
    Ok(silent)
}

/// Agents of this server that others have called unreachable.
///
/// # Errors
/// The database.
pub async fn called_unreachable(db: &Db, here: NodeId) -> Result<Vec<AgentId>> {
    let sql = "SELECT id FROM agents WHERE node_id = $1 AND state = 'UNREACHABLE'";
    let rows = db.get().await?.query(sql, &[&here.0]).await?;
    rows.iter().map(|row| Ok(AgentId(row.try_get(0)?))).collect()
}
