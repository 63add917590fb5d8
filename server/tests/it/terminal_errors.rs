//! Bad values for terminals: each is refused with its reason and its field, and the server is unharmed.
//!
//! It must not test who may call; that is terminal_access.rs.

use anyhow::Result;
use mosaic_proto::terminal::v1::{
    CloseTerminalRequest, CreateTerminalRequest, CreateTerminalResponse, DeleteTerminalRequest,
    DetachViewerRequest, ListTerminalsRequest, Open, ReadOutputRequest, ResizeRequest, SendSignalRequest,
    UpdateTerminalRequest, WatchRequest, attach_request, open, watch_request,
};
use test_support::{Server, TerminalClient};
use tonic::{Code, Status};

use crate::shells::{attach, bad_field, close, error_of, idle, refused, unharmed};

/// Ten kilobytes: more than any name may have.
fn long() -> String {
    "n".repeat(10_000)
}

async fn create(
    client: &mut TerminalClient,
    change: impl FnOnce(&mut CreateTerminalRequest),
) -> Result<CreateTerminalResponse, Status> {
    let mut request = CreateTerminalRequest::default();
    change(&mut request);
    client.create_terminal(request).await.map(tonic::Response::into_inner)
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[tokio::test]
async fn create_terminal_refuses_bad_values() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    for size in [0, 1001, 100_000] {
        bad_field(create(&mut client, |request| request.cols = Some(size)).await, "cols");
        bad_field(create(&mut client, |request| request.rows = Some(size)).await, "rows");
    }
    let uuid = uuid::Uuid::now_v7().to_string();
    for name in [long().as_str(), "line\nbreak", "nul\0", "\u{1b}[31m", &uuid] {
        bad_field(create(&mut client, |request| request.name = name.to_owned()).await, "name");
    }
    for cwd in [long().as_str(), "relative", "/nul\0"] {
        bad_field(create(&mut client, |request| request.cwd = cwd.to_owned()).await, "cwd");
    }
    bad_field(create(&mut client, |request| request.command = strings(&["echo", "nul\0"])).await, "command");
    bad_field(create(&mut client, |request| request.command = strings(&[""])).await, "command");
    bad_field(create(&mut client, |request| request.shell = "echo nul\0".to_owned()).await, "shell");
    let both = create(&mut client, |request| {
        request.shell = "true".to_owned();
        request.command = strings(&["true"]);
    });
    bad_field(both.await, "");
    for (name, value) in [("", "x"), ("A=B", "x"), ("NUL\0", "x"), ("A", "nul\0")] {
        let pair = (name.to_owned(), value.to_owned());
        bad_field(create(&mut client, |request| request.env.extend([pair])).await, "env");
    }
    for (seconds, nanos) in [(0, 0), (-1, 0), (0, 999_999_999), (i64::MAX, 0), (5, -5)] {
        let timeout = prost_types::Duration { seconds, nanos };
        bad_field(create(&mut client, |request| request.idle_timeout = Some(timeout)).await, "idle_timeout");
    }
    bad_field(create(&mut client, |request| request.request_id = long()).await, "request_id");
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn create_terminal_says_what_cannot_be_started() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let cases: [(&[&str], &str, Code, &str); 6] = [
        (&["no-such-program"], "", Code::NotFound, "COMMAND_NOT_FOUND"),
        (&["/no/such/program"], "", Code::NotFound, "COMMAND_NOT_FOUND"),
        (&["/etc/passwd"], "", Code::FailedPrecondition, "COMMAND_NOT_EXECUTABLE"),
        (&["/etc"], "", Code::FailedPrecondition, "COMMAND_NOT_EXECUTABLE"),
        (&["true"], "/no/such/directory", Code::NotFound, "CWD_NOT_FOUND"),
        (&["true"], "/etc/passwd", Code::FailedPrecondition, "CWD_NOT_ACCESSIBLE"),
    ];
    for (command, cwd, code, reason) in cases {
        println!("{command:?} in {cwd:?}");
        let answer = create(&mut client, |request| {
            request.command = strings(command);
            request.cwd = cwd.to_owned();
        });
        refused(answer.await, code, reason);
    }
    // What did not start leaves no live terminal behind.
    let listed = client.list_terminals(ListTerminalsRequest::default()).await?.into_inner();
    let live = listed.terminals.iter().filter(|one| one.end_time.is_none()).count();
    assert_eq!(live, 1, "{:?}", listed.terminals);
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn names_and_request_ids_are_used_once() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let first = create(&mut client, |request| {
        request.request_id = "once".to_owned();
        request.name = "mine".to_owned();
    });
    let first = first.await?.terminal.unwrap();
    let again = create(&mut client, |request| {
        request.request_id = "once".to_owned();
        request.name = "mine".to_owned();
    });
    assert_eq!(again.await?.terminal.unwrap().id, first.id, "one request, two terminals");
    let other = create(&mut client, |request| request.request_id = "once".to_owned()).await;
    refused(other, Code::AlreadyExists, "REQUEST_ID_REUSED");
    let taken = create(&mut client, |request| request.name = "mine".to_owned()).await;
    refused(taken, Code::AlreadyExists, "NAME_TAKEN");
    let second = idle(&mut client).await?;
    let rename = |name: &str| UpdateTerminalRequest { terminal_id: second.id.clone(), name: name.to_owned() };
    refused(client.update_terminal(rename("mine")).await, Code::AlreadyExists, "NAME_TAKEN");
    for name in ["", "nul\0", long().as_str()] {
        bad_field(client.update_terminal(rename(name)).await, "name");
    }
    // An ended terminal's name is free.
    close(&mut client, &first.id).await?;
    client.update_terminal(rename("mine")).await?;
    // The name that was made up for a live one is not made up again.
    let third = idle(&mut client).await?;
    assert!(third.name != second.name, "{}", third.name);
    unharmed(&mut client, &second).await
}

