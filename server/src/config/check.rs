//! Which values a setting may have.
//!
//! It knows nothing about where a value was written.

use std::ops::RangeInclusive;

use super::Config;

/// What is wrong: the setting and the problem.
type Wrong = (&'static str, String);

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A year: long enough for every time, and far from any overflow.
const YEAR_S: u64 = 366 * 24 * 3600;

/// The first bad value.
pub(super) fn check(config: &Config) -> Result<(), Wrong> {
    for (key, value, allowed) in ranges(config).into_iter().chain(of_agents(config)) {
        if !allowed.contains(&value) {
            let (least, most) = allowed.into_inner();
            return Err((key, format!("{value} is not between {least} and {most}")));
        }
    }
    server(config)?;
    postgres(config)?;
    terminal(config)?;
    if config.accounts.shell_user == config.accounts.service_user {
        return Err((
            "accounts.shell_user",
            "terminals under the service's account could read its files and memory; name another account"
                .to_owned(),
        ));
    }
    if config.accounts.service_user == "root" {
        return Err((
            "accounts.service_user",
            "the service never runs as root; name another account".to_owned(),
        ));
    }
    match tracing_subscriber::EnvFilter::try_new(&config.log.filter) {
        Ok(_) => Ok(()),
        Err(cause) => Err(("log.filter", format!("{cause}; write a level or target=level pairs"))),
    }
}

/// The same for agents.
fn of_agents(config: &Config) -> Vec<(&'static str, u64, RangeInclusive<u64>)> {
    let (orchestrator, year_hours) = (&config.orchestrator, YEAR_S / 3600);
    vec![
        ("orchestrator.running_max", orchestrator.running_max as u64, 1..=100_000),
        (
            "orchestrator.running_per_workspace_max",
            orchestrator.running_per_workspace_max as u64,
            1..=100_000,
        ),
        ("orchestrator.jobs_per_workspace_max", orchestrator.jobs_per_workspace_max as u64, 1..=10_000_000),
        ("orchestrator.timeout_s", orchestrator.timeout_s, 1..=YEAR_S),
        ("orchestrator.kill_grace_ms", orchestrator.kill_grace_ms, 0..=60_000),
        ("orchestrator.lease_s", orchestrator.lease_s, 6..=3600),
        ("orchestrator.node_lost_after_s", orchestrator.node_lost_after_s, 6..=YEAR_S),
        ("orchestrator.output_log_bytes_max", orchestrator.output_log_bytes_max, 64 * KIB..=1024 * GIB),
        ("orchestrator.claim_batch_max", orchestrator.claim_batch_max as u64, 1..=10_000),
        ("orchestrator.starting_max", orchestrator.starting_max as u64, 1..=1000),
        ("orchestrator.ended_retention_hours", orchestrator.ended_retention_hours, 1..=year_hours),
        ("orchestrator.ended_per_workspace_max", orchestrator.ended_per_workspace_max as u64, 1..=10_000_000),
    ]
}

/// Every number and what it may be. Bounds are far from what anyone needs; they catch a wrong unit.
fn ranges(config: &Config) -> Vec<(&'static str, u64, RangeInclusive<u64>)> {
    let Config { server, database, postgres, terminal, chat, local_model, streams, events, auth, .. } =
        config;
    let year_ms = 1000 * YEAR_S;
    let year_hours = YEAR_S / 3600;
    vec![
        ("server.connections_max", server.connections_max as u64, 1..=1_000_000),
        ("server.streams_per_connection_max", server.streams_per_connection_max.into(), 1..=100_000),
        ("server.calls_max", server.calls_max as u64, 1..=1_000_000),
        // ReadOutput answers up to a MiB in one message.
        ("server.message_bytes_max", server.message_bytes_max as u64, 2 * MIB..=256 * MIB),
        ("server.unary_deadline_ms_max", server.unary_deadline_ms_max, 1000..=year_ms),
        ("server.drain_ms", server.drain_ms, 0..=3_600_000),
        ("database.pool_size_max", database.pool_size_max as u64, 2..=1000),
        ("database.wait_ms", database.wait_ms, 10..=60_000),
        ("postgres.start_ms", postgres.start_ms, 1000..=3_600_000),
        ("postgres.stop_ms", postgres.stop_ms, 1000..=3_600_000),
        ("postgres.max_connections", postgres.max_connections as u64, 10..=10_000),
        ("terminal.running_per_workspace_max", terminal.running_per_workspace_max as u64, 1..=100_000),
        ("terminal.output_log_bytes_max", terminal.output_log_bytes_max, 64 * KIB..=1024 * GIB),
        ("terminal.segment_bytes", terminal.segment_bytes, 32 * KIB..=GIB),
        ("terminal.input_journal_bytes_max", terminal.input_journal_bytes_max, 64 * KIB..=GIB),
        ("terminal.writers_per_terminal_max", terminal.writers_per_terminal_max as u64, 1..=10_000),
        ("terminal.reorder_window_max", terminal.reorder_window_max as u64, 1..=100_000),
        ("terminal.reorder_wait_ms", terminal.reorder_wait_ms, 0..=60_000),
        ("terminal.close_grace_ms", terminal.close_grace_ms, 0..=3_600_000),
        ("terminal.straggler_wait_ms", terminal.straggler_wait_ms, 0..=60_000),
        ("terminal.viewers_per_terminal_max", terminal.viewers_per_terminal_max as u64, 1..=10_000),
        ("terminal.ended_retention_hours", terminal.ended_retention_hours, 1..=year_hours),
        ("terminal.ended_per_workspace_max", terminal.ended_per_workspace_max as u64, 1..=1_000_000),
        ("terminal.index_entries_max", terminal.index_entries_max as u64, 16..=1_000_000),
        ("terminal.memory_bytes_max", terminal.memory_bytes_max, 0..=1024 * GIB),
        ("terminal.processes_max", terminal.processes_max, 0..=4_000_000),
        ("terminal.cpu_millis_max", terminal.cpu_millis_max, 0..=1_000_000),
        ("chat.output_tokens_max", chat.output_tokens_max.into(), 1..=10_000_000),
        ("chat.context_tokens", chat.context_tokens.into(), 256..=100_000_000),
        ("chat.generations_max", chat.generations_max as u64, 1..=1_000_000),
        ("chat.generations_per_workspace_max", chat.generations_per_workspace_max as u64, 1..=1_000_000),
        ("chat.answer_bytes_max", chat.answer_bytes_max as u64, 64 * KIB..=GIB),
        ("chat.daily_budget_tokens", chat.daily_budget_tokens, 0..=1 << 50),
        ("chat.connect_ms", chat.connect_ms, 10..=600_000),
        ("chat.first_content_ms", chat.first_content_ms, 10..=year_ms),
        ("chat.idle_ms", chat.idle_ms, 10..=year_ms),
        ("chat.total_ms", chat.total_ms, 10..=year_ms),
        ("chat.retries_max", chat.retries_max.into(), 0..=100),
        ("chat.retry_ms", chat.retry_ms, 1..=600_000),
        ("chat.retry_ms_max", chat.retry_ms_max, 1..=600_000),
        ("chat.cooldown_ms", chat.cooldown_ms, 0..=year_ms),
        ("chat.cooldown_ms_max", chat.cooldown_ms_max, 0..=year_ms),
        ("chat.event_bytes_max", chat.event_bytes_max as u64, 4 * KIB..=GIB),
        ("chat.save_ms", chat.save_ms, 10..=60_000),
        ("chat.lease_s", chat.lease_s, 3..=3600),
        ("local_model.start_ms", local_model.start_ms, 100..=3_600_000),
        ("local_model.idle_s", local_model.idle_s, 1..=YEAR_S),
        // The SDK takes a stream for lost on which nothing comes for 45 s.
        ("streams.heartbeat_ms", streams.heartbeat_ms, 100..=30_000),
        ("events.retention_hours", events.retention_hours, 1..=year_hours),
        ("events.batch_max", events.batch_max as u64, 1..=10_000),
        ("events.queue_max", events.queue_max as u64, 1..=1_000_000),
        ("auth.token_cache_s", auth.token_cache_s, 1..=3600),
        ("auth.sign_in_code_s", auth.sign_in_code_s, 10..=86_400),
        ("auth.session_hours", auth.session_hours, 1..=year_hours),
        ("auth.sign_in_attempts_per_minute_max", auth.sign_in_attempts_per_minute_max.into(), 1..=10_000),
        ("auth.tokens_per_workspace_max", auth.tokens_per_workspace_max as u64, 1..=1_000_000),
        ("auth.workspaces_max", auth.workspaces_max as u64, 1..=1_000_000),
    ]
}

fn server(config: &Config) -> Result<(), Wrong> {
    let server = &config.server;
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), None) => {
            return Err(("server.tls_cert", "needs server.tls_key beside it (--tls-key)".to_owned()));
        }
        (None, Some(_)) => {
            return Err(("server.tls_key", "needs server.tls_cert beside it (--tls-cert)".to_owned()));
        }
        (None, None) if !server.listen.ip().is_loopback() && !server.insecure => {
            return Err((
                "server.listen",
                format!(
                    "others can reach {}, and without TLS tokens and everything typed would cross the network \
                     readable; give tls_cert and tls_key (--tls-cert, --tls-key), listen on 127.0.0.1, or accept it \
                     with insecure = true (--insecure)",
                    server.listen
                ),
            ));
        }
        _ => {}
    }
    for host in &server.allowed_hosts {
        if host.is_empty() || host.contains(['/', ':', '*']) || host.chars().any(char::is_uppercase) {
            return Err((
                "server.allowed_hosts",
                format!("{host:?}: write a host name in lower case, without scheme, port or wildcard"),
            ));
        }
    }
    for origin in &server.allowed_origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '*'])) {
            return Err((
                "server.allowed_origins",
                format!(
                    "{origin:?}: write scheme, host and, if unusual, port, as in \"https://example.org\""
                ),
            ));
        }
    }
    Ok(())
}

fn postgres(config: &Config) -> Result<(), Wrong> {
    let postgres = &config.postgres;
    let digits = postgres.shared_buffers.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &postgres.shared_buffers[digits.len()..];
    if digits.parse::<u32>().is_err() || !["kB", "MB", "GB"].contains(&unit) {
        return Err((
            "postgres.shared_buffers",
            format!("{:?}: write a whole number and kB, MB or GB, as in \"64MB\"", postgres.shared_buffers),
        ));
    }
    // Three connections are PostgreSQL's superuser's, one is the start's own.
    let needed = config.database.pool_size_max + 4;
    if config.database.url.is_none() && postgres.max_connections < needed {
        return Err((
            "postgres.max_connections",
            format!("database.pool_size_max = {} needs {needed} or more", config.database.pool_size_max),
        ));
    }
    Ok(())
}

fn terminal(config: &Config) -> Result<(), Wrong> {
    let terminal = &config.terminal;
    // The log drops whole segments, so it needs one to keep and one to fill.
    if terminal.segment_bytes > terminal.output_log_bytes_max / 2 {
        return Err((
            "terminal.segment_bytes",
            format!("is more than half of terminal.output_log_bytes_max = {}", terminal.output_log_bytes_max),
        ));
    }
    Ok(())
}
