//! Workspaces and tokens: what each method answers, and what it refuses.
//!
//! It must not test who may call what (`workspace_access`), signing in, nor the event log.

use anyhow::{Context, Result};
use mosaic_proto::workspace::v1::{
    CreateTokenRequest, CreateTokenResponse, CreateWorkspaceRequest, ListTokensRequest,
    ListWorkspacesRequest, RevokeTokenRequest, Token, WhoAmIRequest,
};
use test_support::{Role, Server, WorkspaceClient};
use tonic::{Code, Status};

use crate::shells::{bad_field, idle, refused};

/// A wish for a MEMBER token.
pub(crate) fn wish(name: &str) -> CreateTokenRequest {
    CreateTokenRequest { name: name.to_owned(), role: Role::Member.into(), ..Default::default() }
}

/// Makes a token.
pub(crate) async fn make(
    client: &mut WorkspaceClient,
    request: CreateTokenRequest,
) -> Result<CreateTokenResponse, Status> {
    client.create_token(request).await.map(tonic::Response::into_inner)
}

/// The token's public half.
pub(crate) fn token_of(made: &CreateTokenResponse) -> Result<&Token> {
    made.token.as_ref().context("no token in the answer")
}

/// Revokes a token.
pub(crate) async fn revoke(client: &mut WorkspaceClient, id: &str) -> Result<Option<Token>, Status> {
    let request = RevokeTokenRequest { token_id: id.to_owned() };
    client.revoke_token(request).await.map(|answer| answer.into_inner().token)
}

/// What the server says about a token that it has just got.
pub(crate) async fn check(server: &Server, secret: &str) -> Result<(), Status> {
    let mut client = server.workspace_as(secret).map_err(|error| Status::internal(error.to_string()))?;
    client.who_am_i(WhoAmIRequest {}).await.map(drop)
}

#[tokio::test]
async fn who_am_i_names_token_workspace_and_server() -> Result<()> {
    let server = Server::start().await?;
    let me = server.workspace()?.who_am_i(WhoAmIRequest {}).await?.into_inner();
    assert_eq!(me.workspace.context("no workspace")?.name, "default");
    let token = me.token.context("no token")?;
    assert_eq!((token.name.as_str(), token.role()), ("operator", Role::Operator));
    assert_eq!(me.server_version, env!("CARGO_PKG_VERSION"));
    assert!(me.node_id.parse::<uuid::Uuid>().is_ok());
    assert!(!me.shell_user.is_empty());
    // The test's server is one ordinary account's.
    assert!(me.shares_account);
    Ok(())
}

#[tokio::test]
async fn a_token_is_what_was_asked_for() -> Result<()> {
    let server = Server::start().await?;
    let terminal = idle(&mut server.terminals()?).await?;
    let mut client = server.workspace()?;
    let request = CreateTokenRequest {
        lifetime: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        terminal_id: terminal.name.clone(),
        read_only: true,
        ..wish("ünïcode")
    };
    let made = make(&mut client, request).await?;
    let token = token_of(&made)?;
    assert_eq!((token.name.as_str(), token.role(), token.read_only), ("ünïcode", Role::Member, true));
    assert_eq!(token.terminal_id, terminal.id, "the name was not resolved");
    let (made_at, ends) = (token.create_time.context("made")?, token.expire_time.context("ends")?);
    assert!((59..=61).contains(&(ends.seconds - made_at.seconds)), "{made_at:?} {ends:?}");
    assert_eq!((token.last_use_time, token.revoke_time), (None, None));
    assert_eq!(made.secret.len(), "mosaic_".len() + 43);
    assert_eq!(made.warning, "", "a token that only reads can do nothing beyond");
    check(&server, &made.secret).await?;

    let made = make(&mut client, wish("types")).await?;
    assert!(made.warning.contains("EQUALS THE ACCOUNT"), "{}", made.warning);
    Ok(())
}

