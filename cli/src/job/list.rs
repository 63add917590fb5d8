//! `mosaic job ls`: a table, and with `--watch` what happens after it.
//!
//! It knows nothing about single jobs.

use mosaic_client::{
    JobInfo,
    proto::{
        orchestrator::v1::{ListJobsResponse, job::State},
        workspace::v1::Resource,
    },
};

use crate::{
    Outcome,
    account::events,
    agent::{job_cell, waits},
    exit,
    session::Session,
    show,
    table::Cell,
    text, values,
};

/// The states of jobs that are not over.
const OPEN: [State; 5] =
    [State::Queued, State::Running, State::InputRequired, State::BackingOff, State::Stopping];

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct List {
    /// Also those that are over, and all ids
    #[arg(long, short)]
    all: bool,
    /// Only those with this label; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = values::variable)]
    label: Vec<(String, String)>,
    /// Go on with a line for everything that happens to jobs
    #[arg(long, short)]
    watch: bool,
}

/// Lists.
pub(super) async fn run(session: &Session, list: List) -> Outcome {
    let client = session.client()?;
    let mut request = client.orchestrator().jobs().page_size(1000);
    for (name, value) in list.label {
        request = request.label(name, value);
    }
    if !list.all {
        request = OPEN.into_iter().fold(request, |request, state| request.state(state));
    }
    let (jobs, sequence) = request.all().await?;
    if session.output.json {
        let page = ListJobsResponse { jobs, sequence, next_page_token: String::new() };
        session.output.message(&page)?;
    } else if list.all {
        let header = ["NAME", "STATE", "PROFILE", "ATTEMPTS", "AGE", "ID", "ABOUT"];
        session.output.table(header, jobs.iter().map(row).collect())?;
    } else {
        let header = ["NAME", "STATE", "PROFILE", "ATTEMPTS", "AGE", "ABOUT"];
        let short = |job| {
            let [name, state, profile, attempts, age, _, about] = row(job);
            [name, state, profile, attempts, age, about]
        };
        session.output.table(header, jobs.iter().map(short).collect())?;
    }
    if list.watch {
        // The list and its sequence are of one moment: nothing is missed in between.
        let watch = client.workspace().watch_events().after(sequence).resource(Resource::Job);
        return events::follow(session, watch).await;
    }
    Ok(exit::OK)
}

fn row(job: &JobInfo) -> [Cell; 7] {
    [
        text::escape(&job.name).into(),
        job_cell(job),
        text::escape(&job.profile).into(),
        format!("{} of {}", job.attempts, job.attempts_max).into(),
        show::age(job.create_time.as_ref()).into(),
        text::escape(&job.id).into(),
        waits(job).into(),
    ]
}
