//! What could follow the text that somebody has typed so far.
//!
//! It asks for names only where one is due.

use std::collections::BTreeMap;

use super::{
    grammar::{self, Place, line, split},
    table::{COMMANDS, Kind, Spec, Verb},
    words,
};
use crate::{
    auth::Principal,
    error::Result,
    orchestrator::{JobState, Orchestrator},
    workspace::page::Page,
};

/// Jobs that are looked at.
const NAMES_MAX: u32 = 200;
/// Letters of a prompt in a detail.
const DETAIL_LETTERS: usize = 60;

/// A way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Where what is replaced begins, in bytes.
    pub from: usize,
    /// What to put there.
    pub text: String,
    /// What it is.
    pub detail: String,
}

/// Something that has a name.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) detail: String,
    /// It has an agent that runs.
    pub(super) runs: bool,
}

/// What has names now.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) profiles: Vec<Known>,
    /// Jobs that are not over, newest first.
    pub(super) jobs: Vec<Known>,
}

impl Names {
    /// Those that a text may need.
    pub(super) async fn of(agents: &Orchestrator, who: &Principal, typed: &str) -> Result<Self> {
        if !line(typed).is_some_and(|line| line.contains(char::is_whitespace)) {
            return Ok(Self::default());
        }
        let profiles = agents.profiles(who)?.all().map(|profile| Known {
            name: profile.name.clone(),
            detail: profile.settings.description.clone(),
            runs: false,
        });
        let alive: Vec<JobState> = JobState::ALL.into_iter().filter(|state| !state.is_over()).collect();
        let page = Page::parse(b' ', NAMES_MAX, "")?;
        let (jobs, _) = agents.jobs(who, &page, &alive, &BTreeMap::new()).await?;
        let job = |found: crate::orchestrator::FoundJob| {
            let prompt: String = found.job.spec.prompt.chars().take(DETAIL_LETTERS).collect();
            Known {
                detail: format!("{} {}", found.job.state.as_str(), prompt.replace(char::is_control, " ")),
                runs: found.job.state.has_agent(),
                name: found.job.name,
            }
        };
        Ok(Self { profiles: profiles.collect(), jobs: jobs.items.into_iter().map(job).collect() })
    }
}

/// The ways to go on with a text, at most so many.
pub(super) fn complete(typed: &str, names: &Names, most: usize) -> Vec<Completion> {
    let mut found = match (typed, line(typed)) {
        ("", _) => commands("", 0, "/"),
        (_, None) => Vec::new(),
        (_, Some(line)) => {
            let (name, rest) = split(line);
            match (rest, Spec::named(name).as_slice()) {
                ("", _) => commands(name, 0, "/"),
                (rest, [spec]) => arguments(spec, rest, typed.len() - rest.len(), names),
                _ => Vec::new(),
            }
        }
    };
    found.truncate(most);
    found
}

fn commands(beginning: &str, from: usize, slash: &str) -> Vec<Completion> {
    let matching = COMMANDS.iter().filter(|spec| spec.name.starts_with(beginning));
    let shown = |spec: &Spec| {
        let more = if spec.arguments.is_empty() { "" } else { " " };
        Completion { from, text: format!("{slash}{}{more}", spec.name), detail: spec.summary.to_owned() }
    };
    matching.map(shown).collect()
}

/// The word at the end of a text: where it begins, what it says, and whether there are quotes in it. Nothing, behind
/// a space.
fn last_word(rest: &str, from: usize) -> (usize, String, bool) {
    match words::next(rest, from) {
        Some(word) => (word.span.start, word.text, word.quoted),
        None => (rest.len(), String::new(), false),
    }
}

fn arguments(spec: &'static Spec, rest: &str, base: usize, names: &Names) -> Vec<Completion> {
    if spec.verb == Verb::Spawn {
        return of_spawn(spec, rest, base, names);
    }
    let Some(first) = spec.arguments.first() else { return Vec::new() };
    let (at, word, _) = last_word(rest, 0);
    // Something follows the first argument already: texts are nobody's to guess.
    if words::next(rest, 0).is_some_and(|word| word.span.end < rest.len()) {
        return Vec::new();
    }
    let more = if spec.arguments.len() > 1 { " " } else { "" };
    let from = base + at;
    match first.kind {
        Kind::Job => known(names.jobs.iter(), &word, from, more),
        Kind::Agent => {
            // What runs is meant more often than what waits, which can only be killed.
            let waiting = names.jobs.iter().filter(|job| !job.runs && spec.verb == Verb::Kill);
            let mut found = known(names.jobs.iter().filter(|job| job.runs).chain(waiting), &word, from, more);
            if spec.verb == Verb::Kill && "all".starts_with(&word) {
                let detail = "every agent, and every job that waits".to_owned();
                found.push(Completion { from, text: "all".to_owned(), detail });
            }
            found
        }
        Kind::Word if spec.verb == Verb::Help => {
            let found = commands(word.strip_prefix('/').unwrap_or(&word), from, "");
            found.into_iter().map(|one| Completion { text: one.text.trim_end().to_owned(), ..one }).collect()
        }
        Kind::Word | Kind::Profile | Kind::Text => Vec::new(),
    }
}

