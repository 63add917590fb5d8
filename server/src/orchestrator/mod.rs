//! Agents: programs run as jobs.
//!
//! It knows neither tonic nor SQL.

pub mod worktree;