#[tokio::test]
async fn a_bad_wish_is_refused_with_its_field() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let span = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let with_role = |role: i32| CreateTokenRequest { role, ..wish("t") };
    let cases = [
        ("name", wish("")),
        ("name", wish(&"x".repeat(129))),
        ("name", wish("a\nb")),
        ("role", with_role(Role::Unspecified.into())),
        ("role", with_role(Role::Operator.into())),
        ("role", with_role(99)),
        ("lifetime", CreateTokenRequest { lifetime: span(0), ..wish("t") }),
        ("lifetime", CreateTokenRequest { lifetime: span(-1), ..wish("t") }),
        ("lifetime", CreateTokenRequest { lifetime: span(i64::MAX), ..wish("t") }),
        ("request_id", CreateTokenRequest { request_id: "x".repeat(129), ..wish("t") }),
    ];
    for (field, request) in cases {
        println!("{request:?}");
        bad_field(make(&mut client, request).await, field);
    }
    for terminal_id in ["no-such", "nul\0", &uuid::Uuid::now_v7().to_string()] {
        let request = CreateTokenRequest { terminal_id: (*terminal_id).to_owned(), ..wish("t") };
        refused(make(&mut client, request).await, Code::NotFound, "TERMINAL_NOT_FOUND");
    }
    let listed = client.list_tokens(ListTokensRequest::default()).await?.into_inner();
    assert_eq!(listed.tokens.len(), 1, "only the operator's: {listed:?}");
    Ok(())
}

