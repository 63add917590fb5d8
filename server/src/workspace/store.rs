//! The SQL of workspaces, tokens, sign-in codes and the reading of events.
//!
//! It knows nothing about who may do what. It is longer than others because a token's few tables
//! change together, in one transaction each.

mod requests;

use std::{collections::HashSet, time::SystemTime};

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

pub use self::requests::{claim_request, known_request};
use super::{
    NewToken, Token, Workspace,
    events::{Event, Filter, Found},
    page::Page,
    parse::token_not_found,
    request::{Claim, RequestId},
};
use crate::{
    auth::Digest,
    db::Db,
    error::{Error, Reason, Result},
    ids::{TerminalId, TokenId, WorkspaceId},
};

/// The columns of [`token_of`].
macro_rules! token_columns {
    () => {
        "id, workspace_id, name, role, create_time, expire_time, last_use_time, revoke_time, \
         terminal_id, read_only"
    };
}

/// Events read at once.
const EVENTS_PAGE: i64 = 256;
/// Sign-in codes that one token may have open; a further one ends the oldest.
const CODES_PER_TOKEN_MAX: i64 = 16;

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn query(client: &impl GenericClient, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, params).await?)
}

async fn execute(client: &impl GenericClient, sql: &str, params: Params<'_>) -> Result<u64> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, params).await?)
}

fn the_row(rows: Vec<Row>) -> Result<Row> {
    rows.into_iter().next().ok_or_else(|| Error::internal("a query that answers one row answered none"))
}

fn token_of(row: &Row) -> Result<Token> {
    Ok(Token {
        id: TokenId(row.try_get("id")?),
        workspace: WorkspaceId(row.try_get("workspace_id")?),
        name: row.try_get("name")?,
        role: row.try_get::<_, &str>("role")?.parse()?,
        create_time: row.try_get("create_time")?,
        expire_time: row.try_get("expire_time")?,
        last_use_time: row.try_get("last_use_time")?,
        revoke_time: row.try_get("revoke_time")?,
        terminal: row.try_get::<_, Option<Uuid>>("terminal_id")?.map(TerminalId),
        read_only: row.try_get("read_only")?,
    })
}

fn workspace_of(row: &Row) -> Result<Workspace> {
    Ok(Workspace {
        id: WorkspaceId(row.try_get("id")?),
        name: row.try_get("name")?,
        create_time: row.try_get("create_time")?,
    })
}

/// The token with this hash, good or not.
pub async fn token_by_hash(db: &Db, hash: &Digest) -> Result<Option<Token>> {
    let sql = concat!("SELECT ", token_columns!(), " FROM tokens WHERE hash = $1");
    let client = db.get().await?;
    query(&client, sql, &[&hash.as_slice()]).await?.first().map(token_of).transpose()
}

/// Which of these tokens are there and not revoked.
pub async fn live_tokens(db: &Db, ids: &HashSet<TokenId>) -> Result<HashSet<TokenId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let client = db.get().await?;
    let sql = "SELECT id FROM tokens WHERE id = ANY($1) AND revoke_time IS NULL";
    let rows = query(&client, sql, &[&ids]).await?;
    rows.iter().map(|row| Ok(TokenId(row.try_get(0)?))).collect()
}

/// Notes when tokens were last used.
pub async fn note_last_uses(db: &Db, uses: Vec<(TokenId, SystemTime)>) -> Result<()> {
    if uses.is_empty() {
        return Ok(());
    }
    let (ids, times): (Vec<Uuid>, Vec<SystemTime>) = uses.into_iter().map(|(id, time)| (id.0, time)).unzip();
    let sql = "UPDATE tokens SET last_use_time = greatest(last_use_time, use.time) \
               FROM unnest($1::uuid[], $2::timestamptz[]) AS use (id, time) WHERE tokens.id = use.id";
    let client = db.get().await?;
    execute(&client, sql, &[&ids, &times]).await?;
    Ok(())
}

/// Takes a request id for something whose answer holds a secret and is never given again.
async fn claim_once(
    tx: &Transaction<'_>,
    workspace: WorkspaceId,
    request: &RequestId,
    resource: Uuid,
) -> Result<()> {
    match claim_request(tx, workspace, request, resource).await? {
        Claim::New => Ok(()),
        Claim::Same(made) => Err(request.spent(made)),
        Claim::Different => Err(request.reused()),
    }
}

