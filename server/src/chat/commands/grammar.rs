//! From a line to a command, or to what is wrong with the line.
//!
//! It knows nothing about how a command is done, and which jobs and agents there are.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Problem,
    table::{COMMANDS, Spec, Verb, is_slip, nearest},
    words::{self, Word},
};
use crate::error::Reason;

/// Bytes of a reason, as the calls take it.
const REASON_BYTES_MAX: usize = 1024;

/// A command that somebody has typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `/agents`
    Agents,
    /// `/help`, and about which.
    Help(Option<Verb>),
    /// `/jobs`
    Jobs,
    /// `/kill`, whom and why.
    Kill(String, String),
    /// `/kill all`, and why.
    KillAll(String),
    /// `/logs`, and whose.
    Logs(String),
    /// `/pause`, and why.
    Pause(String),
    /// `/resume`
    Resume,
    /// `/send`, to whom and what.
    Send(String, String),
    /// `/spawn`
    Spawn(Box<Spawn>),
    /// `/status`, and whose.
    Status(Option<String>),
}

/// What is to be started. What is empty or absent was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spawn {
    pub profile: String,
    pub prompt: String,
    pub name: String,
    pub cwd: String,
    pub repository: String,
    pub base: String,
    pub depends_on: Vec<String>,
    pub priority: Option<i32>,
    pub attempts: Option<u32>,
    pub timeout: Option<Duration>,
    pub labels: BTreeMap<String, String>,
}

/// A line that is a command, without its slash. What begins with two slashes is none.
pub fn line(content: &str) -> Option<&str> {
    content.strip_prefix('/').filter(|line| !line.starts_with('/'))
}

/// The name that a line begins with, and the rest.
pub(super) fn split(line: &str) -> (&str, &str) {
    line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()))
}

/// The command that a line's name stands for.
pub(super) fn spec(line: &str) -> Result<&'static Spec, Problem> {
    let (name, rest) = split(line);
    let found = Spec::named(name);
    match found.as_slice() {
        [one] => Ok(one),
        [_, _, ..] if !name.is_empty() => Err(Problem {
            reason: Reason::NameAmbiguous,
            message: format!("/{name} may stand for several commands; type more of the name"),
            suggestion: String::new(),
            candidates: found
                .iter()
                .take(super::CANDIDATES_MAX)
                .map(|spec| format!("/{}", spec.name))
                .collect(),
        }),
        _ => {
            let meant = nearest(name, COMMANDS.iter().map(|spec| spec.name));
            let meant = meant.filter(|near| is_slip(name, near));
            Err(Problem {
                reason: Reason::CommandUnknown,
                message: format!(
                    "there is no command /{}; /help lists all, and // begins an ordinary message with a slash",
                    name.get(..name.floor_char_boundary(64)).unwrap_or_default()
                ),
                suggestion: meant.map_or_else(|| "/help".to_owned(), |near| format!("/{near}{rest}")),
                candidates: Vec::new(),
            })
        }
    }
}

/// Reads a line. `profiles` are the names that a prompt may follow.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &str, profiles: &[&str]) -> Result<Command, Problem> {
    let spec = spec(line)?;
    let rest = split(line).1;
    match spec.verb {
        Verb::Agents => nothing(spec, rest).map(|()| Command::Agents),
        Verb::Jobs => nothing(spec, rest).map(|()| Command::Jobs),
        Verb::Resume => nothing(spec, rest).map(|()| Command::Resume),
        Verb::Pause => Ok(Command::Pause(reason(rest)?)),
        Verb::Logs => Ok(Command::Logs(only(spec, rest)?.ok_or_else(|| lacks(spec))?)),
        Verb::Status => Ok(Command::Status(only(spec, rest)?)),
        Verb::Help => match only(spec, rest)? {
            None => Ok(Command::Help(None)),
            Some(name) => {
                let about = self::spec(name.strip_prefix('/').unwrap_or(&name));
                let help = |problem: Problem| problem.suggest(|near| near.replacen('/', "/help ", 1));
                Ok(Command::Help(Some(about.map_err(help)?.verb)))
            }
        },
        Verb::Kill => {
            let word = first(spec, rest)?;
            let why = reason(rest.get(word.span.end..).unwrap_or_default())?;
            // In quotes it is a name.
            Ok(if word.text == "all" && !word.quoted {
                Command::KillAll(why)
            } else {
                Command::Kill(word.text, why)
            })
        }
        Verb::Send => {
            let word = first(spec, rest)?;
            // One space parts the two; what more there is belongs to the text.
            let text = rest.get(word.span.end..).unwrap_or_default();
            let text = text.strip_prefix(char::is_whitespace).unwrap_or(text);
            if text.is_empty() { Err(lacks(spec)) } else { Ok(Command::Send(word.text, text.to_owned())) }
        }
        Verb::Spawn => Ok(Command::Spawn(Box::new(spawn(spec, rest, profiles)?))),
    }
}

