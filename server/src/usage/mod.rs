//! Tokens that models took and gave: by day and model, and what is left of a day's budget.
//!
//! It knows nothing about what the tokens were for.

pub mod store;

use crate::chat::record::Counted;

/// What one model took and gave on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `2026-03-31`, in UTC.
    pub day: String,
    /// `provider/model`.
    pub model: String,
    /// Tokens.
    pub usage: crate::chat::provider::Usage,
    /// Attempts counted.
    pub attempts: u64,
    /// Those of them whose counts are estimated.
    pub estimated_attempts: u64,
}

/// Today's budget of a workspace, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// What was used.
    pub used: u64,
    /// What is set aside.
    pub reserved: u64,
}

/// Tokens of one attempt.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `provider/model`.
    pub model: String,
    /// The tokens.
    pub counted: Counted,
}
