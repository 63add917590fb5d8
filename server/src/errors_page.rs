//! Keeps `docs/errors.md` the same as the table of reasons.
//!
//! It knows nothing but the table; `MOSAIC_BLESS=1` writes the page anew.

use std::{env, fmt::Write, fs, path::Path};

use crate::error::Reason;

const HEAD: &str = "\
# Errors

Every error is a gRPC status with a `google.rpc.ErrorInfo` whose domain is `mosaic` and whose reason is
one of these. Branch on the reason: it never changes its meaning; messages are for people. Bad requests
also carry `google.rpc.BadRequest` with field paths, quotas `google.rpc.QuotaFailure` with the setting,
and `UNAVAILABLE` `google.rpc.RetryInfo`; only `UNAVAILABLE` invites an automatic retry.

This page is generated from the server's table: `MOSAIC_BLESS=1 cargo test -p mosaic-server errors_page`.

| reason | code | meaning |
|---|---|---|
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for reason in Reason::ALL {
        let code = crate::web::code_name(reason.code());
        let line = writeln!(page, "| `{}` | `{code}` | {} |", reason.as_str(), reason.meaning());
        line.unwrap();
    }
    page
}

#[test]
fn the_page_lists_every_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    if env::var_os("MOSAIC_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/errors.md differs from the table: run MOSAIC_BLESS=1 cargo test -p mosaic-server errors_page"
    );
}

#[test]
fn no_reason_stands_for_two_things() {
    let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
}
