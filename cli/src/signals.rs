//! The signals that people and CI systems end a command with.
//!
//! It knows nothing about what a command does with them.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from its making on: a signal that comes in between is not lost, and does not kill.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The number and the name of the next one.
    pub(crate) async fn next(&mut self) -> (i32, &'static str) {
        tokio::select! {
            _ = self.interrupt.recv() => (SignalKind::interrupt().as_raw_value(), "INT"),
            _ = self.terminate.recv() => (SignalKind::terminate().as_raw_value(), "TERM"),
            _ = self.hangup.recv() => (SignalKind::hangup().as_raw_value(), "HUP"),
            _ = self.quit.recv() => (SignalKind::quit().as_raw_value(), "QUIT"),
        }
    }
}