#[tokio::test]
async fn a_workspace_has_its_quota() -> Result<()> {
    let server = Server::builder().config("terminal.running_per_workspace_max", 3).start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let second = idle(&mut client).await?;
    idle(&mut client).await?;
    refused(create(&mut client, |_| ()).await, Code::ResourceExhausted, "TERMINAL_QUOTA");
    // Another workspace has a quota of its own, and a terminal that has ended counts no more.
    let mut other = server.terminals_as(&server.other_workspace_token().await?)?;
    idle(&mut other).await?;
    close(&mut client, &second.id).await?;
    idle(&mut client).await?;
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn what_a_running_terminal_refuses() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let terminal_id = || terminal.id.clone();
    for size in [0, 1001, 100_000] {
        let resize = ResizeRequest { terminal_id: terminal_id(), cols: size, rows: 24, ..Default::default() };
        bad_field(client.resize(resize).await, "cols");
        let resize = ResizeRequest { terminal_id: terminal_id(), cols: 80, rows: size, ..Default::default() };
        bad_field(client.resize(resize).await, "rows");
    }
    for signal in ["", "NOSUCH", "9", "KILL\0", "SIGSIGTERM"] {
        let request = SendSignalRequest { terminal_id: terminal_id(), signal: signal.to_owned() };
        bad_field(client.send_signal(request).await, "signal");
    }
    for (seconds, nanos) in [(-1, 0), (61, 0), (0, -1), (i64::MAX, 0)] {
        let grace = Some(prost_types::Duration { seconds, nanos });
        let request = CloseTerminalRequest { terminal_id: terminal_id(), grace };
        bad_field(client.close_terminal(request).await, "grace");
    }
    let request = DeleteTerminalRequest { terminal_id: terminal_id() };
    refused(client.delete_terminal(request).await, Code::FailedPrecondition, "TERMINAL_RUNNING");
    for viewer_id in ["", "nobody"] {
        let request = DetachViewerRequest { terminal_id: terminal_id(), viewer_id: viewer_id.to_owned() };
        let status = client.detach_viewer(request).await.unwrap_err();
        assert!(
            ["BAD_REQUEST", "VIEWER_NOT_FOUND"].contains(&test_support::reason(&status).as_str()),
            "{status:?}"
        );
    }
    let nobody = uuid::Uuid::now_v7().to_string();
    let request = DetachViewerRequest { terminal_id: terminal_id(), viewer_id: nobody };
    refused(client.detach_viewer(request).await, Code::NotFound, "VIEWER_NOT_FOUND");
    for page_token in ["x", "\0", "AAAA", long().as_str()] {
        let request = ListTerminalsRequest { page_token: page_token.to_owned(), ..Default::default() };
        bad_field(client.list_terminals(request).await, "page_token");
    }
    unharmed(&mut client, &terminal).await
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_answered() -> Result<()> {
    const BEYOND: u64 = 1 << 40;
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let terminal_id = || terminal.id.clone();
    let request = ReadOutputRequest { terminal_id: terminal_id(), offset: BEYOND, ..Default::default() };
    refused(client.read_output(request).await, Code::OutOfRange, "CURSOR_AHEAD");
    let request =
        ReadOutputRequest { terminal_id: terminal_id(), length: (1 << 20) + 1, ..Default::default() };
    bad_field(client.read_output(request).await, "length");
    let start = Some(watch_request::Start::Offset(BEYOND));
    let watched =
        client.watch(WatchRequest { terminal_id: terminal_id(), start, ..Default::default() }).await;
    let status = match watched {
        Ok(stream) => stream.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    refused(status, Code::OutOfRange, "CURSOR_AHEAD");
    let start = Some(open::Start::Offset(BEYOND));
    let first =
        attach_request::Request::Open(Open { terminal_id: terminal_id(), start, ..Default::default() });
    let status = error_of(attach(&mut client, first).await).await?;
    refused(Err::<(), _>(status), Code::OutOfRange, "CURSOR_AHEAD");
    unharmed(&mut client, &terminal).await
}
