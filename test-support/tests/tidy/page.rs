//! The walls of the page in `web/`: who imports whom, how its files open, how long they are.
//!
//! It must not know what they show.

use super::{
    dependencies::allowed,
    source::{Source, files, root},
    text::report,
};

const FILE_LINES_MAX: usize = 400;

/// The folders of `web/src`, and those that each may import beside itself. `layout` puts them together, and gives them
/// what they share: the theme, the view, commands.
const MAY: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("hub", &["api"]),
    ("workspace", &["api", "hub"]),
    ("ui", &["api"]),
    ("chat", FEATURE),
    ("terminal", FEATURE),
    ("agents", FEATURE),
    ("sign-in", FEATURE),
    ("usage", FEATURE),
    ("tokens", FEATURE),
    (
        "layout",
        &["api", "hub", "workspace", "ui", "chat", "terminal", "agents", "sign-in", "usage", "tokens"],
    ),
];
/// Features know what all of them share, and never one another.
const FEATURE: &[&str] = &["api", "hub", "workspace", "ui", "layout"];
/// Features that show another one, through its front door.
const DOORS: &[(&str, &str)] = &[("agents", "../terminal/index.ts")];
/// Where there is no page: they run in a worker, too.
const WITHOUT_REACT: &[&str] = &["api", "hub"];

/// The page's own TypeScript.
fn sources() -> Vec<Source> {
    let typescript = |path: &str| path.ends_with(".ts") || path.ends_with(".tsx");
    let found: Vec<_> = files()
        .into_iter()
        .filter(|file| file.path.starts_with("web/") && typescript(&file.path))
        .filter(|file| !file.path.starts_with("web/src/api/gen/"))
        .collect();
    assert!(found.len() > 3, "only {} files found: the walk is broken", found.len());
    found
}

/// What stands in quotes where something is imported, or where a worker is named, with its line.
fn imports(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(at, line)| {
        let quoted = line.split('"').skip(1).step_by(2);
        let before = line.split('"').step_by(2);
        quoted.zip(before).filter_map(move |(name, before)| {
            let before = before.trim_end();
            let imported = ["from", "import", "import(", "URL("].iter().any(|word| before.ends_with(word));
            imported.then_some((at + 1, name))
        })
    })
}

/// The folder of `web/src` that a relative name leads to; none for what lies in `web/src` itself.
fn folder(path: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    match parts.as_slice() {
        ["web", "src", folder, _, ..] => Some((*folder).to_owned()),
        _ => None,
    }
}

#[test]
fn files_open_with_what_they_own_and_are_short() {
    let mut wrong = Vec::new();
    for Source { path, text } in sources() {
        if !text.starts_with("// ") && !text.starts_with("/* ") && !text.starts_with("/** ") {
            wrong.push(format!("{path}: opens without a comment"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{path}: {lines} lines"));
        }
    }
    report(
        &format!("a file of the page opens with what it owns, and has at most {FILE_LINES_MAX} lines"),
        &wrong,
    );
}

#[test]
fn folders_import_only_whom_they_may() {
    let mut wrong = Vec::new();
    for Source { path, text } in sources() {
        let Some(own) = path.strip_prefix("web/src/").and_then(|inside| inside.split_once('/')) else {
            continue;
        };
        let Some((own, may)) = MAY.iter().find(|(folder, _)| *folder == own.0) else {
            wrong.push(format!("{path}: nobody says whom {} may import", own.0));
            continue;
        };
        for (line, name) in imports(&text) {
            if name.starts_with("node:") {
                wrong.push(format!("{path}:{line}: a browser has no {name}"));
            }
            let react = ["react", "@base-ui"].iter().any(|word| name.starts_with(word));
            if react && WITHOUT_REACT.contains(own) {
                wrong.push(format!("{path}:{line}: {own} runs in a worker, too, and has no {name}"));
            }
            if let Some(other) = folder(&path, name).filter(|_| name.starts_with('.'))
                && other != **own
                && !may.contains(&other.as_str())
                && !DOORS.contains(&(*own, name))
            {
                wrong.push(format!("{path}:{line}: {own} imports {other}"));
            }
        }
    }
    report("these folders of web/src import somebody whom they must not", &wrong);
}

#[test]
fn imports_are_seen() {
    let text = "import { a } from \"../ui/index.ts\";\nimport \"./x.css\";\nconst b = await import(\"node:fs\");\n\
                new Worker(new URL(\"./worker.ts\", import.meta.url));\nconst text = \"../chat/x.ts\";\n";
    let all: Vec<_> = imports(text).collect();
    assert_eq!(all, [(1, "../ui/index.ts"), (2, "./x.css"), (3, "node:fs"), (4, "./worker.ts")]);
    assert_eq!(folder("web/src/chat/a.ts", "../ui/index.ts").as_deref(), Some("ui"));
    assert_eq!(folder("web/src/chat/deep/a.ts", "../b.ts").as_deref(), Some("chat"));
    assert_eq!(folder("web/src/main.tsx", "./layout/App.tsx").as_deref(), Some("layout"));
    assert_eq!(folder("web/src/chat/a.ts", "../main.tsx"), None);
}

/// The packages of npm that the lock file names, by where they go.
fn packages() -> serde_json::Map<String, serde_json::Value> {
    let text = std::fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
    lock["packages"].as_object().unwrap().clone()
}

#[test]
fn licences_of_what_browsers_get_go_together_with_ours() {
    let wrong: Vec<_> = packages()
        .into_iter()
        .filter(|(_, package)| package["dev"] != true && !package["license"].as_str().is_some_and(allowed))
        .map(|(path, package)| format!("{path}: {}", package["license"]))
        .collect();
    report("what is built into the page must have a licence that goes together with Apache-2.0", &wrong);
}

/// `npm ci` refuses a lock file that leaves out the packages of other platforms, which some mirrors do not have.
#[test]
fn the_lock_file_has_every_platform() {
    let packages = packages();
    let mut wrong = Vec::new();
    for (path, package) in &packages {
        for name in package["optionalDependencies"].as_object().into_iter().flat_map(|all| all.keys()) {
            if !packages.keys().any(|key| key.ends_with(&format!("node_modules/{name}"))) {
                wrong.push(format!("{path}: {name}"));
            }
        }
    }
    report("web/package-lock.json leaves out what these may need", &wrong);
}
