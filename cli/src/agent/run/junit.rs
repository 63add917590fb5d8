//! A run as JUnit XML, which CI systems show as tests: one suite, a test case for each attempt.
//!
//! It knows nothing about where it is written.
//!
//! Only the last attempt passes or fails: one that was followed by another is `skipped`, so that the report is red
//! where the exit code is not 0, and only there.

use std::fmt::Write as _;

use mosaic_client::AgentInfo;

use super::{
    ending::Ending,
    report::{Attempt, seconds, time},
};
use crate::{exit, show};

/// The report.
pub(super) fn report(ending: &Ending, attempts: &[Attempt]) -> String {
    let job = ending.job.clone().unwrap_or_default();
    let name = ending.name.as_deref().unwrap_or(&job.name);
    let name = if name.is_empty() { "agent" } else { name };
    let class = if job.profile.is_empty() { "mosaic".to_owned() } else { format!("mosaic.{}", job.profile) };
    let mut cases = String::new();
    let nothing = Attempt { agent: AgentInfo::default(), output: String::new() };
    // A job that never ran is a test that could not be made.
    let shown = if attempts.is_empty() { std::slice::from_ref(&nothing) } else { attempts };
    for (index, attempt) in shown.iter().enumerate() {
        let last = index + 1 == shown.len();
        case(&mut cases, &class, &label(name, &attempt.agent), attempt, last.then_some(ending));
    }
    let total: f64 = shown.iter().filter_map(|attempt| length(&attempt.agent)).sum();
    let verdict = Verdict::of(ending);
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{total:.3}\"",
        shown.len(),
        u8::from(verdict == Verdict::Failure),
        u8::from(verdict == Verdict::Error),
        shown.len() - 1 + usize::from(verdict == Verdict::Skipped),
    );
    let timestamp = time(job.create_time.as_ref())
        .map(|time| format!(" timestamp=\"{}\"", escape(time.trim_end_matches('Z'))))
        .unwrap_or_default();
    let suite = format!("<testsuite name=\"mosaic agent {}\" {counts}{timestamp}>", escape(name));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suite}\n{cases}</testsuite>\n</testsuites>\n"
    )
}

/// What the last attempt, and with it the run, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// The program said no.
    Failure,
    /// It did not come to a verdict of its own.
    Error,
    /// Nobody waited for it.
    Skipped,
}

impl Verdict {
    fn of(ending: &Ending) -> Self {
        match ending.outcome {
            "detached" => Self::Skipped,
            _ if ending.code == exit::OK => Self::Passed,
            "failed" => Self::Failure,
            _ => Self::Error,
        }
    }
}

fn case(cases: &mut String, class: &str, name: &str, attempt: &Attempt, ending: Option<&Ending>) {
    let time = length(&attempt.agent).unwrap_or_default();
    // Writing into a String cannot fail.
    let _ = writeln!(
        cases,
        "<testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\">",
        escape(class),
        escape(name)
    );
    let element = match ending {
        None => {
            let how = attempt.agent.exit.as_ref().map_or_else(|| "it failed".to_owned(), show::end);
            format!("<skipped message=\"{}\"/>\n", escape(&format!("{how}; it was tried again")))
        }
        Some(ending) => verdict(ending),
    };
    cases.push_str(&element);
    if !attempt.output.is_empty() {
        let _ = writeln!(cases, "<system-out>{}</system-out>", escape(&attempt.output));
    }
    cases.push_str("</testcase>\n");
}

fn verdict(ending: &Ending) -> String {
    let element = match Verdict::of(ending) {
        Verdict::Passed => return String::new(),
        Verdict::Skipped => return format!("<skipped message=\"{}\"/>\n", escape(&ending.message)),
        Verdict::Failure => "failure",
        Verdict::Error => "error",
    };
    let message = escape(&ending.message);
    format!("<{element} type=\"{}\" message=\"{message}\">{message}</{element}>\n", escape(ending.outcome))
}

fn label(name: &str, agent: &AgentInfo) -> String {
    if agent.attempt == 0 { name.to_owned() } else { format!("{name}, attempt {}", agent.attempt) }
}

fn length(agent: &AgentInfo) -> Option<f64> {
    seconds(agent.start_time.as_ref(), agent.end_time.as_ref())
}

/// The text for an element or an attribute. What XML 1.0 cannot hold at all becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // A parser makes a line end of it otherwise.
            '\r' => safe.push_str("&#13;"),
            '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => safe.push(c),
            _ => safe.push('\u{fffd}'),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use mosaic_client::{JobInfo, proto::orchestrator::v1::job::State};

    use super::*;

    fn attempt(number: u32, output: &str) -> Attempt {
        Attempt { agent: AgentInfo { attempt: number, ..AgentInfo::default() }, output: output.to_owned() }
    }

    fn ended(state: State) -> Ending {
        Ending::of_job(JobInfo { name: "a&b".to_owned(), state: state.into(), ..JobInfo::default() })
    }

    #[test]
    fn nothing_that_xml_cannot_hold_is_left() {
        assert_eq!(
            escape("a\u{0}\u{1b}[m\u{7}\u{fffe}\n\t\r<&\">é🙂"),
            "a\u{fffd}\u{fffd}[m\u{fffd}\u{fffd}\n\t&#13;&lt;&amp;&quot;&gt;é🙂"
        );
    }

    #[test]
    fn only_the_last_attempt_passes_or_fails() {
        let two = [attempt(1, "x < y"), attempt(2, "")];
        let passed = report(&ended(State::Succeeded), &two);
        assert!(passed.contains("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{passed}");
        assert!(passed.contains("name=\"a&amp;b, attempt 1\"") && passed.contains("x &lt; y"), "{passed}");
        let failed = report(&ended(State::Failed), &two);
        assert!(failed.contains("failures=\"1\" errors=\"0\" skipped=\"1\"") && failed.contains("<failure "));
        let late = report(&ended(State::TimedOut), &[]);
        assert!(late.contains("tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""), "{late}");
        assert!(late.contains("type=\"timed_out\""), "{late}");
    }
}
