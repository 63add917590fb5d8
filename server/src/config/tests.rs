//! The layers, one over the other, and what is said about a mistake in each.
//!
//! It never touches the environment of the process.

use std::{fs, io::Write as _};

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn sources(
    file: Option<&Path>,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
) -> Sources {
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    variables.push(("HOME".into(), "/home/somebody".into()));
    let flags = flags.iter().map(|(name, key, value)| Flag { name, key, value: (*value).to_owned() });
    Sources { file: file.map(Path::to_owned), variables, flags: flags.collect(), root: false }
}

fn with_file(text: &str) -> Result<Config, Error> {
    Config::load(&sources(Some(file(text).path()), &[], &[]))
}

fn with_variable(name: &str, value: &str) -> Result<Config, Error> {
    Config::load(&sources(None, &[(name, value)], &[]))
}

#[track_caller]
fn assert_refused(loaded: Result<Config, Error>, parts: &[&str]) {
    let text = loaded.expect_err("it was taken").to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
}

#[test]
fn the_reference_is_the_default() {
    let config = Config::load(&sources(None, &[], &[])).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.server.admin_listen, None);
    assert!(config.database.url.is_none());
    assert_eq!(config.terminal.output_log_bytes_max, 16 << 20);
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.data.dir, Path::new("/home/somebody/.local/share/mosaic"));
    assert_eq!(config.data.run_dir, Path::new("/home/somebody/.local/share/mosaic/run"));
}

#[test]
fn every_setting_of_the_reference_is_explained() {
    let mut explained = false;
    for line in REFERENCE.lines().filter(|line| !line.starts_with('[')) {
        let key = line.split_once(" = ").filter(|_| !line.starts_with('#'));
        // A comment may stand for the settings right below it.
        assert!(key.is_none() || explained, "no comment above {line:?}");
        explained = line.starts_with('#') || (key.is_some() && explained);
    }
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_reference() {
    let file = file("[terminal]\nsegment_bytes = 65536\nreorder_wait_ms = 1\nclose_grace_ms = 1\n");
    let variables = [("MOSAIC_TERMINAL_REORDER_WAIT_MS", "2"), ("MOSAIC_TERMINAL_CLOSE_GRACE_MS", "2")];
    let flags = [("--grace", "terminal.close_grace_ms", "3")];
    let terminal = Config::load(&sources(Some(file.path()), &variables, &flags)).unwrap().terminal;
    assert_eq!(terminal.straggler_wait_ms, 250);
    assert_eq!(terminal.segment_bytes, 65536);
    assert_eq!(terminal.reorder_wait_ms, 2);
    assert_eq!(terminal.close_grace_ms, 3);
}

#[test]
fn the_file_is_found_where_it_is_usual_or_named() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("mosaic")).unwrap();
    fs::write(home.path().join("mosaic/mosaic.toml"), "[server]\ndrain_ms = 7\n").unwrap();
    let usual = ("XDG_CONFIG_HOME", home.path().to_str().unwrap());
    assert_eq!(Config::load(&sources(None, &[usual], &[])).unwrap().server.drain_ms, 7);
    let named = file("[server]\ndrain_ms = 8\n");
    let named = ("MOSAIC_CONFIG", named.path().to_str().unwrap());
    assert_eq!(Config::load(&sources(None, &[usual, named], &[])).unwrap().server.drain_ms, 8);
    assert_refused(with_variable("MOSAIC_CONFIG", "/nowhere.toml"), &["/nowhere.toml", "No such file"]);
}

