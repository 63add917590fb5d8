//! What a browser or `curl` gets that speaks no gRPC: the page's files, else a small page at `/`, and 404.
//!
//! It knows nothing about the services. Only `/` is HTML: what the page shows is named behind the `#`, which never
//! reaches the server.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tonic::body::Body;

use super::files::{self, FILES, File};

/// Where no page is built in.
const SMALL: &str = concat!(
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
<h2>The page</h2>
<p>Chat, terminals and agents in the browser are not built into this server. With Node.js 20.19 or newer, where its
source is:</p>
<pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build</pre>
<p>Then build the server again; <code>./run</code> does all of it.</p>
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

/// The only way to the page's own parts is this server; nobody may frame it.
const SMALL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// No script of the page is inline and nothing comes from elsewhere. Styles may be inline: terminals are drawn with them.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; font-src 'self'; style-src 'self' 'unsafe-inline'; manifest-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// What the page never asks for; the clipboard it does.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), \
     clipboard-read=(self), clipboard-write=(self)";

const KEPT_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// True if the page is built in.
pub fn is_built_in() -> bool {
    !FILES.is_empty()
}

/// Answers a request that is not gRPC.
pub(super) fn respond<B>(request: &Request<B>) -> Response<Body> {
    respond_with(FILES, request)
}

fn respond_with<B>(files: &'static [File], request: &Request<B>) -> Response<Body> {
    let path = request.uri().path();
    let file = files::find(files, if path == "/" { "/index.html" } else { path });
    if file.is_none() && (path != "/" || !files.is_empty()) {
        let text = "nothing here: this server speaks gRPC and gRPC-Web, and has a page at /\n";
        return plain(StatusCode::NOT_FOUND, text);
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let text = "the page is there to be read with GET; gRPC has `content-type: application/grpc`\n";
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, text);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let response = match file {
        Some(file) => send(file, request.headers()),
        None => small(),
    };
    if request.method() == Method::HEAD { response.map(|_| Body::empty()) } else { response }
}

/// A line of text with a status.
pub(super) fn plain(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(text.into())));
    *response.status_mut() = status;
    let about = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    put(&mut response, &about);
    response
}

/// The page where none is built in.
fn small() -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(SMALL)));
    let about = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, SMALL_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    put(&mut response, &about);
    response
}

/// A file of the page, or that the browser has it already.
fn send(file: &'static File, asked: &HeaderMap) -> Response<Body> {
    let (bytes, coding) = file.form(&asked.get_all(header::ACCEPT_ENCODING).iter().collect::<Vec<_>>());
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, file.etag));
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::new(Full::from(bytes)));
        put(&mut response, &[(header::CONTENT_TYPE, file.content_type())]);
        // Also for HEAD, which has no body to count.
        response.headers_mut().insert(header::CONTENT_LENGTH, bytes.len().into());
        put(&mut response, coding.map(|coding| (header::CONTENT_ENCODING, coding)).as_slice());
        response
    };
    let about = [
        (header::ETAG, file.etag),
        (header::CACHE_CONTROL, if file.is_hashed() { KEPT_FOR_EVER } else { "no-cache" }),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ];
    put(&mut response, &about);
    if file.varies() {
        put(&mut response, &[(header::VARY, "accept-encoding")]);
    }
    response
}

/// True if `if-none-match` names this tag.
fn names(tags: &HeaderValue, etag: &str) -> bool {
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag.trim_start_matches("W/");
    tags.to_str().is_ok_and(|tags| tags.split(',').map(str::trim).any(same))
}

/// Puts headers into an answer, beside those that every answer has.
fn put(response: &mut Response<Body>, headers: &[(HeaderName, &'static str)]) {
    let always = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "no-referrer")];
    for (name, value) in headers.iter().chain(&always) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
