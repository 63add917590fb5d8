//! Who may call WorkspaceService, and how a browser signs in.
//!
//! It must not test what the methods do when they are allowed (`workspace`).

use anyhow::{Context, Result};
use mosaic_proto::workspace::v1::{
    CreateSignInCodeRequest, CreateTokenRequest, CreateWorkspaceRequest, ExchangeSignInCodeRequest,
    ExchangeSignInCodeResponse, ListTokensRequest, ListWorkspacesRequest, RevokeTokenRequest,
    WatchEventsRequest, WhoAmIRequest,
};
use test_support::{Role, Server, WorkspaceClient};
use tonic::{Code, Status};

use crate::{
    shells::{idle, refused},
    workspace::{check, make, revoke, token_of, wish},
};

/// Every method that needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    CreateWorkspace,
    ListWorkspaces,
    CreateToken,
    ListTokens,
    RevokeToken,
    CreateSignInCode,
    WhoAmI,
    WatchEvents,
}

impl Method {
    const ALL: [Self; 8] = [
        Self::CreateWorkspace,
        Self::ListWorkspaces,
        Self::CreateToken,
        Self::ListTokens,
        Self::RevokeToken,
        Self::CreateSignInCode,
        Self::WhoAmI,
        Self::WatchEvents,
    ];

    fn needs(self) -> Role {
        match self {
            Self::CreateWorkspace | Self::ListWorkspaces => Role::Operator,
            Self::CreateToken | Self::ListTokens | Self::RevokeToken => Role::Admin,
            Self::CreateSignInCode | Self::WhoAmI | Self::WatchEvents => Role::Viewer,
        }
    }

