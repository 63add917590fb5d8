//! The walls of the code: what ARCHITECTURE.md promises about who knows whom, kept by tests.
//!
//! It must not judge taste: each rule is one that a reader relies on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dependencies;
mod page;
mod source;
mod text;
mod walls;
