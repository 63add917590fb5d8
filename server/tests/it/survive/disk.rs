//! A full disk: the shell lives on, and what was not kept is said to be missing.

use anyhow::Result;
use mosaic_proto::terminal::v1::{WatchRequest, terminal_event::Event};
use test_support::Server;

use super::get;
use crate::shells::{read_until, run, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_a_gap_and_the_shell_lives_on() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("not tested here: a full disk needs root, to mount a small one");
        return Ok(());
    }
    let server = Server::builder()
        .config("terminal.output_log_bytes_max", 512 << 20)
        .small_disk(24 << 20)
        .start()
        .await?;
    let mut client = server.terminals()?;
    let shell = run(
        &mut client,
        "stty -echo; echo ready; read l; seq 6000000; echo printed; read l; echo after; exec cat",
    )
    .await?;
    read_until(&mut client, &shell.id, "ready").await?;
    write(&mut client, &shell.id, "\r").await?;
    // The program prints to its end although nothing is kept: it would hang here otherwise.
    let request = WatchRequest { terminal_id: shell.id.clone(), ..Default::default() };
    let mut events = client.watch(request).await?.into_inner();
    let (mut at, mut gaps, mut lost) = (0, 0, 0);
    let printed = "ready\r\n".len() + "printed\r\n".len();
    let length = (printed + test_support::programs::numbered_lines_output(6_000_000).len()) as u64;
    while at < length {
        match events.message().await?.and_then(|m| m.event).and_then(|e| e.event) {
            Some(Event::Output(output)) => {
                assert_eq!(output.offset, at);
                at = output.end_offset;
            }
            Some(Event::Gap(gap)) => {
                assert_eq!(gap.from, at);
                (gaps, lost, at) = (gaps + 1, lost + gap.to - gap.from, gap.to);
            }
            Some(_) => {}
            None => panic!("the stream ended at {at}"),
        }
    }
    assert!(gaps > 0, "nothing was lost: the disk was not full");
    assert_eq!(get(&mut client, &shell.id).await?.output_lost_bytes, lost);
    server.grow_disk(256 << 20)?;
    server.kill9().await?;
    server.restart().await?;
    let mut client = server.terminals()?;
    assert!(get(&mut client, &shell.id).await?.output_end >= at, "what readers were shown was taken back");
    write(&mut client, &shell.id, "\r").await?;
    let mut cursor = super::Cursor::default();
    let start = mosaic_proto::terminal::v1::watch_request::Start::Offset(at);
    let request = WatchRequest { terminal_id: shell.id.clone(), start: Some(start), ..Default::default() };
    let mut events = client.watch(request).await?.into_inner();
    while !cursor.text().contains("after") {
        let event = events.message().await?.and_then(|m| m.event).and_then(|e| e.event);
        if let Some(Event::Output(output)) = event {
            cursor.bytes.extend_from_slice(&output.data);
        }
    }
    Ok(())
}
