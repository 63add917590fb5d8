//! Starting a terminal: row `STARTING`, then the child, then `RUNNING`.
//!
//! A kill between any two of these leaves either a row without a child, which the next start calls lost, or a child
//! with a row, which the next start calls running. A repeated call finds what the first one made.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    Found, Shared, Shown, Size, State, Terminals,
    link::spawn_error,
    live::Live,
    record::{Change, Record, now_ms},
    store::{self, Inserted, NewTerminal},
    tree::{Bounds, Limits},
};
use crate::{
    auth::{Actor, Principal, Role},
    error::{Error, Reason, Result},
    ids::TerminalId,
    keeper::{
        MARK,
        client::Client,
        wire::{self, Ask},
    },
    log::Log,
    workspace::request::RequestId,
};

/// Bytes of a terminal's name.
pub(super) const NAME_BYTES_MAX: usize = 128;
const CWD_BYTES_MAX: usize = 4096;
/// Arguments and environment together have to fit one message to the keeper.
const ARGUMENT_BYTES_MAX: usize = 96 * 1024;
/// Spans after which a terminal can be closed that is idle, or that still runs.
const SPAN_MIN: Duration = Duration::from_secs(1);
const SPAN_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// What a program may expect where nobody says otherwise.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The user's login shell.
    LoginShell,
    /// A command line for the user's shell.
    Line(String),
    /// A program and its arguments.
    Command(Vec<String>),
}

impl Program {
    /// The program with its arguments, and what it sees as its name, if that differs.
    pub(crate) fn argv(&self, shell: &str) -> (Vec<String>, String) {
        match self {
            Self::LoginShell => {
                let name = shell.rsplit('/').next().unwrap_or(shell);
                (vec![shell.to_owned()], format!("-{name}"))
            }
            Self::Line(line) => (vec![shell.to_owned(), "-lc".to_owned(), line.clone()], String::new()),
            Self::Command(words) => (words.clone(), String::new()),
        }
    }
}

/// A terminal that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewShell {
    pub(crate) name: Option<String>,
    pub(crate) program: Program,
    pub(crate) cwd: Option<String>,
    pub(crate) env: HashMap<String, String>,
    pub(crate) size: Size,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) time_limit: Option<Duration>,
    /// What it may use; `None` is what the settings say of terminals.
    pub(crate) limits: Option<Limits>,
    pub(crate) request: Option<RequestId>,
}

/// Checks a terminal's name.
///
/// # Errors
/// `BAD_REQUEST`
pub(crate) fn check_name(name: &str) -> Result<()> {
    let problem = if name.is_empty() {
        "is empty; give a name"
    } else if name.len() > NAME_BYTES_MAX {
        "is longer than 128 bytes; shorten it"
    } else if name.chars().any(char::is_control) {
        "holds control characters; leave them out"
    } else if name.parse::<uuid::Uuid>().is_ok() {
        "is a UUID, which would be taken for an id; choose another"
    } else {
        return Ok(());
    };
    Err(Error::bad_request("name", problem))
}

