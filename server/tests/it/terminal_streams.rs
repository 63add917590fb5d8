//! What a reader gets: gaps, titles, sizes, text, several terminals on one stream, and when the idle are closed.
//!
//! It must not test errors or faults; `terminal_errors` and `survive` do.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    Format, GetTerminalRequest, ReadOutputRequest, Subscription, TerminalEvent, WatchRequest, exit,
    stream_ended, terminal::State, terminal_event::Event,
};
use prost_types::Duration;
use test_support::{Server, TerminalClient, programs};

use crate::{
    shells::{attach, open, read_until, run, write},
    survive::wait,
};

async fn watch(client: &mut TerminalClient, request: WatchRequest) -> Result<Vec<TerminalEvent>> {
    let mut events = client.watch(request).await?.into_inner();
    let mut all = Vec::new();
    while let Some(message) = events.message().await? {
        all.extend(message.event);
    }
    Ok(all)
}

#[tokio::test]
async fn what_is_no_longer_kept_is_answered_with_a_gap() -> Result<()> {
    let server = Server::builder()
        .config("terminal.output_log_bytes_max", 262_144)
        .config("terminal.segment_bytes", 65_536)
        .start()
        .await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, &programs::numbered_lines(200_000)).await?;
    wait(&mut client, &terminal.id).await?;
    let wanted = programs::numbered_lines_output(200_000);
    let start = Some(mosaic_proto::terminal::v1::watch_request::Start::Offset(10));
    let request = WatchRequest { terminal_id: terminal.id.clone(), start, ..Default::default() };
    let (mut at, mut gaps) = (10, 0);
    for event in watch(&mut client, request).await? {
        match event.event {
            Some(Event::Gap(gap)) => {
                assert_eq!(gap.from, at);
                (at, gaps) = (gap.to, gaps + 1);
            }
            Some(Event::Output(output)) => {
                assert_eq!(output.offset, at);
                let place = usize::try_from(at)?;
                assert_eq!(output.data, wanted.get(place..place + output.data.len()).context("too long")?);
                at = output.end_offset;
            }
            _ => {}
        }
    }
    assert_eq!((at, gaps), (wanted.len() as u64, 1));
    let request =
        ReadOutputRequest { terminal_id: terminal.id, offset: 10, length: 100, ..Default::default() };
    let range = client.read_output(request).await?.into_inner();
    let gap = range.gap.context("no gap")?;
    assert_eq!((gap.from, gap.to, range.end_offset), (10, range.offset, range.offset + 100));
    Ok(())
}

/// A character of three bytes and a carriage return: wherever it is cut, but for before the return, something is held
/// back that may belong to what comes next.
const HELD: &str = "\u{20ac}\r";

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_text_does_not_join_what_is_before_it_to_what_is_after_it() -> Result<()> {
    const TIMES: usize = 1_000_000;
    let server = Server::builder()
        .config("terminal.output_log_bytes_max", 262_144)
        .config("terminal.segment_bytes", 65_536)
        .start()
        .await?;
    let mut client = server.terminals()?;
    let program = format!("stty -opost -echo; read l; yes \u{20ac} | tr '\\n' '\\r' | head -c {}", 4 * TIMES);
    let terminal = run(&mut client, &program).await?;
    let request =
        WatchRequest { terminal_id: terminal.id.clone(), format: Format::Text.into(), ..Default::default() };
    // It reads nothing until all is printed and most of it gone.
    let mut events = client.watch(request).await?.into_inner();
    write(&mut client, &terminal.id, "\r").await?;
    wait(&mut client, &terminal.id).await?;
    let wanted = HELD.repeat(TIMES);
    let (mut from, mut text, mut cuts) = (0, String::new(), Vec::new());
    while let Some(message) = events.message().await? {
        let (to, next) = match message.event.and_then(|event| event.event) {
            Some(Event::Output(output)) => {
                text += &output.text;
                continue;
            }
            Some(Event::Gap(gap)) => (gap.from, gap.to),
            Some(Event::Exited(exited)) => (exited.final_offset, exited.final_offset),
            _ => continue,
        };
        let piece =
            wanted.as_bytes().get(usize::try_from(from)?..usize::try_from(to)?).context("too long")?;
        let whole = String::from_utf8_lossy(piece);
        // At the beginning of a line a carriage return moves nothing.
        let whole = whole.strip_prefix('\r').filter(|_| from == 0).unwrap_or(&whole);
        assert!(text == whole, "{from} to {to} of {}: {:?} at its end", wanted.len(), text.chars().last());
        (from, text) = (next, String::new());
        cuts.push(to % 4);
    }
    println!("cut at {cuts:?}");
    assert!(cuts.len() > 1, "there was no gap");
    assert_eq!(from, wanted.len() as u64);
    Ok(())
}

