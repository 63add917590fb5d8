//! Which server and which token: login, contexts, the local server, `env`.
//!
//! It knows nothing about terminals.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use test_support::Server;

use crate::support::Mosaic;

#[tokio::test]
async fn login_use_and_forget() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::new(&[])?;
    let token = server.token()?;
    let endpoint = server.endpoint();
    let ran = mosaic.run(&["whoami"]).await?;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("./run") && ran.stderr.contains("mosaic login"), "{ran:?}");

    let wrong = mosaic.run_with(&["login", "--endpoint", &endpoint], "mosaic_wrong\n").await?;
    assert_eq!(wrong.code, 4, "a token is tried before it is kept: {wrong:?}");
    let nothing = mosaic.run(&["login", "--endpoint", &endpoint]).await?;
    assert_eq!(nothing.code, 2, "{nothing:?}");
    let input = format!("{token}\n");
    let ran = mosaic.run_with(&["login", "--endpoint", &endpoint, "--name", "lab"], &input).await?;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains(&token) && !ran.stdout.contains(&token));
    let file = mosaic.home.path().join(".config/mosaic/contexts.toml");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);

    assert_eq!(mosaic.json(&["whoami"]).await?["token"]["role"], "ROLE_OPERATOR");
    assert_eq!(mosaic.json(&["context", "ls"]).await?["current"], true);
    assert!(!mosaic.ok(&["context", "ls"]).await?.contains(&token));
    mosaic.ok(&["context", "rm", "lab"]).await?;
    assert_eq!(mosaic.run(&["context", "use", "lab"]).await?.code, 3);
    assert_eq!(mosaic.run(&["whoami"]).await?.code, 5);
    Ok(())
}

#[tokio::test]
async fn the_local_server_is_found() -> Result<()> {
    let server = Server::start().await?;
    let data = server.data_dir().display().to_string();
    let mosaic = Mosaic::new(&[("MOSAIC_DATA_DIR", &data)])?;
    let status = mosaic.ok(&["status"]).await?;
    assert!(status.contains("the local server"), "{status}");
    assert_eq!(mosaic.json(&["status"]).await?["endpoint"], server.endpoint());
    server.sigterm().await?;
    let ran = mosaic.run(&["status"]).await?;
    assert_eq!(ran.code, 5, "{ran:?}");
    server.restart().await
}

#[tokio::test]
async fn env_is_for_pipes() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let lines = mosaic.ok(&["env"]).await?;
    let expected =
        format!("export MOSAIC_ENDPOINT={}\nexport MOSAIC_TOKEN={}\n", server.endpoint(), server.token()?);
    assert_eq!(lines, expected);
    let mut pty = mosaic.in_pty(&["env"])?;
    assert_eq!(pty.ended().await?, 2);
    pty.wait_for("eval")?;
    assert!(!pty.shown().contains(&server.token()?));
    Ok(())
}
