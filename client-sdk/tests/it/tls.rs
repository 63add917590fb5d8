//! TLS with a private authority.
//!
//! It must not trust what the machine trusts: the test's own authority is in no store.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};
use mosaic_client::{Client, ErrorKind};
use test_support::Server;

use crate::within;

#[tokio::test]
async fn a_private_authority_is_trusted_when_named_and_only_then() -> Result<()> {
    within(async {
        let authority = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let directory = std::env::temp_dir().join(format!("mosaic-tls-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        fs::write(&cert, authority.cert.pem())?;
        fs::write(&key, authority.signing_key.serialize_pem())?;
        for path in [&directory, &cert, &key] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        let server = Server::builder()
            .config("server.tls_cert", cert.display())
            .config("server.tls_key", key.display())
            .start()
            .await?;
        let endpoint = server.endpoint();
        assert!(endpoint.starts_with("https://"), "{endpoint}");

        let trusting =
            Client::connect(&endpoint).token(server.token()?).tls_ca(authority.cert.pem()).build()?;
        let who = trusting.workspace().who_am_i().await?;
        assert_eq!(who.workspace.context("a workspace")?.name, "default");

        let wary = Client::connect(&endpoint).token(server.token()?).build()?;
        let error = wary.workspace().who_am_i().await.expect_err("nobody vouches for it");
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("certificate"), "{error}");

        let broken = Client::connect(&endpoint).token(server.token()?).tls_ca("nonsense").build()?;
        let error = broken.workspace().who_am_i().await.expect_err("that is no certificate");
        assert!(!error.is_retryable() && error.to_string().contains("certificate"), "{error}");
        fs::remove_dir_all(&directory)?;

        let plain = Server::start().await?;
        let wrong = plain.endpoint().replacen("http://", "https://", 1);
        let error = Client::connect(&wrong).build()?.workspace().who_am_i().await.expect_err("no TLS there");
        assert!(!error.is_retryable() && error.to_string().contains("write http://"), "{error}");
        Ok(())
    })
    .await
}
