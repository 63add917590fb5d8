//! Who may do what to a terminal: every method with another workspace's token, a viewer's, an expired one, none.
//!
//! It must not test what the methods do when they are allowed.

use anyhow::Result;
use mosaic_proto::terminal::v1::{
    CloseTerminalRequest, CreateTerminalRequest, DeleteTerminalRequest, DetachViewerRequest,
    GetTerminalRequest, ListTerminalsRequest, ListViewersRequest, ReadOutputRequest, ResizeRequest,
    SendSignalRequest, UpdateTerminalRequest, WaitTerminalRequest, WatchRequest, WriteRequest, write_request,
};
use test_support::{Role, Server, TerminalClient};
use tonic::{Code, Status};

use crate::shells::{attach, idle, open, refused, unharmed};

/// Every method of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Create,
    Get,
    List,
    Update,
    Close,
    Delete,
    Attach,
    Watch,
    Write,
    Resize,
    SendSignal,
    ReadOutput,
    Wait,
    ListViewers,
    DetachViewer,
}

impl Method {
    pub(crate) const ALL: [Self; 15] = [
        Self::Create,
        Self::Get,
        Self::List,
        Self::Update,
        Self::Close,
        Self::Delete,
        Self::Attach,
        Self::Watch,
        Self::Write,
        Self::Resize,
        Self::SendSignal,
        Self::ReadOutput,
        Self::Wait,
        Self::ListViewers,
        Self::DetachViewer,
    ];

    /// What a VIEWER may call.
    fn only_reads(self) -> bool {
        use Method::{Get, List, ListViewers, ReadOutput, Wait, Watch};
        matches!(self, Get | List | Watch | ReadOutput | Wait | ListViewers)
    }

    /// True if it is about one terminal.
    pub(crate) fn names_a_terminal(self) -> bool {
        !matches!(self, Self::Create | Self::List)
    }

    /// Calls it in its simplest form. A stream counts as answered with its first message.
    pub(crate) async fn call(self, client: &mut TerminalClient, id: &str) -> Result<(), Status> {
        let terminal_id = id.to_owned();
        match self {
            Self::Create => client.create_terminal(CreateTerminalRequest::default()).await.map(drop),
            Self::Get => client.get_terminal(GetTerminalRequest { terminal_id }).await.map(drop),
            Self::List => client.list_terminals(ListTerminalsRequest::default()).await.map(drop),
            Self::Update => {
                let name = "renamed".to_owned();
                client.update_terminal(UpdateTerminalRequest { terminal_id, name }).await.map(drop)
            }
            Self::Close => {
                client.close_terminal(CloseTerminalRequest { terminal_id, grace: None }).await.map(drop)
            }
            Self::Delete => client.delete_terminal(DeleteTerminalRequest { terminal_id }).await.map(drop),
            Self::Attach => attach(client, open(id)).await?.hear.message().await.map(drop),
            Self::Watch => {
                let request = WatchRequest { terminal_id, ..Default::default() };
                client.watch(request).await?.into_inner().message().await.map(drop)
            }
            Self::Write => {
                let input = Some(write_request::Input::Text("x".to_owned()));
                client.write(WriteRequest { terminal_id, input, ..Default::default() }).await.map(drop)
            }
            Self::Resize => {
                let request = ResizeRequest { terminal_id, cols: 80, rows: 24, ..Default::default() };
                client.resize(request).await.map(drop)
            }
            Self::SendSignal => {
                let signal = "WINCH".to_owned();
                client.send_signal(SendSignalRequest { terminal_id, signal }).await.map(drop)
            }
            Self::ReadOutput => {
                client.read_output(ReadOutputRequest { terminal_id, ..Default::default() }).await.map(drop)
            }
            Self::Wait => {
                let timeout = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
                client.wait_terminal(WaitTerminalRequest { terminal_id, timeout }).await.map(drop)
            }
            Self::ListViewers => client.list_viewers(ListViewersRequest { terminal_id }).await.map(drop),
            Self::DetachViewer => {
                let viewer_id = uuid::Uuid::now_v7().to_string();
                client.detach_viewer(DetachViewerRequest { terminal_id, viewer_id }).await.map(drop)
            }
        }
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() -> Result<()> {
    let server = Server::start().await?;
    let mut owner = server.terminals()?;
    let terminal = idle(&mut owner).await?;
    let expired = server.expired_token().await?;
    let unknown = format!("mosaic_{}", "A".repeat(43));
    let tokens =
        [("", "TOKEN_MISSING"), (expired.as_str(), "TOKEN_EXPIRED"), (unknown.as_str(), "TOKEN_UNKNOWN")];
    for (token, reason) in tokens {
        let mut stranger = server.terminals_as(token)?;
        for method in Method::ALL {
            println!("{method:?} with {reason}");
            refused(method.call(&mut stranger, &terminal.id).await, Code::Unauthenticated, reason);
        }
    }
    unharmed(&mut owner, &terminal).await
}

#[tokio::test]
async fn another_workspace_sees_nothing() -> Result<()> {
    let server = Server::start().await?;
    let mut owner = server.terminals()?;
    let terminal = idle(&mut owner).await?;
    let mut other = server.terminals_as(&server.other_workspace_token().await?)?;
    for method in Method::ALL.into_iter().filter(|method| method.names_a_terminal()) {
        for id in [&terminal.id, &terminal.name] {
            println!("{method:?} of {id}");
            refused(method.call(&mut other, id).await, Code::NotFound, "TERMINAL_NOT_FOUND");
        }
    }
    let listed = other.list_terminals(ListTerminalsRequest::default()).await?.into_inner();
    assert_eq!(listed.terminals, [], "another workspace's terminals are listed");
    assert_eq!(listed.sequence, 0, "another workspace's events are counted");
    // Its names are its own.
    let request = CreateTerminalRequest { name: terminal.name.clone(), ..Default::default() };
    other.create_terminal(request).await?;
    unharmed(&mut owner, &terminal).await
}

#[tokio::test]
async fn a_viewer_only_reads() -> Result<()> {
    let server = Server::start().await?;
    let mut owner = server.terminals()?;
    let terminal = idle(&mut owner).await?;
    let mut viewer = server.terminals_as(&server.token_for(Role::Viewer).await?)?;
    for method in Method::ALL {
        println!("{method:?}");
        let answer = method.call(&mut viewer, &terminal.id).await;
        if method.only_reads() {
            assert!(answer.is_ok(), "{answer:?}");
        } else {
            refused(answer, Code::PermissionDenied, "ROLE_TOO_LOW");
        }
    }
    unharmed(&mut owner, &terminal).await
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    let terminal = idle(&mut client).await?;
    let absent = uuid::Uuid::now_v7().to_string();
    let long = "x".repeat(10_000);
    for method in Method::ALL.into_iter().filter(|method| method.names_a_terminal()) {
        for id in [absent.as_str(), "no-such-terminal", "../../etc/passwd", "a b", "\u{1b}[31m"] {
            println!("{method:?} of {id:?}");
            refused(method.call(&mut client, id).await, Code::NotFound, "TERMINAL_NOT_FOUND");
        }
        for id in ["", long.as_str(), "nul\0byte"] {
            println!("{method:?} of {:?}", id.chars().take(10).collect::<String>());
            let status = method.call(&mut client, id).await.unwrap_err();
            let reason = test_support::reason(&status);
            assert!(
                reason == "BAD_REQUEST" || (reason == "TERMINAL_NOT_FOUND" && !id.is_empty()),
                "{status:?}"
            );
        }
    }
    unharmed(&mut client, &terminal).await
}
