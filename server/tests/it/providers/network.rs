//! The ways to a model server: one that takes too long, one through a proxy, and HTTP/2 where it is offered.
//!
//! It must not know what is asked.

use std::{
    convert::Infallible,
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use http_body_util::Full;
use hyper::{Request, Version, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use test_support::Server;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

use super::{tls::certificate, *};
use crate::chat::{Answer as Answered, say};

#[tokio::test]
async fn who_does_not_take_a_connection_is_given_up_in_time() {
    // Nobody accepts here, and when the queue is full the kernel does not answer either.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 20, "the queue is not full");
    }
    let limit = Duration::from_millis(500);
    let http = Http::new(&Settings { connect_timeout: limit, ..Settings::default() }).unwrap();
    let began = Instant::now();
    let answer = ask(&OpenAi::new(&http, &format!("http://{address}/v1"), None)).await;
    let took = began.elapsed();
    assert_eq!(failure(&answer).kind, FailureKind::Connect, "{answer:?}");
    assert!(took >= limit && took < PATIENCE / 4, "it took {took:?}");
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    const EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"two\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let (pem, acceptor) = certificate(&["h2", "http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let Ok(client) = acceptor.accept(client).await else { return };
                CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                let answer = service_fn(|request: Request<Incoming>| async move {
                    assert_eq!(request.version(), Version::HTTP_2);
                    Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(
                        EVENTS.as_bytes(),
                    ))))
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(client), answer).await;
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    let http = Http::new(&Settings { ca_file: Some(file), ..Settings::default() }).unwrap();
    let provider = OpenAi::new(&http, &base, None);
    // Several at once share the connection of the first.
    let first = ask(&provider).await;
    assert_eq!((first.text.as_str(), first.end), ("two", Ok(Stop::End)));
    let (a, b, c) = tokio::join!(ask(&provider), ask(&provider), ask(&provider));
    for answer in [a, b, c] {
        assert_eq!((answer.text.as_str(), answer.end), ("two", Ok(Stop::End)));
    }
    assert_eq!(CONNECTIONS.load(Ordering::Relaxed), 1);
}

/// A proxy that is asked to connect, and a model server with TLS behind it, whatever name was asked for.
async fn proxy(listener: TcpListener, acceptor: tokio_rustls::TlsAcceptor, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, target) = (acceptor.clone(), target.clone());
        connections.spawn(async move {
            let mut client = BufReader::new(client);
            let (mut asked, mut line) = (String::new(), String::new());
            client.read_line(&mut asked).await?;
            while client.read_line(&mut line).await? > 0 && line != "\r\n" {
                line.clear();
            }
            ensure!(asked == "CONNECT model.test:443 HTTP/1.1\r\n", "{asked:?}");
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            let mut client = acceptor.accept(client).await?;
            copy_bidirectional(&mut client, &mut TcpStream::connect(target).await?).await?;
            Ok(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_used_for_others_and_not_for_this_machine() -> Result<()> {
    let script = || Script::new().reply("m", Reply::text(["through"]));
    let (far, near) = (FakeLlm::start(script()).await?, FakeLlm::start(script()).await?);
    let (pem, acceptor) = certificate(&[]);
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let file = folder.path().join("ca.pem");
    fs::write(&file, pem)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let by = format!("http://{}", listener.local_addr()?);
    let target = far.endpoint().split("//").last().context("no address")?.to_owned();
    let mut proxies = JoinSet::new();
    proxies.spawn(proxy(listener, acceptor, target));
    let near_url = near.base_url(Wire::OpenAi);
    let config = format!(
        "[provider.far]\nkind = \"openai\"\nbase_url = \"https://model.test/v1\"\nmodel = \"m\"\n\
         [provider.near]\nkind = \"openai\"\nbase_url = \"{near_url}\"\nmodel = \"m\"\n\
         [chat]\nmodel_titles = false\nca_file = \"{}\"\n",
        file.display()
    );
    let builder = Server::builder().config_file(config).variable("HTTPS_PROXY", &by);
    let server = builder.variable("HTTP_PROXY", &by).start().await?;
    for (model, fake) in [("far/m", &far), ("near/m", &near)] {
        let request = mosaic_proto::chat::v1::SendMessageRequest { model: model.to_owned(), ..say("hi") };
        let message = Answered::to(&mut server.chat()?, request).await?.completed().await?;
        assert_eq!((message.content.as_str(), message.error), ("through", None), "{model}");
        ensure!(fake.counts().finished == 1, "{model}: {:?}", fake.counts());
    }
    Ok(())
}

/// A proxy that is asked for whole URLs, one in each connection, and a model server behind it, whatever name was asked
/// for. Counts what it was asked.
async fn forwarder(listener: TcpListener, target: String, asked: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (target, asked) = (target.clone(), Arc::clone(&asked));
        connections.spawn(async move {
            let mut client = BufReader::new(client);
            let mut line = String::new();
            client.read_line(&mut line).await?;
            let (method, rest) = line.split_once(" http://model.test/").context("not a whole URL")?;
            let mut server = TcpStream::connect(target).await?;
            server.write_all(format!("{method} /{rest}connection: close\r\n").as_bytes()).await?;
            asked.fetch_add(1, Ordering::Relaxed);
            copy_bidirectional(&mut client, &mut server).await?;
            anyhow::Ok(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_forwards_what_is_not_encrypted() -> Result<()> {
    let far = FakeLlm::start(Script::new().reply("m", Reply::text(["forwarded"]))).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let by = format!("http://{}", listener.local_addr()?);
    let target = far.endpoint().split("//").last().context("no address")?.to_owned();
    let asked = Arc::new(AtomicUsize::new(0));
    let mut proxies = JoinSet::new();
    proxies.spawn(forwarder(listener, target, Arc::clone(&asked)));
    let config = "[provider.far]\nkind = \"openai\"\nbase_url = \"http://model.test/v1\"\nmodel = \"m\"\n\
                  [chat]\nmodel_titles = false\n";
    let server = Server::builder().config_file(config.to_owned()).variable("HTTP_PROXY", &by).start().await?;
    let request = mosaic_proto::chat::v1::SendMessageRequest { model: "far/m".to_owned(), ..say("hi") };
    let message = Answered::to(&mut server.chat()?, request).await?.completed().await?;
    assert_eq!((message.content.as_str(), message.error), ("forwarded", None));
    ensure!(asked.load(Ordering::Relaxed) > 0, "the proxy was not asked");
    Ok(())
}
