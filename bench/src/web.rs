//! The page in a headless Chromium: a key's echo, much output, the first load, memory.
//!
//! `web/bench/measure.mjs` drives the browser; it is not bound to one core, as nobody's browser is.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use super::{
    machine,
    mosaic::Mosaic,
    report::{Aim, Row, Table},
};

#[derive(Args)]
pub(crate) struct WebArgs {
    /// How often each measurement is taken
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only these measurements, separated by commas: echo, output, memory; the first load is always measured
    #[arg(long, default_value = "")]
    only: String,
}

/// A figure from the browser.
#[derive(Deserialize)]
struct Figure {
    what: String,
    value: f64,
    floor: Option<f64>,
}

const fn row(what: &'static str, unit: &'static str, digits: usize, aim: Aim) -> Row {
    Row { what, unit, digits, aim }
}

/// What the browser calls a figure, and its row.
const ROWS: [(&str, Row); 11] = [
    ("load", row("from the sign-in link to a page that takes a message", "ms", 0, Aim::AtMost(1000.0))),
    ("javascript", row("JavaScript of the first load, gzip", "kB", 0, Aim::AtMost(350.0))),
    ("echo p50", row("a key to its echo in the page, p50", "ms", 1, Aim::AtMost(8.0))),
    ("echo p99", row("a key to its echo in the page, p99", "ms", 1, Aim::None)),
    ("drawn p50", row("a key to its letter drawn, beside a bare xterm that echoes, p50", "ms", 1, Aim::None)),
    ("drawn p99", row("a key to its letter drawn, beside a bare xterm that echoes, p99", "ms", 1, Aim::None)),
    ("output", row("50 MB of output, beside the same written into a bare xterm", "ms", 0, Aim::None)),
    ("memory", row("heap of the page after two minutes of use", "MiB", 1, Aim::None)),
    ("memory growth", row("its growth in the last minute and a half of them", "MiB", 1, Aim::None)),
    ("resident", row("memory of the browser's processes for the page and its worker", "MiB", 0, Aim::None)),
    ("resident growth", row("its growth in the same minute and a half", "MiB", 0, Aim::None)),
];

pub(crate) async fn run(args: &WebArgs) -> Result<()> {
    println!("{}", machine::describe()?);
    let mut table = Table::default();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}; load {}", args.rounds, machine::load()?);
        let mosaic = Mosaic::start().await?;
        let figures = measure(&mosaic, &args.only).await;
        mosaic.stop().await?;
        for Figure { what, value, floor } in figures? {
            let (_, row) = ROWS.iter().find(|(known, _)| *known == what).context(what)?;
            table.add(*row, floor, value);
        }
    }
    println!("{table}");
    println!("Load at the end: {}.", machine::load()?);
    Ok(())
}

async fn measure(mosaic: &Mosaic, only: &str) -> Result<Vec<Figure>> {
    let endpoint = mosaic.endpoint();
    let code = mosaic.client().workspace().create_sign_in_code().await?.code;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/bench/measure.mjs");
    let mut browser = Command::new("node");
    browser
        .arg(script)
        .env("MOSAIC_ENDPOINT", &endpoint)
        .env("MOSAIC_SIGN_IN", format!("{endpoint}/#sign-in={code}"))
        .env("MOSAIC_BENCH_WEB", only)
        .stderr(Stdio::inherit());
    // The server runs on its own meanwhile.
    let said = tokio::task::spawn_blocking(move || browser.output()).await?.context("start node")?;
    ensure!(said.status.success(), "the browser's side failed; `npm ci` in web/ first?");
    let lines = String::from_utf8(said.stdout)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
