//! The writer against a real PostgreSQL: no gap, only the guilty fail, nothing accepted is lost.
//!
//! It knows nothing about what real changes do.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{FutureExt as _, future};
use serde_json::json;
use tokio::sync::Notify;

use super::*;
use crate::postgres::{Embedded, tests::Scratch};

struct Fixture {
    scratch: Scratch,
    embedded: Embedded,
    db: Db,
    workspaces: Vec<WorkspaceId>,
}

async fn fixture() -> Fixture {
    let scratch = Scratch::new();
    let embedded = scratch.start().await;
    let db = Db::open(&embedded.connection(), &scratch.config.database).await.unwrap();
    let client = db.get().await.unwrap();
    client.batch_execute("CREATE TABLE marks (mark int8 PRIMARY KEY)").await.unwrap();
    let mut workspaces = Vec::new();
    for name in ["a", "b", "c"] {
        let id = WorkspaceId::new();
        client.execute("INSERT INTO workspaces (id, name) VALUES ($1, $2)", &[&id.0, &name]).await.unwrap();
        workspaces.push(id);
    }
    Fixture { scratch, embedded, db, workspaces }
}

fn event(workspace: WorkspaceId, payload: serde_json::Value) -> NewEvent {
    NewEvent {
        workspace,
        principal: None,
        principal_name: "test".to_owned(),
        resource: "TERMINAL",
        kind: "CREATED",
        subject: Uuid::now_v7(),
        payload,
    }
}

/// What a change does after it has written its mark.
#[derive(Clone)]
enum Then {
    Succeed(Vec<NewEvent>),
    Refuse,
    FailInSql,
    /// As a store does that turns a violated constraint into a refusal.
    RefuseAfterSqlFailed,
    HideThatSqlFailed,
    Panic,
}

async fn mark(changes: &Changes, mark: i64, then: Then) -> Result<i64> {
    changes.submit(move |transaction| apply(transaction, mark, then.clone()).boxed()).await
}

async fn apply(transaction: &Transaction<'_>, mark: i64, then: Then) -> Result<Outcome<i64>> {
    transaction.execute("INSERT INTO marks VALUES ($1)", &[&mark]).await?;
    let mut done = Vec::new();
    match then {
        Then::Succeed(events) => done = events,
        Then::FailInSql => transaction.batch_execute("SELECT 1 / 0").await?,
        Then::Refuse => return Ok(Outcome::Refused(Error::new(Reason::NameTaken, "taken"))),
        Then::RefuseAfterSqlFailed => {
            assert!(transaction.batch_execute("SELECT 1 / 0").await.is_err());
            return Ok(Outcome::Refused(Error::new(Reason::NameTaken, "taken")));
        }
        Then::HideThatSqlFailed => assert!(transaction.batch_execute("SELECT 1 / 0").await.is_err()),
        Then::Panic => panic!("on purpose"),
    }
    Ok(Outcome::Done { value: mark, events: done })
}