#[test]
fn the_environment_has_lists_aliases_and_neighbours() {
    let config = with_variable("MOSAIC_SERVER_ALLOWED_HOSTS", "a.example, b.example").unwrap();
    assert_eq!(config.server.allowed_hosts, ["a.example", "b.example"]);
    let config = with_variable("DATABASE_URL", "postgres://u:hunter2@h/d").unwrap();
    assert_eq!(config.database.url.as_ref().unwrap().expose(), "postgres://u:hunter2@h/d");
    assert!(!format!("{config:?}").contains("hunter2"));
    let config = with_variable("MOSAIC_PG_BIN", "/opt/pg/bin").unwrap();
    assert_eq!(config.postgres.bin.as_deref(), Some(Path::new("/opt/pg/bin")));
    // The shell in a terminal has this one, and the command line that one.
    with_variable("MOSAIC_TERMINAL_ID", "x").unwrap();
    with_variable("MOSAIC_TOKEN", "x").unwrap();
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    let name = ".toml:3: terminal.segment_byte";
    assert_refused(with_file("# mine\n[terminal]\nsegment_byte = 1\n"), &[name, "no such setting"]);
    assert_refused(with_file("\n[terminals]\n"), &[".toml:2: terminals: ", "no such setting"]);
    assert_refused(with_file("server = 1\n"), &[".toml:1: server: ", "write [server]"]);
    assert_refused(
        with_file("[server]\ndrain_ms = \"1\"\n"),
        &[".toml:2: server.drain_ms: ", "invalid type"],
    );
    assert_refused(with_file("[server]\ndrain_ms = -1\n"), &[".toml:2: server.drain_ms: "]);
    assert_refused(
        with_file("[server]\n\nlisten = \"here\"\n"),
        &[".toml:3: server.listen: ", "socket address"],
    );
    assert_refused(with_file("[server]\nallowed_hosts = [1]\n"), &[".toml:2: server.allowed_hosts: "]);
    assert_refused(
        with_file("[database]\nwait_ms = 1\n"),
        &[".toml:2: database.wait_ms: 1 is not between 10 and"],
    );
    assert_refused(with_file("[log]\n[log\n"), &[".toml:2: not TOML: "]);
    assert_refused(with_file("[log]\nformat = \"xml\"\n"), &[".toml:2: log.format: ", "`text` or `json`"]);
}

#[test]
fn a_mistake_elsewhere_is_named_with_its_place() {
    let limit = "MOSAIC_TERMINAL_SEGMENT_BYTE";
    assert_refused(
        with_variable(limit, "1"),
        &[&format!("{limit}: terminal.segment_byte: there is no such")],
    );
    assert_refused(
        with_variable("MOSAIC_SERVER_DRAIN_MS", "5s"),
        &["MOSAIC_SERVER_DRAIN_MS: ", "not a whole number"],
    );
    assert_refused(with_variable("MOSAIC_SERVER_INSECURE", "yes"), &["MOSAIC_SERVER_INSECURE: ", "\"true\""]);
    let flags = [("--listen", "server.listen", "50051")];
    assert_refused(Config::load(&sources(None, &[], &flags)), &["--listen: server.listen: "]);
}

#[test]
fn a_reachable_address_needs_tls_or_consent() {
    let open = "[server]\nlisten = \"0.0.0.0:50051\"\n";
    assert_refused(with_file(open), &[".toml:2: server.listen: ", "without TLS", "--insecure"]);
    with_file(&format!("{open}insecure = true\n")).unwrap();
    with_file(&format!("{open}tls_cert = \"c\"\ntls_key = \"k\"\n")).unwrap();
    assert_refused(with_file("[server]\ntls_cert = \"c\"\n"), &["server.tls_cert: needs server.tls_key"]);
    assert_refused(with_file("[server]\ntls_key = \"k\"\n"), &["server.tls_key: needs server.tls_cert"]);
    with_file("[server]\nlisten = \"[::1]:1\"\n").unwrap();
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    assert_refused(
        with_file("[accounts]\nshell_user = \"mosaic\"\n"),
        &["accounts.shell_user: ", "another account"],
    );
    assert_refused(with_file("[accounts]\nservice_user = \"root\"\n"), &["accounts.service_user: "]);
    assert_refused(with_file("[terminal]\nsegment_bytes = 16777216\n"), &["more than half"]);
    assert_refused(
        with_file("[database]\npool_size_max = 100\n"),
        &["postgres.max_connections: ", "needs 104"],
    );
    assert_refused(with_file("[postgres]\nshared_buffers = \"64 MB\"\n"), &["postgres.shared_buffers: "]);
    assert_refused(with_file("[log]\nfilter = \"mosaic=loud\"\n"), &["log.filter: "]);
    assert_refused(
        with_file("[server]\nallowed_hosts = [\"a:1\"]\n"),
        &["allowed_hosts: ", "without scheme"],
    );
    assert_refused(with_file("[server]\nallowed_origins = [\"a\"]\n"), &["allowed_origins: ", "https://"]);
}

#[test]
fn root_has_the_system_directories() {
    let mut root = sources(None, &[("XDG_RUNTIME_DIR", "/run/user/0")], &[]);
    root.root = true;
    let data = Config::load(&root).unwrap().data;
    assert_eq!(
        (data.dir.as_path(), data.run_dir.as_path()),
        (Path::new("/var/lib/mosaic"), Path::new("/run/mosaic"))
    );
    root.variables.push(("MOSAIC_DATA_DIR".into(), "relative".into()));
    assert_eq!(Config::load(&root).unwrap().data.dir, std::env::current_dir().unwrap().join("relative"));
}

