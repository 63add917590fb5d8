//! Model servers behind TLS: trusted through the file of authorities, and never without it.
//!
//! It must not know what is asked.

use std::{fs, sync::Arc};

use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// Takes TLS off and passes on what is inside.
async fn relay(listener: TcpListener, acceptor: TlsAcceptor, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, target) = (acceptor.clone(), target.clone());
        connections.spawn(async move {
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let Ok(mut server) = TcpStream::connect(target).await else { return };
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

/// A certificate for `localhost` and `model.test` in PEM, and TLS with it that offers these protocols.
pub(super) fn certificate(protocols: &[&str]) -> (String, TlsAcceptor) {
    let names = ["localhost".to_owned(), "model.test".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], PrivateKeyDer::Pkcs8(signing_key.serialize_der().into()))
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let fake = FakeLlm::start(Script::new().reply("model", Reply::text(["safe"]))).await.unwrap();
    let (pem, acceptor) = certificate(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let target = fake.endpoint().trim_start_matches("http://").to_owned();
    let mut relays = JoinSet::new();
    relays.spawn(relay(listener, acceptor, target));

    let stranger = ask(&OpenAi::new(&http(), &base, None)).await;
    assert_eq!(failure(&stranger).kind, FailureKind::Connect, "{stranger:?}");
    assert!(failure(&stranger).message.contains("certificate"), "{stranger:?}");
    assert_eq!(fake.counts().requests, 0);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    let trusting = Http::new(&Settings { ca_file: Some(file.clone()), ..Settings::default() }).unwrap();
    let answer = ask(&OpenAi::new(&trusting, &base, None)).await;
    assert_eq!((answer.text.as_str(), answer.end), ("safe", Ok(Stop::End)));

    fs::write(&file, "no certificate").unwrap();
    let wrong = Http::new(&Settings { ca_file: Some(file), ..Settings::default() }).unwrap_err();
    assert!(wrong.to_string().contains("it holds no certificate"), "{wrong}");
}