/// Makes whoever counts before adding to `what` wait for the others who do, until the commit.
async fn one_at_a_time(tx: &Transaction<'_>, what: &str) -> Result<()> {
    query(tx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&what]).await?;
    Ok(())
}

async fn count(tx: &Transaction<'_>, sql: &str, params: Params<'_>) -> Result<i64> {
    Ok(the_row(query(tx, sql, params).await?)?.try_get(0)?)
}

/// Stores a workspace with its first token. `request` is the caller's workspace and request id.
pub async fn create_workspace(
    db: &Db,
    id: WorkspaceId,
    name: &str,
    admin: NewToken,
    request: Option<(WorkspaceId, RequestId)>,
    max: u32,
) -> Result<(Workspace, Token)> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    one_at_a_time(&tx, "mosaic workspaces").await?;
    if let Some((workspace, request)) = request {
        claim_once(&tx, workspace, &request, id.0).await?;
    }
    if count(&tx, "SELECT count(*) FROM workspaces", &[]).await? >= i64::from(max) {
        let message = format!("the server has {max} workspaces, as many as it may; raise the setting");
        return Err(Error::quota(Reason::WorkspaceQuota, "auth.workspaces_max", message));
    }
    let sql = "INSERT INTO workspaces (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING \
               RETURNING id, name, create_time";
    let rows = query(&tx, sql, &[&id.0, &name]).await?;
    let Some(row) = rows.first() else {
        let message = "another workspace has this name; choose another";
        return Err(Error::new(Reason::NameTaken, message));
    };
    let workspace = workspace_of(row)?;
    let token = insert_token(&tx, &admin).await?;
    tx.commit().await?;
    Ok((workspace, token))
}

/// Workspaces, newest first.
pub async fn list_workspaces(db: &Db, page: Page) -> Result<Vec<Workspace>> {
    let client = db.get().await?;
    let sql = "SELECT id, name, create_time FROM workspaces \
               WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2";
    let rows = query(&client, sql, &[&page.before(), &page.fetch()]).await?;
    rows.iter().map(workspace_of).collect()
}

/// The workspace `default`, made if it is not there.
pub async fn default_workspace(db: &Db) -> Result<WorkspaceId> {
    let client = db.get().await?;
    let sql = "INSERT INTO workspaces (id, name) VALUES ($1, 'default') ON CONFLICT (name) DO NOTHING";
    execute(&client, sql, &[&WorkspaceId::new().0]).await?;
    let row = the_row(query(&client, "SELECT id FROM workspaces WHERE name = 'default'", &[]).await?)?;
    Ok(WorkspaceId(row.try_get(0)?))
}

async fn insert_token(client: &impl GenericClient, token: &NewToken) -> Result<Token> {
    let sql = concat!(
        "INSERT INTO tokens (id, workspace_id, name, role, hash, expire_time, terminal_id, read_only) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ",
        token_columns!()
    );
    let terminal = token.terminal.map(|id| id.0);
    let params: Params<'_> = &[
        &token.id.0,
        &token.workspace.0,
        &token.name,
        &token.role.as_str(),
        &token.hash.as_slice(),
        &token.expire_time,
        &terminal,
        &token.read_only,
    ];
    token_of(&the_row(query(client, sql, params).await?)?)
}

/// Stores the token of a first start, which no quota counts.
pub async fn insert_operator(db: &Db, token: &NewToken) -> Result<()> {
    let client = db.get().await?;
    insert_token(&client, token).await.map(drop)
}

