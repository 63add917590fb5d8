//! What lines mean.

use proptest::prelude::*;

use super::*;

const PROFILES: [&str; 4] = ["clade", "claude", "maker", "shell"];

fn read(line: &str) -> Command {
    parse(line, &PROFILES).unwrap_or_else(|problem| panic!("{line}: {}", problem.message))
}

fn spawned(line: &str) -> Spawn {
    match read(line) {
        Command::Spawn(spawn) => *spawn,
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str) -> Problem {
    match parse(line, &PROFILES) {
        Err(problem) => problem,
        Ok(command) => panic!("{line}: {command:?}"),
    }
}

#[test]
fn a_line_is_a_command_if_one_slash_is_in_front() {
    assert_eq!(line("/status a"), Some("status a"));
    assert_eq!(line("/"), Some(""));
    for other in ["//status", "status", " /status", ""] {
        assert_eq!(line(other), None);
    }
}

#[test]
fn each_command_takes_its_arguments() {
    assert_eq!(read("agents"), Command::Agents);
    assert_eq!(read("jobs "), Command::Jobs);
    assert_eq!(read("resume"), Command::Resume);
    assert_eq!(read("pause  too hot \n"), Command::Pause("too hot".into()));
    assert_eq!(read("status"), Command::Status(None));
    assert_eq!(read("st 'my job'"), Command::Status(Some("my job".into())));
    assert_eq!(read("logs x"), Command::Logs("x".into()));
    assert_eq!(read("kill x it loops"), Command::Kill("x".into(), "it loops".into()));
    assert_eq!(read("kill all now"), Command::KillAll("now".into()));
    assert_eq!(read("kill 'all'"), Command::Kill("all".into(), String::new()));
    assert_eq!(read("send x  'a' \"b"), Command::Send("x".into(), " 'a' \"b".into()));
    assert_eq!(read("help"), Command::Help(None));
    assert_eq!(read("help /st"), Command::Help(Some(Verb::Status)));
}

#[test]
fn the_prompt_is_what_follows_as_it_was_typed() {
    let spawn = |profile: &str, prompt: &str| Spawn {
        profile: profile.into(),
        prompt: prompt.into(),
        ..Spawn::default()
    };
    assert_eq!(spawned("spawn make test"), spawn("", "make test"));
    assert_eq!(spawned("spawn shell make test"), spawn("shell", "make test"));
    assert_eq!(spawned("spawn shell  echo 'a  b' \"c\"\n"), spawn("shell", "echo 'a  b' \"c\"\n"));
    assert_eq!(spawned("spawn sh -c 'x'"), spawn("", "sh -c 'x'"), "the beginning of a profile is none");
    assert_eq!(spawned("spawn -- shell x"), spawn("", "shell x"));
    assert_eq!(spawned("spawn 'shell' x"), spawn("", "'shell' x"));
    assert_eq!(spawned("spawn shell shell x"), spawn("shell", "shell x"));
    assert_eq!(spawned("spawn shell -- --name x"), spawn("shell", "--name x"));
    assert_eq!(spawned("spawn it's"), spawn("", "it's"), "quotes of a prompt are not read");
    assert_eq!(spawned("spawn --profile mak x"), spawn("maker", "x"));
    assert_eq!(spawned("spawn"), spawn("", ""));
}

#[test]
fn a_prompt_in_quotes_is_what_is_within_them() {
    let prompt = |line: &str| spawned(&format!("spawn {line}")).prompt;
    assert_eq!(prompt(r#""make test""#), "make test");
    assert_eq!(prompt(r#"shell  'make test' "#), "make test");
    assert_eq!(prompt(r#"--name x "say \"hi\"""#), r#"say "hi""#);
    assert_eq!(prompt(r"'it'\''s'"), "it's");
    // Anything else stands as it was typed: its quotes are the program's to read.
    for typed in [
        r#""a" "b""#,
        r#""my program" --flag"#,
        "echo 'a  b'",
        "'a",
        r#"'a"b"#,
        r#""a"'b'"#,
        r#"x"y""#,
        "it's",
    ] {
        assert_eq!(prompt(typed), typed);
    }
    assert_eq!(prompt(r#"-- "my program""#), r#""my program""#, "nor is anything behind -- read");
}

#[test]
fn options_precede_the_prompt() {
    let all = spawned(
        "spawn --name 'my job' --cwd=/a\\ b claude --timeout 5m --attempts 3 --priority 9 --depends-on a,b \
         --depends-on c --repository /r --base main --label k=v=w --label l= Fix --name it",
    );
    assert_eq!((all.name.as_str(), all.cwd.as_str(), all.profile.as_str()), ("my job", "/a b", "claude"));
    assert_eq!((all.timeout, all.attempts, all.priority), (Some(Duration::from_secs(300)), Some(3), Some(9)));
    assert_eq!(
        (all.depends_on, all.repository, all.base),
        (vec!["a".into(), "b".into(), "c".into()], "/r".into(), "main".into())
    );
    assert_eq!(all.labels, BTreeMap::from([("k".into(), "v=w".into()), ("l".into(), String::new())]));
    assert_eq!(all.prompt, "Fix --name it");
}

#[test]
fn what_is_wrong_is_said() {
    for (line, reason, part) in [
        ("stauts x", Reason::CommandUnknown, "no command /stauts;"),
        ("", Reason::CommandUnknown, "/help"),
        ("etc/passwd is odd", Reason::CommandUnknown, "//"),
        ("s", Reason::NameAmbiguous, "several"),
        ("agents x", Reason::BadRequest, "nothing"),
        ("kill", Reason::BadRequest, "/kill ID|all [REASON]"),
        ("kill 'x", Reason::BadRequest, "quotation mark '"),
        ("logs a b", Reason::BadRequest, "/logs ID"),
        ("send x", Reason::BadRequest, "/send ID TEXT"),
        ("help nothing", Reason::CommandUnknown, "no command /nothing;"),
        ("spawn --nmae x y", Reason::BadRequest, "--name"),
        ("spawn --name", Reason::BadRequest, "needs a value"),
        ("spawn --name 'x", Reason::BadRequest, "quotation mark"),
        ("spawn --name a --name b c", Reason::BadRequest, "twice"),
        ("spawn --profile shell claude x", Reason::BadRequest, "twice"),
        ("spawn --profile cla x", Reason::NameAmbiguous, "several"),
        ("spawn --timeout soon x", Reason::BadRequest, "\"soon\""),
        ("spawn --attempts -1 x", Reason::BadRequest, "number"),
        ("spawn --label k x", Reason::BadRequest, "NAME=VALUE"),
    ] {
        let problem = refused(line);
        assert_eq!(problem.reason, reason, "{line}: {}", problem.message);
        assert!(problem.message.contains(part), "{line}: {}", problem.message);
    }
    let unknown = refused("stauts x");
    assert_eq!(unknown.suggestion, "/status x");
    assert!(!unknown.message.contains("/status"), "the guess is made once: {}", unknown.message);
    assert_eq!(refused("help stauts").suggestion, "/help status");
    assert_eq!(refused("s").candidates, ["/send", "/spawn", "/status"]);
    assert_eq!(refused("spawn --profile cla x").candidates, ["clade", "claude"]);
    let long = format!("pause {}", "x".repeat(1025));
    assert!(refused(&long).message.contains("1025"));
}

#[test]
fn times_have_a_unit() {
    let seconds = |text| span(text).map(|span| span.as_secs());
    assert_eq!(
        [seconds("90"), seconds("2m"), seconds("1h"), seconds("1d")],
        [Some(90), Some(120), Some(3600), Some(86400)]
    );
    for bad in ["", "m", "-1", "1.5h", "1w", "99999999999999999999", "999999999999999999d"] {
        assert_eq!(seconds(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn every_line_is_answered(line in "\\PC*|(spawn|kill|send|help|status) [-a-e ='\"\\\\\n]{0,30}") {
        let _ = parse(&line, &PROFILES);
    }

    #[test]
    fn a_prompt_survives_its_way_whatever_it_is(prompt in "\\PC+", name in "[^\0\\s]{1,8}") {
        prop_assume!(!prompt.trim_start().is_empty());
        let line = format!("spawn --name {} -- {prompt}", words::quote(&name));
        let spawn = spawned(&line);
        prop_assert_eq!((spawn.name.as_str(), spawn.prompt.as_str()), (name.as_str(), prompt.trim_start()));
    }
}
