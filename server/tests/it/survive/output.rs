//! Output across `kill -9` of the server: every byte once, whatever the instant.

use std::time::Duration;

use anyhow::Result;
use mosaic_proto::terminal::v1::exit::Reason;
use test_support::programs;

use super::{Cursor, Seeded, faults, roomy, wait};
use crate::shells::run;

/// Kills of one full run.
const KILLS: usize = 1000;
/// Lines of one round; a round outlives several kills.
const LINES: u64 = 4_000_000;
/// From "listening" to the kill: long enough to reach readers, short enough to hit the take-over, too.
const KILL_WITHIN: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread")]
async fn output_is_neither_lost_nor_doubled_by_kills_of_the_server() -> Result<()> {
    let server = roomy().await?;
    let mut random = Seeded::new(42);
    let mut kills = 0;
    let wanted = programs::numbered_lines_output(LINES);
    while kills < faults(KILLS) {
        let mut client = server.terminals()?;
        let terminal = run(&mut client, &programs::numbered_lines(LINES)).await?;
        let mut cursor = Cursor::default();
        while !cursor.ended && kills < faults(KILLS) {
            let mut client = server.terminals()?;
            // The kill cuts the stream short; what was read stays read.
            let reading = async {
                let _ = cursor.read(&mut client, &terminal.id, |_| false).await;
            };
            tokio::select! {
                () = reading => {}
                () = random.pause(KILL_WITHIN) => {}
            }
            assert!(wanted.starts_with(&cursor.bytes), "wrong bytes before {}", cursor.bytes.len());
            server.kill9().await?;
            kills += 1;
            server.restart().await?;
        }
        let mut client = server.terminals()?;
        cursor.finish(&mut client, &terminal.id).await?;
        assert_eq!(cursor.bytes.len(), wanted.len());
        assert!(cursor.bytes == wanted, "wrong bytes");
        let exit = wait(&mut client, &terminal.id).await?.exit.unwrap_or_default();
        assert_eq!((exit.reason(), exit.code), (Reason::Exited, Some(0)));
    }
    println!("{kills} kills");
    Ok(())
}
