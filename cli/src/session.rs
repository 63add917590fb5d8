//! What every command needs: where it writes, and the server it talks to.
//!
//! It knows nothing about the commands.

use std::{fs, time::Duration};

use mosaic_client::{Client, ClientBuilder};

use crate::{
    failure::Failure,
    output::Output,
    surroundings,
    target::{Flags, Target},
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

    /// The same, but streams try for this long to get a lost server back.
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
