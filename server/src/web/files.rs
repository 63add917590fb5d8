//! The files of the page, in the server since it was built, and which form of each a browser takes.
//!
//! It reads nothing from disk, and knows nothing about requests.

use http::HeaderValue;

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    /// How a browser asks for it: with a `/` at the beginning.
    pub(super) path: &'static str,
    /// Names its content, in whatever form.
    pub(super) etag: &'static str,
    pub(super) plain: &'static [u8],
    pub(super) brotli: Option<&'static [u8]>,
    pub(super) gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// One with this path among them, which are sorted.
pub(super) fn find<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    files.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| files.get(at))
}

impl File {
    /// What it is, by its name.
    pub(super) fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" | "map" => "application/json",
            "webmanifest" => "application/manifest+json",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "woff2" => "font/woff2",
            "wasm" => "application/wasm",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// Its name has a hash of its content: what is there once never changes.
    pub(super) fn is_hashed(&self) -> bool {
        self.path.starts_with("/assets/")
    }

    /// It exists in other forms than the plain one.
    pub(super) fn varies(&self) -> bool {
        self.brotli.is_some() || self.gzip.is_some()
    }

    /// The form that these values of `accept-encoding` like best, and its name; none for the plain one.
    pub(super) fn form(&self, accepted: &[&HeaderValue]) -> (&'static [u8], Option<&'static str>) {
        let forms = [("br", self.brotli), ("gzip", self.gzip)];
        let mut best = (self.plain, None, weight(accepted, "identity").unwrap_or_default());
        for (name, bytes) in forms {
            let weight = weight(accepted, name).or_else(|| weight(accepted, "*")).unwrap_or_default();
            // The first of equals is the smallest.
            let better = weight > best.2 || best.1.is_none() && weight == best.2 && weight > 0;
            if let Some(bytes) = bytes.filter(|_| better) {
                best = (bytes, Some(name), weight);
            }
        }
        (best.0, best.1)
    }
}

/// How much a coding is liked, in thousandths; absent: it is not named.
fn weight(accepted: &[&HeaderValue], coding: &str) -> Option<u16> {
    let lists = accepted.iter().filter_map(|value| value.to_str().ok());
    for one in lists.flat_map(|list| list.split(',')) {
        let mut parts = one.split(';').map(str::trim);
        if !parts.next().unwrap_or_default().eq_ignore_ascii_case(coding) {
            continue;
        }
        let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // What cannot be read is not wanted.
        let q = q.map_or(1.0, |q| q.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        return Some((q * 1000.0).round() as u16);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: File =
        File { path: "/a.js", etag: "", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gz") };

    fn form(file: &File, accepted: &[&str]) -> Option<&'static str> {
        let values: Vec<_> = accepted.iter().map(|text| HeaderValue::from_str(text).unwrap()).collect();
        file.form(&values.iter().collect::<Vec<_>>()).1
    }

    #[test]
    fn a_browser_gets_the_form_that_it_likes_best() {
        for (accepted, wanted) in [
            (&["gzip, deflate, br, zstd"][..], Some("br")),
            (&["gzip"], Some("gzip")),
            (&["GZIP"], Some("gzip")),
            (&["br;q=0, gzip"], Some("gzip")),
            (&["br;q=0.5, gzip;q=0.8"], Some("gzip")),
            (&["br; q=0.5", "gzip ;q=0.4"], Some("br")),
            (&["*"], Some("br")),
            (&["*;q=0.1, br;q=0"], Some("gzip")),
            (&["*;q=0"], None),
            (&["gzip;q=0"], None),
            (&["gzip;q=0.000"], None),
            (&["identity, gzip;q=0.5"], None),
            (&["identity;q=0.5, gzip;q=1"], Some("gzip")),
            (&["deflate"], None),
            (&["brotli, gzipped"], None),
            (&["gzip;q=high"], None),
            (&["gzip;q=NaN"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(form(&ALL, accepted), wanted, "{accepted:?}");
        }
        assert_eq!(form(&File { brotli: None, ..ALL }, &["br, gzip"]), Some("gzip"));
        assert_eq!(form(&File { brotli: None, gzip: None, ..ALL }, &["br, gzip"]), None);
    }

    #[test]
    fn what_is_built_in_is_sorted_and_has_a_beginning() {
        assert!(FILES.is_sorted_by_key(|file| file.path));
        assert_eq!(FILES.is_empty(), find(FILES, "/index.html").is_none());
        for file in FILES {
            assert!(file.content_type() != "application/octet-stream", "{} has no type", file.path);
            assert_eq!(find(FILES, file.path).map(|found| found.etag), Some(file.etag));
        }
    }
}
