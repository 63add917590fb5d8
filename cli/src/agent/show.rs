//! `mosaic agent show`: one agent in full; its job, as long as that has none.
//!
//! It knows nothing about its job's life; `mosaic job show` does.

use mosaic_client::{
    AgentInfo,
    proto::orchestrator::v1::{GetAgentResponse, agent::State},
};

use super::{
    find::{self, Found},
    words::{agent_cell, detail, receipt},
};
use crate::{Outcome, exit, job, output::say, session::Session, show, text};

/// Shows it.
pub(super) async fn run(session: &Session, name: &str) -> Outcome {
    let client = session.client()?;
    let agent = match find::now(&client, name).await? {
        Found::Agent(agent) => agent,
        Found::Job(job) => {
            say(&format!("[mosaic: {} has no agent yet; this is its job]", text::escape(&job.name)));
            return job::shown(session, &client, job).await;
        }
    };
    let words = words(session, &agent);
    session.output.show(&GetAgentResponse { agent: Some(agent) }, || words)?;
    Ok(exit::OK)
}

fn words(session: &Session, agent: &AgentInfo) -> String {
    let cell = agent_cell(agent);
    let name = text::quote(&text::escape(&agent.name));
    let mut lines = vec![
        detail("name", &text::escape(&agent.name)),
        detail("id", &agent.id),
        detail("state", &cell.painted(session.output.colours)),
        detail("attempt", &format!("{} of job {}", agent.attempt, agent.job_id)),
        detail("profile", &text::escape(&agent.profile)),
        detail("terminal", &agent.terminal_id),
        detail("started", &show::time(agent.start_time.as_ref())),
    ];
    let mut add = |name: &str, what: String| {
        if !what.is_empty() {
            lines.push(detail(name, &what));
        }
    };
    add("ended", agent.end_time.as_ref().map(|time| show::time(Some(time))).unwrap_or_default());
    add(
        "process",
        if agent.pid == 0 { String::new() } else { format!("{} on {}", agent.pid, agent.node_id) },
    );
    add("worktree", text::escape(&agent.worktree));
    add("branch", text::escape(&agent.branch));
    add("saved work", text::escape(&agent.saved_ref));
    add("worktree kept", text::escape(&agent.worktree_kept));
    add("tokens", if agent.tokens_used == 0 { String::new() } else { agent.tokens_used.to_string() });
    add("receipt", agent.receipt.as_ref().map(receipt).unwrap_or_default());
    add("last line", text::escape(&agent.last_line));
    add(
        "next",
        match agent.state() {
            State::InputRequired => {
                format!("it asks: `mosaic agent send {name} TEXT`, or `mosaic agent attach {name}`")
            }
            State::Starting | State::Running => format!("`mosaic agent logs -f {name}` shows what it does"),
            State::Unreachable => "its server does not answer; it may come back".to_owned(),
            _ => format!("`mosaic job show {name}` says what became of the job"),
        },
    );
    lines.join("\n")
}
