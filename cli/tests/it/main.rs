//! The real `mosaic` against the real server: what people, scripts and CI see.
//!
//! One file for each part of the command line; they share nothing but `support`.

mod agent;
mod agent_ci;
mod agent_newcomer;
mod agent_run;
mod attach;
mod chat;
mod contexts;
mod json;
mod safety;
mod support;
mod unreachable;
mod wait;
mod web;