impl NewShell {
    fn check(&self) -> Result<()> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        let (field, words) = match &self.program {
            Program::LoginShell => ("shell", &[][..]),
            Program::Line(line) => ("shell", std::slice::from_ref(line)),
            Program::Command(words) => ("command", words.as_slice()),
        };
        if words.first().is_some_and(String::is_empty) {
            return Err(Error::bad_request(field, "is empty; name a program"));
        }
        if words.iter().any(|w| w.contains('\0')) {
            return Err(Error::bad_request(field, "holds NUL, which no argument can; leave it out"));
        }
        if let Some(cwd) = &self.cwd {
            let problem = if !cwd.starts_with('/') {
                "is not absolute; begin it with /"
            } else if cwd.len() > CWD_BYTES_MAX {
                "is longer than 4096 bytes"
            } else if cwd.contains('\0') {
                "holds NUL, which no path can"
            } else {
                ""
            };
            if !problem.is_empty() {
                return Err(Error::bad_request("cwd", problem));
            }
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(Error::bad_request(
                    "env",
                    "a name is empty or holds \"=\" or NUL, or a value holds NUL",
                ));
            }
            if name == MARK {
                return Err(Error::bad_request("env", format!("{MARK} is set by the server; leave it out")));
            }
        }
        // Each also takes a few bytes of its own on the way.
        let bytes: usize = words.iter().map(|word| word.len() + 8).sum::<usize>()
            + self.env.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
        if bytes > ARGUMENT_BYTES_MAX {
            let problem =
                format!("arguments and environment have {bytes} bytes; at most {ARGUMENT_BYTES_MAX} fit");
            return Err(Error::bad_request(field, problem));
        }
        for (field, span) in [("idle_timeout", self.idle_timeout), ("time_limit", self.time_limit)] {
            if span.is_some_and(|t| !(SPAN_MIN..=SPAN_MAX).contains(&t)) {
                return Err(Error::bad_request(field, "is not between one second and 366 days"));
            }
        }
        Ok(())
    }

    /// Its record before it starts.
    fn record(&self, shared: &Shared, principal: &Principal, argv: Vec<String>) -> Record {
        Record {
            id: TerminalId::new(),
            workspace: principal.workspace,
            name: self.name.clone().unwrap_or_else(|| self.stem()),
            made_name: None,
            state: State::Starting,
            command: argv,
            cwd: self.cwd.clone().unwrap_or_else(|| shared.account.home.clone()),
            size: self.size,
            title: String::new(),
            pid: 0,
            create_ms: now_ms(),
            end_ms: None,
            exit: None,
            output_start: 0,
            output_end: 0,
            output_lost_bytes: 0,
            node: shared.node,
            idle_timeout_ms: self.idle_timeout.map(millis),
            time_limit_ms: self.time_limit.map(millis),
            bounds: None,
            tree_end: None,
            creator: principal.token_name.clone(),
            creator_token: principal.token_id,
            agent: None,
            keeper: None,
        }
    }

    /// What a made-up name begins with: the program's.
    fn stem(&self) -> String {
        let Program::Command(words) = &self.program else { return "sh".to_owned() };
        let program = words.first().and_then(|w| w.rsplit('/').next()).unwrap_or_default();
        let stem: String = program.chars().filter(|c| !c.is_control()).take(32).collect();
        if stem.is_empty() { "sh".to_owned() } else { stem }
    }
}

impl Terminals {
    /// Starts a terminal. Once begun it is finished, even if the caller goes away.
    pub(crate) async fn create(&self, principal: &Arc<Principal>, new: NewShell) -> Result<Shown> {
        principal.require(Role::Member)?;
        principal.require_whole_workspace()?;
        new.check()?;
        let (shared, principal) = (Arc::clone(&self.shared), Arc::clone(principal));
        self.shared
            .tasks
            .spawn(async move { create(&shared, &principal, new).await })
            .await
            .map_err(Error::internal)?
    }
}

async fn create(shared: &Arc<Shared>, principal: &Principal, new: NewShell) -> Result<Shown> {
    let actor = Actor::of(principal);
    let (argv, arg0) = new.program.argv(&shared.account.shell);
    let mut record = new.record(shared, principal, argv.clone());
    record.keeper = shared.keeper.get().await?.identity();
    let inserting = NewTerminal {
        record,
        numbered: new.name.is_none(),
        request: new.request.clone(),
        running_max: shared.settings.running_per_workspace_max,
        fence: shared.fence,
        actor: actor.clone(),
    };
    let unsure = inserting.record.clone();
    let record = match store::insert(&shared.changes, inserting).await {
        Ok(Inserted::New(record)) => *record,
        Ok(Inserted::Before(id)) => return made_before(shared, principal, id).await,
        Err(error) => {
            if error.reason() == Reason::DatabaseUnavailable {
                // It may be recorded all the same: then it goes again, with its name and its request id.
                undo(shared, unsure, actor);
            }
            return Err(error);
        }
    };
    let limits = new.limits.unwrap_or_else(|| Limits::of_terminals(&shared.settings));
    let launch = Launch { argv, arg0, env: new.env, limits };
    let live = launch_recorded(shared, record, launch, actor).await?;
    Ok((live.record(), live.viewer_count()))
}

/// What a recorded terminal is started with.
#[derive(Debug)]
pub(super) struct Launch {
    /// Program and arguments.
    pub(super) argv: Vec<String>,
    /// What the program sees as its name; empty: the program.
    pub(super) arg0: String,
    /// Variables on top of the small clean set.
    pub(super) env: HashMap<String, String>,
    /// What it may use.
    pub(super) limits: Limits,
}