/// Stores a token within the quota. Those that ended long ago go.
async fn add_token(tx: &Transaction<'_>, token: &NewToken, max: u32) -> Result<Token> {
    let workspace = token.workspace;
    one_at_a_time(tx, &format!("mosaic tokens {workspace}")).await?;
    let sql = "DELETE FROM sign_in_codes WHERE expire_time < now() - interval '1 day'";
    execute(tx, sql, &[]).await?;
    let sql = "DELETE FROM tokens WHERE workspace_id = $1 \
               AND least(revoke_time, expire_time) < now() - interval '30 days' \
               AND NOT EXISTS (SELECT FROM sign_in_codes WHERE token_id = tokens.id)";
    execute(tx, sql, &[&workspace.0]).await?;
    let sql = "SELECT count(*) FROM tokens WHERE workspace_id = $1 AND revoke_time IS NULL \
               AND (expire_time IS NULL OR expire_time > now())";
    if count(tx, sql, &[&workspace.0]).await? >= i64::from(max) {
        let message = format!("the workspace has {max} good tokens, as many as it may; revoke one");
        return Err(Error::quota(Reason::TokenQuota, "auth.tokens_per_workspace_max", message));
    }
    insert_token(tx, token).await
}

/// Stores a token.
pub async fn create_token(db: &Db, token: NewToken, request: Option<RequestId>, max: u32) -> Result<Token> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    if let Some(request) = request {
        claim_once(&tx, token.workspace, &request, token.id.0).await?;
    }
    let token = add_token(&tx, &token, max).await?;
    tx.commit().await?;
    Ok(token)
}

/// The tokens of a workspace, newest first.
pub async fn list_tokens(db: &Db, workspace: WorkspaceId, page: Page) -> Result<Vec<Token>> {
    let client = db.get().await?;
    let sql = concat!(
        "SELECT ",
        token_columns!(),
        " FROM tokens WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
    );
    let rows = query(&client, sql, &[&workspace.0, &page.before(), &page.fetch()]).await?;
    rows.iter().map(token_of).collect()
}

/// A token of the workspace.
pub async fn token(db: &Db, workspace: WorkspaceId, id: TokenId) -> Result<Token> {
    let client = db.get().await?;
    let sql = concat!("SELECT ", token_columns!(), " FROM tokens WHERE workspace_id = $1 AND id = $2");
    let rows = query(&client, sql, &[&workspace.0, &id.0]).await?;
    rows.first().map(token_of).transpose()?.ok_or_else(|| token_not_found(id))
}

/// Revokes a token; the first time counts.
pub async fn revoke_token(db: &Db, workspace: WorkspaceId, id: TokenId) -> Result<Token> {
    let client = db.get().await?;
    let sql = concat!(
        "UPDATE tokens SET revoke_time = coalesce(revoke_time, now()) WHERE workspace_id = $1 AND id = $2 \
         RETURNING ",
        token_columns!()
    );
    let rows = query(&client, sql, &[&workspace.0, &id.0]).await?;
    rows.first().map(token_of).transpose()?.ok_or_else(|| token_not_found(id))
}

/// A token with its workspace.
pub async fn workspace_and_token(db: &Db, workspace: WorkspaceId, id: TokenId) -> Result<(Workspace, Token)> {
    let token = token(db, workspace, id).await?;
    let client = db.get().await?;
    let sql = "SELECT id, name, create_time FROM workspaces WHERE id = $1";
    let row = the_row(query(&client, sql, &[&workspace.0]).await?)?;
    Ok((workspace_of(&row)?, token))
}

/// A terminal of the workspace by id, by the name of a live one, or by the name that the newest of
/// the ended ones had.
pub async fn terminal(db: &Db, workspace: WorkspaceId, named: &str) -> Result<TerminalId> {
    let message = "no such terminal in this workspace; ListTerminals shows them";
    let not_found = || Error::new(Reason::TerminalNotFound, message);
    if named.contains('\0') {
        return Err(not_found());
    }
    let client = db.get().await?;
    let sql = "SELECT id FROM terminals WHERE workspace_id = $1 AND (id = $2 OR name = $3) \
               ORDER BY id = $2 DESC, state IN ('STARTING', 'RUNNING') DESC, id DESC LIMIT 1";
    let id = named.parse::<Uuid>().unwrap_or(Uuid::nil());
    let rows = query(&client, sql, &[&workspace.0, &id, &named]).await?;
    rows.first().map(|row| Ok(TerminalId(row.try_get(0)?))).unwrap_or_else(|| Err(not_found()))
}

