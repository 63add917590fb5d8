//! An attachment loses and doubles nothing, in both directions, whatever becomes of connection and server.
//!
//! It must not trust the SDK's own account: content decides.

use anyhow::{Context, Result, ensure};
use mosaic_client::{
    ErrorKind,
    proto::terminal::v1::stream_ended::Reason,
    terminal::{AttachmentReader, AttachmentWriter, Event, Start},
};
use test_support::{Proxy, Server, programs};

use crate::{READY, Random, assert_same_bytes, client, client_at, echo_of_input, numbered_bytes, within};

/// More than is ever kept of output by default; nothing may be dropped in these tests.
const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[tokio::test]
async fn types_reads_resizes_and_sees_the_exit() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let (terminal, info) = client.terminals().create().command(["sh"]).send().await?;
        let mut attachment = terminal.attach().size(91, 31).open().await?;
        let opened = attachment.opened().terminal.as_ref().context("the terminal as it is")?;
        assert_eq!(opened.id, info.id);

        attachment.send("stty size; exit 7\n").await?;
        let mut output = Vec::new();
        let mut exit = None;
        let ended = loop {
            match attachment.next().await.context("an end before the last word")?? {
                Event::Output(chunk) => {
                    assert_eq!(chunk.offset, output.len() as u64);
                    output.extend_from_slice(&chunk.data);
                }
                Event::Exited(exited) => {
                    assert_eq!(exited.final_offset, output.len() as u64);
                    exit = exited.exit;
                }
                Event::Ended(ended) => break ended,
                _ => {}
            }
        };
        assert!(String::from_utf8_lossy(&output).contains("31 91"), "{:?}", String::from_utf8_lossy(&output));
        assert_eq!(exit.and_then(|exit| exit.code), Some(7));
        assert_eq!(ended.reason(), Reason::TerminalEnded);
        assert!(attachment.next().await.is_none());
        let error = attachment.send("too late").await.expect_err("the terminal has ended");
        assert_eq!(error.kind(), ErrorKind::Closed);
        Ok(())
    })
    .await
}

/// Types everything and reads it back, while something happens at random moments: what came back.
async fn round_trip(
    mut reader: AttachmentReader,
    writer: AttachmentWriter,
    input: Vec<u8>,
    mut happen: impl AsyncFnMut(usize) -> Result<()>,
) -> Result<(Vec<u8>, u32)> {
    let typing = tokio::spawn(async move {
        for chunk in input.chunks(10_007) {
            writer.send(chunk.to_vec()).await?;
        }
        // The program ends with the last byte, and then nobody acknowledges any more.
        writer.flush().await.or_else(|error| match error.kind() {
            ErrorKind::Closed => Ok(()),
            _ => Err(error),
        })
    });
    let (mut output, mut reconnections) = (Vec::new(), 0);
    loop {
        match reader.next().await.context("an end before the last word")?? {
            Event::Output(chunk) => {
                ensure!(chunk.offset == output.len() as u64, "offset {} at {}", chunk.offset, output.len());
                output.extend_from_slice(&chunk.data);
                happen(output.len()).await?;
            }
            Event::Gap(gap) => anyhow::bail!("{gap:?}, but all is kept"),
            Event::Reconnected(_) => reconnections += 1,
            Event::Ended(ended) => {
                ensure!(ended.reason() == Reason::TerminalEnded, "{ended:?}");
                break;
            }
            _ => {}
        }
    }
    typing.await??;
    Ok((output, reconnections))
}

