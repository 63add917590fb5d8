//! The Mosaic server: its services behind one port, put together, served and drained.
//!
//! It knows nothing about arguments and signals (`main` does), nor about what the services do.

pub mod auth;
pub mod boot;
pub mod chat;
pub mod config;
pub mod db;
pub mod error;
#[cfg(test)]
mod errors_page;
pub mod ids;
pub mod keeper;
pub mod log;
pub mod orchestrator;
pub mod postgres;
pub mod telemetry;
pub mod terminal;
pub mod usage;
pub mod web;
pub mod workspace;

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::response::IntoResponse;
use http::Request;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Service;

use crate::{
    auth::Tokens,
    config::Config,
    db::{Db, changes::Changes},
    ids::NodeId,
    telemetry::metrics::{Metrics, MetricsError},
    web::{
        Front,
        browser::Rules,
        call::Calls,
        listen::{self, Port, TlsError},
        methods::Methods,
    },
    workspace::{
        Account, Limits, Workspaces,
        first_start::{FirstStartError, first_start},
    },
};

/// The descriptors of every service, and of the error details that grpcurl prints.
const DESCRIPTORS: [&[u8]; 5] = [
    mosaic_proto::FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
];

/// Why the server does not serve. The text goes to whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The operator's token.
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The numbers.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The listener.
    #[error("the listener has no address: {0}")]
    Listener(#[from] io::Error),
    /// A defect of the build.
    #[error("the descriptors of the services are broken: {0}")]
    Descriptors(String),
}

/// What every service shares with the server.
#[derive(Clone, Debug)]
pub struct Context {
    /// Cancelled when the server stops: streams say their last word and end, calls that wait answer.
    pub draining: CancellationToken,
}

/// A server that is put together and does not serve yet.
pub struct Server {
    config: Config,
    context: Context,
    tokens: Arc<Tokens>,
    routes: Routes,
    /// The services, for health and reflection.
    names: Vec<&'static str>,
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// A server with the workspace service; see [`Self::add_service`] for the others. Makes the
    /// workspace `default` and the operator's token if they are not there.
    ///
    /// # Errors
    /// The certificate cannot be read, or the operator's token not be kept.
    pub async fn new(
        config: Config,
        db: Db,
        changes: Changes,
        node: NodeId,
        account: Account,
    ) -> Result<Self, ServeError> {
        let tls = listen::tls(&config.server)?;
        first_start(&db, &config.data.dir).await?;
        let context = Context { draining: CancellationToken::new() };
        let tokens = Arc::new(Tokens::new(db.clone(), Duration::from_secs(config.auth.token_cache_s)));
        let workspaces = Workspaces::new(
            db,
            changes,
            Arc::clone(&tokens),
            limits(&config),
            (node, account),
            context.draining.clone(),
        );
        let service = workspace::grpc::service(
            Arc::new(workspaces),
            config.server.message_bytes_max,
            web::is_built_in(),
        );
        let server = Self { config, context, tokens, routes: Routes::default(), names: Vec::new(), tls };
        Ok(server.add_service(service))
    }

    /// What a further service needs of the server.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// Adds a service: it gets authentication, limits, health and reflection like the others. The
    /// limit of its messages is its own to set.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    /// Serves on the listener until `shutdown`, then drains for at most `server.drain_ms`: health says
    /// NOT_SERVING, streams say their last word, new calls are refused, connections close.
    ///
    /// # Errors
    /// The address for the metrics cannot be had.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let metrics = match self.config.server.admin_listen {
            Some(address) => Some(Metrics::listen(address).await?),
            None => None,
        };
        let names = self.names.clone();
        let tokens = Arc::clone(&self.tokens);
        let draining = self.context.draining.clone();
        let (port, health) = self.port(listener).await?;

        // Both end with the port, by `stopped`.
        let stopped = CancellationToken::new();
        let mut background = JoinSet::new();
        if let Some(metrics) = metrics {
            background.spawn(metrics.serve(stopped.clone()));
        }
        let keeping = stopped.clone();
        background.spawn(async move { tokens.keep(keeping).await });

        let mut serving = pin!(port.serve());
        tokio::select! {
            () = serving.as_mut() => {}
            () = shutdown => {
                tracing::info!("draining");
                // Before the rest, so that a watch of health sees it before it is ended.
                for name in names.iter().chain(&[""]) {
                    health.set_service_status(name, ServingStatus::NotServing).await;
                }
                draining.cancel();
                serving.await;
            }
        }
        stopped.cancel();
        while background.join_next().await.is_some() {}
        Ok(())
    }

    /// Adds health and reflection, and puts the layers around all services.
    async fn port(self, listener: TcpListener) -> Result<(Port, HealthReporter), ServeError> {
        let Self { config, context, tokens, routes, mut names, tls } = self;
        let (health, health_service) = tonic_health::server::health_reporter();
        for name in &names {
            health.set_service_status(name, ServingStatus::Serving).await;
        }
        let broken = |cause: &dyn std::fmt::Display| ServeError::Descriptors(cause.to_string());
        let v1 = reflection().build_v1().map_err(|cause| broken(&cause))?;
        let v1alpha = reflection().build_v1alpha().map_err(|cause| broken(&cause))?;
        names.extend([name_of(&health_service), name_of(&v1), name_of(&v1alpha)]);
        let methods = Methods::of(&DESCRIPTORS, &names).map_err(|cause| broken(&cause))?;
        let routes = routes.add_service(health_service).add_service(v1).add_service(v1alpha).prepare();

        let server = config.server;
        let cut = CancellationToken::new();
        let calls = Calls {
            routes,
            methods,
            tokens,
            places: Arc::new(Semaphore::new(server.calls_max)),
            unary_max: Duration::from_millis(server.unary_deadline_ms_max),
            draining: context.draining.clone(),
            cut: cut.clone(),
        };
        let rules = Rules {
            listen: listener.local_addr()?,
            allowed_hosts: server.allowed_hosts,
            allowed_origins: server.allowed_origins,
        };
        let port = Port {
            listener,
            tls,
            front: Front::new(rules, calls),
            connections_max: server.connections_max,
            streams_per_connection_max: server.streams_per_connection_max,
            drain: Duration::from_millis(server.drain_ms),
            draining: context.draining,
            cut,
        };
        Ok((port, health))
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    DESCRIPTORS.iter().fold(tonic_reflection::server::Builder::configure(), |builder, descriptors| {
        builder.register_encoded_file_descriptor_set(descriptors)
    })
}

fn name_of<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}

fn limits(config: &Config) -> Limits {
    let auth = &config.auth;
    let number = |setting: usize| u32::try_from(setting).unwrap_or(u32::MAX);
    Limits {
        workspaces_max: number(auth.workspaces_max),
        tokens_per_workspace_max: number(auth.tokens_per_workspace_max),
        sign_in_code: Duration::from_secs(auth.sign_in_code_s),
        session: Duration::from_secs(auth.session_hours * 3600),
        sign_in_attempts_per_minute_max: auth.sign_in_attempts_per_minute_max,
        heartbeat: Duration::from_millis(config.streams.heartbeat_ms),
        daily_budget_tokens: config.chat.daily_budget_tokens,
    }
}
