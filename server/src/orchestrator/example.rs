//! A job for tests.

use std::collections::BTreeMap;

use super::job::Spec;
use crate::terminal::Size;

/// `true`, by the shell.
pub fn spec() -> Spec {
    Spec {
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
    }
}