fn known<'a>(all: impl Iterator<Item = &'a Known>, word: &str, from: usize, more: &str) -> Vec<Completion> {
    let matching = all.filter(|one| one.name.starts_with(word));
    let shown = |one: &Known| Completion {
        from,
        text: format!("{}{more}", words::quote(&one.name)),
        detail: one.detail.clone(),
    };
    matching.map(shown).collect()
}

fn of_spawn(spec: &'static Spec, rest: &str, base: usize, names: &Names) -> Vec<Completion> {
    let profiles: Vec<&str> = names.profiles.iter().map(|profile| profile.name.as_str()).collect();
    // Up to the last word, which is not typed to its end.
    let cut = rest
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
    let (before, word) = rest.split_at(cut);
    let from = base + cut;
    let mut seen = Vec::new();
    let walked = grammar::walk(spec, before, &profiles, |name, _| {
        seen.push(name);
        Ok(())
    });
    match walked {
        Ok((_, Place::Value("--profile"))) => known(names.profiles.iter(), word, from, " "),
        Ok((_, Place::Value("--depends-on"))) => known(names.jobs.iter(), word, from, " "),
        Ok((_, Place::Free)) if word.starts_with('-') => {
            let free = |name: &str, repeated: bool| repeated || !seen.contains(&name);
            let matching = spec
                .options
                .iter()
                .filter(|flag| flag.name.starts_with(word) && free(flag.name, flag.repeated));
            let shown = matching.map(|flag| Completion {
                from,
                text: format!("{} ", flag.name),
                detail: flag.value.to_owned(),
            });
            shown.collect()
        }
        Ok((_, Place::Free)) if !seen.iter().any(|name| matches!(*name, "" | "--profile")) => {
            known(names.profiles.iter(), word, from, " ")
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let known = |name: &str, runs| Known { name: name.to_owned(), detail: String::new(), runs };
        Names {
            profiles: vec![known("claude", false), known("shell", false)],
            jobs: vec![known("shell-2", true), known("my job", true), known("late", false)],
        }
    }

    /// What the text becomes.
    fn become_of(typed: &str) -> Vec<String> {
        let all = complete(typed, &names(), 100);
        all.iter().map(|one| format!("{}{}", &typed[..one.from], one.text)).collect()
    }

    #[test]
    fn what_is_due_is_offered() {
        assert_eq!(become_of("/st"), ["/status "]);
        assert_eq!(become_of("/s"), ["/send ", "/spawn ", "/status "]);
        assert_eq!(become_of("").len(), COMMANDS.len());
        assert_eq!(become_of("/ag"), ["/agents"]);
        assert_eq!(become_of("/status "), ["/status shell-2", "/status 'my job'", "/status late"]);
        assert_eq!(become_of("/st sh"), ["/st shell-2"]);
        assert_eq!(become_of("/status 'my"), ["/status 'my job'"]);
        assert_eq!(become_of("/kill "), ["/kill shell-2 ", "/kill 'my job' ", "/kill late ", "/kill all"]);
        assert_eq!(become_of("/send "), ["/send shell-2 ", "/send 'my job' "]);
        assert_eq!(become_of("/help s"), ["/help send", "/help spawn", "/help status"]);
        assert_eq!(become_of("/spawn "), ["/spawn claude ", "/spawn shell "]);
        assert_eq!(become_of("/spawn --n"), ["/spawn --name "]);
        assert_eq!(become_of("/spawn --name x c"), ["/spawn --name x claude "]);
        assert_eq!(become_of("/spawn shell --la"), ["/spawn shell --label "]);
        assert_eq!(become_of("/spawn --profile "), ["/spawn --profile claude ", "/spawn --profile shell "]);
        assert_eq!(become_of("/spawn --depends-on l"), ["/spawn --depends-on late "]);
    }

    #[test]
    fn what_is_nobodys_to_guess_is_not() {
        for typed in [
            "hi",
            "//st",
            "/x",
            "/s x",
            "/send shell-2 ",
            "/spawn shell ",
            "/spawn make ",
            "/kill x y",
            "/agents ",
        ] {
            assert_eq!(become_of(typed), [""; 0], "{typed}");
        }
        assert_eq!(complete("", &names(), 3).len(), 3);
    }

    proptest! {
        #[test]
        fn what_is_replaced_is_the_end_of_the_text(typed in "/(spawn|kill|st|help|x)?[ a-c'\"\\\\ä=-]{0,20}|\\PC*") {
            for one in complete(&typed, &names(), 100) {
                prop_assert!(typed.is_char_boundary(one.from));
            }
        }
    }
}
