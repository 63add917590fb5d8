//! What a program gets: a clean environment, input in order, keys, signals, the size of who types.
//!
//! It must not test errors or faults; `terminal_input_errors` and `survive` do.

use anyhow::{Context, Result};
use mosaic_proto::terminal::v1::{
    AttachRequest, CreateTerminalRequest, Input, Keys, Open, SendSignalRequest, WindowSize, WriteRequest,
    attach_request::Request, write_request,
};
use test_support::{Server, TerminalClient, reason};
use uuid::Uuid;

use crate::{
    shells::{attach, read_until, refused, run, write},
    survive::wait,
};

#[tokio::test]
async fn a_program_sees_a_clean_world() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let request = CreateTerminalRequest {
        command: ["sh", "-c", "env | sort; ls /proc/$$/fd | tr '\\n' ' '; ulimit -n; ps -o sid=,pgid=,tpgid= -p $$; echo $$; trap; grep -E 'Sig(Blk|Ign)' /proc/self/status; umask; echo end"]
            .map(str::to_owned)
            .to_vec(),
        env: [("GIVEN".to_owned(), "yes".to_owned()), ("LANG".to_owned(), "C".to_owned())].into(),
        ..Default::default()
    };
    let terminal = client.create_terminal(request).await?.into_inner().terminal.context("no terminal")?;
    let text = read_until(&mut client, &terminal.id, "end\r\n").await?;
    let mut lines = text.lines();
    let names: Vec<&str> =
        lines.by_ref().take(11).filter_map(|l| l.split_once('=')).map(|(name, _)| name).collect();
    let wanted = [
        "COLORTERM",
        "GIVEN",
        "HOME",
        "LANG",
        "LOGNAME",
        "MOSAIC_TERMINAL_ID",
        "PATH",
        "PWD",
        "SHELL",
        "TERM",
        "USER",
    ];
    assert_eq!(names, wanted, "{text}");
    assert!(text.contains(&format!("MOSAIC_TERMINAL_ID={}", terminal.id)));
    assert!(text.contains("LANG=C\r\n") && text.contains("TERM=xterm-256color\r\n"));
    // Its own three descriptors and no raised limit: the one that this test has.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.context("no limit")?;
    assert!(lines.next().context("no descriptors")?.starts_with(&format!("0 1 2 {limit}")), "{text}");
    let ids: Vec<&str> = lines.next().context("no ids")?.split_whitespace().collect();
    let pid = lines.next().context("no pid")?;
    assert!(ids.iter().all(|id| *id == pid), "not the leader of session, group and foreground: {text}");
    assert!(text.contains("SigBlk:\t0000000000000000\r\nSigIgn:\t0000000000000000\r\n0022\r\n"), "{text}");
    Ok(())
}

#[tokio::test]
async fn the_login_shell_is_a_login_shell() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = client
        .create_terminal(CreateTerminalRequest::default())
        .await?
        .into_inner()
        .terminal
        .context("none")?;
    assert_eq!(terminal.name, "sh-1");
    write(&mut client, &terminal.id, "echo $0; shopt -q login_shell && echo 'is login'; exit\r").await?;
    let text = read_until(&mut client, &terminal.id, "is login\r\n").await?;
    assert!(text.contains("-bash\r\n"), "{text}");
    Ok(())
}

async fn numbered(mut client: TerminalClient, id: String, writer: String, sequence: u64) -> Result<u64> {
    let request = WriteRequest {
        terminal_id: id,
        input: Some(write_request::Input::Text(format!("{sequence}\r"))),
        writer_id: writer,
        sequence: Some(sequence),
    };
    Ok(client.write(request).await?.into_inner().highest_accepted_sequence)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_overtake_each_other_are_typed_in_order_and_once() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, "stty -echo; echo ready; while read l; do echo \"<$l>\"; done").await?;
    read_until(&mut client, &terminal.id, "ready\r\n").await?;
    let writer = Uuid::now_v7().to_string();
    let mut calls = tokio::task::JoinSet::new();
    // Backwards, and each twice.
    for sequence in (1..=100).rev().chain(1..=100) {
        calls.spawn(numbered(client.clone(), terminal.id.clone(), writer.clone(), sequence));
    }
    for answer in calls.join_all().await {
        answer?;
    }
    let text = read_until(&mut client, &terminal.id, "<100>\r\n").await?;
    let wanted: String = (1..=100).map(|n| format!("<{n}>\r\n")).collect();
    assert_eq!(text, format!("ready\r\n{wanted}"));
    Ok(())
}