/// A server that is described well, and more lines for it.
fn with_provider(more: &str) -> Result<Config, Error> {
    with_file(&format!("[provider.far]\nkind = \"openai\"\nbase_url = \"http://far.example/v1\"\n{more}"))
}

#[test]
fn sections_with_names_of_their_own_are_read() {
    let config =
        with_provider("model = \"x\"\n[model.quick]\ncandidates = [\"far/x\", \"local/s\"]\n").unwrap();
    let far = &config.provider["far"];
    assert_eq!((far.kind, far.model.as_str(), far.context_tokens), (ProviderKind::Openai, "x", 0));
    assert_eq!(config.model["quick"].candidates, ["far/x", "local/s"]);
    assert!(Config::load(&sources(None, &[], &[])).unwrap().provider.is_empty());
    // The names of others are theirs: the environment makes no sections.
    with_variable("MOSAIC_PROVIDER_FAR_KIND", "openai").unwrap();
    with_variable("MOSAIC_MODEL_X", "y").unwrap();
}

#[test]
fn a_mistake_in_a_section_with_a_name_is_named_with_its_line() {
    assert_refused(with_provider("modle = \"x\"\n"), &[".toml:4: provider.far.modle", "unknown field"]);
    assert_refused(with_provider("context_tokens = \"1\"\n"), &[".toml:4: provider.far.context_tokens"]);
    assert_refused(with_provider("context_tokens = -1\n"), &[".toml:4: provider.far.context_tokens"]);
    assert_refused(
        with_file("\n[provider.far]\nkind = \"opneai\"\n"),
        &[".toml:3: provider.far.kind", "opneai", "`ollama`"],
    );
    assert_refused(with_file("\n[provider.far]\nmodel = \"x\"\n"), &[".toml:2: provider.far", "kind"]);
    assert_refused(
        with_file("[provider]\nkind = \"openai\"\n"),
        &[".toml:2: provider.kind", "[provider.NAME]"],
    );
    assert_refused(
        with_file("[provider.\"a/b\"]\nkind = \"local\"\n"),
        &[".toml:1: provider.a/b", "letters"],
    );
    assert_refused(
        with_file("[provider.far]\nkind = \"openai\"\n"),
        &[".toml:2: provider.far.kind", "api_key_env"],
    );
    let url = "[provider.far]\nkind = \"ollama\"\nbase_url = \"far.example\"\n";
    assert_refused(with_file(url), &[".toml:3: provider.far.base_url", "http://"]);
    assert_refused(
        with_provider("api_key_env = \"K\"\napi_key_file = \"/k\"\n"),
        &[".toml:5: provider.far.api_key_file", "not both"],
    );
    // A key itself is no setting.
    assert_refused(with_provider("api_key = \"sk-secret\"\n"), &[".toml:4: provider.far.api_key"]);
}

#[test]
fn an_alias_names_models_of_servers_that_are_there() {
    let alias = |line: &str| with_provider(&format!("[model.quick]\n{line}\n"));
    assert_refused(alias("candidates = []"), &[".toml:5: model.quick.candidates", "1 to 16"]);
    assert_refused(alias("candidates = [\"x\"]"), &[".toml:5: model.quick.candidates", "provider/model"]);
    assert_refused(alias("candidates = [\"far/\"]"), &[".toml:5: model.quick.candidates", "provider/model"]);
    assert_refused(
        alias("candidates = [\"near/x\"]"),
        &[".toml:5: model.quick.candidates", "[provider.near]"],
    );
    assert_refused(alias(""), &[".toml:4: model.quick", "candidates"]);
    assert_refused(alias("candidate = [\"far/x\"]"), &[".toml:5: model.quick.candidate"]);
    assert_refused(with_file("model = 1\n"), &[".toml:1: model", "write [model]"]);
}

#[test]
fn an_answer_fits_into_a_message() {
    assert_refused(
        with_file("[chat]\nanswer_bytes_max = 8388608\n"),
        &[".toml:2: chat.answer_bytes_max", "server.message_bytes_max"],
    );
    with_file("[chat]\nanswer_bytes_max = 8388608\n[server]\nmessage_bytes_max = 16777216\n").unwrap();
}
