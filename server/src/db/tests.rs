//! The start of the database, its limits, and what is deleted from it.
//!
//! It knows nothing about changes; their writer has tests of its own.

use futures_util::future;

use super::*;
use crate::postgres::tests::Scratch;

#[tokio::test]
async fn servers_start_together_and_refuse_a_newer_schema() {
    let mut scratch = Scratch::new();
    (scratch.config.database.pool_size_max, scratch.config.database.wait_ms) = (1, 50);
    let embedded = scratch.start().await;
    let address = embedded.connection();
    let opened = future::join_all((0..4).map(|_| Db::open(&address, &scratch.config.database))).await;
    let opened: Vec<Db> = opened.into_iter().map(|db| db.unwrap()).collect();
    assert!(opened.iter().all(|db| db.identity() == opened[0].identity()));

    let only = opened[0].get().await.unwrap();
    let none = opened[0].get().await.unwrap_err();
    assert_eq!(none.reason(), Reason::DatabaseUnavailable);

    let newer = "INSERT INTO refinery_schema_history SELECT 999, name, applied_on, checksum
        FROM refinery_schema_history LIMIT 1";
    only.batch_execute(newer).await.unwrap();
    let refused = Db::open(&address, &scratch.config.database).await.err().unwrap();
    assert!(matches!(refused, StartError::SchemaNewer { found: 999, .. }), "{refused}");
    embedded.stop().await;
}

#[tokio::test]
async fn what_is_past_its_time_goes_and_leaves_no_gap() {
    let scratch = Scratch::new();
    let embedded = scratch.start().await;
    let db = Db::open(&embedded.connection(), &scratch.config.database).await.unwrap();
    let client = db.get().await.unwrap();
    // The clock stepped back between events 2 and 3: 3 is the last that is old enough.
    let fill = "
        INSERT INTO workspaces (id, name) VALUES (gen_random_uuid(), 'a');
        INSERT INTO events (workspace_id, sequence, time, principal_name, resource, kind, subject_id, payload)
            SELECT id, sequence, now() - hours * interval '1 hour', '', '', '', id, '{}'
            FROM workspaces, (VALUES (1, 200), (2, 160), (3, 170), (4, 160), (5, 0)) AS made (sequence, hours);
        INSERT INTO request_ids SELECT id, hours::text, '', '', id, now() - hours * interval '1 hour'
            FROM workspaces, (VALUES (23), (25)) AS made (hours);";
    client.batch_execute(fill).await.unwrap();
    assert_eq!(retention::sweep(&db, 168).await.unwrap(), 4);
    let left = "SELECT array_agg(sequence ORDER BY sequence) FROM events";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, Vec<i64>>(0), [4, 5]);
    let left = client.query_one("SELECT request_id FROM request_ids", &[]).await.unwrap();
    assert_eq!(left.get::<_, String>(0), "23");
    embedded.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_no_database_that_is_away() {
    let scratch = Scratch::new();
    let embedded = scratch.start().await;
    let db = Db::open(&embedded.connection(), &scratch.config.database).await.unwrap();
    let client = db.get().await.unwrap();
    let text = client.query_one("SELECT 'one'::text", &[]).await.unwrap();
    for wrong in [text.try_get::<_, i64>(0).err(), text.try_get::<_, i64>("two").err()] {
        assert_eq!(Error::from(wrong.unwrap()).reason(), Reason::Internal);
    }
    let many = client.query_one("SELECT generate_series(1, 2)", &[]).await.unwrap_err();
    assert_eq!(Error::from(many).reason(), Reason::Internal);

    embedded.stop().await;
    let gone = client.query_one("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(Error::from(gone).reason(), Reason::DatabaseUnavailable);
    let refused = tokio_postgres::connect("host=127.0.0.1 port=1 user=x", tokio_postgres::NoTls).await;
    assert_eq!(Error::from(refused.err().unwrap()).reason(), Reason::DatabaseUnavailable);
}
