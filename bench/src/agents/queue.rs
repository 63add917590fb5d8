//! The queue with nothing to run: the store's own claims, starts and ends, on a PostgreSQL of their own.
//!
//! It must not have SQL of its own for what the server does.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use mosaic_server::{
    auth::Actor,
    config::{Config, Sources},
    db::{
        Address, Db,
        changes::{Changes, Tasks},
    },
    ids::{NodeId, TokenId, WorkspaceId},
    orchestrator::{
        agent::Agent,
        job::{EndReason, Job, Spec, State},
        queued,
        store::{
            agents::{self, End, Verdict},
            claim::{self, Begun, Limits, Room},
            jobs::{self, Inserted, NewJob},
        },
    },
    terminal::Size,
};
use test_support::Postgres;

use crate::report::{Aim, Row, Table};

const JOBS: usize = 5000;
/// As `orchestrator.claim_batch_max`.
const BATCH: usize = 50;
const CLAIMERS: usize = 4;
/// Nothing is in the way of a claim or a start.
const ROOM: Room = Room { here: BATCH, per_workspace: 1_000_000, lease_s: 600 };
const LIMITS: Limits = Limits { per_workspace: 1_000_000, per_profile: 0 };

const CLAIM: Row = Row {
    what: "claims in batches of 50, durable, 1 claimer",
    unit: "/s",
    digits: 0,
    aim: Aim::AtLeast(5000.0),
};
const CLAIM_4: Row = Row { what: "the same, 4 claimers", ..CLAIM };
const CYCLE: Row = Row {
    what: "claim, start and end of a job that does nothing, durable, 4 claimers",
    aim: Aim::None,
    ..CLAIM
};
const DURABLE: [Row; 3] = [CLAIM, CLAIM_4, CYCLE];
const RELAXED: [Row; 3] = [
    Row { what: "claims in batches of 50, commits not waited for, 1 claimer", aim: Aim::None, ..CLAIM },
    Row { what: "the same with commits not waited for, 4 claimers", aim: Aim::None, ..CLAIM },
    Row { what: "claim, start and end, commits not waited for, 4 claimers", ..CYCLE },
];

/// A database with jobs that wait.
struct Queue {
    db: Db,
    changes: Changes,
    tasks: Tasks,
    node: NodeId,
    workspace: WorkspaceId,
}

pub(super) async fn measure(table: &mut Table) -> Result<()> {
    let postgres = Postgres::start().await?;
    let relaxed = format!("{}&options=-c%20synchronous_commit%3Doff", postgres.url());
    for (rows, url) in [(DURABLE, postgres.url().as_str()), (RELAXED, relaxed.as_str())] {
        let queue = Queue::open(url).await?;
        queue.fill().await?;
        for (row, claimers) in [(rows[0], 1), (rows[1], CLAIMERS)] {
            let rate = per_second(try_join_all((0..claimers).map(|_| queue.claim_all()))).await?;
            table.add(row, None, rate);
            claim::release(&queue.db, queue.node, None).await?;
        }
        let rate = per_second(try_join_all((0..CLAIMERS).map(|_| queue.run_all()))).await?;
        table.add(rows[2], None, rate);
        queue.close().await;
    }
    Ok(())
}

/// All jobs, once each, in a second.
async fn per_second(work: impl Future<Output = Result<Vec<usize>>>) -> Result<f64> {
    let began = Instant::now();
    let done: usize = work.await?.into_iter().sum();
    let time = began.elapsed();
    ensure!(done == JOBS, "{done} of {JOBS} jobs");
    Ok(f64::from(u32::try_from(JOBS)?) / time.as_secs_f64())
}

impl Queue {
    async fn open(url: &str) -> Result<Self> {
        let config = Config::load(&Sources { root: true, ..Sources::default() })?;
        let db = Db::open(&Address::Url(url.parse()?), &config.database).await?;
        let workspace = WorkspaceId::new();
        let sql = "INSERT INTO workspaces (id, name) VALUES ($1, 'bench-' || $2)";
        db.get().await?.execute(sql, &[&workspace.0, &workspace.to_string()]).await?;
        let (changes, tasks) = Changes::start(db.clone(), &config.events);
        Ok(Self { db, changes, tasks, node: NodeId::new(), workspace })
    }

    async fn close(self) {
        self.tasks.stop().await;
        self.db.close();
    }

    /// Makes the jobs as SpawnAgent does. Then their rows are looked at once, as PostgreSQL does by itself in time.
    async fn fill(&self) -> Result<()> {
        for start in (0..JOBS).step_by(500) {
            let all = (start..JOBS.min(start + 500)).map(|_| async {
                let new = NewJob {
                    job: self.job(),
                    depends_on: Vec::new(),
                    request: None,
                    jobs_max: i64::MAX,
                    actor: Actor::system(),
                };
                let made = jobs::insert(&self.changes, new).await?;
                ensure!(matches!(made, Inserted::New(_)), "a job was there before");
                Ok(())
            });
            try_join_all(all).await?;
        }
        self.db.get().await?.batch_execute("ANALYZE").await?;
        Ok(())
    }

    fn job(&self) -> Job {
        let spec = Spec {
            profile: "shell".to_owned(),
            prompt: "true".to_owned(),
            cwd: None,
            env: BTreeMap::new(),
            repository: None,
            base: None,
            commit: None,
            depends_on: Vec::new(),
            priority: 5,
            attempts_max: 1,
            backoff_ms: 5000,
            queued_timeout_ms: None,
            timeout_ms: 60_000,
            output_timeout_ms: None,
            rerun_when_lost: false,
            token_budget: 0,
            labels: BTreeMap::new(),
            size: Size::default(),
        };
        queued(self.workspace, "", spec, ("bench", TokenId::new()))
    }

    async fn claim(&self) -> Result<Vec<Job>> {
        Ok(claim::claim(&self.db, self.node, ROOM, &[]).await?)
    }

    /// Claims until nothing is left; answers how many there were.
    async fn claim_all(&self) -> Result<usize> {
        let mut all = 0;
        loop {
            match self.claim().await?.len() {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// The same, and each job begins and ends as if a program had.
    async fn run_all(&self) -> Result<usize> {
        let mut all = 0;
        loop {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                return Ok(all);
            }
            all += claimed.len();
            try_join_all(claimed.iter().map(|job| self.run(job))).await?;
        }
    }

    async fn run(&self, job: &Job) -> Result<()> {
        let agent = Agent::starting(job, self.node, String::new());
        let id = agent.id;
        let begun = claim::begin(&self.changes, agent, LIMITS).await?;
        ensure!(matches!(begun, Begun::Starting(..)), "{begun:?}");
        let end = End {
            exit: None,
            receipt: None,
            time_ms: job.create_ms,
            verdict: Verdict::Over(State::Succeeded, EndReason::Exited, String::new()),
            tokens_used: 0,
            left: Default::default(),
        };
        let ended = agents::ended(&self.changes, id, end).await?.context("no agent")?;
        ensure!(ended.job.state == State::Succeeded, "{:?}", ended.job.state);
        Ok(())
    }
}
