//! What every command needs: where it writes, and the server it talks to.
//!
//! It knows nothing about the commands.

use std::{fs, time::Duration};

use mosaic_client::{Client, ClientBuilder};

use crate::{
    failure::{Failure, Lost},
    output::Output,
    reach, surroundings,
    target::{Flags, Target, normal},
};

/// One run of `mosaic`.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Where data goes.
    pub(crate) output: Output,
    /// Which server, as the command line says.
    pub(crate) flags: Flags,
}

impl Session {
    /// The server and the token to use.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        surroundings::look()?.target(&self.flags)
    }

    /// A client for it. Nothing is connected yet.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        client(&self.target()?)
    }

    /// Adds to a failure what can be told about the server that was asked.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match (failure.lost, self.target()) {
            (Some(Lost::NotThere), Ok(target)) => failure.hint(reach::not_there(&target)),
            (Some(Lost::Cut), target) => {
                // `login` names a server before there is a token for it.
                let named = self.flags.endpoint.as_deref().map(normal);
                match target.ok().map(|target| target.endpoint).or(named) {
                    Some(endpoint) if reach::speaks_tls(&endpoint) => {
                        let url = endpoint.replacen("http://", "https://", 1);
                        failure.hint(format!("TLS is spoken there: use {url}"))
                    }
                    _ => failure,
                }
            }
            _ => failure,
        }
    }

    /// The same, but streams and writes try for this long to get a lost server back.
    pub(crate) fn patient_client(&self, reconnect_limit: Duration) -> Result<Client, Failure> {
        Ok(builder(&self.target()?)?.reconnect_limit(reconnect_limit).build()?)
    }
}

/// A client for this server. Nothing is connected yet.
pub(crate) fn client(target: &Target) -> Result<Client, Failure> {
    Ok(builder(target)?.build()?)
}

fn builder(target: &Target) -> Result<ClientBuilder, Failure> {
    let mut builder = Client::connect(&target.endpoint).token(target.token.expose());
    if let Some(path) = &target.ca {
        builder = builder.tls_ca(fs::read(path).map_err(|error| Failure::file("read", path, &error))?);
    }
    Ok(builder)
}
