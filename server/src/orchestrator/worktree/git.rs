//! Running git, and the few programs that go with it, as the shell user and so that nothing of the repository's runs
//! that git can be told to leave out.
//!
//! It knows nothing about agents.

use std::time::Duration;

use crate::{
    error::{Error, Reason, Result},
    terminal::{Ran, Run, RunError, Terminals},
};

/// What takes no longer however large the repository is.
pub(super) const QUICK: Duration = Duration::from_secs(60);
/// What goes through every file: a checkout, a look for changes, a removal.
pub(super) const LONG: Duration = Duration::from_secs(15 * 60);
/// Of git's own words, so much is told.
const WORDS_BYTES_MAX: usize = 400;

/// Settings that go before those of the repository, of the user and of the system.
///
/// Not left out are a repository's filters (`filter.*.clean`, `.smudge`, `.process`), which make its files what they
/// are, and what fetches missing objects of a partial clone. They run as the shell user, who runs the agent, too.
///
/// `safe.directory`: git refuses repositories of other users, since whoever happens to be in a directory would run what
/// their configuration names. Nobody happens to be here: the caller has named this repository for the agent to work in.
const SETTINGS: [&str; 11] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "safe.directory=*",
    "safe.bareRepository=all",
    // What is to be kept is not refused because of its line ends.
    "core.safecrlf=false",
    "advice.addEmbeddedRepo=false",
];

/// Who commits what an agent has left.
const IDENTITY: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "Mosaic"),
    ("GIT_AUTHOR_EMAIL", "mosaic@localhost"),
    ("GIT_COMMITTER_NAME", "Mosaic"),
    ("GIT_COMMITTER_EMAIL", "mosaic@localhost"),
];

/// Where a git runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// In this directory, whatever repository is there.
    In(&'a str),
    /// In a worktree whose own link to its repository may be broken, with an index that is not its own.
    Worktree {
        /// What the repository has of it.
        admin: &'a str,
        /// Its files.
        path: &'a str,
        /// The index.
        index: &'a str,
    },
}

/// Runs programs for one call.
#[derive(Clone, Copy)]
pub(super) struct Git<'a>(pub(super) &'a Terminals);

impl Git<'_> {
    /// Runs git; it may fail.
    pub(super) async fn ask(self, place: Place<'_>, arguments: &[&str], timeout: Duration) -> Result<Ran> {
        let mut argv = vec!["git".to_owned(), "--no-pager".to_owned()];
        argv.extend(SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        let mut env = vec![("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0")];
        env.extend(IDENTITY);
        let cwd = match place {
            Place::In(directory) => directory,
            Place::Worktree { admin, path, index } => {
                argv.extend([format!("--git-dir={admin}"), format!("--work-tree={path}")]);
                env.push(("GIT_INDEX_FILE", index));
                path
            }
        };
        argv.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self.run(argv, cwd, &env, timeout).await
    }

    /// Runs git, which has to succeed; answers what it printed, without the last line's end.
    pub(super) async fn must(
        self,
        place: Place<'_>,
        arguments: &[&str],
        timeout: Duration,
    ) -> Result<String> {
        let ran = self.ask(place, arguments, timeout).await?;
        if ran.code == Some(0) { Ok(text(&ran.output)) } else { Err(failed(arguments, &ran)) }
    }

    /// Runs git, whose failure is an answer, too: there is none.
    pub(super) async fn maybe(self, place: Place<'_>, arguments: &[&str]) -> Result<Option<String>> {
        let ran = self.ask(place, arguments, QUICK).await?;
        Ok(Some(text(&ran.output)).filter(|text| ran.code == Some(0) && !text.is_empty()))
    }

    /// Runs another program; true if it succeeded.
    pub(super) async fn program(self, argv: &[&str]) -> Result<bool> {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        Ok(self.run(argv, "/", &[], LONG).await?.code == Some(0))
    }

    /// Runs a program.
    pub(super) async fn run(
        self,
        argv: Vec<String>,
        cwd: &str,
        env: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<Ran> {
        let program = argv.first().cloned().unwrap_or_default();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let run = Run { argv, cwd: cwd.to_owned(), env, timeout };
        let ran = self.0.run_as_shell_user(run).await.map_err(|error| match error {
            RunError::Cwd(cause) => not_found(cwd, &format!("cannot be entered: {cause}")),
            RunError::Program(cause) if program == "git" => {
                let message = format!(
                    "git cannot be run on the server's machine ({cause}); install it (apt-get install git), or leave \
                     the repository out"
                );
                Error::new(Reason::GitMissing, message)
            }
            RunError::Program(cause) => Error::new(Reason::GitFailed, format!("{program}: {cause}")),
            RunError::Other(error) => error,
        })?;
        if ran.timed_out {
            let message = format!("{program} took longer than {} s and was ended", timeout.as_secs());
            return Err(Error::new(Reason::GitFailed, message));
        }
        Ok(ran)
    }
}

/// The error for a directory that is no repository.
pub(super) fn not_found(repository: &str, problem: &str) -> Error {
    let message = format!("the repository {repository:?} {problem}");
    Error::new(Reason::RepositoryNotFound, message).with("repository", repository)
}

/// The error with git's own words.
pub(super) fn failed(arguments: &[&str], ran: &Ran) -> Error {
    let what: Vec<&str> = arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect();
    let how = match ran.code {
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    };
    let message = format!("git {} failed ({how}): {}", what.join(" "), words(&ran.errors));
    Error::new(Reason::GitFailed, message)
}

/// What git said, in one line: not all of it, and without what stands before the host in an address, which may be a
/// password.
pub(super) fn words(errors: &[u8]) -> String {
    let all = String::from_utf8_lossy(errors);
    let mut words = String::new();
    for word in all.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        match word.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = host.rsplit('@').next().unwrap_or_default();
                words.extend([scheme, "://", host, path]);
            }
            None => words.extend(word.chars().filter(|c| !c.is_control())),
        }
    }
    if words.len() > WORDS_BYTES_MAX {
        words.truncate(words.floor_char_boundary(WORDS_BYTES_MAX));
        words.push('…');
    }
    words
}

/// Without the last line's end.
fn text(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn git_s_words_are_one_short_line_without_passwords() {
        let said = b"fatal: unable to access 'https://me:secret@host.example/a@b.git/':\n\tno\x1b[1m\n";
        assert_eq!(words(said), "fatal: unable to access 'https://host.example/a@b.git/': no[1m");
        assert!(words("ä".repeat(1000).as_bytes()).len() <= 404);
    }
}