/// Stores a sign-in code.
pub async fn create_sign_in_code(db: &Db, hash: Digest, token: TokenId, until: SystemTime) -> Result<()> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let sql = "INSERT INTO sign_in_codes (hash, token_id, expire_time) VALUES ($1, $2, $3)";
    execute(&tx, sql, &[&hash.as_slice(), &token.0, &until]).await?;
    let sql = "DELETE FROM sign_in_codes WHERE token_id = $1 AND hash NOT IN \
               (SELECT hash FROM sign_in_codes WHERE token_id = $1 ORDER BY expire_time DESC LIMIT $2)";
    execute(&tx, sql, &[&token.0, &CODES_PER_TOKEN_MAX]).await?;
    tx.commit().await?;
    Ok(())
}

/// Uses a code up, once, and stores the session made of the token that made it. `None` if the code
/// is not good, or that token is not.
pub async fn exchange_sign_in_code(
    db: &Db,
    hash: Digest,
    session: impl Fn(&Token) -> NewToken,
    max: u32,
) -> Result<Option<Token>> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let sql = concat!(
        "WITH used AS (UPDATE sign_in_codes SET use_time = now() \
         WHERE hash = $1 AND use_time IS NULL AND expire_time > now() RETURNING token_id) SELECT ",
        token_columns!(),
        " FROM tokens WHERE id = (SELECT token_id FROM used) AND revoke_time IS NULL \
         AND (expire_time IS NULL OR expire_time > now())"
    );
    let rows = query(&tx, sql, &[&hash.as_slice()]).await?;
    let token = match rows.first() {
        Some(row) => Some(add_token(&tx, &session(&token_of(row)?), max).await?),
        None => None,
    };
    tx.commit().await?;
    Ok(token)
}

/// What the log holds after `after`, up to `until` if that is given; one snapshot, so that the
/// newest sequence and the events belong together.
pub async fn events(db: &Db, filter: &Filter, (after, until): (u64, Option<u64>)) -> Result<Found> {
    let sql = "WITH bounds AS (SELECT event_sequence AS newest, \
                   (SELECT min(sequence) FROM events WHERE workspace_id = $1) AS oldest \
                   FROM workspaces WHERE id = $1), \
               page AS (SELECT sequence, time, principal_token_id, principal_name, resource, kind, payload \
                   FROM events WHERE workspace_id = $1 AND sequence > $2 AND sequence <= $3 \
                   AND ($4::uuid IS NULL OR subject_id = $4) \
                   AND (cardinality($5::text[]) = 0 OR resource = ANY($5)) ORDER BY sequence LIMIT $6) \
               SELECT newest, oldest, page.* FROM bounds LEFT JOIN page ON true ORDER BY page.sequence";
    let sequence = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (after, until) = (sequence(after), sequence(until.unwrap_or(u64::MAX)));
    let Filter { workspace, resources, .. } = filter;
    let subject = filter.subject();
    let params: Params<'_> = &[&workspace.0, &after, &until, &subject, resources, &EVENTS_PAGE];
    let client = db.get().await?;
    let rows = query(&client, sql, params).await?;
    let first = rows.first().ok_or_else(|| Error::internal("the workspace has no row"))?;
    let newest = unsigned(first.try_get("newest")?)?;
    let oldest = first.try_get::<_, Option<i64>>("oldest")?.map(unsigned).transpose()?;
    let events: Vec<Event> =
        rows.iter().filter_map(|row| event_of(row).transpose()).collect::<Result<_>>()?;
    let more = i64::try_from(events.len()).is_ok_and(|found| found >= EVENTS_PAGE);
    Ok(Found { newest, oldest: oldest.unwrap_or(newest + 1), events, more })
}

fn event_of(row: &Row) -> Result<Option<Event>> {
    let Some(sequence) = row.try_get::<_, Option<i64>>("sequence")? else { return Ok(None) };
    Ok(Some(Event {
        sequence: unsigned(sequence)?,
        time: row.try_get("time")?,
        principal: row.try_get::<_, Option<Uuid>>("principal_token_id")?.map(TokenId),
        principal_name: row.try_get("principal_name")?,
        resource: row.try_get("resource")?,
        kind: row.try_get("kind")?,
        payload: row.try_get("payload")?,
    }))
}

fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(Error::internal)
}