async fn marks(db: &Db) -> BTreeSet<i64> {
    let rows = db.get().await.unwrap().query("SELECT mark FROM marks", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_have_no_gap_and_only_the_guilty_fail() {
    let Fixture { scratch, embedded, db, workspaces } = fixture().await;
    // Two writers, as two servers on one database.
    let servers = [0, 1].map(|_| Changes::start(db.clone(), &scratch.config.events));
    let guilty = [
        (Then::Refuse, Reason::NameTaken),
        (Then::FailInSql, Reason::Internal),
        (Then::RefuseAfterSqlFailed, Reason::NameTaken),
        (Then::HideThatSqlFailed, Reason::Internal),
        (Then::Panic, Reason::Internal),
        (Then::Succeed(vec![event(WorkspaceId::new(), json!({}))]), Reason::Internal),
        (Then::Succeed(vec![event(workspaces[0], json!({"title": "\0"}))]), Reason::Internal),
    ];
    let mut running = Vec::new();
    let mut expected = BTreeSet::new();
    for number in 0..200_usize {
        let changes = servers[number % 2].0.clone();
        let (then, reason) = match number % 20 {
            10 => {
                let (then, reason) = guilty[number / 20 % guilty.len()].clone();
                (then, Some(reason))
            }
            _ => {
                let made = (0..number % 4)
                    .map(|shift| event(workspaces[(number + shift) % 3], json!({"n": number})));
                (Then::Succeed(made.collect()), None)
            }
        };
        let id = i64::try_from(number).unwrap();
        if reason.is_none() {
            expected.insert(id);
        }
        running.push(tokio::spawn(async move {
            let answer = mark(&changes, id, then).await.map_err(|error| error.reason());
            assert_eq!(answer, reason.map_or(Ok(id), Err), "change {id}");
        }));
    }
    for task in running {
        task.await.unwrap();
    }
    assert_eq!(marks(&db).await, expected);
    let rows = db.get().await.unwrap().query(
        "SELECT id, event_sequence, array_agg(sequence ORDER BY sequence) = ARRAY(SELECT generate_series(1, event_sequence)),
            array_agg(time ORDER BY sequence) = array_agg(time ORDER BY time)
         FROM workspaces JOIN events ON workspace_id = id GROUP BY id", &[]).await.unwrap();
    assert_eq!(rows.len(), 3);
    let mut all = 0;
    for row in rows {
        let (id, newest): (Uuid, i64) = (row.get(0), row.get(1));
        assert!(row.get::<_, bool>(2), "a gap in {id}");
        assert!(row.get::<_, bool>(3), "the times of {id} do not grow with its sequence");
        let told = servers.iter().map(|server| *server.0.newest(WorkspaceId(id)).borrow()).max();
        assert_eq!(told, Some(newest.unsigned_abs()));
        all += newest;
    }
    let made = expected.iter().map(|number| number % 4).sum::<i64>();
    assert_eq!(all, made);
    for (_, tasks) in servers {
        tasks.stop().await;
    }
    embedded.stop().await;
}

#[tokio::test]
async fn the_queue_is_bounded_and_what_it_took_is_done() {
    let Fixture { mut scratch, embedded, db, .. } = fixture().await;
    (scratch.config.events.batch_max, scratch.config.events.queue_max) = (1, 2);
    let (changes, tasks) = Changes::start(db.clone(), &scratch.config.events);
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), go_on.clone());
    let blocked = changes.submit(move |_| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            tell.notify_one();
            wait.notified().await;
            Ok(Outcome::Done { value: (), events: Vec::new() })
        }
        .boxed()
    });
    // Polled once, a change is in the queue; dropped then, it stays there.
    assert!(blocked.now_or_never().is_none());
    begun.notified().await;
    assert!(mark(&changes, 1, Then::Succeed(Vec::new())).now_or_never().is_none());
    let mut second = Box::pin(mark(&changes, 2, Then::Succeed(Vec::new())));
    assert!(future::poll_immediate(&mut second).await.is_none());
    let third = mark(&changes, 3, Then::Succeed(Vec::new())).await.unwrap_err();
    assert_eq!(third.reason(), Reason::ServerBusy);

    go_on.notify_one();
    tasks.stop().await;
    assert_eq!(second.await.unwrap(), 2);
    let late = mark(&changes, 4, Then::Succeed(Vec::new())).await.unwrap_err();
    assert_eq!(late.reason(), Reason::ServerStopping);
    assert_eq!(marks(&db).await, [1, 2].into());
    embedded.stop().await;
}

#[tokio::test]
async fn without_a_database_changes_fail_and_later_ones_do_not() {
    let Fixture { scratch, embedded, db, .. } = fixture().await;
    let (changes, tasks) = Changes::start(db.clone(), &scratch.config.events);
    mark(&changes, 1, Then::Succeed(Vec::new())).await.unwrap();
    embedded.stop().await;
    let lost = future::join_all((2..5).map(|number| mark(&changes, number, Then::Succeed(Vec::new())))).await;
    for answer in lost {
        assert_eq!(answer.unwrap_err().reason(), Reason::DatabaseUnavailable);
    }
    let embedded = scratch.start().await;
    assert_eq!(mark(&changes, 5, Then::Succeed(Vec::new())).await.unwrap(), 5);
    assert_eq!(marks(&db).await, [1, 5].into());
    tasks.stop().await;
    embedded.stop().await;
}
