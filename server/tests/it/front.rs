//! The one port: what browsers get and what they are refused, request ids, deadlines, limits, draining.
//!
//! It must not test the services behind it. Its HTTP/1.1 is written by hand, so that nothing is made nicer.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use mosaic_proto::workspace::v1::{WatchEventsRequest, WhoAmIRequest};
use test_support::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Request};

use crate::shells::refused;

/// Longer than anything here takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);
const WHO_AM_I: &str = "/mosaic.workspace.v1.WorkspaceService/WhoAmI";

/// An HTTP/1.1 exchange, as text; what is not UTF-8 becomes U+FFFD.
async fn exchange(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<String> {
    let mut tcp = TcpStream::connect(server.address()).await?;
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {}\r\n", server.address());
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    tcp.write_all(format!("{request}\r\n").as_bytes()).await?;
    tcp.write_all(body).await?;
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A gRPC-Web call of WhoAmI.
async fn web(server: &Server, headers: &[(&str, &str)]) -> Result<String> {
    let bearer = format!("Bearer {}", server.token()?);
    let mut all = vec![("content-type", "application/grpc-web+proto"), ("authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    exchange(server, "POST", WHO_AM_I, &all, &[0; 5]).await
}

#[tokio::test]
async fn the_page_is_for_known_names_and_origins() -> Result<()> {
    let server = Server::builder().config("server.allowed_hosts", "mosaic.example").start().await?;
    let own = format!("http://{}", server.address());
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case; 7] = [
        ("/", &[], "200"),
        ("/", &[("host", "mosaic.example")], "200"),
        ("/", &[("origin", &own)], "200"),
        ("/nothing", &[], "404"),
        ("/", &[("host", "evil.example")], "403"),
        ("/", &[("origin", "http://evil.example")], "403"),
        ("/", &[("host", "evil.example"), ("origin", "http://evil.example")], "403"),
    ];
    for (path, headers, wanted) in cases {
        let answer = exchange(&server, "GET", path, headers, b"").await?;
        assert_eq!(status(&answer), wanted, "{path} {headers:?}: {answer}");
    }
    let page = exchange(&server, "GET", "/", &[], b"").await?;
    assert!(header(&page, "content-security-policy").is_some());
    Ok(())
}

/// What the page names of its own, as `src="/assets/..."` and `href="/assets/..."`.
fn assets(page: &str) -> Vec<&str> {
    page.split('"').filter(|part| part.starts_with("/assets/")).collect()
}

#[tokio::test]
async fn the_page_that_was_built_is_built_in() -> Result<()> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist/page/index.html");
    let server = Server::start().await?;
    let me = server.workspace()?.who_am_i(WhoAmIRequest {}).await?.into_inner();
    assert_eq!(me.web_page, built.exists(), "build the server again: {}", built.display());
    let page = exchange(&server, "GET", "/", &[], b"").await?;
    if !me.web_page {
        assert!(page.contains(env!("CARGO_PKG_VERSION")) && !page.contains("<script"), "{page}");
        assert!(page.contains("npm run build"), "{page}");
        return Ok(());
    }
    assert!(page.ends_with(&std::fs::read_to_string(built)?), "another page: {page}");
    let etag = header(&page, "etag").context("no etag")?;
    let again = exchange(&server, "GET", "/index.html", &[("if-none-match", etag)], b"").await?;
    assert_eq!((status(&again), again.split("\r\n\r\n").nth(1)), ("304", Some("")), "{again}");
    let script = assets(&page).into_iter().find(|path| path.ends_with(".js")).context("no script")?;
    let plain = exchange(&server, "GET", script, &[], b"").await?;
    let length = |answer: &str| header(answer, "content-length").and_then(|text| text.parse::<usize>().ok());
    for (coding, smaller) in [("br", 2), ("gzip", 2), ("identity", 1)] {
        let packed = exchange(&server, "GET", script, &[("accept-encoding", coding)], b"").await?;
        assert_eq!(header(&packed, "content-encoding"), Some(coding).filter(|coding| *coding != "identity"));
        assert!(length(&packed) <= length(&plain).map(|bytes| bytes / smaller), "{coding}");
        let vary: Vec<_> = packed.lines().filter(|line| line.starts_with("vary: ")).collect();
        assert!(vary.iter().any(|line| line.contains("accept-encoding")), "{vary:?}");
        assert_eq!(header(&packed, "cache-control"), Some("public, max-age=31536000, immutable"));
        let head = exchange(&server, "HEAD", script, &[("accept-encoding", coding)], b"").await?;
        assert_eq!((length(&head), head.split("\r\n\r\n").nth(1)), (length(&packed), Some("")));
    }
    for (method, path, wanted) in
        [("POST", script, "405"), ("GET", "/assets/no.js", "404"), ("GET", "/assets/../index.html", "404")]
    {
        assert_eq!(status(&exchange(&server, method, path, &[], b"").await?), wanted, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn grpc_web_gets_answers_and_refusals_as_statuses() -> Result<()> {
    let server = Server::builder().config("server.allowed_origins", "https://app.example").start().await?;
    let good = web(&server, &[]).await?;
    assert_eq!((status(&good), header(&good, "content-type")), ("200", Some("application/grpc-web+proto")));
    assert!(good.contains("operator") && good.contains("grpc-status:0"), "{good}");
    for (name, value) in [("origin", "http://evil.example"), ("host", "evil.example")] {
        let refused = web(&server, &[(name, value)]).await?;
        assert_eq!((status(&refused), header(&refused, "grpc-status")), ("200", Some("7")), "{refused}");
        assert_eq!(header(&refused, "access-control-allow-origin"), None);
    }
    let headers = [("content-type", "application/grpc-web+proto")];
    let nobody = exchange(&server, "POST", WHO_AM_I, &headers, &[0; 5]).await?;
    assert_eq!(header(&nobody, "grpc-status"), Some("16"), "{nobody}");
    let unknown = exchange(&server, "POST", "/a.B/C", &headers, &[0; 5]).await?;
    assert_eq!(header(&unknown, "grpc-status"), Some("12"), "{unknown}");
    let native = [("content-type", "application/grpc")];
    assert_eq!(status(&exchange(&server, "POST", WHO_AM_I, &native, &[0; 5]).await?), "505");
    Ok(())
}

#[tokio::test]
async fn cors_is_for_listed_origins_only() -> Result<()> {
    let server = Server::builder().config("server.allowed_origins", "https://app.example").start().await?;
    let preflight = async |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type,x-grpc-web"),
        ];
        exchange(&server, "OPTIONS", WHO_AM_I, &headers, b"").await
    };
    let listed = preflight("https://app.example").await?;
    assert_eq!(header(&listed, "access-control-allow-origin"), Some("https://app.example"), "{listed}");
    let other = preflight("https://evil.example").await?;
    assert_eq!((status(&other), header(&other, "access-control-allow-origin")), ("403", None), "{other}");
    let called = web(&server, &[("origin", "https://app.example")]).await?;
    assert_eq!(header(&called, "access-control-allow-origin"), Some("https://app.example"));
    let exposed = header(&called, "access-control-expose-headers").context("nothing is exposed")?;
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_has_a_name_in_answer_and_log() -> Result<()> {
    let server = Server::builder().config("log.filter", "debug").start().await?;
    let named = web(&server, &[("x-request-id", "build-7"), ("traceparent", TRACE)]).await?;
    assert_eq!(header(&named, "x-request-id"), Some("build-7"));
    let insane = web(&server, &[("x-request-id", "a b\" c")]).await?;
    assert_eq!(header(&insane, "x-request-id").map(str::len), Some(32));
    // A stopped server has logged everything.
    server.sigterm().await?;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("build-7") && line.contains("call ended"));
    let line = line.context("the request is not in the log")?;
    for wanted in [WHO_AM_I, "operator", "4bf92f3577b34da6a3ce929d0e0e4736"] {
        assert!(line.contains(wanted), "{line}");
    }
    Ok(())
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn deadlines_are_kept_for_streams_too() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let mut request = Request::new(WatchEventsRequest::default());
    // In metadata and not by `set_timeout`, which would end the call at the client's side.
    request.metadata_mut().insert("grpc-timeout", "300m".parse()?);
    let mut stream = client.watch_events(request).await?.into_inner();
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        }
    };
    refused(tokio::time::timeout(PATIENCE, end).await?, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let mut request = Request::new(WhoAmIRequest {});
    request.metadata_mut().insert("grpc-timeout", "soon".parse()?);
    refused(client.who_am_i(request).await, Code::InvalidArgument, "BAD_REQUEST");
    Ok(())
}

/// Begins a gRPC-Web call of WhoAmI whose message never comes.
async fn unfinished(server: &Server, timeout: &str) -> Result<TcpStream> {
    let mut tcp = TcpStream::connect(server.address()).await?;
    let request = format!(
        "POST {WHO_AM_I} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: 5\r\nauthorization: Bearer {}\r\nconnection: close\r\n{timeout}\r\n",
        server.address(),
        server.token()?
    );
    tcp.write_all(request.as_bytes()).await?;
    Ok(tcp)
}

async fn answer(mut tcp: TcpStream) -> Result<String> {
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.context("no answer")??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_call_that_has_no_answer_ends_at_its_deadline() -> Result<()> {
    let server = Server::start().await?;
    let said = answer(unfinished(&server, "grpc-timeout: 300m\r\n").await?).await?;
    assert_eq!(header(&said, "grpc-status"), Some("4"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_when_the_server_stops() -> Result<()> {
    let server = Server::builder().config("server.calls_max", 1).start().await?;
    let mut client = server.workspace()?;
    // It has arrived once it takes the only place. A look at that may have had the place just then.
    let waiting = 'arrived: loop {
        let waiting = unfinished(&server, "").await?;
        for _ in 0..100 {
            if client.who_am_i(WhoAmIRequest {}).await.is_err() {
                break 'arrived waiting;
            }
        }
    };
    let stopped = server.sigterm().await;
    let said = answer(waiting).await?;
    stopped?;
    assert_eq!(header(&said, "grpc-status"), Some("14"), "{said}");
    Ok(())
}

#[tokio::test]
async fn calls_and_connections_have_limits() -> Result<()> {
    let server =
        Server::builder().config("server.calls_max", 2).config("server.connections_max", 3).start().await?;
    let mut client = server.workspace()?;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = client.watch_events(WatchEventsRequest::default()).await?.into_inner();
        stream.message().await?;
        streams.push(stream);
    }
    refused(client.who_am_i(WhoAmIRequest {}).await, Code::ResourceExhausted, "SERVER_BUSY");

    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(TcpStream::connect(server.address()).await?);
    }
    let mut refused = TcpStream::connect(server.address()).await?;
    let read = tokio::time::timeout(PATIENCE, refused.read(&mut [0; 1])).await?;
    assert_eq!(read.unwrap_or(0), 0, "a connection too many is closed");
    drop((streams, connections));
    Ok(())
}

#[tokio::test]
async fn a_message_too_large_is_refused_and_nothing_breaks() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.workspace()?;
    let name = "x".repeat(5 << 20);
    let request = mosaic_proto::workspace::v1::CreateTokenRequest { name, ..Default::default() };
    refused(client.create_token(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    client.who_am_i(WhoAmIRequest {}).await?;
    // A browser's, by its length alone; and bytes that are no message.
    let bearer = format!("Bearer {}", server.token()?);
    let headers = [("content-type", "application/grpc-web+proto"), ("authorization", bearer.as_str())];
    for (body, code) in [(&[0, 0, 160, 0, 0][..], "8"), (&[0, 0, 0, 0, 2, 0xff, 0xff][..], "3")] {
        let answer = exchange(&server, "POST", WHO_AM_I, &headers, body).await?;
        assert_eq!((status(&answer), header(&answer, "grpc-status")), ("200", Some(code)), "{answer}");
        assert!(header(&answer, "grpc-status-details-bin").is_some(), "no reason: {answer}");
    }
    Ok(())
}
