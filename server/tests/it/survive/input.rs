//! Input across `kill -9` of the server, and across calls that overtake each other: every byte once and in order.

use std::time::Duration;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{WriteRequest, write_request::Input};
use sha2::{Digest, Sha256};
use test_support::{Server, TerminalClient, programs};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Cursor, Seeded, faults, roomy};
use crate::shells::{read_until, run};

const KILLS: usize = 1000;
const KILL_WITHIN: Duration = Duration::from_millis(40);
/// Bytes of one paste, in pieces of one call each.
const PASTE: usize = 24 << 20;
const PIECE: usize = 16 << 10;
/// Calls on their way at once: they overtake each other.
const AT_ONCE: u64 = 8;

/// A pattern in which every eight bytes say where they belong.
fn paste() -> Vec<u8> {
    (0..PASTE / 8).flat_map(|i| format!("{i:07} ").into_bytes()).collect()
}

async fn write_one(mut client: TerminalClient, request: WriteRequest) -> Result<u64> {
    Ok(client.write(request).await?.into_inner().highest_accepted_sequence)
}

/// Sends pieces until the server is gone or all are accepted. `accepted` is the highest sequence known to be, also when
/// this is cancelled: what comes next repeats the calls that were on their way, and no others.
async fn send(server: &Server, id: &str, writer: &str, data: &[u8], accepted: &mut u64) -> Result<()> {
    let client = server.terminals()?;
    let pieces: Vec<&[u8]> = data.chunks(PIECE).collect();
    while *accepted < pieces.len() as u64 {
        let mut calls = JoinSet::new();
        for sequence in *accepted + 1..=(*accepted + AT_ONCE).min(pieces.len() as u64) {
            let piece = pieces.get(usize::try_from(sequence)? - 1).context("no such piece")?;
            calls.spawn(write_one(
                client.clone(),
                WriteRequest {
                    terminal_id: id.to_owned(),
                    input: Some(Input::Data(piece.to_vec().into())),
                    writer_id: writer.to_owned(),
                    sequence: Some(sequence),
                },
            ));
        }
        let answers = calls.join_all().await;
        let before = *accepted;
        *accepted = answers.iter().flatten().copied().fold(before, u64::max);
        if before == *accepted {
            let failed = answers.into_iter().find_map(Result::err).context("no progress")?;
            let status = failed.downcast_ref::<tonic::Status>().map(test_support::reason).unwrap_or_default();
            // The program reads: there is room soon, and the kill comes in the middle of it.
            if status == "INPUT_JOURNAL_FULL" {
                continue;
            }
            // It ends with the line that is typed last, and not before.
            anyhow::ensure!(status != "TERMINAL_ENDED", "{failed}");
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_neither_lost_nor_doubled_by_kills_of_the_server() -> Result<()> {
    let server = roomy().await?;
    let mut random = Seeded::new(77);
    let mut kills = 0;
    let data = paste();
    let wanted: String = Sha256::digest(&data).iter().map(|b| format!("{b:02x}")).collect();
    while kills < faults(KILLS) {
        let mut client = server.terminals()?;
        let terminal = run(&mut client, &programs::hash_of_input(PASTE as u64)).await?;
        read_until(&mut client, &terminal.id, "ready").await?;
        let (writer, mut accepted) = (Uuid::now_v7().to_string(), 0);
        let pieces = data.len().div_ceil(PIECE) as u64;
        while accepted < pieces {
            if kills < faults(KILLS) {
                tokio::select! {
                    sent = send(&server, &terminal.id, &writer, &data, &mut accepted) => sent?,
                    () = random.pause(KILL_WITHIN) => {}
                }
                server.kill9().await?;
                kills += 1;
                server.restart().await?;
            } else {
                send(&server, &terminal.id, &writer, &data, &mut accepted).await?;
            }
        }
        // Only now may the terminal end: a kill takes answers away, and a terminal that has ended repeats none.
        let newline = WriteRequest {
            terminal_id: terminal.id.clone(),
            input: Some(Input::Text("\n".to_owned())),
            writer_id: writer,
            sequence: Some(pieces + 1),
        };
        write_one(server.terminals()?, newline).await?;
        let mut cursor = Cursor::default();
        cursor.finish(&mut server.terminals()?, &terminal.id).await?;
        assert!(cursor.text().contains(&wanted), "{wanted} is not in {:?}", cursor.text());
        assert!(cursor.text().ends_with("rest []\n"), "more than was sent: {:?}", cursor.text());
    }
    println!("{kills} kills");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_in_mid_keystroke_leaves_what_was_accepted() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal =
        run(&mut client, "stty -echo; echo ready; while read line; do echo \"got $line\"; done").await?;
    read_until(&mut client, &terminal.id, "ready").await?;
    let writer = Uuid::now_v7().to_string();
    for (number, text) in ["first\r", "sec", "ond\r"].iter().enumerate() {
        // Each call on a connection of its own, which goes away with it; the last but one is sent twice.
        for _ in 0..2 {
            let request = WriteRequest {
                terminal_id: terminal.id.clone(),
                input: Some(Input::Text((*text).to_owned())),
                writer_id: writer.clone(),
                sequence: Some(number as u64 + 1),
            };
            write_one(server.terminals()?, request).await?;
        }
    }
    let text = read_until(&mut client, &terminal.id, "got second\r\n").await?;
    assert_eq!(text, "ready\r\ngot first\r\ngot second\r\n");
    Ok(())
}