#[tokio::test]
async fn titles_and_sizes_are_told_and_kept() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let program = r#"stty -echo; printf 'a\033]0;one\007b'; read l; printf '\033]2;tw\303\266\033\\c'; read l; stty size; exec cat"#;
    let terminal = run(&mut client, program).await?;
    read_until(&mut client, &terminal.id, "b").await?;
    write(&mut client, &terminal.id, "\r").await?;
    read_until(&mut client, &terminal.id, "c").await?;
    let request = mosaic_proto::terminal::v1::ResizeRequest {
        terminal_id: terminal.id.clone(),
        cols: 101,
        rows: 33,
        ..Default::default()
    };
    client.resize(request).await?;
    write(&mut client, &terminal.id, "\r").await?;
    read_until(&mut client, &terminal.id, "33 101\r\n").await?;
    // The same for a reader who comes later, and for one who comes after a restart.
    for _ in 0..2 {
        let mut events = client
            .watch(WatchRequest { terminal_id: terminal.id.clone(), ..Default::default() })
            .await?
            .into_inner();
        let (mut titles, mut sizes) = (Vec::new(), Vec::new());
        while titles.len() < 2 || sizes.is_empty() {
            match events.message().await?.and_then(|m| m.event).and_then(|e| e.event) {
                Some(Event::TitleChanged(changed)) => titles.push((changed.title, changed.offset)),
                Some(Event::Resized(resized)) => sizes.push((resized.cols, resized.rows)),
                Some(_) => {}
                None => anyhow::bail!("the stream ended: {titles:?} {sizes:?}"),
            }
        }
        assert_eq!(titles, [("one".to_owned(), 9), ("twö".to_owned(), 20)]);
        assert_eq!(sizes, [(101, 33)]);
        server.kill9().await?;
        server.restart().await?;
        client = server.terminals()?;
        let now = crate::survive::get(&mut client, &terminal.id).await?;
        assert_eq!((now.title.as_str(), now.cols, now.rows), ("twö", 101, 33));
    }
    Ok(())
}

#[tokio::test]
async fn one_stream_carries_several_terminals_and_text() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let mut wanted = BTreeMap::new();
    for number in 1..=3 {
        let program = format!("printf '\\033[1mnumber\\033[0m {number}\\n50%%\\r'; exit {number}");
        let terminal = run(&mut client, &program).await?;
        wanted.insert(terminal.id, (format!("number {number}\n50%\r"), Some(number)));
    }
    let subscriptions =
        wanted.keys().map(|id| Subscription { terminal_id: id.clone(), ..Default::default() }).collect();
    let request = WatchRequest { subscriptions, format: Format::Text.into(), ..Default::default() };
    let mut got: BTreeMap<String, (String, Option<i32>)> = BTreeMap::new();
    let mut ended = 0;
    for event in watch(&mut client, request).await? {
        let of = got.entry(event.terminal_id).or_default();
        match event.event {
            Some(Event::Output(output)) => of.0 += &output.text,
            Some(Event::Exited(exited)) => of.1 = exited.exit.and_then(|e| e.code),
            Some(Event::StreamEnded(end)) => {
                assert_eq!(end.reason(), stream_ended::Reason::TerminalEnded);
                ended += 1;
            }
            _ => {}
        }
    }
    assert_eq!(got, wanted);
    assert_eq!(ended, 3);
    Ok(())
}

