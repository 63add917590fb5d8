//! What a browser or `curl` gets that speaks no gRPC: a small page at `/`, and 404.
//!
//! It knows nothing about the services.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;

const PAGE: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mosaic</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
pre { padding: .75rem; overflow-x: auto; border: 1px solid; border-radius: .25rem }
</style>
<h1>Mosaic "#,
    env!("CARGO_PKG_VERSION"),
    r#"</h1>
<p>This server runs real terminals that outlive their clients and the server itself. It speaks gRPC and
gRPC-Web on this port; every call but health and reflection needs a token.</p>
<h2>Connect</h2>
<p>With the command line, on the machine of the server, which finds address and token by itself:</p>
<pre>mosaic status
mosaic term new</pre>
<p>With grpcurl, after <code>eval "$(mosaic env)"</code> (<code>-plaintext</code> only without TLS):</p>
<pre>grpcurl -plaintext -expand-headers -H 'authorization: Bearer ${MOSAIC_TOKEN}' \
  HOST:PORT mosaic.workspace.v1.WorkspaceService/WhoAmI</pre>
<p>The methods and what they promise: <code>grpcurl -plaintext HOST:PORT describe</code>.</p>
</html>
"#
);

/// The page needs nothing but its own style; nobody may frame it or keep it.
const HEADERS: [(header::HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Answers a request that is not gRPC.
pub(super) fn respond<B>(request: &Request<B>) -> Response<Body> {
    if request.uri().path() != "/" {
        let text = "nothing here: this server speaks gRPC and gRPC-Web, and has a page at /\n";
        return plain(StatusCode::NOT_FOUND, text);
    }
    match *request.method() {
        Method::GET => page(Body::new(http_body_util::Full::from(PAGE))),
        Method::HEAD => page(Body::empty()),
        _ => {
            let text = "the page is there to be read with GET; gRPC has `content-type: application/grpc`\n";
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, text);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
    }
}

/// A line of text with a status.
pub(super) fn plain(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::new(text.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, path: &str) -> StatusCode {
        respond(&Request::builder().method(method).uri(path).body(()).unwrap()).status()
    }

    #[test]
    fn there_is_one_page() {
        assert_eq!(status(Method::GET, "/"), StatusCode::OK);
        assert_eq!(status(Method::HEAD, "/"), StatusCode::OK);
        assert_eq!(status(Method::POST, "/"), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(status(Method::GET, "/index.html"), StatusCode::NOT_FOUND);
        assert!(!PAGE.contains("<script"));
    }
}
