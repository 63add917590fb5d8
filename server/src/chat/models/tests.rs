//! Names, and what they stand for; keys, and that nobody sees them.
//!
//! It asks no model server: none is there.

use std::io::Write as _;

use super::*;
use crate::config::Sources;

const KEY: &str = "sk-never-to-be-seen";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn configured(text: &str, variables: &[(&str, &str)]) -> Result<Models, String> {
    let file = file(text);
    let home = vec![("HOME".into(), "/home/somebody".into())];
    let sources =
        Sources { file: Some(file.path().to_owned()), variables: home, flags: Vec::new(), root: false };
    let config = Config::load(&sources).unwrap();
    let variable =
        |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    Models::new(&config, variable)
}

/// Two servers that are not there, with a known model each.
const TWO: &str = "[provider.far]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"x\"\n\
                   [provider.near]\nkind = \"ollama\"\nbase_url = \"http://127.0.0.1:9\"\nmodel = \"y\"\n";

async fn names(models: &Models, name: &str) -> Vec<String> {
    models.candidates(name).await.unwrap().into_iter().map(|candidate| candidate.name).collect()
}

#[tokio::test]
async fn a_name_stands_for_a_list_a_model_or_nothing() {
    let text = format!(
        "{TWO}[chat]\ndefault_model = \"best\"\n[model.best]\ncandidates = [\"near/z\", \"far/x\"]\n"
    );
    let models = configured(&text, &[]).unwrap();
    assert_eq!(names(&models, "").await, ["near/z", "far/x"]);
    assert_eq!(names(&models, "best").await, ["near/z", "far/x"]);
    assert_eq!(names(&models, "far/a/b:c").await, ["far/a/b:c"]);
    // The list of what is there, in the order of its kinds.
    assert_eq!(names(&models, "default").await, ["far/x", "near/y"]);
    for name in ["nobody/x", "x", "far/", "/x", "best/x", "Best"] {
        let refused = models.candidates(name).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::ModelNotFound, "{name}");
        assert!(refused.to_string().contains("best, far, near"), "{refused}");
    }
}

#[tokio::test]
async fn what_an_answer_may_have_is_set_known_or_usual() {
    let more = "[provider.set]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\ncontext_tokens = 1000\n\
                output_tokens_max = 900\n";
    let models = configured(&format!("{TWO}{more}"), &[]).unwrap();
    let of = async |name: &str| {
        let found = models.candidates(name).await.unwrap();
        (found[0].context_tokens, found[0].output_tokens_max)
    };
    assert_eq!(of("far/gpt-4o").await, (128_000, 4096), "known");
    assert_eq!(of("far/unheard-of").await, (8192, 4096), "usual");
    assert_eq!(of("set/gpt-4o").await, (1000, 500), "set, and half of it is the prompt's");
}

#[tokio::test]
async fn a_key_is_taken_from_where_it_is_named_and_shown_nowhere() {
    let key = file(&format!("{KEY}\n"));
    let provider = |line: &str| {
        format!("[provider.far]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\n{line}\n")
    };
    let in_a_file = provider(&format!("api_key_file = {:?}", key.path()));
    let in_a_variable = provider("api_key_env = \"MY_KEY\"");
    for text in [&in_a_file, &in_a_variable] {
        let models = configured(text, &[("MY_KEY", KEY)]).unwrap();
        assert!(!format!("{models:?}").contains(KEY), "{models:?}");
        for candidate in models.candidates("far/x").await.unwrap() {
            assert!(!format!("{candidate:?}").contains(KEY), "{candidate:?}");
        }
        for listed in models.list().await {
            assert!(!format!("{listed:?}").contains(KEY), "{listed:?}");
        }
    }
    let wrong = |text: &str, variables: &[(&str, &str)], part: &str| {
        let problem = configured(text, variables).unwrap_err();
        assert!(problem.contains(part) && problem.contains("provider.far"), "{problem}");
        assert!(!problem.contains(KEY), "{problem}");
    };
    wrong(&in_a_variable, &[], "MY_KEY is not set");
    wrong(&in_a_variable, &[("MY_KEY", " ")], "the key is empty");
    wrong(&in_a_variable, &[("MY_KEY", &format!("{KEY}\n{KEY}"))], "more than one line");
    wrong(&provider("api_key_file = \"/nowhere/key\""), &[], "/nowhere/key");
}

#[test]
fn the_environment_offers_what_nobody_configured() {
    let none = configured("", &[]).unwrap();
    assert_eq!(none.upstreams.keys().collect::<Vec<_>>(), ["local", "ollama"]);
    let variables = [("ANTHROPIC_API_KEY", KEY), ("OPENAI_API_KEY", KEY), ("OLLAMA_HOST", "there:1")];
    let all = configured("[local_model]\nenabled = false\n", &variables).unwrap();
    assert_eq!(all.upstreams.keys().collect::<Vec<_>>(), ["anthropic", "ollama", "openai"]);
    assert!(!format!("{all:?}").contains(KEY));
    // Who configures one has said which there are.
    let one = configured(TWO, &variables).unwrap();
    assert_eq!(one.upstreams.keys().collect::<Vec<_>>(), ["far", "near"]);
}
