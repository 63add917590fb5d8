//! The commands that there are: names, arguments and options.
//!
//! It knows nothing about how a line is read, and how a command is done.

/// A command.
#[derive(Debug)]
pub struct Spec {
    /// Which.
    pub verb: Verb,
    /// Its name, without the slash.
    pub name: &'static str,
    /// How to type it.
    pub usage: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What follows the name.
    pub arguments: &'static [Argument],
    /// What may precede the last argument.
    pub options: &'static [Flag],
}

/// Which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Agents,
    Help,
    Jobs,
    Kill,
    Logs,
    Pause,
    Resume,
    Send,
    Spawn,
    Status,
}

/// An argument.
#[derive(Debug)]
pub struct Argument {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// It may not be left out.
    pub required: bool,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A profile's name.
    Profile,
    /// An agent.
    Agent,
    /// A job.
    Job,
    /// All the rest, as it is typed.
    Text,
    /// A word.
    Word,
}

/// An option.
#[derive(Debug)]
pub struct Flag {
    /// Its name, with its two dashes.
    pub name: &'static str,
    /// What its value is.
    pub value: &'static str,
    /// It may be given several times.
    pub repeated: bool,
}

const fn needs(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: true }
}

const fn takes(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: false }
}

const fn flag(name: &'static str, value: &'static str) -> Flag {
    Flag { name, value, repeated: false }
}

const fn flags(name: &'static str, value: &'static str) -> Flag {
    Flag { name, value, repeated: true }
}

/// All of them, by name.
pub const COMMANDS: &[Spec] = &[
    Spec {
        verb: Verb::Agents,
        name: "agents",
        usage: "/agents",
        summary: "Lists the newest agents.",
        arguments: &[],
        options: &[],
    },
    Spec {
        verb: Verb::Help,
        name: "help",
        usage: "/help [COMMAND]",
        summary: "Explains the commands, or one of them.",
        arguments: &[takes("COMMAND", Kind::Word)],
        options: &[],
    },
    Spec {
        verb: Verb::Jobs,
        name: "jobs",
        usage: "/jobs",
        summary: "Lists the newest jobs.",
        arguments: &[],
        options: &[],
    },
    Spec {
        verb: Verb::Kill,
        name: "kill",
        usage: "/kill ID|all [REASON]",
        summary: "Ends an agent and its job, or everything (`all` needs the role ADMIN).",
        arguments: &[needs("ID|all", Kind::Agent), takes("REASON", Kind::Text)],
        options: &[],
    },
    Spec {
        verb: Verb::Logs,
        name: "logs",
        usage: "/logs ID",
        summary: "Shows the last lines that an agent printed.",
        arguments: &[needs("ID", Kind::Agent)],
        options: &[],
    },
    Spec {
        verb: Verb::Pause,
        name: "pause",
        usage: "/pause [REASON]",
        summary: "Starts no further agent until /resume.",
        arguments: &[takes("REASON", Kind::Text)],
        options: &[],
    },
    Spec {
        verb: Verb::Resume,
        name: "resume",
        usage: "/resume",
        summary: "Starts agents again.",
        arguments: &[],
        options: &[],
    },
    Spec {
        verb: Verb::Send,
        name: "send",
        usage: "/send ID TEXT",
        summary: "Types a line into an agent's terminal.",
        arguments: &[needs("ID", Kind::Agent), needs("TEXT", Kind::Text)],
        options: &[],
    },
    Spec {
        verb: Verb::Spawn,
        name: "spawn",
        usage: "/spawn [OPTIONS] [PROFILE] PROMPT",
        summary: "Starts an agent, or queues it. A prompt in quotes is what is within them; behind `--` all is as \
                  typed.",
        arguments: &[takes("PROFILE", Kind::Profile), needs("PROMPT", Kind::Text)],
        options: &[
            flag("--attempts", "1 to 20"),
            flag("--base", "a branch, tag or commit"),
            flag("--cwd", "a directory"),
            flags("--depends-on", "jobs, with commas between them"),
            flags("--label", "NAME=VALUE"),
            flag("--name", "a name"),
            flag("--priority", "1 to 10"),
            flag("--profile", "a profile, or the beginning of its name"),
            flag("--repository", "a directory"),
            flag("--timeout", "30s, 5m, 2h or 1d"),
        ],
    },
    Spec {
        verb: Verb::Status,
        name: "status",
        usage: "/status [ID]",
        summary: "Shows a job and its agent, or the queue and what runs.",
        arguments: &[takes("ID", Kind::Job)],
        options: &[],
    },
];