    /// Calls it in its simplest form.
    async fn call(self, client: &mut WorkspaceClient) -> Result<(), Status> {
        match self {
            Self::CreateWorkspace => {
                let name = uuid::Uuid::now_v7().to_string();
                let request = CreateWorkspaceRequest { name, ..Default::default() };
                client.create_workspace(request).await.map(drop)
            }
            Self::ListWorkspaces => client.list_workspaces(ListWorkspacesRequest::default()).await.map(drop),
            Self::CreateToken => make(client, wish("t")).await.map(drop),
            Self::ListTokens => client.list_tokens(ListTokensRequest::default()).await.map(drop),
            Self::RevokeToken => {
                let token_id = uuid::Uuid::now_v7().to_string();
                match client.revoke_token(RevokeTokenRequest { token_id }).await {
                    Err(status) if status.code() == Code::NotFound => Ok(()),
                    other => other.map(drop),
                }
            }
            Self::CreateSignInCode => client.create_sign_in_code(CreateSignInCodeRequest {}).await.map(drop),
            Self::WhoAmI => client.who_am_i(WhoAmIRequest {}).await.map(drop),
            Self::WatchEvents => client
                .watch_events(WatchEventsRequest::default())
                .await?
                .into_inner()
                .message()
                .await
                .map(drop),
        }
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() -> Result<()> {
    let server = Server::start().await?;
    let expired = server.expired_token().await?;
    let unknown = format!("mosaic_{}", "A".repeat(43));
    let tokens = [
        ("", "TOKEN_MISSING"),
        (expired.as_str(), "TOKEN_EXPIRED"),
        (unknown.as_str(), "TOKEN_UNKNOWN"),
        ("nonsense", "TOKEN_UNKNOWN"),
    ];
    for (token, reason) in tokens {
        let mut stranger = server.workspace_as(token)?;
        for method in Method::ALL {
            println!("{method:?} with {reason}");
            refused(method.call(&mut stranger).await, Code::Unauthenticated, reason);
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_role_may_do_its_own_and_what_is_below() -> Result<()> {
    let server = Server::start().await?;
    let mut roles = vec![(Role::Operator, server.token()?)];
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        roles.push((role, server.token_for(role).await?));
    }
    for (role, token) in roles {
        let mut client = server.workspace_as(&token)?;
        for method in Method::ALL {
            println!("{method:?} as {role:?}");
            let answer = method.call(&mut client).await;
            if role as i32 >= method.needs() as i32 {
                assert!(answer.is_ok(), "{answer:?}");
            } else {
                refused(answer, Code::PermissionDenied, "ROLE_TOO_LOW");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn limits_of_a_token_are_not_shaken_off() -> Result<()> {
    let server = Server::start().await?;
    let terminal = idle(&mut server.terminals()?).await?;
    let mut operator = server.workspace()?;
    let admin = CreateTokenRequest { role: Role::Admin.into(), ..wish("limited") };
    let reads = make(&mut operator, CreateTokenRequest { read_only: true, ..admin.clone() }).await?.secret;
    let limited = make(&mut operator, CreateTokenRequest { terminal_id: terminal.id, ..admin }).await?.secret;
    for method in [Method::CreateToken, Method::ListTokens, Method::RevokeToken] {
        println!("{method:?}");
        let answer = method.call(&mut server.workspace_as(&reads)?).await;
        refused(answer, Code::PermissionDenied, "TOKEN_READ_ONLY");
        let answer = method.call(&mut server.workspace_as(&limited)?).await;
        refused(answer, Code::PermissionDenied, "TOKEN_LIMITED");
    }
    // An ADMIN does not take the OPERATOR's token away.
    let me = operator.who_am_i(WhoAmIRequest {}).await?.into_inner().token.context("no token")?;
    let mut admin = server.workspace_as(&server.token_for(Role::Admin).await?)?;
    refused(revoke(&mut admin, &me.id).await, Code::PermissionDenied, "ROLE_TOO_LOW");
    Ok(())
}

/// A sign-in code of a token.
async fn code_of(server: &Server, token: &str) -> Result<String> {
    let answer = server.workspace_as(token)?.create_sign_in_code(CreateSignInCodeRequest {}).await?;
    Ok(answer.into_inner().code)
}

/// Brings a code, without a token.
async fn exchange(server: &Server, code: &str) -> Result<ExchangeSignInCodeResponse, Status> {
    let mut nobody = server.workspace_as("").map_err(|error| Status::internal(error.to_string()))?;
    let request = ExchangeSignInCodeRequest { code: code.to_owned() };
    nobody.exchange_sign_in_code(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_code_signs_in_once_with_the_limits_of_its_maker() -> Result<()> {
    let server = Server::builder().config("auth.sign_in_attempts_per_minute_max", 100).start().await?;
    let code = code_of(&server, &server.token()?).await?;
    let answers = tokio::join!(exchange(&server, &code), exchange(&server, &code));
    let (session, spent) = if answers.0.is_ok() { answers } else { (answers.1, answers.0) };
    refused(spent, Code::Unauthenticated, "CODE_SPENT");
    let session = session?;
    check(&server, &session.secret).await?;
    let token = session.token.context("no token")?;
    assert_eq!(token.role(), Role::Admin, "OPERATOR is not given out");
    assert!(token.expire_time.is_some());
    assert_eq!(token.name, "session of operator");

    let mut operator = server.workspace()?;
    let terminal = idle(&mut server.terminals()?).await?;
    let narrow = CreateTokenRequest {
        read_only: true,
        terminal_id: terminal.id.clone(),
        lifetime: Some(prost_types::Duration { seconds: 900, nanos: 0 }),
        ..wish("narrow")
    };
    let maker = make(&mut operator, narrow).await?;
    let session =
        exchange(&server, &code_of(&server, &maker.secret).await?).await?.token.context("no token")?;
    assert_eq!((session.role(), session.read_only), (Role::Member, true));
    assert_eq!(session.terminal_id, terminal.id);
    assert_eq!(session.expire_time, token_of(&maker)?.expire_time);

    // No code outlives its maker or its time, and none is guessed.
    let late = code_of(&server, &maker.secret).await?;
    revoke(&mut operator, &token_of(&maker)?.id).await?;
    let old = code_of(&server, &server.token()?).await?;
    server.sql("UPDATE sign_in_codes SET expire_time = now() - interval '1 second'").await?;
    for code in [late.as_str(), old.as_str(), "", "code_", "nul\0", &server.token()?] {
        refused(exchange(&server, code).await, Code::Unauthenticated, "CODE_SPENT");
    }
    Ok(())
}

#[tokio::test]
async fn attempts_to_sign_in_are_limited() -> Result<()> {
    let server = Server::builder().config("auth.sign_in_attempts_per_minute_max", 3).start().await?;
    let good = code_of(&server, &server.token()?).await?;
    for _ in 0..3 {
        refused(exchange(&server, "guess").await, Code::Unauthenticated, "CODE_SPENT");
    }
    refused(exchange(&server, &good).await, Code::ResourceExhausted, "SIGN_IN_ATTEMPTS");
    Ok(())
}

#[tokio::test]
async fn tokens_are_nowhere_to_be_read() -> Result<()> {
    let server = Server::builder().config("log.filter", "debug").start().await?;
    let made = make(&mut server.workspace()?, wish("secret")).await?;
    check(&server, &made.secret).await?;
    let code = code_of(&server, &made.secret).await?;
    let session = exchange(&server, &code).await?;
    let log = server.log();
    assert!(log.contains("WhoAmI"), "the calls are not in the log, so this proves nothing: {log}");
    for secret in [server.token()?, made.secret, code, session.secret] {
        assert!(!log.contains(&secret), "a secret is in the log");
        let hidden = secret.trim_start_matches("mosaic_").trim_start_matches("code_");
        for process in server.processes() {
            assert!(!process.command.contains(hidden), "{process:?}");
            let environment = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&environment).contains(hidden), "{process:?}");
        }
    }
    Ok(())
}
