//! `mosaic agent ls`: a table, and with `--watch` what happens after it.
//!
//! It knows nothing about single agents.

use mosaic_client::{
    AgentInfo,
    proto::{
        orchestrator::v1::{ListAgentsResponse, agent::State},
        workspace::v1::Resource,
    },
};

use super::words::agent_cell;
use crate::{Outcome, account::events, exit, session::Session, show, table::Cell, text};

/// The states of agents that have not ended.
const LIVE: [State; 5] =
    [State::Starting, State::Running, State::InputRequired, State::Stopping, State::Unreachable];

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct List {
    /// Also those that have ended, and all ids
    #[arg(long, short)]
    all: bool,
    /// Only the attempts at this job, by name or id
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Go on with a line for everything that happens to jobs and agents
    #[arg(long, short)]
    watch: bool,
}

/// Lists.
pub(super) async fn run(session: &Session, list: List) -> Outcome {
    let client = session.client()?;
    let mut request = client.orchestrator().agents().page_size(1000);
    if let Some(job) = &list.job {
        request = request.job(job);
    } else if !list.all {
        request = LIVE.into_iter().fold(request, |request, state| request.state(state));
    }
    let (agents, sequence) = request.all().await?;
    if session.output.json {
        let page = ListAgentsResponse { agents, sequence, next_page_token: String::new() };
        session.output.message(&page)?;
    } else if list.all {
        let header = ["NAME", "STATE", "PROFILE", "ATTEMPT", "TIME", "ID", "LAST LINE"];
        session.output.table(header, agents.iter().map(row).collect())?;
    } else {
        // A short id that no command takes would be a trap, and the name of a live agent is enough.
        let header = ["NAME", "STATE", "PROFILE", "ATTEMPT", "TIME", "LAST LINE"];
        let short = |agent| {
            let [name, state, profile, attempt, time, _, line] = row(agent);
            [name, state, profile, attempt, time, line]
        };
        session.output.table(header, agents.iter().map(short).collect())?;
    }
    if list.watch {
        // The list and its sequence are of one moment: nothing is missed in between.
        let watch = client.workspace().watch_events().after(sequence);
        return events::follow(session, watch.resource(Resource::Job).resource(Resource::Agent)).await;
    }
    Ok(exit::OK)
}

fn row(agent: &AgentInfo) -> [Cell; 7] {
    [
        text::escape(&agent.name).into(),
        agent_cell(agent),
        text::escape(&agent.profile).into(),
        agent.attempt.to_string().into(),
        show::age(agent.start_time.as_ref().or(agent.create_time.as_ref())).into(),
        text::escape(&agent.id).into(),
        text::escape(&agent.last_line).into(),
    ]
}
