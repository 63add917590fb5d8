//! Places among the answers, and who waits for one that never was.
//!
//! It needs no database.

use super::*;
use crate::chat::{example::message, record::Role};

fn lives(most: usize, most_of_workspace: usize) -> (Lives, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Lives::new(dir.path().to_owned(), most, most_of_workspace), dir)
}

#[test]
fn there_are_no_more_than_may_be() {
    for (most, most_of_workspace) in [(2, 9), (9, 2)] {
        let (lives, dir) = lives(most, most_of_workspace);
        let begun: Vec<_> = (0..2).map(|_| lives.begin(&message(Role::Assistant, "")).unwrap()).collect();
        let refused = lives.begin(&message(Role::Assistant, "")).unwrap_err();
        assert_eq!(refused.reason(), Reason::GenerationQuota);
        lives.discard(&begun[0]);
        lives.begin(&message(Role::Assistant, "")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "logs of nobody");
    }
}

#[tokio::test]
async fn nobody_waits_for_one_that_was_never_recorded() {
    let (lives, _dir) = lives(9, 9);
    let live = lives.begin(&message(Role::Assistant, "")).unwrap();
    let mut waiting = Box::pin(live.finished());
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    lives.discard(&live);
    assert!(waiting.await.is_none());
}

#[test]
fn the_newest_is_never_behind_what_can_be_read() {
    let (lives, _dir) = lives(9, 9);
    let live = lives.begin(&message(Role::Assistant, "")).unwrap();
    let mut answer = Answer::default();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut reader = crate::log::Reader::new(Arc::clone(&live.log), 0);
            let (mut bytes, mut seen) = (Vec::new(), 0);
            while seen < 2000 {
                while let Some(crate::log::Chunk::Data { bytes: more, .. }) = reader.read(4096).unwrap() {
                    bytes.extend_from_slice(&more);
                    seen = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                    assert!(live.newest() >= seen, "{seen} can be read, {} is the newest", live.newest());
                }
            }
        });
        for _ in 0..2000 {
            live.append(&mut answer, &[Event::Text("x".to_owned())]).unwrap();
        }
        reading.join().unwrap();
    });
}
