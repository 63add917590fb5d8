//! Groups that fold in the log of a CI system.
//!
//! It knows nothing about output; it only says what goes before and after it.

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

/// The groups of one run: one is open at a time.
#[derive(Debug)]
pub(super) struct Groups {
    system: System,
    /// What ends the one that is open.
    end: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    None,
    GitHub,
    GitLab,
}

impl Groups {
    /// For the CI system around this program, if there is one that is known, and if groups are wanted.
    pub(super) fn detect(wanted: bool) -> Self {
        let set = |name, value: &str| env::var(name).is_ok_and(|it| it == value);
        let system = match wanted {
            true if set("GITHUB_ACTIONS", "true") => System::GitHub,
            true if set("GITLAB_CI", "true") => System::GitLab,
            _ => System::None,
        };
        Self { system, end: None }
    }

    /// What to print before the output of an attempt. The title is safe to show; the id is one.
    pub(super) fn begin(&mut self, title: &str, id: &str) -> Option<String> {
        let (begin, end) = match self.system {
            System::None => return None,
            System::GitHub => {
                // The output is not ours: between the two, what looks like a command to the runner is none. Who
                // does not know the token cannot end that.
                let token = token();
                let title = title.replace('%', "%25");
                (format!("::group::{title}\n::stop-commands::{token}"), format!("::{token}::\n::endgroup::"))
            }
            System::GitLab => {
                let section = format!("mosaic_{}", id.replace('-', "_"));
                (section_mark("start", &section) + title, section_mark("end", &section))
            }
        };
        self.end = Some(end);
        Some(begin)
    }

    /// What to print after it, if a group is open.
    pub(super) fn end(&mut self) -> Option<String> {
        self.end.take()
    }
}

fn section_mark(what: &str, section: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("\x1b[0Ksection_{what}:{now}:{section}\r\x1b[0K")
}

/// What nobody guesses: hashes under keys that the system drew for this process, which is what the standard
/// library has of randomness.
fn token() -> String {
    let keys = RandomState::new();
    format!("mosaic-{:016x}{:016x}", keys.hash_one(1), keys.hash_one(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_output_are_stopped_under_a_token_of_each_group() {
        let mut groups = Groups { system: System::GitHub, end: None };
        let mut tokens = Vec::new();
        for _ in 0..2 {
            let begin = groups.begin("shell-1: 100%", "id").unwrap();
            let token = begin.strip_prefix("::group::shell-1: 100%25\n::stop-commands::").unwrap();
            assert_eq!(groups.end().unwrap(), format!("::{token}::\n::endgroup::"));
            assert_eq!(groups.end(), None);
            tokens.push(token.to_owned());
        }
        assert_ne!(tokens[0], tokens[1]);
        assert!(tokens[0].len() >= 32 + 7);
    }

    #[test]
    fn sections_begin_and_end_under_the_same_name() {
        let mut groups = Groups { system: System::GitLab, end: None };
        let begin = groups.begin("shell-1", "0194-aa").unwrap();
        assert!(
            begin.starts_with("\x1b[0Ksection_start:") && begin.ends_with(":mosaic_0194_aa\r\x1b[0Kshell-1")
        );
        assert!(groups.end().unwrap().ends_with(":mosaic_0194_aa\r\x1b[0K"));
        assert_eq!(Groups { system: System::None, end: None }.begin("a", "b"), None);
    }
}