fn wrong(message: String) -> Problem {
    Problem { reason: Reason::BadRequest, message, suggestion: String::new(), candidates: Vec::new() }
}

fn lacks(spec: &Spec) -> Problem {
    wrong(format!("something is missing: {}", spec.usage))
}

fn nothing(spec: &Spec, rest: &str) -> Result<(), Problem> {
    if rest.trim().is_empty() {
        return Ok(());
    }
    Err(wrong(format!("/{} takes nothing", spec.name)).suggest(|_| format!("/{}", spec.name)))
}

fn closed(word: Word) -> Result<Word, Problem> {
    match word.lacks {
        None => Ok(word),
        Some(quote) => Err(wrong(format!("a quotation mark {quote} is missing at the end"))),
    }
}

fn first(spec: &Spec, rest: &str) -> Result<Word, Problem> {
    closed(words::next(rest, 0).ok_or_else(|| lacks(spec))?)
}

/// The only word, if there is one.
fn only(spec: &Spec, rest: &str) -> Result<Option<String>, Problem> {
    let Some(word) = words::next(rest, 0) else { return Ok(None) };
    let word = closed(word)?;
    match words::next(rest, word.span.end) {
        None => Ok(Some(word.text)),
        Some(_) => Err(wrong(format!("that is too much: {}; a name with spaces needs quotes", spec.usage))),
    }
}

fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.len() > REASON_BYTES_MAX {
        return Err(wrong(format!(
            "the reason has {} bytes; at most {REASON_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    Ok(text.to_owned())
}

/// Where a line of `/spawn` is before a word.
pub(super) enum Place {
    /// Options may come, and the profile if there was none.
    Free,
    /// The value of an option.
    Value(&'static str),
    /// The prompt.
    Prompt,
    /// The prompt behind `--`: nothing in it is read.
    AsTyped,
}

/// Walks through the options and the profile: what is taken, and the place where the prompt begins.
///
/// The first word is the profile only if it is the whole name of one, without quotes: `/spawn sh -c …` runs `sh`, though
/// "shell" begins with it, and what a line means does not change with a profile that somebody adds. `--profile` takes
/// the beginning of a name.
pub(super) fn walk(
    spec: &'static Spec,
    rest: &str,
    profiles: &[&str],
    mut take: impl FnMut(&'static str, Word) -> Result<(), Problem>,
) -> Result<(usize, Place), Problem> {
    let (mut at, mut has_profile) = (0, false);
    while let Some(word) = words::next(rest, at) {
        if word.text == "--" && !word.quoted {
            return Ok((word.span.end, Place::AsTyped));
        }
        let typed = rest.get(word.span.clone()).unwrap_or_default();
        if typed.starts_with("--") {
            let (name, value) = match word.text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.text.as_str(), None),
            };
            let Some(flag) = spec.options.iter().find(|flag| flag.name == name) else {
                return Err(unknown_option(spec, name));
            };
            let value = match value {
                Some(value) => closed(Word { text: value, ..word })?,
                None => match words::next(rest, word.span.end) {
                    None => return Ok((word.span.end, Place::Value(flag.name))),
                    Some(value) => closed(value)?,
                },
            };
            at = value.span.end;
            take(flag.name, value)?;
        } else if !has_profile && !word.quoted && profiles.contains(&word.text.as_str()) {
            (has_profile, at) = (true, word.span.end);
            take("", word)?;
        } else {
            return Ok((at, Place::Prompt));
        }
    }
    Ok((at, Place::Free))
}

fn unknown_option(spec: &Spec, name: &str) -> Problem {
    let near = nearest(name, spec.options.iter().map(|flag| flag.name)).unwrap_or_default();
    wrong(format!("/{} has no option {name}; the nearest is {near}, and -- ends the options", spec.name))
}

fn spawn(spec: &'static Spec, rest: &str, profiles: &[&str]) -> Result<Spawn, Problem> {
    let mut spawn = Spawn::default();
    let mut seen = Vec::new();
    let (at, place) = walk(spec, rest, profiles, |name, word| {
        let repeated = spec.options.iter().any(|flag| flag.name == name && flag.repeated);
        if !repeated && seen.contains(&name) {
            return Err(wrong(format!("{name} is there twice")));
        }
        seen.push(name);
        if matches!(name, "" | "--profile") && !spawn.profile.is_empty() {
            return Err(wrong("the profile is there twice".to_owned()));
        }
        set(&mut spawn, profiles, name, word.text)
    })?;
    if let Place::Value(name) = place {
        return Err(wrong(format!("{name} needs a value")));
    }
    // All the rest is the prompt, as it was typed.
    let prompt = rest.get(at..).unwrap_or_default().trim_start();
    let within = if matches!(place, Place::Prompt) { within_quotes(prompt) } else { None };
    spawn.prompt = within.unwrap_or_else(|| prompt.to_owned());
    Ok(spawn)
}

/// What a text says that is one word in quotes from its beginning to its end. Who types `/spawn "make test"` means what
/// is within them: a shell would look for a program of that name.
fn within_quotes(text: &str) -> Option<String> {
    let text = text.trim_end();
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    let word = words::next(text, 0)?;
    (word.lacks.is_none() && word.span.end == text.len() && text.ends_with(quote)).then_some(word.text)
}

/// Puts the value of an option where it belongs.
fn set(spawn: &mut Spawn, profiles: &[&str], name: &str, value: String) -> Result<(), Problem> {
    let bad = |what: &str| wrong(format!("{name}: {value:?} is not {what}"));
    match name {
        "" => spawn.profile = value,
        "--profile" => spawn.profile = profile(profiles, value)?,
        "--attempts" => spawn.attempts = Some(value.parse().map_err(|_| bad("a number from 1 to 20"))?),
        "--priority" => spawn.priority = Some(value.parse().map_err(|_| bad("a number from 1 to 10"))?),
        "--timeout" => {
            spawn.timeout = Some(span(&value).ok_or_else(|| bad("a time such as 30s, 5m, 2h or 1d"))?)
        }
        "--label" => {
            let (label, is) = value.split_once('=').ok_or_else(|| bad("NAME=VALUE"))?;
            spawn.labels.insert(label.to_owned(), is.to_owned());
        }
        "--depends-on" => {
            spawn.depends_on.extend(value.split(',').filter(|one| !one.is_empty()).map(str::to_owned));
        }
        "--base" => spawn.base = value,
        "--cwd" => spawn.cwd = value,
        "--name" => spawn.name = value,
        // The table has no other.
        _ => spawn.repository = value,
    }
    Ok(())
}

/// A profile by the beginning of its name. What is none, the orchestrator refuses.
fn profile(profiles: &[&str], value: String) -> Result<String, Problem> {
    if profiles.contains(&value.as_str()) {
        return Ok(value);
    }
    let found: Vec<&str> = profiles.iter().filter(|name| name.starts_with(&value)).copied().collect();
    match found.as_slice() {
        [] => Ok(value),
        [one] => Ok((*one).to_owned()),
        several => Err(Problem {
            reason: Reason::NameAmbiguous,
            message: format!("--profile: {value:?} may stand for several profiles; type more of the name"),
            suggestion: String::new(),
            candidates: several.iter().take(super::CANDIDATES_MAX).map(|&name| name.to_owned()).collect(),
        }),
    }
}

/// A time: a number with `s`, `m`, `h` or `d` behind it; without, seconds.
fn span(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds: u64 = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