#[tokio::test]
async fn keys_and_signals_reach_the_program() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let program = "trap 'echo usr1' USR1; trap 'echo int' INT; stty -echo; echo ready; while :; do read l && echo \"<$l>\"; done";
    let terminal = run(&mut client, program).await?;
    read_until(&mut client, &terminal.id, "ready\r\n").await?;
    let names = ["a", "Space", "b", "Enter"].map(str::to_owned).to_vec();
    let input = Some(write_request::Input::Keys(Keys { names }));
    client.write(WriteRequest { terminal_id: terminal.id.clone(), input, ..Default::default() }).await?;
    read_until(&mut client, &terminal.id, "<a b>\r\n").await?;
    let input = Some(write_request::Input::Keys(Keys { names: vec!["C-c".to_owned()] }));
    client.write(WriteRequest { terminal_id: terminal.id.clone(), input, ..Default::default() }).await?;
    read_until(&mut client, &terminal.id, "int\r\n").await?;
    let signal = SendSignalRequest { terminal_id: terminal.id.clone(), signal: "SIGUSR1".to_owned() };
    let sent = client.send_signal(signal).await?.into_inner();
    assert_eq!(sent.process_group, terminal.pid);
    read_until(&mut client, &terminal.id, "usr1\r\n").await?;
    let signal = SendSignalRequest { terminal_id: terminal.id.clone(), signal: "KILL".to_owned() };
    client.send_signal(signal).await?;
    let exit = wait(&mut client, &terminal.id).await?.exit.unwrap_or_default();
    assert_eq!((exit.signal, exit.signal_name.as_str()), (Some(9), "SIGKILL"));
    Ok(())
}

#[tokio::test]
async fn the_size_follows_who_types() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = run(&mut client, "stty -echo; echo ready; while read l; do stty size; done").await?;
    read_until(&mut client, &terminal.id, "ready\r\n").await?;
    let window = |cols, rows| {
        Request::Open(Open {
            terminal_id: terminal.id.clone(),
            cols: Some(cols),
            rows: Some(rows),
            ..Default::default()
        })
    };
    let first = attach(&mut client, window(100, 30)).await?;
    let second = attach(&mut client, window(120, 40)).await?;
    let key =
        |sequence| AttachRequest { request: Some(Request::Input(Input { sequence, data: "\r".into() })) };
    first.say.send(key(1)).await?;
    read_until(&mut client, &terminal.id, "30 100\r\n").await?;
    second.say.send(key(1)).await?;
    read_until(&mut client, &terminal.id, "30 100\r\n40 120\r\n").await?;
    let resize = Request::Resize(WindowSize { cols: 90, rows: 20 });
    first.say.send(AttachRequest { request: Some(resize) }).await?;
    first.say.send(key(2)).await?;
    read_until(&mut client, &terminal.id, "40 120\r\n20 90\r\n").await?;
    Ok(())
}

#[tokio::test]
async fn input_that_nobody_reads_is_bounded_and_nothing_accepted_is_lost() -> Result<()> {
    let server = Server::builder().config("terminal.input_journal_bytes_max", 1 << 20).start().await?;
    let mut client = server.terminals()?;
    let program = "stty raw -echo; echo ready; sleep 3; head -c $(cat) | wc -c";
    let program = program.replace("$(cat)", "1048576");
    let terminal = run(&mut client, &program).await?;
    read_until(&mut client, &terminal.id, "ready").await?;
    let piece = |client: &TerminalClient| {
        let (mut client, terminal_id) = (client.clone(), terminal.id.clone());
        let input = Some(write_request::Input::Data(vec![b'x'; 256 << 10].into()));
        async move { client.write(WriteRequest { terminal_id, input, ..Default::default() }).await }
    };
    let mut accepted = 0;
    let full = loop {
        match piece(&client).await {
            Ok(_) => accepted += 1,
            Err(status) => break status,
        }
    };
    assert!((4..=5).contains(&accepted), "{accepted} pieces fit");
    assert_eq!(reason(&full), "INPUT_JOURNAL_FULL");
    refused(Err::<(), _>(full), tonic::Code::ResourceExhausted, "INPUT_JOURNAL_FULL");
    read_until(&mut client, &terminal.id, "1048576").await?;
    Ok(())
}
