//! Watching: from where one says, to where one says, over a killed server.
//!
//! It must not type.

use anyhow::{Context, Result};
use mosaic_client::{
    proto::terminal::v1::stream_ended::Reason,
    terminal::{Event, Start, Watch},
};
use test_support::{Server, programs};

use crate::{assert_same_bytes, client, within};

/// Reads to the last word: the bytes, the text, and why it ended.
async fn read(watch: &mut Watch) -> Result<(Vec<u8>, String, Reason)> {
    let (mut data, mut text) = (Vec::new(), String::new());
    loop {
        match watch.next().await.context("an end before the last word")?? {
            Event::Output(output) => {
                data.extend_from_slice(&output.data);
                text.push_str(&output.text);
            }
            Event::Gap(gap) => anyhow::bail!("{gap:?}"),
            Event::Ended(ended) => return Ok((data, text, ended.reason())),
            _ => {}
        }
    }
}

#[tokio::test]
async fn begins_and_ends_where_it_is_told() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let program = "printf '\\033[1mbold\\033[0m\\n'; read line";
        let (terminal, _) = client(&server)?.terminals().create().shell(program).send().await?;
        crate::printed(&terminal, "bold\u{1b}[0m\r\n").await?;
        let watch = || terminal.watch().follow(false);
        let whole = b"\x1b[1mbold\x1b[0m\r\n";
        let (data, _, reason) = read(&mut watch().open().await?).await?;
        assert_eq!((&data[..], reason), (&whole[..], Reason::CaughtUp));
        assert_eq!(read(&mut watch().start(Start::Offset(4)).open().await?).await?.0, whole[4..]);
        assert_eq!(read(&mut watch().start(Start::Tail(3)).open().await?).await?.0, whole[whole.len() - 3..]);
        assert!(read(&mut watch().start(Start::Live).open().await?).await?.0.is_empty());
        let (data, text, _) = read(&mut watch().text().open().await?).await?;
        assert_eq!((data.len(), text.trim_end()), (0, "bold"));

        terminal.writer().write("go\n").await?;
        let (_, _, reason) = read(&mut terminal.watch().open().await?).await?;
        assert_eq!(reason, Reason::TerminalEnded);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn goes_on_over_a_killed_server() -> Result<()> {
    within(async {
        let server = Server::builder().config("terminal.output_log_bytes_max", 64 << 20).start().await?;
        let program = programs::numbered_lines(800_000);
        let (terminal, _) = client(&server)?.terminals().create().shell(program).send().await?;
        let mut watch = terminal.watch().open().await?;
        let mut first = Vec::new();
        while first.len() < 500_000 {
            if let Event::Output(output) = watch.next().await.context("an end")?? {
                first.extend_from_slice(&output.data);
            }
        }
        server.kill9().await?;
        server.restart().await?;
        let (rest, _, reason) = read(&mut watch).await?;
        first.extend(rest);
        assert_same_bytes(&first, &programs::numbered_lines_output(800_000));
        assert_eq!(reason, Reason::TerminalEnded);
        Ok(())
    })
    .await
}