#[tokio::test]
async fn lists_are_paged_newest_first() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    for number in 0..4 {
        make(&mut client, wish(&format!("t{number}"))).await?;
        let name = format!("w{number}");
        client.create_workspace(CreateWorkspaceRequest { name, ..Default::default() }).await?;
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTokensRequest { page_size: 2, page_token };
        let page = client.list_tokens(request).await?.into_inner();
        assert!(page.tokens.len() <= 2);
        names.extend(page.tokens.into_iter().map(|token| token.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["t3", "t2", "t1", "t0", "operator"]);

    let request = ListWorkspacesRequest { page_size: 2, ..Default::default() };
    let first = client.list_workspaces(request).await?.into_inner();
    let names: Vec<_> = first.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
    assert_eq!(names, ["w3", "w2"]);
    // A list's token is good for that list alone.
    let page_token = first.next_page_token;
    let request = ListTokensRequest { page_size: 2, page_token: page_token.clone() };
    bad_field(client.list_tokens(request).await, "page_token");
    let request = ListWorkspacesRequest { page_size: 5000, page_token };
    let rest = client.list_workspaces(request).await?.into_inner();
    let names: Vec<_> = rest.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
    assert_eq!((names.as_slice(), rest.next_page_token.as_str()), (&["w1", "w0", "default"][..], ""));
    bad_field(
        client.list_workspaces(ListWorkspacesRequest { page_token: "x".into(), ..Default::default() }).await,
        "page_token",
    );
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_is_unknown_at_once_and_stays_revoked() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let made = make(&mut client, wish("short")).await?;
    let id = &token_of(&made)?.id;
    check(&server, &made.secret).await?;
    let first = revoke(&mut client, id).await?.context("no token")?;
    assert!(first.revoke_time.is_some());
    refused(check(&server, &made.secret).await, Code::Unauthenticated, "TOKEN_UNKNOWN");
    assert_eq!(revoke(&mut client, id).await?.context("no token")?.revoke_time, first.revoke_time);

    bad_field(revoke(&mut client, "").await, "token_id");
    for absent in ["x", &uuid::Uuid::now_v7().to_string()] {
        refused(revoke(&mut client, absent).await, Code::NotFound, "TOKEN_NOT_FOUND");
    }
    // Another workspace's ADMIN neither sees nor revokes it.
    let mut other = server.workspace_as(&server.other_workspace_token().await?)?;
    refused(revoke(&mut other, id).await, Code::NotFound, "TOKEN_NOT_FOUND");
    let listed = other.list_tokens(ListTokensRequest::default()).await?.into_inner();
    assert!(listed.tokens.iter().all(|token| token.id != *id));
    Ok(())
}

#[tokio::test]
async fn a_request_id_is_good_for_one_request() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let request = CreateTokenRequest { request_id: "r1".into(), ..wish("once") };
    make(&mut client, request.clone()).await?;
    refused(make(&mut client, request.clone()).await, Code::AlreadyExists, "REQUEST_ID_SPENT");
    let other = CreateTokenRequest { read_only: true, ..request };
    refused(make(&mut client, other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    // Also of another method, and also while both are under way.
    let workspace =
        |id: &str, name: &str| CreateWorkspaceRequest { request_id: id.into(), name: name.into() };
    let answer = client.create_workspace(workspace("r1", "once")).await;
    refused(answer, Code::AlreadyExists, "REQUEST_ID_REUSED");
    let (mut left, mut right) = (client.clone(), client.clone());
    let (left, right) = tokio::join!(
        left.create_workspace(workspace("r2", "both")),
        right.create_workspace(workspace("r2", "both"))
    );
    let (made, spent) = if left.is_ok() { (left, right) } else { (right, left) };
    assert!(made.is_ok(), "{made:?}");
    refused(spent, Code::AlreadyExists, "REQUEST_ID_SPENT");
    // A refused call uses no id up.
    let answer = client.create_workspace(workspace("r3", "both")).await;
    refused(answer, Code::AlreadyExists, "NAME_TAKEN");
    client.create_workspace(workspace("r3", "third")).await?;
    // After a day it is forgotten.
    server.sql("UPDATE request_ids SET create_time = now() - interval '25 hours'").await?;
    make(&mut client, CreateTokenRequest { request_id: "r1".into(), ..wish("again") }).await?;
    Ok(())
}

#[tokio::test]
async fn a_workspace_is_new_and_apart() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let request = |name: &str| CreateWorkspaceRequest { name: name.into(), ..Default::default() };
    let made = client.create_workspace(request("apart")).await?.into_inner();
    let token = made.token.context("no token")?;
    assert_eq!((token.name.as_str(), token.role()), ("admin", Role::Admin));
    let me = server.workspace_as(&made.secret)?.who_am_i(WhoAmIRequest {}).await?.into_inner();
    assert_eq!(me.workspace, made.workspace);
    refused(client.create_workspace(request("apart")).await, Code::AlreadyExists, "NAME_TAKEN");
    for bad in ["", "a\u{7}", &"x".repeat(129)] {
        bad_field(client.create_workspace(request(bad)).await, "name");
    }
    Ok(())
}

#[tokio::test]
async fn quotas_hold_also_for_calls_at_once() -> Result<()> {
    let server = Server::builder()
        .config("auth.tokens_per_workspace_max", 4)
        .config("auth.workspaces_max", 2)
        .start()
        .await?;
    let mut client = server.workspace()?;
    // The operator's counts.
    let mut made = Vec::new();
    let answers = futures_util::future::join_all((0..10).map(|number| {
        let mut client = client.clone();
        async move { make(&mut client, wish(&format!("t{number}"))).await }
    }));
    for answer in answers.await {
        match answer {
            Ok(token) => made.push(token),
            Err(status) => refused(Err::<(), _>(status), Code::ResourceExhausted, "TOKEN_QUOTA"),
        }
    }
    assert_eq!(made.len(), 3);
    revoke(&mut client, &token_of(&made[0])?.id).await?;
    make(&mut client, wish("in its place")).await?;

    let request = |name: &str| CreateWorkspaceRequest { name: name.into(), ..Default::default() };
    client.create_workspace(request("second")).await?;
    refused(client.create_workspace(request("third")).await, Code::ResourceExhausted, "WORKSPACE_QUOTA");
    Ok(())
}

#[tokio::test]
async fn the_operators_token_is_mended_and_kept() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start().await?;
    let file = server.data_dir().join("operator-token");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let first = server.token()?;
    server.sigterm().await?;
    server.restart().await?;
    assert_eq!(server.token()?, first, "a restart must not change it");
    // A crash between the file and the row.
    server.sigterm().await?;
    server.sql("DELETE FROM tokens").await?;
    server.restart().await?;
    assert_eq!(server.token()?, first);
    check(&server, &first).await?;
    // Revoked: the next start makes another.
    let mut client = server.workspace()?;
    let id = client.who_am_i(WhoAmIRequest {}).await?.into_inner().token.context("no token")?.id;
    revoke(&mut client, &id).await?;
    refused(check(&server, &first).await, Code::Unauthenticated, "TOKEN_UNKNOWN");
    server.sigterm().await?;
    server.restart().await?;
    assert_ne!(server.token()?, first);
    check(&server, &server.token()?).await?;
    Ok(())
}
