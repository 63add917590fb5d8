//! One transaction: changes one after the other, then the numbering of their events, then the commit.
//!
//! It knows nothing about queues and retries.

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use deadpool_postgres::{Object, Transaction};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join},
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{NewEvent, Outcome};
use crate::{
    error::{Error, Result},
    ids::{TokenId, WorkspaceId},
};

/// Numbers and stores all events of a batch: parallel arrays in, the touched workspaces out.
///
/// The counters are locked in the order of their ids, so that two servers cannot wait for each
/// other, and with the lock of an update, which lets foreign keys be checked meanwhile. The time is
/// taken under the lock, so that it grows with the sequence.
const NUMBER: &str = "\
WITH made AS (
    SELECT *, row_number() OVER (PARTITION BY workspace_id ORDER BY position) AS place
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[])
        WITH ORDINALITY
        AS made (workspace_id, principal_token_id, principal_name, resource, kind, subject_id, payload, position)
), counts AS (
    SELECT workspace_id, count(*) AS n FROM made GROUP BY workspace_id
), locked AS MATERIALIZED (
    SELECT id FROM workspaces WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE
), bumped AS (
    UPDATE workspaces SET event_sequence = event_sequence + counts.n
    FROM locked JOIN counts ON counts.workspace_id = locked.id
    WHERE workspaces.id = locked.id
    RETURNING workspaces.id, workspaces.event_sequence, counts.n
), stored AS (
    INSERT INTO events (workspace_id, sequence, time, principal_token_id, principal_name, resource, kind,
        subject_id, payload)
    SELECT id, event_sequence - n + place, (SELECT clock_timestamp()), principal_token_id, principal_name,
        resource, kind, subject_id, payload
    FROM made JOIN bumped ON bumped.id = made.workspace_id
)
SELECT id, event_sequence FROM bumped";

/// A submitted change, whatever it answers.
pub(super) trait Job: Send {
    /// Runs it; `None` if it is to be undone.
    fn run<'t>(&'t mut self, transaction: &'t Transaction<'t>) -> BoxFuture<'t, Option<Vec<NewEvent>>>;

    /// Tells whoever submitted it what it came to, or why its transaction failed.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// A change and the way back to whoever submitted it.
pub(super) struct Change<T, F> {
    change: F,
    /// From the last run.
    verdict: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Change<T, F> {
    pub(super) fn new(change: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { change, verdict: None, reply }
    }
}

impl<T, F> Job for Change<T, F>
where
    T: Send + 'static,
    F: for<'t> Fn(&'t Transaction<'t>) -> BoxFuture<'t, Result<Outcome<T>>> + Send + Sync + 'static,
{
    fn run<'t>(&'t mut self, transaction: &'t Transaction<'t>) -> BoxFuture<'t, Option<Vec<NewEvent>>> {
        async move {
            // A defect in one change must not end the writer of all.
            let run = AssertUnwindSafe(async { (self.change)(transaction).await }).catch_unwind();
            let (verdict, events) = match run.await {
                Ok(Ok(Outcome::Done { value, events })) => (Ok(value), Some(events)),
                Ok(Ok(Outcome::Refused(error)) | Err(error)) => (Err(error), None),
                Err(_) => (Err(Error::internal("a change of the database panicked")), None),
            };
            self.verdict = Some(verdict);
            events
        }
        .boxed()
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let never_run = || Err(Error::internal("a change was answered before it ran"));
        let Self { verdict, reply, .. } = *self;
        // Nobody may be waiting any more; the change counts all the same.
        drop(reply.send(committed.and_then(|()| verdict.unwrap_or_else(never_run))));
    }
}

/// Commits the batch and answers the newest sequence of each workspace that has new events.
pub(super) async fn commit(
    connection: &mut Object,
    batch: &mut [Box<dyn Job>],
) -> Result<Vec<(WorkspaceId, u64)>> {
    let transaction = connection.transaction().await?;
    let mut events = Vec::new();
    let mut begin = "SAVEPOINT change";
    for job in batch {
        // Both are on their way before either is answered: the savepoint costs no round trip.
        let (saved, made) = join(transaction.batch_execute(begin), job.run(&transaction)).await;
        saved?;
        match made {
            Some(made) => events.extend(made),
            None => transaction.batch_execute("ROLLBACK TO SAVEPOINT change").await?,
        }
        begin = "RELEASE SAVEPOINT change; SAVEPOINT change";
    }
    // A change that ignored an error of SQL leaves a transaction whose COMMIT would quietly roll back.
    let (released, newest) =
        join(transaction.batch_execute("RELEASE SAVEPOINT change"), number(&transaction, &events)).await;
    released?;
    let newest = newest?;
    transaction.commit().await?;
    Ok(newest)
}

async fn number(transaction: &Transaction<'_>, events: &[NewEvent]) -> Result<Vec<(WorkspaceId, u64)>> {
    fn column<'e, V>(events: &'e [NewEvent], value: impl Fn(&'e NewEvent) -> V) -> Vec<V> {
        events.iter().map(value).collect()
    }
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let workspaces = column(events, |event| event.workspace.0);
    let touched = workspaces.iter().collect::<BTreeSet<_>>().len();
    let statement = transaction.prepare_cached(NUMBER).await?;
    let rows = transaction
        .query(
            &statement,
            &[
                &workspaces,
                &column(events, |event| event.principal.map(|TokenId(id)| id)),
                &column(events, |event| event.principal_name.as_str()),
                &column(events, |event| event.resource),
                &column(events, |event| event.kind),
                &column(events, |event| event.subject),
                &column(events, |event| &event.payload),
            ],
        )
        .await?;
    if rows.len() != touched {
        return Err(Error::internal("an event names a workspace that does not exist"));
    }
    let newest = |row: tokio_postgres::Row| {
        Ok((WorkspaceId(row.try_get::<_, Uuid>(0)?), row.try_get::<_, i64>(1)?.unsigned_abs()))
    };
    rows.into_iter().map(newest).collect()
}
