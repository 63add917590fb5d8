//! The unary calls, and what their errors say.
//!
//! It must not test the server's rules; only that the SDK passes them on.

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use mosaic_client::{
    Client, Code, ErrorKind,
    proto::{
        terminal::v1::terminal::State,
        workspace::v1::{CreateTokenRequest, Role},
    },
};
use test_support::Server;

use crate::{client, within};

#[tokio::test]
async fn a_terminal_from_its_beginning_to_its_end() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let create =
            client.terminals().create().name("one").command(["cat"]).cwd("/").env("A", "b").size(100, 30);
        let (terminal, info) = create.send().await?;
        let (_, again) = create.send().await?;
        assert_eq!(info.id, again.id, "one builder makes one terminal");
        assert_eq!((info.cols, info.rows, info.state()), (100, 30, State::Running));
        assert_eq!(client.terminal("one").get().await?.id, info.id);
        assert_eq!(terminal.rename("two").await?.name, "two");
        assert_eq!(terminal.resize(101, 31).await?.cols, 101);
        assert!(terminal.signal("CONT").await? > 0);
        assert!(terminal.viewers().await?.is_empty());

        terminal.writer().write("typed\n").await?;
        crate::printed(&terminal, "typed\r\ntyped\r\n").await?;
        assert_eq!(terminal.read_output(7, 5).await?.data, "typed");
        assert_eq!(terminal.read_text(0, 0).await?.text.lines().next(), Some("typed"));

        let closed = terminal.close(Some(std::time::Duration::from_secs(1))).await?;
        assert!(closed.proven, "{closed:?}");
        assert_eq!(closed.terminal.context("the terminal")?.state(), State::Exited);
        terminal.delete().await?;
        let error = terminal.get().await.expect_err("it is forgotten");
        assert_eq!((error.code(), error.reason()), (Code::NotFound, Some("TERMINAL_NOT_FOUND")));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn lists_come_in_pages_and_whole() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        for _ in 0..5 {
            client.terminals().create().command(["cat"]).send().await?;
        }
        let (all, sequence) = client.terminals().list().page_size(2).all().await?;
        assert_eq!(all.len(), 5);
        assert!(sequence >= 5);
        let pages: Vec<_> = client.terminals().list().page_size(2).pages().try_collect().await?;
        assert_eq!(pages.iter().map(|page| page.terminals.len()).collect::<Vec<_>>(), [2, 2, 1]);
        let (ended, _) = client.terminals().list().state(State::Exited).all().await?;
        assert!(ended.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_workspace_and_its_tokens() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let operator = client(&server)?;
        let workspace = operator.workspace();
        assert_eq!(workspace.who_am_i().await?.workspace.context("a workspace")?.name, "default");
        let made = workspace.create("second").await?;
        let second = Client::connect(server.endpoint()).token(made.secret).build()?;
        assert_eq!(second.workspace().who_am_i().await?.workspace.context("a workspace")?.name, "second");
        assert_eq!(workspace.list().await?.len(), 2);

        let request =
            CreateTokenRequest { name: "viewer".to_owned(), role: Role::Viewer.into(), ..Default::default() };
        let viewer = workspace.create_token(request).await?;
        let id = viewer.token.context("a token")?.id;
        let as_viewer = Client::connect(server.endpoint()).token(viewer.secret).build()?;
        let error = as_viewer.terminals().create().send().await.expect_err("a viewer creates nothing");
        assert_eq!((error.code(), error.reason()), (Code::PermissionDenied, Some("ROLE_TOO_LOW")));
        assert!(workspace.tokens().await?.iter().any(|token| token.id == id));
        workspace.revoke_token(id).await?;
        let error = as_viewer.workspace().who_am_i().await.expect_err("revoked");
        assert_eq!(error.code(), Code::Unauthenticated);

        let code = workspace.create_sign_in_code().await?.code;
        let anybody = Client::connect(server.endpoint()).build()?;
        let session = anybody.workspace().exchange_sign_in_code(code.clone()).await?;
        assert!(!session.secret.is_empty());
        let error = anybody.workspace().exchange_sign_in_code(code).await.expect_err("one use");
        assert_eq!(error.reason(), Some("CODE_SPENT"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn errors_say_what_was_wrong() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        let error = client.terminals().create().size(0, 24).send().await.expect_err("no width");
        assert_eq!(error.reason(), Some("BAD_REQUEST"));
        assert_eq!(error.field_violations().len(), 1, "{error:?}");
        assert_eq!(error.field_violations()[0].field, "cols");
        assert!(!error.is_retryable());

        let nobody = Client::connect(server.endpoint()).build()?;
        let error = nobody.workspace().who_am_i().await.expect_err("no token");
        assert_eq!((error.code(), error.reason()), (Code::Unauthenticated, Some("TOKEN_MISSING")));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() -> Result<()> {
    within(async {
        let server = Server::start().await?;
        let client = client(&server)?;
        client.workspace().who_am_i().await?;
        server.kill9().await?;
        // The first call may still find the dead connection; the next one finds nobody.
        let _ = client.workspace().who_am_i().await.expect_err("it is dead");
        let error = client.workspace().who_am_i().await.expect_err("it is dead");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Connect, Code::Unavailable));
        assert!(error.is_retryable() && error.to_string().contains(&server.endpoint()), "{error}");
        server.restart().await?;
        client.workspace().who_am_i().await?;
        Ok(())
    })
    .await
}