#[tokio::test]
async fn connections_cut_at_random_lose_and_double_nothing() -> Result<()> {
    within(async {
        let server = Server::builder().config("terminal.output_log_bytes_max", LOG_BYTES_MAX).start().await?;
        let proxy = Proxy::start(&server.endpoint()).await?;
        let client = client_at(&server, &proxy.endpoint())?;
        let length = if test_support::long() { 32 << 20 } else { 4 << 20 };
        let input = numbered_bytes(length);
        let (terminal, _) = client.terminals().create().shell(echo_of_input(length)).send().await?;
        crate::printed(&terminal, "ready").await?;

        let (reader, writer) = terminal.attach().open().await?.split();
        let mut random = Random(20_261_122);
        let mut next_cut = READY.len();
        let mut cuts = 0;
        let (output, reconnections) = round_trip(reader, writer, input.clone(), async |offset| {
            if offset >= next_cut {
                proxy.cut();
                cuts += 1;
                next_cut = offset + 1 + usize::try_from(random.below(400_000))?;
            }
            Ok(())
        })
        .await?;
        assert_same_bytes(&output[READY.len()..], &input);
        // A cut may come before the connection after the one before it is made.
        assert!(cuts >= 10 && reconnections >= 3, "{cuts} cuts, {reconnections} reconnections");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_killed_server_loses_and_doubles_no_input_and_no_output() -> Result<()> {
    within(async {
        let server = Server::builder().config("terminal.output_log_bytes_max", LOG_BYTES_MAX).start().await?;
        let client = client(&server)?;
        let kills = if test_support::long() { 50 } else { 5 };
        let length = kills * 300_000;
        let input = numbered_bytes(length);
        let (terminal, _) = client.terminals().create().shell(echo_of_input(length)).send().await?;
        crate::printed(&terminal, "ready").await?;

        let (reader, writer) = terminal.attach().open().await?.split();
        let mut random = Random(7);
        let (mut killed, mut next_kill) = (0, READY.len());
        let (output, reconnections) = round_trip(reader, writer, input.clone(), async |offset| {
            if offset >= next_kill && killed < kills {
                server.kill9().await?;
                server.restart().await?;
                killed += 1;
                next_kill = offset + 1 + usize::try_from(random.below(250_000))?;
            }
            Ok(())
        })
        .await?;
        assert_same_bytes(&output[READY.len()..], &input);
        assert!(
            killed == kills && reconnections as usize >= 1,
            "{killed} kills, {reconnections} reconnections"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_killed_server_under_heavy_output_goes_on_at_the_next_byte() -> Result<()> {
    within(async {
        let server = Server::builder().config("terminal.output_log_bytes_max", LOG_BYTES_MAX).start().await?;
        let client = client(&server)?;
        let lines = if test_support::long() { 9_000_000 } else { 2_000_000 };
        let (terminal, _) = client.terminals().create().shell(programs::numbered_lines(lines)).send().await?;
        let mut attachment = terminal.attach().open().await?;
        let expected = programs::numbered_lines_output(lines);

        let mut random = Random(3);
        let mut next_kill = 100_000;
        let (mut output, mut kills) = (Vec::with_capacity(expected.len()), 0);
        while let Some(event) = attachment.next().await {
            if let Event::Output(chunk) = event? {
                assert_eq!(chunk.offset, output.len() as u64);
                output.extend_from_slice(&chunk.data);
            }
            if output.len() >= next_kill && kills < 6 {
                server.kill9().await?;
                server.restart().await?;
                kills += 1;
                next_kill = output.len() + usize::try_from(random.below(4_000_000))?;
            }
        }
        assert_same_bytes(&output, &expected);
        assert!(kills >= 3, "{kills} kills");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_stopping_server_is_followed_by_the_next_one() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["cat"]).send().await?;
        let mut attachment = terminal.attach().open().await?;
        server.sigterm().await?;
        server.restart().await?;
        let mut first = true;
        loop {
            match attachment.next().await.context("it goes on")?? {
                Event::Reconnected(_) => break,
                Event::Reconnecting(lost) => {
                    assert!(lost.cause.is_retryable());
                    if std::mem::take(&mut first) {
                        assert_eq!(lost.cause.reason(), Some("SERVER_STOPPING"), "{}", lost.cause);
                    }
                }
                Event::Ended(ended) => anyhow::bail!("{ended:?}"),
                _ => {}
            }
        }
        attachment.send("again\n").await?;
        attachment.flush().await?;
        crate::printed(&terminal, "again\r\nagain").await
    })
    .await
}

#[tokio::test]
async fn a_server_that_stays_away_ends_the_attachment_after_the_limit() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = mosaic_client::Client::connect(server.endpoint())
            .token(server.token()?)
            .reconnect_limit(std::time::Duration::from_millis(200))
            .build()?;
        let (terminal, _) = client.terminals().create().command(["cat"]).send().await?;
        let mut attachment = terminal.attach().open().await?;
        server.kill9().await?;
        let error = loop {
            match attachment.next().await.context("an error ends it")? {
                Ok(Event::Reconnecting(_)) => {}
                Ok(event) => anyhow::bail!("{event:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert!(error.to_string().contains(&server.endpoint()), "{error}");
        assert!(attachment.next().await.is_none());
        server.restart().await
    })
    .await
}

#[tokio::test]
async fn a_reader_may_be_detached_and_cannot_type() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["cat"]).send().await?;
        let mut attachment = terminal.attach().read_only().start(Start::Live).open().await?;
        let error = attachment.send("x").await.expect_err("read-only");
        assert_eq!(error.kind(), ErrorKind::Closed);
        terminal.detach(attachment.opened().viewer_id.clone()).await?;
        let ended = loop {
            match attachment.next().await.context("the last word")?? {
                Event::Ended(ended) => break ended,
                Event::Reconnecting(lost) => anyhow::bail!("{:?}", lost.cause),
                _ => {}
            }
        };
        assert_eq!(ended.reason(), Reason::Detached);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_a_typed_error() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let (terminal, _) = client(&server)?.terminals().create().command(["true"]).send().await?;
        terminal.wait().await?;
        let end = terminal.get().await?.output_end;
        let ahead = Start::Offset(end + 1);
        let error = terminal.attach().read_only().start(ahead).open().await.expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::CursorAhead { end: Some(end) });
        let error = terminal.watch().start(ahead).open().await.expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::CursorAhead { end: Some(end) });
        Ok(())
    })
    .await
}