/// Starts a terminal whose row is there; if that fails, the row goes.
pub(super) async fn launch_recorded(
    shared: &Arc<Shared>,
    record: Record,
    launch: Launch,
    actor: Actor,
) -> Result<Arc<Live>> {
    let limits = launch.limits;
    let spawn = wire::Spawn {
        id: record.id.0.as_bytes().to_vec(),
        argv: launch.argv,
        arg0: launch.arg0,
        cwd: record.cwd.clone(),
        env: environment(shared, record.id, &launch.env),
        cols: record.size.cols.into(),
        rows: record.size.rows.into(),
        limits: Some(limits.into()),
    };
    shared.expect(record.id);
    let started = start(shared, &record, spawn, limits).await;
    shared.expect_no_more(record.id);
    match started {
        Ok((live, running)) => {
            if let Err(error) =
                store::update(&shared.changes, running, shared.fence, Change::Started, actor.clone()).await
            {
                tracing::debug!(terminal = %live.id, %error, "a start is not recorded yet");
                let (shared, live) = (Arc::clone(shared), Arc::clone(&live));
                shared.tasks.clone().spawn(async move {
                    shared.persist(live.record(), Change::Started, actor).await;
                });
            }
            Ok(live)
        }
        Err(error) => {
            // Nothing runs: the row and the request id go, so that the call can be made again.
            if store::delete(&shared.changes, record.clone(), actor.clone()).await.is_err() {
                undo(shared, record, actor);
            }
            Err(error)
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Forgets a terminal that was never started, as soon as the database takes it.
pub(super) fn undo(shared: &Arc<Shared>, record: Record, actor: Actor) {
    let shared = Arc::clone(shared);
    shared.tasks.clone().spawn(async move {
        shared.persist(record, Change::Deleted, actor).await;
    });
}

/// The terminal that the same request made before. It may still be starting, in another call.
async fn made_before(shared: &Arc<Shared>, principal: &Principal, id: TerminalId) -> Result<Shown> {
    let found = shared.find(principal, &id.to_string()).await?;
    match &found {
        Found::Recorded(record) if record.state == State::Starting && record.node == shared.node => {
            Err(shared.elsewhere(record))
        }
        _ => Ok((found.record(), found.viewers())),
    }
}

/// Starts the program; answers the terminal, and its record as it was when it began to run.
async fn start(
    shared: &Arc<Shared>,
    record: &Record,
    spawn: wire::Spawn,
    limits: Limits,
) -> Result<(Arc<Live>, Record)> {
    let program = record.command.first().map_or("", String::as_str);
    let mut first = true;
    let spawn_by = |keeper: Arc<Client>| {
        let again = !std::mem::replace(&mut first, false);
        let (id, spawn) = (spawn.id.clone(), spawn.clone());
        async move {
            if again {
                // The keeper that died may have started it: nobody else knows that child.
                let reason = wire::Reason::Lost.into();
                keeper.ask(Ask::Close(wire::Close { id, reason, ..wire::Close::default() })).await?;
            }
            keeper.ask_child(Ask::Spawn(spawn)).await.map(|spawned| (spawned, keeper))
        }
    };
    // An agent's program may have begun its work before its keeper died: whoever wants it once decides what then.
    let spawned = if record.agent.is_some() {
        shared.keeper.ask_once(spawn_by).await
    } else {
        shared.keeper.ask_again(spawn_by).await
    };
    let ((child, io), keeper) = spawned.map_err(|e| spawn_error(e, program, &record.cwd))?;
    let io = io.ok_or_else(|| Error::internal("the keeper sent a child without descriptors"))?;
    let mut running = record.clone();
    running.step(Change::Started);
    running.pid = child.pid;
    running.bounds = Some(Bounds::new(limits, child.bounds));
    match shared.run(running.clone(), &child, io, &keeper).await {
        Ok(live) => Ok((live, running)),
        Err(error) => {
            shared.drop_child(&keeper, record.id.0).await;
            let dir = shared.log_dir(record.id);
            // The next start sweeps what cannot be removed now.
            let _ = tokio::task::spawn_blocking(move || Log::remove(&dir)).await;
            Err(error)
        }
    }
}

/// The child's whole environment: a small clean one, and what the caller gave.
fn environment(shared: &Shared, id: TerminalId, given: &HashMap<String, String>) -> Vec<String> {
    let account = &shared.account;
    let id = id.to_string();
    let mut env: HashMap<&str, &str> = HashMap::from([
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("LANG", "C.UTF-8"),
        ("HOME", &account.home),
        ("USER", &account.name),
        ("LOGNAME", &account.name),
        ("SHELL", &account.shell),
        ("PATH", PATH),
        (MARK, &id),
    ]);
    env.extend(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}
