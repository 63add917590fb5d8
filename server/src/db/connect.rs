//! How to reach a database: addresses, connections, and what can be wrong at the start.
//!
//! It knows nothing about schema or statements.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use rustls::RootCertStore;
use tokio::task::JoinHandle;
use tokio_postgres::{
    AsyncMessage, Client, Config,
    config::{Host, SslMode},
};

use super::tls::{self, Tls};
use crate::config::Secret;

/// The oldest version whose SQL and options the server relies on.
pub const POSTGRES_VERSION_MIN: u32 = 15;

/// A statement that takes longer is cancelled: nothing here is meant to take a second.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A peer that vanished without a word is noticed after so long.
const PEER_TIMEOUT: Duration = Duration::from_secs(15);

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Address {
    /// Somebody else's, by URL.
    Url(Secret),
    /// The server's own, by the directory of its socket.
    Socket(PathBuf),
}

/// Why the database cannot be used. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The URL is none. The text does not repeat it: it may hold a password.
    #[error(
        "database.url (DATABASE_URL) is not the URL of a PostgreSQL database; write \
         postgres://user:password@host:port/database, with %xx for special characters in the password"
    )]
    Url,
    /// No connection.
    #[error("cannot reach PostgreSQL at {place}: {cause}; start it, or correct database.url (DATABASE_URL)")]
    Unreachable {
        /// Host, port and database.
        place: String,
        /// What the client says.
        cause: String,
    },
    /// The server there is too old.
    #[error("PostgreSQL at {place} is version {found}; Mosaic needs {POSTGRES_VERSION_MIN} or newer")]
    TooOld {
        /// Host, port and database.
        place: String,
        /// Its version.
        found: u32,
    },
    /// A newer Mosaic has been here.
    #[error(
        "the database at {place} has schema {found}, and this server knows schemas up to {known}: \
         a newer Mosaic has used it; run that version or newer"
    )]
    SchemaNewer {
        /// Host, port and database.
        place: String,
        /// The schema's version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// A statement of the preparation failed.
    #[error("cannot prepare the database at {place}: {cause}")]
    Preparation {
        /// Host, port and database.
        place: String,
        /// What the database says.
        cause: String,
    },
    /// TLS is wanted and cannot be had.
    #[error("no TLS to PostgreSQL at {place}: {problem}")]
    Tls {
        /// Host, port and database.
        place: String,
        /// Why, and what to do.
        problem: String,
    },
    /// The pool cannot be made.
    #[error("cannot make the pool of database connections: {cause}")]
    Pool {
        /// Why.
        cause: String,
    },
}

/// A connection outside the pool. It closes when dropped.
pub(crate) struct Connection {
    /// For statements.
    pub(crate) client: Client,
    /// Moves the bytes; ends with the client.
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Address {
    fn config(&self) -> Result<Config, StartError> {
        let mut config = match self {
            Self::Url(url) => url.expose().parse::<Config>().map_err(|_| StartError::Url)?,
            Self::Socket(directory) => {
                let mut config = Config::new();
                config.host_path(directory).user("postgres").dbname("postgres");
                config
            }
        };
        if config.get_hosts().is_empty() {
            return Err(StartError::Url);
        }
        if config.get_application_name().is_none() {
            config.application_name("mosaic-server");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.keepalives_idle(PEER_TIMEOUT).tcp_user_timeout(PEER_TIMEOUT);
        if config.get_ssl_mode() == SslMode::Prefer {
            // TLS that is not verified protects from nobody who can change what is sent.
            config.ssl_mode(SslMode::Disable);
        }
        Ok(config)
    }
}

/// Whether what is sent can be read on the way.
pub(super) fn is_exposed(address: &Address) -> Result<bool, StartError> {
    let config = address.config()?;
    let elsewhere = |host: &Host| match host {
        Host::Tcp(name) => {
            name != "localhost" && !name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Host::Unix(_) => false,
    };
    Ok(config.get_ssl_mode() != SslMode::Require && config.get_hosts().iter().any(elsewhere))
}

/// The TLS for an address: with `sslmode=require` the system's authorities, else none.
pub(super) fn tls(address: &Address) -> Result<Tls, StartError> {
    let wrong = |problem: String| StartError::Tls { place: address.to_string(), problem };
    let mut roots = RootCertStore::empty();
    if address.config()?.get_ssl_mode() == SslMode::Require {
        roots = tls::system_authorities();
        if roots.is_empty() {
            let problem =
                "this system has no certificates of authorities; install them (Debian: ca-certificates)";
            return Err(wrong(problem.to_owned()));
        }
    }
    Tls::trusting(roots).map_err(|cause| wrong(cause.to_string()))
}

/// Host, port and database; never user or password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = match self {
            Self::Socket(directory) => return write!(f, "{}", directory.display()),
            Self::Url(_) => self.config().map_err(|_| fmt::Error)?,
        };
        for (index, host) in config.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(directory) => write!(f, "{comma}{}", directory.display())?,
            }
            let port = config.get_ports().get(index).or(config.get_ports().first());
            write!(f, ":{}", port.copied().unwrap_or(5432))?;
        }
        write!(f, "/{}", config.get_dbname().or(config.get_user()).unwrap_or_default())
    }
}