#[tokio::test]
async fn a_reader_that_does_not_follow_stops_at_the_end() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, "echo here; exec sleep 3600").await?;
    read_until(&mut client, &terminal.id, "here\r\n").await?;
    let request = WatchRequest { terminal_id: terminal.id, follow: Some(false), ..Default::default() };
    let last = watch(&mut client, request).await?.pop().and_then(|e| e.event);
    let Some(Event::StreamEnded(end)) = last else { panic!("{last:?} is no last word") };
    assert_eq!((end.reason(), end.offset), (stream_ended::Reason::CaughtUp, 6));
    Ok(())
}

#[tokio::test]
async fn quiet_streams_have_a_heartbeat() -> Result<()> {
    let server = Server::builder().config("streams.heartbeat_ms", 100).start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, "echo here; exec sleep 3600").await?;
    read_until(&mut client, &terminal.id, "here\r\n").await?;
    let mut attached = attach(&mut client, open(&terminal.id)).await?;
    for _ in 0..3 {
        loop {
            let message = attached.hear.message().await?.context("the stream ended")?;
            use mosaic_proto::terminal::v1::attach_response::Response;
            let Some(Response::Event(event)) = message.response else { continue };
            if let Some(Event::Heartbeat(beat)) = event.event {
                assert_eq!((beat.offset, beat.output_end), (6, 6));
                break;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_idle_terminal_is_closed_and_a_busy_one_is_not() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let mut make = async |shell: &str| -> Result<String> {
        let request = mosaic_proto::terminal::v1::CreateTerminalRequest {
            shell: shell.to_owned(),
            idle_timeout: Some(Duration { seconds: 2, nanos: 0 }),
            ..Default::default()
        };
        Ok(client.create_terminal(request).await?.into_inner().terminal.context("no terminal")?.id)
    };
    let busy = make("while :; do echo tick; sleep 0.5; done").await?;
    let idle = make("exec sleep 3600").await?;
    let ended = wait(&mut client, &idle).await?.exit.unwrap_or_default();
    assert_eq!(ended.reason(), exit::Reason::IdleTimeout);
    assert!(crate::survive::get(&mut client, &busy).await?.exit.is_none(), "a busy terminal was closed");
    Ok(())
}

#[tokio::test]
async fn a_reader_is_shown_out_while_there_is_always_more_to_read() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, "exec yes").await?;
    let request = WatchRequest { terminal_id: terminal.id.clone(), ..Default::default() };
    let mut events = client.watch(request).await?.into_inner();
    let mut viewer_id = String::new();
    let mut outputs = 0;
    let last = loop {
        match events.message().await?.and_then(|m| m.event).and_then(|e| e.event) {
            Some(Event::Opened(opened)) => viewer_id = opened.viewer_id,
            Some(Event::Output(_)) => {
                outputs += 1;
                if outputs == 10 {
                    let (terminal_id, viewer_id) = (terminal.id.clone(), viewer_id.clone());
                    let request = mosaic_proto::terminal::v1::DetachViewerRequest { terminal_id, viewer_id };
                    client.clone().detach_viewer(request).await?;
                }
                // What was on its way when it was shown out still arrives.
                assert!(outputs < 10_000, "it reads on");
            }
            Some(Event::StreamEnded(end)) => break end.reason(),
            Some(_) => {}
            None => anyhow::bail!("no last word"),
        }
    };
    assert_eq!(last, stream_ended::Reason::Detached);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_not_recorded_yet_is_found_by_name() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let shell = run(&mut client, "read line; echo over").await?;
    // The row cannot be written for a while.
    let holding = server.sql("BEGIN; SELECT 1 FROM terminals FOR UPDATE; SELECT pg_sleep(3); COMMIT");
    let looking = async {
        write(&mut client, &shell.id, "now\r").await?;
        read_until(&mut client, &shell.id, "over\r\n").await?;
        loop {
            let terminal = client
                .get_terminal(GetTerminalRequest { terminal_id: shell.name.clone() })
                .await?
                .into_inner()
                .terminal
                .context("no terminal")?;
            if terminal.state() == State::Exited {
                let request = ReadOutputRequest { terminal_id: shell.name.clone(), ..Default::default() };
                return Ok::<_, anyhow::Error>(client.read_output(request).await?.into_inner());
            }
        }
    };
    let (held, output) = tokio::join!(holding, looking);
    held?;
    assert!(String::from_utf8_lossy(&output?.data).contains("over"));
    Ok(())
}
