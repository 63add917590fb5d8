//! Who may know whom inside the server, and which words stay in which files.
//!
//! It must not know what the modules do.

use super::{
    source::{Source, code, rust, words},
    text::{report, without_tests},
};

/// Something that may be named only in certain files.
struct Wall {
    /// The first part of a path, or a whole word: it also stands for all that begins with it and `_`.
    word: &'static str,
    /// Where the rule holds.
    within: &'static str,
    /// Files (or, with a `/` at the end, folders) that may; a `*/` stands for any service.
    except: &'static [&'static str],
    why: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        word: "tonic",
        within: "server/src/",
        except: &["*/grpc.rs", "*/grpc/", "error.rs", "auth/", "lib.rs", "web/"],
        why: "the transport stops at grpc.rs: rules that know no gRPC can be tested and reused without it",
    },
    Wall {
        word: "tokio_postgres",
        within: "server/src/",
        except: &["*/store.rs", "*/store/", "db/", "error.rs"],
        why: "SQL lives in store.rs and db/: whoever changes the schema finds all of its users there",
    },
    Wall {
        word: "reqwest",
        within: "server/src/",
        except: &["chat/provider/"],
        why: "who asks a server outside is in one place: proxies, authorities, redirects and keys are settled there",
    },
    Wall {
        word: "portable_pty",
        within: "server/src/",
        except: &["keeper/", "terminal/io.rs"],
        why: "only the keeper makes PTYs",
    },
    Wall {
        word: "unsafe",
        within: "",
        except: &[
            "server/src/keeper/",
            "server/src/boot/privilege.rs",
            "server/src/terminal/io.rs",
            "server/src/boot/privilege.rs",
            "server/src/postgres/process.rs",
        ],
        why: "unsafe code is where a reader expects it, with its reason",
    },
];

#[test]
fn words_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        let code = code(&text);
        for wall in WALLS {
            let Some(inside) = path.strip_prefix(wall.within) else { continue };
            if wall.except.iter().any(|except| covers(except, inside)) {
                continue;
            }
            let named = words(&code).find(|(_, word)| {
                let first = word.split("::").find(|part| !part.is_empty()).unwrap_or_default();
                first == wall.word || first.strip_prefix(wall.word).is_some_and(|rest| rest.starts_with('_'))
            });
            if let Some((line, _)) = named {
                wrong.push(format!("{path}:{line}: `{}` ({})", wall.word, wall.why));
            }
        }
    }
    report("these words stand outside of their walls", &wrong);
}

/// True if the exception names this path.
fn covers(except: &str, path: &str) -> bool {
    let (except, path) = match except.strip_prefix("*/") {
        Some(except) => match path.split_once('/') {
            Some((_, inside)) => (except, inside),
            None => return false,
        },
        None => (except, path),
    };
    path == except || (except.ends_with('/') && path.starts_with(except))
}

/// A module of the server and the modules of the server that it must not name.
const STRANGERS: &[(&str, &[&str], &str)] = &[
    (
        "keeper/",
        &["auth", "chat", "config", "db", "log", "postgres", "terminal", "usage", "web", "workspace"],
        "the keeper is small and knows no server",
    ),
    (
        "log/",
        &["auth", "chat", "db", "keeper", "postgres", "terminal", "usage", "web", "workspace"],
        "a log never knows who reads or writes it",
    ),
    (
        "config/",
        &["auth", "chat", "db", "keeper", "log", "postgres", "terminal", "usage", "web", "workspace"],
        "settings know no user",
    ),
    (
        "db/",
        &["auth", "chat", "keeper", "log", "terminal", "usage", "web", "workspace"],
        "the database layer knows no service",
    ),
    (
        "postgres/",
        &["auth", "chat", "keeper", "log", "terminal", "usage", "web", "workspace"],
        "it runs a program, no more",
    ),
    (
        "terminal/",
        &["chat", "usage", "web", "postgres"],
        "services are called, they do not call the front door",
    ),
    ("chat/", &["keeper", "postgres", "terminal", "web"], "conversations know nothing of terminals"),
    (
        "chat/provider/",
        &["auth", "db", "ids", "log", "usage", "workspace"],
        "who asks a model server knows nothing of who wants to know, and of where answers go",
    ),
    (
        "orchestrator/worktree/",
        &["auth", "chat", "config", "db", "keeper", "log", "postgres", "usage", "web", "workspace"],
        "worktrees know git, and who runs it for them",
    ),
    (
        "usage/",
        &["auth", "keeper", "log", "postgres", "terminal", "web", "workspace"],
        "counts know nothing of who counts",
    ),
    ("workspace/", &["web", "postgres", "keeper", "log"], "workspaces know nothing of processes and bytes"),
    (
        "ids.rs",
        &["auth", "chat", "config", "db", "keeper", "log", "terminal", "usage", "web", "workspace"],
        "ids know nothing",
    ),
];

