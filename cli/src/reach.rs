//! Advice for when the server is not there: where it was looked for, how to start it, what answers instead.
//!
//! It knows nothing about what was asked of the server.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use crate::target::{Target, is_loopback};

/// How long each step of looking for TLS may take: the command has failed already.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// The first byte of an alert, which is what TLS says to whoever does not speak it.
const TLS_ALERT: u8 = 0x15;

/// Nobody listens there.
pub(crate) fn not_there(target: &Target) -> String {
    let Target { source, .. } = target;
    if is_loopback(&target.endpoint) {
        return format!(
            "The address is from: {source}. To start a server here: `./run` in Mosaic's directory, or the \
             service of this machine, such as `systemctl start mosaic`."
        );
    }
    format!(
        "The address is from: {source}. Is the server started there, and can this machine reach it? \
         `mosaic context ls` shows which others are known."
    )
}

/// A connection without TLS was cut at once: says so if that is because TLS is spoken there.
pub(crate) fn speaks_tls(endpoint: &str) -> bool {
    endpoint.strip_prefix("http://").and_then(first_byte) == Some(TLS_ALERT)
}

/// What is answered first to a question without TLS.
fn first_byte(authority: &str) -> Option<u8> {
    let address = authority.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, LOOK_MAX).ok()?;
    stream.set_read_timeout(Some(LOOK_MAX)).ok()?;
    stream.set_write_timeout(Some(LOOK_MAX)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut first = [0];
    stream.read_exact(&mut first).ok()?;
    Some(first[0])
}