impl Spec {
    /// The names whose beginning this is: only the whole name, if it is one.
    pub fn named(beginning: &str) -> Vec<&'static Self> {
        match COMMANDS.iter().find(|spec| spec.name == beginning) {
            Some(exact) => vec![exact],
            None => COMMANDS.iter().filter(|spec| spec.name.starts_with(beginning)).collect(),
        }
    }
}

/// The one of some names that looks most like a word.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.min_by_key(|name| distance(word, name))
}

/// Whether a word may well be another one, mistyped.
pub(super) fn is_slip(word: &str, meant: &str) -> bool {
    let distance = distance(word, meant);
    distance <= 2 && distance < word.chars().count()
}

/// Letters to be put in, left out, changed or swapped with their neighbour to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    /// Longer words are not what somebody meant.
    const LETTERS: usize = 64;
    let one: Vec<char> = one.chars().take(LETTERS).collect();
    let other: Vec<char> = other.chars().take(LETTERS).collect();
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for at in 0..=one.len() {
        for to in 0..=other.len() {
            let cost = |row: usize, column: usize, more: usize| rows[row][column] + more;
            let mut least = match (at, to) {
                (0, n) | (n, 0) => n,
                _ => {
                    let changed = usize::from(one[at - 1] != other[to - 1]);
                    cost(at - 1, to, 1).min(cost(at, to - 1, 1)).min(cost(at - 1, to - 1, changed))
                }
            };
            if at > 1 && to > 1 && one[at - 1] == other[to - 2] && one[at - 2] == other[to - 1] {
                least = least.min(cost(at - 2, to - 2, 1));
            }
            rows[at][to] = least;
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_says_what_it_lists() {
        assert!(COMMANDS.is_sorted_by_key(|spec| spec.name));
        for spec in COMMANDS {
            assert!(spec.usage.starts_with(&format!("/{}", spec.name)) && spec.summary.ends_with(['.', ')']));
            assert!(spec.options.is_sorted_by_key(|flag| flag.name));
            for argument in spec.arguments {
                let shown =
                    if argument.required { argument.name.to_owned() } else { format!("[{}]", argument.name) };
                assert!(spec.usage.contains(&shown), "{}", spec.usage);
            }
        }
    }

    #[test]
    fn beginnings_stand_for_names() {
        let names = |beginning| Spec::named(beginning).iter().map(|spec| spec.name).collect::<Vec<_>>();
        assert_eq!(names("st"), ["status"]);
        assert_eq!(names("s"), ["send", "spawn", "status"]);
        assert_eq!(names("x"), [""; 0]);
    }

    #[test]
    fn the_nearest_is_what_somebody_meant() {
        let nearest = |word| super::nearest(word, COMMANDS.iter().map(|spec| spec.name)).unwrap();
        for (word, meant) in
            [("stauts", "status"), ("spwan", "spawn"), ("kil", "kill"), ("log", "logs"), ("job", "jobs")]
        {
            assert_eq!(nearest(word), meant);
        }
        assert!(is_slip("stauts", "status") && is_slip("kil", "kill"));
        assert!(!is_slip("foo", "jobs") && !is_slip("x", "help") && !is_slip("", "help"));
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert!(distance(&"ä".repeat(5000), "x") <= 64);
    }
}
