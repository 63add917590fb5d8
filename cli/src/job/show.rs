//! `mosaic job show`: one job in full: what it waits for, why it ended, what to do.
//!
//! It knows nothing about how jobs are listed.

use std::collections::HashMap;

use mosaic_client::{
    Client, JobInfo,
    proto::orchestrator::v1::{GetJobResponse, job::State},
};

use crate::{
    Outcome,
    agent::{detail, job_cell, job_end, waits},
    exit,
    session::Session,
    show, text,
};

/// Shows it.
pub(super) async fn run(session: &Session, name: &str) -> Outcome {
    let client = session.client()?;
    let job = client.orchestrator().job(name).get().await?;
    shown(session, &client, job).await
}

/// Shows one that is known.
pub(crate) async fn shown(session: &Session, client: &Client, job: JobInfo) -> Outcome {
    let others = if session.output.json { Others::new() } else { others(client, &job).await };
    let words = words(session, &job, &others);
    session.output.show(&GetJobResponse { job: Some(job) }, || words)?;
    Ok(exit::OK)
}

/// Other jobs by id: their names, and how they are.
type Others = HashMap<String, String>;

/// Those that this one depends on. One that cannot be asked for goes by its id.
async fn others(client: &Client, job: &JobInfo) -> Others {
    let mut others = Others::new();
    for id in job.depends_on.iter().chain([&job.failed_dependency_id]).filter(|id| !id.is_empty()) {
        if let Ok(other) = client.orchestrator().job(id).get().await {
            others.insert(id.clone(), format!("{} ({})", text::escape(&other.name), job_end(&other)));
        }
    }
    others
}

fn words(session: &Session, job: &JobInfo, others: &Others) -> String {
    let name = text::quote(&text::escape(&job.name));
    let other = |id: &String| others.get(id).unwrap_or(id).clone();
    let of_several = match job.attempts {
        0 | 1 => String::new(),
        _ => format!(" (`mosaic agent ls --job {name}` lists them)"),
    };
    let mut lines = vec![
        detail("name", &text::escape(&job.name)),
        detail("id", &job.id),
        detail("state", &job_cell(job).painted(session.output.colours)),
        detail("attempts", &format!("{} of {}{of_several}", job.attempts, job.attempts_max)),
        detail("profile", &text::escape(&job.profile)),
        detail("priority", &job.priority.to_string()),
    ];
    let mut add = |name: &str, what: String| {
        if !what.is_empty() {
            lines.push(detail(name, &what));
        }
    };
    let time =
        |time: Option<&prost_types::Timestamp>| time.map(|it| show::time(Some(it))).unwrap_or_default();
    let waiting = matches!(job.state(), State::Queued | State::BackingOff);
    add("waits for", if waiting { waits(job) } else { String::new() });
    add("asks", text::escape(&job.question));
    add("why", text::escape(&job.message));
    add("depends on", job.depends_on.iter().map(other).collect::<Vec<_>>().join(", "));
    add("failed one", other(&job.failed_dependency_id));
    add("directory", text::escape(&job.cwd));
    add("repository", text::escape(&job.repository));
    add("base", text::escape(&job.base));
    add("made", format!("{} by {}", time(job.create_time.as_ref()), text::escape(&job.creator)));
    add("started", time(job.start_time.as_ref()));
    add("ended", time(job.end_time.as_ref()));
    add("tokens", if job.tokens_used == 0 { String::new() } else { job.tokens_used.to_string() });
    let mut labels: Vec<String> =
        job.labels.iter().map(|(name, value)| text::escape(&format!("{name}={value}"))).collect();
    labels.sort();
    add("labels", labels.join(" "));
    add("agent", job.agent_id.clone());
    add("prompt", text::escape(&job.prompt));
    add("next", next(job));
    lines.join("\n")
}

/// What one may do about it.
fn next(job: &JobInfo) -> String {
    let name = text::quote(&text::escape(&job.name));
    match job.state() {
        State::Queued => {
            format!("`mosaic queue status` shows what runs; `mosaic job cancel {name}` gives it up")
        }
        State::BackingOff => format!("`mosaic job retry {name}` tries again at once"),
        State::Running => format!("`mosaic agent logs -f {name}` shows what it does"),
        State::InputRequired => {
            format!("`mosaic agent send {name} TEXT` answers; `mosaic agent attach {name}` shows it")
        }
        State::Failed | State::TimedOut | State::BudgetExceeded if !job.agent_id.is_empty() => {
            format!("`mosaic agent logs {name}` shows what it printed; `mosaic job retry {name}` tries again")
        }
        State::Failed | State::TimedOut | State::BudgetExceeded | State::Cancelled | State::Lost => {
            format!("`mosaic job retry {name}` tries again")
        }
        State::Stopping | State::Succeeded | State::Unspecified => String::new(),
    }
}
