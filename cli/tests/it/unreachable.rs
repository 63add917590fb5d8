//! What is said when the server is not there, or not what it is taken for.
//!
//! It knows nothing about servers that answer.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use test_support::Server;

use crate::support::Mosaic;

/// Where nobody listens.
const NOBODY: [(&str, &str); 2] = [("MOSAIC_ENDPOINT", "http://127.0.0.1:1"), ("MOSAIC_TOKEN", "mosaic_x")];

#[tokio::test]
async fn typing_says_that_it_tries_again_and_gives_up() -> Result<()> {
    let mosaic = Mosaic::new(&NOBODY)?;
    let ran = mosaic.run(&["term", "send", "t", "hello", "--keys", "Enter", "--retry", "2s"]).await?;
    assert_eq!(ran.code, 5, "{ran:?}");
    let notice = "[mosaic: http://127.0.0.1:1 does not answer; trying again for up to 2s]";
    assert_eq!(ran.stderr.matches(notice).count(), 1, "{ran:?}");
    assert!(ran.stderr.contains("given up after 2s: cannot reach http://127.0.0.1:1"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn typing_waits_for_a_server_that_comes_back() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["term", "new", "--name", "t", "--", "sh", "-c", "read x; exit 7"]).await?;
    server.kill9().await?;
    let sending = mosaic.run(&["term", "send", "t", "--enter", "go", "--retry", "60s"]);
    let (sent, restarted) = tokio::join!(sending, server.restart());
    restarted?;
    assert_eq!(sent?.code, 0);
    assert_eq!(mosaic.run(&["term", "wait", "t"]).await?.code, 7);
    Ok(())
}

#[tokio::test]
async fn it_says_where_it_looked_and_how_to_start_one() -> Result<()> {
    let ran = Mosaic::new(&NOBODY)?.run(&["status"]).await?;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("MOSAIC_ENDPOINT") && ran.stderr.contains("`./run`"), "{ran:?}");
    assert!(!ran.stderr.contains("mosaic status"), "it is what was just run: {ran:?}");

    let server = Server::start().await?;
    let data = server.data_dir().display().to_string();
    let mosaic = Mosaic::new(&[("MOSAIC_DATA_DIR", &data)])?;
    server.kill9().await?;
    let ran = mosaic.run(&["status"]).await?;
    assert!(ran.stderr.contains(&format!("{data}/endpoint")) && ran.stderr.contains("`./run`"), "{ran:?}");
    // Each of several says it.
    let ran = mosaic.run(&["term", "close", "a", "b"]).await?;
    assert_eq!(ran.stderr.matches("`./run`").count(), 2, "{ran:?}");
    server.restart().await?;

    let nowhere = Mosaic::new(&[])?;
    let ran = nowhere.run(&["status"]).await?;
    assert!(ran.stderr.contains(&nowhere.home.path().join("endpoint").display().to_string()), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn tls_where_there_is_none_and_none_where_there_is() -> Result<()> {
    let plain = Server::start().await?;
    let address = plain.address();
    let ran = Mosaic::operator(&plain)?.run(&["whoami", "--endpoint", &format!("https://{address}")]).await?;
    assert_eq!(ran.code, 4, "a token is not sent elsewhere: {ran:?}");
    let wrong = [("MOSAIC_ENDPOINT", &*format!("https://{address}")), ("MOSAIC_TOKEN", "mosaic_x")];
    let ran = Mosaic::new(&wrong)?.run(&["whoami"]).await?;
    assert!(ran.stderr.contains("does not speak TLS") && ran.stderr.contains("write http://"), "{ran:?}");

    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let directory = tempfile::tempdir()?;
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, certificate.cert.pem())?;
    std::fs::write(&key, certificate.signing_key.serialize_pem())?;
    // The account of the servers under test reads them.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
    let tls = Server::builder()
        .config("server.tls_cert", cert.display())
        .config("server.tls_key", key.display())
        .start()
        .await?;
    let wrong = [("MOSAIC_ENDPOINT", &*format!("http://{}", tls.address())), ("MOSAIC_TOKEN", "mosaic_x")];
    let expected = format!("TLS is spoken there: use https://{}", tls.address());
    let ran = Mosaic::new(&wrong)?.run(&["whoami"]).await?;
    assert!(ran.stderr.contains(&expected), "{ran:?}");
    let login = ["login", "--endpoint", wrong[0].1];
    let ran = Mosaic::new(&[])?.run_with(&login, "mosaic_x\n").await?;
    assert!(ran.stderr.contains(&expected), "{ran:?}");
    Ok(())
}
