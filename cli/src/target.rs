//! Which server a command talks to, and with which token.
//!
//! It knows nothing about connections. A token is only ever used with the endpoint that it was
//! given for: `--endpoint` does not send the token of some other server there.

use std::path::PathBuf;

use crate::{
    contexts::{Context, Contexts},
    failure::Failure,
    secret::Secret,
};

/// A server and the token for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its URL, without a slash at the end.
    pub(crate) endpoint: String,
    /// The token.
    pub(crate) token: Secret,
    /// A PEM file with the authority of the server's certificate.
    pub(crate) ca: Option<PathBuf>,
    /// Where this was found, in words.
    pub(crate) source: String,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--endpoint`.
    pub(crate) endpoint: Option<String>,
    /// `--context`.
    pub(crate) context: Option<String>,
    /// `--ca`.
    pub(crate) ca: Option<PathBuf>,
}

/// What the environment and the files of this account say.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// `MOSAIC_ENDPOINT`.
    pub(crate) endpoint: Option<String>,
    /// `MOSAIC_TOKEN`, or the content of `MOSAIC_TOKEN_FILE`.
    pub(crate) token: Option<Secret>,
    /// It is the latter.
    pub(crate) token_in_file: bool,
    /// `MOSAIC_CA`.
    pub(crate) ca: Option<PathBuf>,
    /// The file of contexts.
    pub(crate) contexts: Contexts,
    /// The server of this account on this machine.
    pub(crate) local: Option<Context>,
    /// The file in which that server says where it listens.
    pub(crate) local_endpoint: Option<PathBuf>,
}

impl Surroundings {
    /// The server that a command talks to: by flag, else by environment, else the current context,
    /// else the local one.
    pub(crate) fn target(&self, flags: &Flags) -> Result<Target, Failure> {
        if let Some(name) = &flags.context {
            let context = self.contexts.get(name)?;
            return Ok(self.known(context, flags, format!("context {name}, by --context")));
        }
        if let Some(endpoint) = &flags.endpoint {
            return self.at(endpoint, flags, "--endpoint");
        }
        if let Some(endpoint) = &self.endpoint {
            return self.at(endpoint, flags, "MOSAIC_ENDPOINT");
        }
        let (context, source) = match (&self.contexts.current, &self.local) {
            (Some(name), _) => (self.contexts.get(name)?, format!("context {name}")),
            (None, Some(local)) => (local, self.local_source()),
            (None, None) => return Err(self.nothing_found()),
        };
        let mut target = self.known(context, flags, source);
        if let Some(token) = &self.token {
            target.token = token.clone();
            target.source += &format!(", with {}", self.token_variable());
        }
        Ok(target)
    }

    fn token_variable(&self) -> &'static str {
        if self.token_in_file { "MOSAIC_TOKEN_FILE" } else { "MOSAIC_TOKEN" }
    }

    fn local_source(&self) -> String {
        match &self.local_endpoint {
            Some(file) => format!("the local server, {}", file.display()),
            None => "the local server".to_owned(),
        }
    }

    fn nothing_found(&self) -> Failure {
        let here = match &self.local_endpoint {
            Some(file) => format!("no server of this account left its address in {}", file.display()),
            None => "there is no home in which a server of this account would leave its address".to_owned(),
        };
        Failure::unavailable(format!("no server is known: {here}, and none was logged in to")).hint(
            "Start one with `./run` in Mosaic's directory, or name one with `mosaic login --endpoint URL`.",
        )
    }

    fn known(&self, context: &Context, flags: &Flags, source: String) -> Target {
        Target {
            endpoint: normal(&context.endpoint),
            token: context.token.clone(),
            ca: flags.ca.clone().or_else(|| context.ca.clone()).or_else(|| self.ca.clone()),
            source,
        }
    }

    /// A server by its URL, with the token that belongs to it.
    fn at(&self, endpoint: &str, flags: &Flags, source: &str) -> Result<Target, Failure> {
        let endpoint = normal(endpoint);
        let same = |other: &str| normal(other) == endpoint;
        // MOSAIC_TOKEN belongs to MOSAIC_ENDPOINT where that is set, else to whichever is chosen.
        if let Some(token) = &self.token
            && self.endpoint.as_deref().is_none_or(same)
        {
            let context = Context { endpoint, token: token.clone(), ca: None };
            return Ok(self.known(&context, flags, format!("{source}, with {}", self.token_variable())));
        }
        let named = self.contexts.contexts.iter().find(|(_, context)| same(&context.endpoint));
        if let Some((name, context)) = named {
            return Ok(self.known(context, flags, format!("{source}, with the token of context {name}")));
        }
        if let Some(local) = self.local.as_ref().filter(|local| same(&local.endpoint)) {
            return Ok(self.known(local, flags, format!("{source}, with the local server's token")));
        }
        Err(Failure::auth(format!("no token is known for {endpoint}"))
            .hint("Set MOSAIC_TOKEN or MOSAIC_TOKEN_FILE, or `mosaic login --endpoint URL`."))
    }
}

/// The URL of an endpoint, without a slash at the end. `host:port` alone is TLS, except on this
/// machine.
pub(crate) fn normal(endpoint: &str) -> String {
    let endpoint = endpoint.trim().trim_end_matches('/');
    if endpoint.contains("://") {
        return endpoint.to_owned();
    }
    let scheme = if is_loopback(endpoint) { "http" } else { "https" };
    format!("{scheme}://{endpoint}")
}

/// True if the endpoint is on this machine.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let authority = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(endpoint: &str, token: &str) -> Context {
        Context { endpoint: endpoint.to_owned(), token: token.into(), ca: None }
    }

    /// A current context `lab`, another one `prod`, and a local server.
    fn surroundings() -> Surroundings {
        let contexts = [("lab", "https://lab:1/", "lab-token"), ("prod", "https://prod:1", "prod-token")];
        Surroundings {
            contexts: Contexts {
                current: Some("lab".to_owned()),
                contexts: contexts.iter().map(|(n, e, t)| ((*n).to_owned(), context(e, t))).collect(),
            },
            local: Some(context("http://127.0.0.1:50051", "local-token")),
            ..Surroundings::default()
        }
    }

    fn found(surroundings: &Surroundings, endpoint: Option<&str>, context: Option<&str>) -> (String, String) {
        let flags =
            Flags { endpoint: endpoint.map(str::to_owned), context: context.map(str::to_owned), ca: None };
        match surroundings.target(&flags) {
            Ok(target) => (target.endpoint, target.token.expose().to_owned()),
            Err(failure) => ("none".to_owned(), failure.to_string()),
        }
    }

    fn is(endpoint: &str, token: &str) -> (String, String) {
        (endpoint.to_owned(), token.to_owned())
    }

    #[test]
    fn flags_then_environment_then_context_then_local() {
        let mut around = surroundings();
        assert_eq!(found(&around, None, None), is("https://lab:1", "lab-token"));
        around.contexts.current = None;
        assert_eq!(found(&around, None, None), is("http://127.0.0.1:50051", "local-token"));
        around.endpoint = Some("https://env:1".to_owned());
        around.token = Some("env-token".into());
        around.contexts.current = Some("lab".to_owned());
        assert_eq!(found(&around, None, None), is("https://env:1", "env-token"));
        assert_eq!(found(&around, None, Some("prod")), is("https://prod:1", "prod-token"));
        assert_eq!(found(&around, Some("https://prod:1/"), None), is("https://prod:1", "prod-token"));
        assert_eq!(found(&Surroundings::default(), None, None).0, "none");
        assert_eq!(found(&around, None, Some("nope")).0, "none");
    }

    #[test]
    fn a_token_goes_only_where_it_belongs() {
        let mut around = surroundings();
        // Nobody's token for this one.
        assert_eq!(found(&around, Some("https://other:1"), None).0, "none");
        // The token of another endpoint in the environment is not sent there either.
        around.endpoint = Some("https://env:1".to_owned());
        around.token = Some("env-token".into());
        assert_eq!(found(&around, Some("https://other:1"), None).0, "none");
        // Without MOSAIC_ENDPOINT the token is meant for whatever is chosen.
        around.endpoint = None;
        assert_eq!(found(&around, Some("https://other:1"), None), is("https://other:1", "env-token"));
        assert_eq!(found(&around, None, None), is("https://lab:1", "env-token"));
        // What is wrong with it is looked for where it is.
        let flags = Flags::default();
        assert_eq!(around.target(&flags).unwrap().source, "context lab, with MOSAIC_TOKEN");
        around.token_in_file = true;
        assert_eq!(around.target(&flags).unwrap().source, "context lab, with MOSAIC_TOKEN_FILE");
        // An endpoint in the environment without a token finds the token that is known for it.
        around.token = None;
        around.endpoint = Some("http://127.0.0.1:50051/".to_owned());
        assert_eq!(found(&around, None, None), is("http://127.0.0.1:50051", "local-token"));
    }

    #[test]
    fn hosts_without_a_scheme() {
        assert_eq!(normal("127.0.0.1:50051"), "http://127.0.0.1:50051");
        assert_eq!(normal("[::1]:50051"), "http://[::1]:50051");
        assert_eq!(normal("localhost:1"), "http://localhost:1");
        assert_eq!(normal("lab.example.org:443"), "https://lab.example.org:443");
        assert_eq!(normal("https://lab/"), "https://lab");
        assert!(!is_loopback("http://localhost.example.org:1"));
    }
}
