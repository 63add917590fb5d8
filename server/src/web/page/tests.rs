//! What browsers get: forms, caches, headers, and nothing that is not the page's.
//!
//! It must not need a page that was built.

use super::*;

static PAGE: &[File] = &[
    File {
        path: "/assets/a-1.js",
        etag: "W/\"1\"",
        plain: b"plain",
        brotli: Some(b"br"),
        gzip: Some(b"gzip"),
    },
    File { path: "/assets/b-2.png", etag: "W/\"2\"", plain: b"png", brotli: None, gzip: None },
    File { path: "/index.html", etag: "W/\"3\"", plain: b"<html>", brotli: Some(b"br"), gzip: None },
];

fn ask(files: &'static [File], method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    respond_with(files, &request.body(()).unwrap())
}

fn get(path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    ask(PAGE, Method::GET, path, headers)
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn body(response: Response<Body>) -> bytes::Bytes {
    http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes()
}

#[test]
fn without_a_page_there_is_a_small_one() {
    let status = |method, path| ask(&[], method, path, &[]).status();
    assert_eq!(status(Method::GET, "/"), StatusCode::OK);
    assert_eq!(status(Method::HEAD, "/"), StatusCode::OK);
    assert_eq!(status(Method::POST, "/"), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(status(Method::GET, "/index.html"), StatusCode::NOT_FOUND);
    assert!(!SMALL.contains("<script") && SMALL.contains("npm run build"));
    assert_eq!(header(&ask(&[], Method::GET, "/", &[]), "cache-control"), Some("no-store"));
}

#[tokio::test]
async fn each_file_is_sent_in_the_form_that_was_asked_for() {
    for (path, accepted, coding, content) in [
        ("/assets/a-1.js", "gzip, br", Some("br"), "br"),
        ("/assets/a-1.js", "gzip, br;q=0", Some("gzip"), "gzip"),
        ("/assets/a-1.js", "zstd", None, "plain"),
        ("/assets/b-2.png", "gzip, br", None, "png"),
        ("/", "br", Some("br"), "br"),
        ("/?x=1", "gzip", None, "<html>"),
        ("/index.html", "identity", None, "<html>"),
    ] {
        let response = get(path, &[("accept-encoding", accepted)]);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-encoding"), coding, "{path} {accepted}");
        assert_eq!(header(&response, "content-length"), Some(content.len().to_string().as_str()));
        let varies = (path != "/assets/b-2.png").then_some("accept-encoding");
        assert_eq!(header(&response, "vary"), varies, "{path} {accepted}");
        assert_eq!(body(response).await, content, "{path} {accepted}");
    }
}

#[test]
fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again() {
    let script = get("/assets/a-1.js", &[]);
    assert_eq!(header(&script, "cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(header(&script, "content-type"), Some("text/javascript; charset=utf-8"));
    let page = get("/", &[]);
    assert_eq!(header(&page, "cache-control"), Some("no-cache"));
    assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
    let etag = header(&page, "etag").unwrap();
    for (tags, status) in [(etag, 304), ("\"3\"", 304), ("\"0\", W/\"3\"", 304), ("*", 304), ("\"30\"", 200)]
    {
        let again = get("/", &[("if-none-match", tags)]);
        assert_eq!(again.status(), status, "{tags}");
        assert_eq!((header(&again, "etag"), header(&again, "cache-control")), (Some(etag), Some("no-cache")));
        assert_eq!(header(&again, "vary"), Some("accept-encoding"));
        assert_eq!(header(&again, "content-length").is_none(), status == 304);
    }
}

#[test]
fn nothing_comes_from_elsewhere_and_nobody_frames_it() {
    for path in ["/", "/assets/a-1.js", "/assets/b-2.png"] {
        let response = get(path, &[]);
        let policy = header(&response, "content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(
            !policy.contains("http") && !policy.contains("unsafe-eval") && !policy.contains("  "),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{path}");
        }
        assert!(header(&response, "permissions-policy").unwrap().contains("clipboard-write=(self)"));
    }
}

#[tokio::test]
async fn only_what_was_built_is_there_and_only_to_be_read() {
    for path in [
        "/nothing",
        "/assets/",
        "/assets/a-2.js",
        "/assets/a-1.js/",
        "/assets/a-1.js.br",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/..%2f..%2fetc%2fpasswd",
        "//index.html",
        "/%2findex.html",
        "/index.html%00",
        "/INDEX.HTML",
    ] {
        assert_eq!(get(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(ask(PAGE, Method::POST, path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/", "/index.html", "/assets/a-1.js"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE] {
            let refused = ask(PAGE, method, path, &[]);
            assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, Some("GET, HEAD")));
        }
        let (head, whole) = (ask(PAGE, Method::HEAD, path, &[]), get(path, &[]));
        assert_eq!(head.headers(), whole.headers());
        assert!(body(head).await.is_empty());
    }
}