/// What the pool connects with.
pub(super) fn pooled(address: &Address) -> Result<Config, StartError> {
    let mut config = address.config()?;
    let given = config.get_options().unwrap_or_default().to_owned();
    // The user's own options come last, and so win.
    config.options(format!("-c statement_timeout={} {given}", STATEMENT_TIMEOUT.as_millis()));
    Ok(config)
}

/// Connects outside the pool, without its limits on time.
pub(crate) async fn alone(address: &Address) -> Result<Connection, StartError> {
    with(address, tls(address)?).await
}

async fn with(address: &Address, tls: Tls) -> Result<Connection, StartError> {
    let connected = address.config()?.connect(tls).await;
    let (client, connection) = connected
        .map_err(|cause| StartError::Unreachable { place: address.to_string(), cause: explain(&cause) })?;
    let task = tokio::spawn(async move {
        if let Err(cause) = connection.await {
            tracing::debug!(cause = explain(&cause), "a database connection ended");
        }
    });
    Ok(Connection { client, task })
}

/// Connects outside the pool to be told what others notify; `heard` is given each payload. Resolves when the connection
/// is gone; `speak` is given its client.
pub(super) async fn listening<F: Future<Output = ()>>(
    address: &Address,
    mut heard: impl FnMut(&str),
    speak: impl FnOnce(Client) -> F,
) -> Result<(), StartError> {
    let connected = address.config()?.connect(tls(address)?).await;
    let (client, mut connection) = connected
        .map_err(|cause| StartError::Unreachable { place: address.to_string(), cause: explain(&cause) })?;
    let listening = std::future::poll_fn(move |context| {
        loop {
            match std::task::ready!(connection.poll_message(context)) {
                Some(Ok(AsyncMessage::Notification(word))) => heard(word.payload()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return std::task::Poll::Ready(()),
            }
        }
    });
    tokio::select! {
        () = listening => {}
        () = speak(client) => {}
    }
    Ok(())
}

/// The files of the server that answers there, as it names them itself.
///
/// # Errors
/// Nothing answers there, or not well.
pub async fn data_directory(address: &Address) -> Result<PathBuf, StartError> {
    let connection = alone(address).await?;
    let row = connection.client.query_one("SHOW data_directory", &[]).await;
    let failed = |cause| StartError::Preparation { place: address.to_string(), cause: explain(&cause) };
    let directory: String = row.and_then(|row| row.try_get(0)).map_err(failed)?;
    Ok(Path::new(&directory).to_owned())
}

/// The client's errors keep what the database said in their sources.
pub(super) fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::tests::Scratch;

    fn url(text: &str) -> Address {
        Address::Url(text.parse().unwrap_or_else(|never| match never {}))
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = url("postgres://somebody:hunter2@db.example:6432/mosaic?sslmode=disable");
        assert_eq!(address.to_string(), "db.example:6432/mosaic");
        assert!(!format!("{address:?}").contains("hunter2"));
    }

    #[test]
    fn an_address_elsewhere_without_tls_is_exposed() {
        for (text, exposed) in [
            ("postgres://db.example/d", true),
            ("postgres://db.example/d?sslmode=require", false),
            ("postgres://localhost/d", false),
            ("postgres://127.0.0.1/d", false),
            ("postgres:///d?host=/run/postgresql", false),
        ] {
            assert_eq!(is_exposed(&url(text)).unwrap(), exposed, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_and_not_repeated() {
        for text in ["postgres://u:hunter2@h:port/d", "hunter2", "mysql://u:hunter2@h", "user=hunter2"] {
            let error = url(text).config().unwrap_err().to_string();
            assert!(error.contains("DATABASE_URL") && !error.contains("hunter"), "{error}");
        }
    }

    #[tokio::test]
    async fn tls_is_used_if_asked_for_and_always_verified() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let scratch = Scratch::new();
        let (port, _postgres) = scratch.start_with_tls(&cert.pem(), &signing_key.serialize_pem()).await;
        let address =
            |mode: &str| url(&format!("postgres://postgres@localhost:{port}/postgres?sslmode={mode}"));
        let encrypted = async |connection: Connection| {
            let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            connection.client.query_one(asked, &[]).await.unwrap().get::<_, bool>(0)
        };

        assert!(!encrypted(alone(&address("prefer")).await.unwrap()).await);
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let trusting = Tls::trusting(roots).unwrap();
        assert!(encrypted(with(&address("require"), trusting.clone()).await.unwrap()).await);

        let nobody = Tls::trusting(RootCertStore::empty()).unwrap();
        let unknown = with(&address("require"), nobody).await.err().unwrap().to_string();
        assert!(unknown.contains("UnknownIssuer"), "{unknown}");
        let other_name = url(&format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require"));
        let other_name = with(&other_name, trusting).await.err().unwrap().to_string();
        assert!(other_name.contains("not valid for name"), "{other_name}");
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_named_with_the_cause() {
        let error = data_directory(&url("postgres://u:hunter2@127.0.0.1:1/d")).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1/d") && error.contains("refused"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
