//! Terminals of agents: started for one, followed, typed into and ended by the server itself.
//!
//! It knows nothing about jobs, and nothing here asks who may: that was decided before.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::{
    Shared, Terminals,
    close::How,
    create::{Launch, Program, launch_recorded, undo},
    live::Live,
    record::{Exit, Record, Size, State, now_ms},
    store::{self, Inserted, NewTerminal},
    tree::{Bounds, Limits, TreeEnd},
};
use crate::{
    auth::Actor,
    error::{Error, Reason, Result},
    ids::{AgentId, TerminalId, TokenId, WorkspaceId, WriterId},
    log::Log,
};

/// What an agent's terminal is started with.
#[derive(Clone, Debug)]
pub(crate) struct AgentShell {
    /// Made up before, so that a repeated start finds the first one's.
    pub(crate) id: TerminalId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) agent: AgentId,
    pub(crate) name: String,
    pub(crate) program: Program,
    /// Absent: the home of the user that it runs as.
    pub(crate) cwd: Option<String>,
    pub(crate) env: HashMap<String, String>,
    pub(crate) size: Size,
    pub(crate) limits: Limits,
    /// The name of the token that asked for the agent, and the token.
    pub(crate) creator: (String, TokenId),
}

/// Where an agent's terminal is.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It runs here.
    Live(AgentTerminal),
    /// It is over.
    Over(Exit),
    /// It was never started.
    Unborn,
}

/// The terminal of an agent that runs here.
#[derive(Clone, Debug)]
pub(crate) struct AgentTerminal {
    live: Arc<Live>,
}

impl Terminals {
    /// Starts an agent's terminal, unless it is there already. Once begun it is finished, even if the caller goes.
    /// [`Standing::Unborn`] if there is no keeper to ask. `KEEPER_UNAVAILABLE` says that one was asked and went away: the
    /// program may have begun.
    pub(crate) async fn start_for_agent(&self, shell: AgentShell) -> Result<Standing> {
        let shared = Arc::clone(&self.shared);
        let started = self.shared.tasks.spawn(async move { start(&shared, shell).await });
        started.await.map_err(Error::internal)?
    }

    /// Where an agent's terminal is, after everything was settled at the start.
    pub(crate) async fn of_agent(&self, workspace: WorkspaceId, id: TerminalId) -> Result<Standing> {
        if let Some(live) = self.shared.live().get(&id).cloned() {
            return Ok(Standing::Live(AgentTerminal { live }));
        }
        match store::find(&self.shared.db, workspace, &id.to_string()).await? {
            Some(Record { exit: Some(exit), .. }) => Ok(Standing::Over(exit)),
            Some(record) => Err(self.shared.elsewhere(&record)),
            None => Ok(Standing::Unborn),
        }
    }

    /// The terminals of agents that run here.
    pub(crate) fn of_agents(&self) -> Vec<(AgentId, TerminalId)> {
        let all = self.shared.live();
        all.values().filter_map(|live| live.record().agent.map(|agent| (agent, live.id))).collect()
    }

    /// Ends what an agent's terminal started; answers how that went.
    pub(crate) async fn end_agent(&self, id: TerminalId, how: &How) -> Result<TreeEnd> {
        let known = self.shared.live().get(&id).map(|live| live.record());
        self.shared.end_tree(id, how, known.as_ref()).await
    }
}

async fn start(shared: &Arc<Shared>, shell: AgentShell) -> Result<Standing> {
    if let Some(live) = shared.live().get(&shell.id).cloned() {
        return Ok(Standing::Live(AgentTerminal { live }));
    }
    let Ok(keeper) = shared.keeper.get().await else { return Ok(Standing::Unborn) };
    let (argv, arg0) = shell.program.argv(&shared.account.shell);
    let record = record(shared, &shell, argv.clone(), keeper.identity());
    let actor = Actor::system();
    let inserting = NewTerminal {
        record: record.clone(),
        numbered: true,
        request: None,
        running_max: usize::MAX,
        fence: shared.fence,
        actor: actor.clone(),
    };
    let record = match store::insert(&shared.changes, inserting).await {
        Ok(Inserted::New(record)) => *record,
        Ok(Inserted::Before(id)) => return Err(Error::internal(format!("terminal {id} exists"))),
        Err(error) => {
            if error.reason() == Reason::DatabaseUnavailable {
                // It may be recorded all the same; nothing runs.
                undo(shared, record, actor);
            }
            return Err(error);
        }
    };
    let launch = Launch { argv, arg0, env: shell.env, limits: shell.limits };
    let live = launch_recorded(shared, record, launch, actor).await?;
    Ok(Standing::Live(AgentTerminal { live }))
}

fn record(shared: &Shared, shell: &AgentShell, argv: Vec<String>, keeper: Option<uuid::Uuid>) -> Record {
    Record {
        id: shell.id,
        workspace: shell.workspace,
        name: shell.name.clone(),
        made_name: None,
        state: State::Starting,
        command: argv,
        cwd: shell.cwd.clone().unwrap_or_else(|| shared.account.home.clone()),
        size: shell.size,
        title: String::new(),
        pid: 0,
        create_ms: now_ms(),
        end_ms: None,
        exit: None,
        output_start: 0,
        output_end: 0,
        output_lost_bytes: 0,
        node: shared.node,
        idle_timeout_ms: None,
        time_limit_ms: None,
        bounds: None,
        tree_end: None,
        creator: shell.creator.0.clone(),
        creator_token: shell.creator.1,
        agent: Some(shell.agent),
        keeper,
    }
}

impl AgentTerminal {
    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        self.live.process.0
    }

    /// What holds it together, and who keeps its limits.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.live.record().bounds
    }

    /// How it ended, now or later; all of its output is in the log then.
    pub(crate) fn ended(&self) -> watch::Receiver<Option<Exit>> {
        self.live.ended()
    }

    /// The output, to be told of more.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.live.log
    }

    /// When it last printed or was typed into, in milliseconds since 1970.
    pub(crate) fn active_ms(&self) -> u64 {
        self.live.io.active_ms()
    }

    /// Types once, whatever happens to the server; the same writer a second time types nothing.
    pub(crate) fn type_once(&self, writer: WriterId, data: &[u8]) -> Result<()> {
        self.live
            .accept(Some((writer, 1)), data)
            .map(|_| ())
            .map_err(|refused| super::typing::refusal(refused, Some((writer, 1))))
    }
}
