//! Conversations with language models: their types and rules.
//!
//! It knows nothing about tonic, SQL and the wire formats of providers.

pub mod provider;
