//! Rules for what the crates build on: licences, versions, bans, and who may depend on whom.
//!
//! It must not know what the dependencies do.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use super::{source::root, text::report};

/// Licences under which a dependency may stand: all of them go together with Apache-2.0.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that must not come in, and why.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "TLS is rustls: no C library that a fresh machine must have"),
    ("openssl-sys", "TLS is rustls: no C library that a fresh machine must have"),
    ("native-tls", "TLS is rustls: no C library that a fresh machine must have"),
    ("aws-lc-rs", "rustls runs on ring: the other one needs cmake"),
    ("async-std", "one runtime: tokio"),
    ("diesel", "one database client: tokio-postgres"),
    ("sqlx", "one database client: tokio-postgres"),
];

/// Crates that are there in several versions, each with who keeps the old one. A line that is no longer true fails.
const DUPLICATES: &[(&str, &str)] = &[
    (
        "base64",
        "0.13 by tokenizers' spm_precompiled; 0.22 by tonic, tonic-web, postgres-protocol, prost-reflect and reqwest",
    ),
    ("bit-set", "0.8 by tokenizers' fancy-regex"),
    ("bit-vec", "0.8 by that bit-set; 0.9 by rcgen's yasna, in tests"),
    ("cfg_aliases", "0.1 by portable-pty's nix"),
    ("foldhash", "0.1 by petgraph's hashbrown, for building the protos"),
    ("getrandom", "0.2 by ring, 0.3 by tokenizers, and by metrics' and candle's rand"),
    ("hashbrown", "0.15 by petgraph, for building the protos; 0.16 by metrics-util and safetensors"),
    ("itertools", "0.14 by prost-build and tokenizers"),
    ("nix", "0.28 by portable-pty"),
    ("rand", "0.9 by metrics-util, candle and tokenizers"),
    ("rand_core", "0.9 by their rand"),
    ("syn", "2 by the derives that have not moved to 3"),
    ("synstructure", "0.13 by rcgen's asn1-rs, in tests"),
    ("thiserror", "1 by portable-pty's filedescriptor"),
    ("thiserror-impl", "1 by portable-pty's filedescriptor"),
    ("tower-http", "0.6 by reqwest"),
    ("unicode-width", "0.1 by protox's error reports"),
];

/// Which of our crates each of our crates builds on, tests aside.
const OURS: &[(&str, &[&str])] = &[
    // The queue alone, without what it starts, can only be measured by the server's own functions.
    ("bench", &["mosaic-client", "mosaic-proto", "mosaic-server", "test-support"]),
    ("mosaic-cli", &["mosaic-client", "mosaic-proto"]),
    ("mosaic-client", &["mosaic-proto"]),
    ("mosaic-examples", &["mosaic-client", "mosaic-proto"]),
    ("mosaic-local-model", &[]),
    ("mosaic-proto", &[]),
    ("mosaic-server", &["mosaic-proto"]),
    ("test-support", &["mosaic-proto"]),
];

/// What is compiled for the machine this runs on.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host()])
        .exec()
        .unwrap()
}

fn host() -> String {
    let output = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// The packages that are built: the resolved graph, not all that a lock file mentions.
fn built(metadata: &Metadata) -> Vec<&cargo_metadata::Package> {
    let used: BTreeSet<_> = metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| &node.id).collect();
    metadata.packages.iter().filter(|package| used.contains(&package.id)).collect()
}

/// True if an SPDX expression can be met with allowed licences alone.
pub(crate) fn allowed(expression: &str) -> bool {
    // `/` is how older crates write OR. Every alternative may be several licences at once.
    expression.replace('/', " OR ").split(" OR ").any(|alternative| {
        alternative
            .split(" AND ")
            .all(|licence| LICENCES.contains(&licence.trim().trim_matches(|c| c == '(' || c == ')')))
    })
}

#[test]
fn licences_go_together_with_ours() {
    let metadata = metadata();
    let wrong: Vec<_> = built(&metadata)
        .into_iter()
        .filter(|package| !package.license.as_deref().is_some_and(allowed))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    report("a dependency's licence must be one that goes together with Apache-2.0", &wrong);
    assert!(
        allowed("MIT AND (BSD-3-Clause OR GPL-3.0)") && !allowed("GPL-3.0") && !allowed("MIT AND GPL-3.0")
    );
}

#[test]
fn banned_crates_stay_out() {
    let metadata = metadata();
    let wrong: Vec<_> = built(&metadata)
        .into_iter()
        .filter_map(|package| {
            let (_, why) = BANNED.iter().find(|(name, _)| *name == package.name.as_str())?;
            Some(format!("{}: {why}", package.name))
        })
        .collect();
    report("these crates must not come in", &wrong);
}

#[test]
fn one_version_of_each_crate() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in built(&metadata) {
        versions.entry(package.name.as_str()).or_default().insert(package.version.to_string());
    }
    let several: BTreeMap<_, _> = versions.into_iter().filter(|(_, versions)| versions.len() > 1).collect();
    let mut wrong: Vec<_> = several
        .iter()
        .filter(|(name, _)| !DUPLICATES.iter().any(|(known, _)| known == *name))
        .map(|(name, versions)| format!("{name}: {versions:?}"))
        .collect();
    wrong.extend(
        DUPLICATES
            .iter()
            .filter(|(name, _)| !several.contains_key(name))
            .map(|(name, _)| format!("{name}: there is one version now; delete its line")),
    );
    report("a crate in two versions is compiled, audited and loaded twice", &wrong);
}

#[test]
fn our_crates_know_only_whom_they_may() {
    let metadata = metadata();
    let ours: BTreeSet<_> = OURS.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let Some((_, known)) = OURS.iter().find(|(name, _)| *name == package.name.as_str()) else {
            wrong.push(format!("{}: a crate without a line in this test", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|one| one.kind != DependencyKind::Development) {
            let name = dependency.name.as_str();
            if ours.contains(name) && !known.contains(&name) {
                wrong.push(format!("{} builds on {name}", package.name));
            }
        }
    }
    report("cli, examples -> client-sdk -> proto <- server", &wrong);
}
