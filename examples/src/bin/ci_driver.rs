//! Drives three jobs as a CI pipeline would: build, then test, then deploy, each only after the one before it has
//! succeeded. Streams what they print, waits for all, and exits with 0 if all succeeded, else with 1.
//!
//! It must not know more than the SDK's public face. Run it with
//! `eval "$(mosaic env)" && cargo run -p mosaic-examples --bin ci_driver -- BUILD TEST DEPLOY`; each is a command
//! line. A lost connection or a restart of the server in the middle changes nothing.

use std::{
    env,
    io::{Write, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use mosaic_client::{
    Client,
    orchestrator::{Job, LogEvent, Outcome},
    terminal::Event,
};

/// What runs if no command lines are given.
const USUAL: [&str; 3] = ["echo compiled", "echo 3 tests passed", "echo deployed"];

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let endpoint = env::var("MOSAIC_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:50051".to_owned());
    let token = env::var("MOSAIC_TOKEN").context("MOSAIC_TOKEN is not set; try: eval \"$(mosaic env)\"")?;
    let client = Client::connect(endpoint).token(token).build()?;
    let given: Vec<String> = env::args().skip(1).collect();
    let line = |index: usize| given.get(index).map_or(USUAL[index], String::as_str);

    // All three are made at once; the queue knows what may start. A name tells them apart while they live.
    let run =
        format!("{}-{}", env::var("CI_JOB_ID").unwrap_or_else(|_| "local".to_owned()), std::process::id());
    let mut jobs: Vec<(&str, Job)> = Vec::new();
    for (index, stage) in ["build", "test", "deploy"].into_iter().enumerate() {
        let mut spawn = client.orchestrator().spawn(line(index)).name(format!("{stage}-{run}"));
        spawn = spawn.label("pipeline", &run).timeout(Duration::from_secs(15 * 60));
        if let Some((_, before)) = jobs.last() {
            spawn = spawn.depends_on(before.id());
        }
        let (job, info) = spawn.send().await?;
        eprintln!("{}: {}", info.name, info.waiting_for);
        jobs.push((stage, job));
    }

    // Interrupted by the CI system, it takes the jobs with it.
    let outcomes = tokio::select! {
        outcomes = follow_all(&jobs) => outcomes?,
        _ = tokio::signal::ctrl_c() => {
            for (_, job) in &jobs {
                job.cancel("the pipeline was interrupted", None).await?;
            }
            return Ok(ExitCode::from(130));
        }
    };
    for ((stage, _), outcome) in jobs.iter().zip(&outcomes) {
        eprintln!("{stage}: {:?} {}", outcome.job.state(), outcome.job.message);
    }
    Ok(if outcomes.iter().all(Outcome::succeeded) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what the jobs print and waits for each. They run one after the other, so this does, too.
async fn follow_all(jobs: &[(&str, Job)]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (stage, job) in jobs {
        print(stage, job).await?;
        outcomes.push(job.wait().await?);
    }
    Ok(outcomes)
}

/// Copies a job's output to ours, each line with the stage before it. It ends with the job.
async fn print(stage: &str, job: &Job) -> Result<()> {
    let mut logs = job.logs().text().open().await?;
    let mut open = String::new();
    while let Some(event) = logs.next().await {
        match event? {
            LogEvent::Terminal(Event::Output(output)) => {
                open.push_str(&output.text);
                while let Some(end) = open.find('\n') {
                    write!(stdout(), "{stage}: {}", &open[..=end])?;
                    open.drain(..=end);
                }
            }
            LogEvent::Terminal(Event::Reconnecting(lost)) => eprintln!("[{}; trying again]", lost.cause),
            LogEvent::Attempt(agent) => eprintln!("{stage}: attempt {} runs", agent.attempt),
            _ => {}
        }
    }
    if !open.is_empty() {
        writeln!(stdout(), "{stage}: {open}")?;
    }
    Ok(())
}
