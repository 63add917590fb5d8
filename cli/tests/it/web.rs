//! `mosaic web`: a link that signs a browser in once, opened or printed.
//!
//! It must not test the page. Where none is built in, it is the refusal that is tested.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use mosaic_proto::workspace::v1::{
    CreateTokenRequest, ExchangeSignInCodeRequest, Role, Token, WhoAmIRequest,
};
use test_support::{Server, reason};

use crate::support::Mosaic;

/// Whether the server under test has the page, and what `mosaic web` says if it has not.
async fn has_page(server: &Server) -> Result<bool> {
    let me = server.workspace()?.who_am_i(WhoAmIRequest {}).await?.into_inner();
    if !me.web_page {
        let ran = Mosaic::operator(server)?.run(&["web", "--print"]).await?;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("without the page") && ran.stderr.contains("npm run build"), "{ran:?}");
    }
    Ok(me.web_page)
}

/// The code in a link of this server.
fn code(server: &Server, link: &str) -> Result<String> {
    let before = format!("{}/#sign-in=", server.endpoint());
    let code = link.strip_prefix(&before).with_context(|| format!("{link} does not begin with {before}"))?;
    ensure!(
        !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
        "{link}"
    );
    Ok(code.to_owned())
}

/// Signs in as a browser does, without a token; an error is its reason.
async fn sign_in(server: &Server, code: String) -> Result<Token> {
    let mut nobody = server.workspace_as("")?;
    let answer = nobody.exchange_sign_in_code(ExchangeSignInCodeRequest { code }).await;
    answer.map_err(|status| anyhow!(reason(&status)))?.into_inner().token.context("no token")
}

/// A browser that notes what it was told, and what is in there.
fn browser(mosaic: &Mosaic) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let home = mosaic.home.path();
    let (program, told, shown) = (home.join("browser"), home.join("told"), home.join("shown"));
    let script = format!(
        "#!/bin/sh\ntr '\\0' '\\n' </proc/$$/cmdline >{}\ncat \"$2\" >{}\n",
        told.display(),
        shown.display()
    );
    fs::write(&program, script)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok((program, told, shown))
}

#[tokio::test]
async fn a_link_is_good_once_with_the_role_of_the_token() -> Result<()> {
    let server = Server::start().await?;
    if !has_page(&server).await? {
        return Ok(());
    }
    let ran = Mosaic::operator(&server)?.run(&["web"]).await?;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("good once and for 10 minutes") && ran.stderr.contains("role admin"),
        "{ran:?}"
    );
    let first = code(&server, ran.stdout.trim_end())?;
    assert_eq!(sign_in(&server, first.clone()).await?.role(), Role::Admin);
    assert_eq!(sign_in(&server, first).await.unwrap_err().to_string(), "CODE_SPENT");
    for printed in [&ran.stdout, &ran.stderr] {
        assert!(!printed.contains(&server.token()?), "it shows the token");
    }
    let request = CreateTokenRequest {
        name: "reads".into(),
        role: Role::Member.into(),
        read_only: true,
        ..Default::default()
    };
    let token = server.token_with(request).await?;
    let mosaic = Mosaic::new(&[("MOSAIC_ENDPOINT", &server.endpoint()), ("MOSAIC_TOKEN", &token)])?;
    let ran = mosaic.run(&["--json", "web"]).await?;
    let told: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    let token = sign_in(&server, code(&server, told["url"].as_str().context("no url")?)?).await?;
    assert_eq!((token.role(), token.read_only), (Role::Member, true));
    assert!(told["expireTime"].is_string(), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_browser_is_led_there_and_nobody_sees_the_link() -> Result<()> {
    let server = Server::start().await?;
    if !has_page(&server).await? {
        return Ok(());
    }
    let mosaic = Mosaic::operator(&server)?;
    let (program, told, shown) = browser(&mosaic)?;
    let browser = format!("{} --new-window", program.display());
    let (endpoint, token) = (server.endpoint(), server.token()?);
    let home = mosaic.home.path().display().to_string();
    let variables = [
        ("MOSAIC_ENDPOINT", endpoint.as_str()),
        ("MOSAIC_TOKEN", &token),
        ("BROWSER", &browser),
        ("HOME", &home),
    ];
    let with = Mosaic::new(&variables)?;
    let mut pty = with.in_pty(&["web"])?;
    pty.wait_for("Opening http://")?;
    assert_eq!(pty.ended().await?, 0);
    let page = fs::read_to_string(&shown)?;
    let link = page.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no link")?;
    let code = code(&server, link)?;
    let told = fs::read_to_string(told)?;
    for (what, text) in [("arguments", &told), ("screen", &pty.shown())] {
        assert!(!text.contains(&code) && !text.contains(&token), "the {what} show it: {text}");
    }
    let file = PathBuf::from(told.lines().last().context("it was told nothing")?);
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(sign_in(&server, code).await?.role(), Role::Admin);
    Ok(())
}

#[tokio::test]
async fn without_a_browser_the_link_is_printed() -> Result<()> {
    let server = Server::start().await?;
    if !has_page(&server).await? {
        return Ok(());
    }
    // None to see; one that fails; one that is not there; one that is not wanted.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case; 4] = [
        (&["web"], &[]),
        (&["web"], &[("BROWSER", "false")]),
        (&["web"], &[("BROWSER", "/no/such/browser")]),
        (&["web", "--print"], &[("BROWSER", "true")]),
    ];
    for (arguments, variables) in cases {
        let mut pty = Mosaic::operator_with(&server, variables)?.in_pty(arguments)?;
        pty.wait_for("/#sign-in=")?;
        pty.wait_for("good once")?;
        assert_eq!(pty.ended().await?, 0, "{variables:?}");
        let shown = pty.shown();
        let link = shown.lines().next().context("nothing")?.trim();
        sign_in(&server, code(&server, link)?).await?;
    }
    Ok(())
}