#[test]
fn modules_know_only_whom_they_may() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        let Some(inside) = path.strip_prefix("server/src/") else { continue };
        // What a test brings along does not bind the module.
        let code = code(&text);
        let code = without_tests(&code);
        for (module, strangers, why) in STRANGERS.iter().filter(|(module, ..)| inside.starts_with(module)) {
            for (line, name) in named_modules(code) {
                if strangers.contains(&name.as_str()) {
                    wrong.push(format!("{path}:{line}: {module} names crate::{name} ({why})"));
                }
            }
        }
        // Domain and store never look up to the handlers.
        let service = inside.starts_with("terminal/") || inside.starts_with("workspace/");
        let domain = inside.starts_with("chat/") && !inside.starts_with("chat/grpc/");
        let lower = domain || service && (inside.ends_with("/mod.rs") || inside.ends_with("/store.rs"));
        if lower && let Some((line, _)) = words(code).find(|(_, word)| word.contains("grpc::")) {
            wrong.push(format!("{path}:{line}: names grpc (handlers call the domain, never the other way)"));
        }
    }
    report("these modules know somebody whom they must not", &wrong);
}

/// A service and another one that it calls, through its front door: what its `mod.rs` offers, and not its rooms. The
/// handlers may use the other's handlers, to show the same thing in the same way.
const DOORS: &[(&str, &str)] = &[("chat/", "orchestrator"), ("orchestrator/", "terminal")];

#[test]
fn services_call_one_another_through_the_front_door() {
    let sources = rust();
    let mut wrong = Vec::new();
    for (caller, called) in DOORS {
        let folder = format!("server/src/{called}/");
        let rooms: Vec<&str> = sources
            .iter()
            .filter_map(|source| source.path.strip_prefix(&folder))
            .map(|inside| inside.split(['/', '.']).next().unwrap_or_default())
            .collect();
        for Source { path, text } in &sources {
            let Some(inside) = path.strip_prefix("server/src/").and_then(|path| path.strip_prefix(caller))
            else {
                continue;
            };
            let code = code(text);
            for (line, names) in paths(without_tests(&code)) {
                let [first, room, ..] = names.as_slice() else { continue };
                let shown = room == "grpc" && inside.starts_with("grpc");
                if first == called && rooms.contains(&room.as_str()) && !shown {
                    wrong.push(format!(
                        "{path}:{line}: crate::{called}::{room} (name what its mod.rs offers)"
                    ));
                }
            }
        }
    }
    report("these look into another service's rooms", &wrong);
}

/// All paths that begin with `crate::`, braces taken apart, with their lines.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].lines().count();
        let mut all = Vec::new();
        tree(&mut &code[at + "crate::".len()..], &[], &mut all);
        found.extend(all.into_iter().map(|path| (line, path)));
    }
    found
}

/// Takes a tree of paths off the beginning of a text.
fn tree(rest: &mut &str, before: &[String], found: &mut Vec<Vec<String>>) {
    if let Some(list) = rest.strip_prefix('{') {
        *rest = list;
        loop {
            *rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if rest.is_empty() || rest.starts_with('}') {
                *rest = rest.get(1..).unwrap_or_default();
                return;
            }
            tree(rest, before, found);
            // What stands behind a path: `as other`.
            *rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let path = [before, &[rest[..end].to_owned()]].concat();
    *rest = &rest[end..];
    match rest.strip_prefix("::") {
        Some(more) => {
            *rest = more;
            tree(rest, &path, found);
        }
        None => found.push(path),
    }
}

#[test]
fn trees_of_paths_are_taken_apart() {
    let all: Vec<_> = paths("use crate::{a::{B, c::D as E}, f,\n g::*}; crate::h::i(j)")
        .into_iter()
        .map(|(_, path)| path.join("::"))
        .collect();
    assert_eq!(all, ["a::B", "a::c::D", "f", "g::", "h::i"]);
}

/// The modules that follow `crate::`, alone or in braces, with their lines.
fn named_modules(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].lines().count();
        let after = &code[at + "crate::".len()..];
        let name =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match after.strip_prefix('{') {
            None => found.push((line, name(after))),
            Some(list) => {
                let mut depth = 0_i32;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.push((line, name(&list[at..])));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

#[test]
fn paths_in_braces_are_seen() {
    let names: Vec<_> = named_modules("use crate::{auth::{A, B}, db,\n log::C}; crate::ids::X;")
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, ["auth", "db", "log", "ids"]);
    assert!(covers("*/grpc.rs", "terminal/grpc.rs") && !covers("*/grpc.rs", "grpc.rs"));
    assert!(covers("auth/", "auth/mod.rs") && !covers("auth/", "authority.rs"));
}

#[test]
fn clients_call_nothing_that_only_linux_has() {
    let mut wrong = Vec::new();
    for Source { path, text } in rust() {
        let product = path.starts_with("cli/src/") || path.starts_with("client-sdk/src/");
        if product && (code(&text).contains("os::linux") || text.contains("\"/proc/")) {
            wrong.push(path);
        }
    }
    report("SDK and CLI build on every Unix", &wrong);
}
