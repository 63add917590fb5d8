//! Results as plain text: what people read where nothing better is drawn.
//!
//! It decides nothing.

use super::{
    done::Outcome,
    table::{COMMANDS, Spec},
};
use crate::orchestrator::{Agent, FoundJob, Queue, ShownAgent};

/// Letters of a prompt or a last line in a table.
const CELL_LETTERS: usize = 48;

/// A result as text; never empty.
pub(super) fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Spawned { job, agent } | Outcome::Status { job, agent } => card(job, agent.as_deref()),
        Outcome::Jobs { jobs, more } => {
            let row = |found: &FoundJob| {
                let job = &found.job;
                [
                    job.name.clone(),
                    job.state.as_str().to_owned(),
                    job.spec.profile.clone(),
                    cell(&job.spec.prompt),
                ]
            };
            let rows: Vec<_> = jobs.iter().map(row).collect();
            list(["NAME", "STATE", "PROFILE", "PROMPT"], &rows, *more, "there are no jobs; /spawn makes one")
        }
        Outcome::Agents { agents, more } => {
            list_agents(agents, *more, "there are no agents; /spawn starts one")
        }
        Outcome::Overview { queue: (queue, most), running, more } => {
            format!("{}\n{}", of_queue(queue, *most), list_agents(running, *more, "no agent runs"))
        }
        Outcome::Killed { job: Some(job), agents, .. } => {
            let ends: Vec<_> = agents.iter().map(end).collect();
            format!("{} is {}\n{}", job.job.name, job.job.state.as_str(), ends.join("\n"))
                .trim_end()
                .to_owned()
        }
        Outcome::Killed { job: None, agents, cancelled } => {
            let ends: Vec<_> = agents.iter().map(end).collect();
            let counts = format!(
                "{} ended, {} cancelled that waited",
                count(agents.len(), "agent"),
                count(*cancelled, "job")
            );
            format!("{counts}\n{}", ends.join("\n")).trim_end().to_owned()
        }
        Outcome::Log { text, .. } if text.is_empty() => "nothing was printed".to_owned(),
        Outcome::Log { text, .. } => text.clone(),
        Outcome::Sent { name, .. } => format!("typed into {name}"),
        Outcome::Queue(queue, most) => of_queue(queue, *most),
        Outcome::Help(names) => {
            let shown: Vec<&Spec> =
                COMMANDS.iter().filter(|spec| names.iter().any(|name| name == spec.name)).collect();
            help(&shown)
        }
        Outcome::Failed { message, suggestion, candidates, .. } => {
            let mut text = message.clone();
            if !candidates.is_empty() {
                text = format!("{text}: {}", candidates.join(", "));
            }
            if suggestion.is_empty() { text } else { format!("{text}\ndid you mean: {}", plain(suggestion)) }
        }
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A job in a few lines.
fn card(found: &FoundJob, agent: Option<&ShownAgent>) -> String {
    let job = &found.job;
    let mut lines = vec![
        ("job", format!("{} {}", job.name, job.state.as_str())),
        ("id", job.id.to_string()),
        ("profile", job.spec.profile.clone()),
        ("prompt", cell(&job.spec.prompt)),
        ("waits for", found.waiting_for().to_owned()),
        ("asks", job.question.clone()),
        ("attempt", format!("{} of {}", job.attempts, job.spec.attempts_max)),
        ("ended", job.message.clone()),
    ];
    if let Some((agent, last_line)) = agent {
        lines.push(("agent", format!("{} {}", agent.id, agent.state.as_str())));
        lines.push(("terminal", agent.terminal.to_string()));
        lines.push(("printed", last_line.clone()));
    }
    let shown = lines.iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(name, value)| format!("{name:<10}{}", plain(value))).collect::<Vec<_>>().join("\n")
}

fn list_agents(agents: &[ShownAgent], more: bool, none: &str) -> String {
    let row = |(agent, last_line): &ShownAgent| {
        [
            agent.name.clone(),
            agent.state.as_str().to_owned(),
            agent.profile.clone(),
            agent.attempt.to_string(),
            cell(last_line),
        ]
    };
    let rows: Vec<_> = agents.iter().map(row).collect();
    list(["NAME", "STATE", "PROFILE", "ATTEMPT", "LAST LINE"], &rows, more, none)
}

fn of_queue(queue: &Queue, most: usize) -> String {
    let Queue { running, ready, blocked, backing_off, .. } = queue;
    let counts = format!(
        "{running} of {most} running, {ready} ready, {blocked} waiting for others, {backing_off} for their next attempt"
    );
    match (queue.paused, queue.pause_reason.as_str()) {
        (false, _) => counts,
        (true, "") => format!("{counts}\nthe queue is paused; /resume starts agents again"),
        (true, why) => format!("{counts}\nthe queue is paused ({}); /resume starts agents again", plain(why)),
    }
}

/// How an agent ended.
fn end(agent: &Agent) -> String {
    let how = match &agent.receipt {
        None => String::new(),
        Some(receipt) if receipt.proven => ": nothing of it is left".to_owned(),
        Some(receipt) => match receipt.survivors.len() {
            1 => ": 1 process may be left".to_owned(),
            some => format!(": {some} processes may be left"),
        },
    };
    format!("{} {}{how}", agent.name, agent.state.as_str())
}

fn help(shown: &[&Spec]) -> String {
    let rows: Vec<_> = shown.iter().map(|spec| [spec.usage.to_owned(), spec.summary.to_owned()]).collect();
    let mut text = columns(&rows);
    if let [one] = shown {
        for flag in one.options {
            text.push_str(&format!("\n  {:<14}{}", flag.name, flag.value));
        }
    } else {
        text.push_str(
            "\nA beginning of a command, of a name, or of an id is enough if it is the only one. `//` begins an ordinary \
             message with a slash.",
        );
    }
    text
}

fn list<const N: usize>(head: [&str; N], rows: &[[String; N]], more: bool, none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let mut all = vec![head.map(str::to_owned)];
    all.extend_from_slice(rows);
    let more = if more { "\n(and older ones)" } else { "" };
    columns(&all) + more
}

/// Rows with their columns below one another.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The beginning of a text in one line.
fn cell(text: &str) -> String {
    let line = plain(text);
    if line.chars().count() <= CELL_LETTERS {
        return line;
    }
    line.chars().take(CELL_LETTERS - 1).chain(['…']).collect()
}

/// A text in one line, without what would move a cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
