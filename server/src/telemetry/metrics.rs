//! Numbers about the server for Prometheus, on an address of their own that is off by default.
//!
//! It knows nothing about single terminals: a label has few values, or memory grows with the callers.

use std::{io, net::SocketAddr, sync::Arc, sync::OnceLock, time::Duration};

use axum::{Router, routing::get};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CALLS: &str = "mosaic_calls_total";
const CALL_SECONDS: &str = "mosaic_call_seconds";
const STREAMS: &str = "mosaic_streams_open";
const CONNECTIONS: &str = "mosaic_connections_open";

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
/// How often the recorder folds what was recorded, so that an unread histogram stays small.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder is the process's, whatever the number of servers in it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Why there are no numbers. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address.
    #[error("server.admin_listen: cannot listen on {address}: {cause}; choose another address")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// The recorder.
    #[error("the metrics cannot begin: {0}")]
    Recorder(String),
}

/// `/metrics`, listening.
pub struct Metrics {
    listener: TcpListener,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Begins to count, and listens.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn listen(address: SocketAddr) -> Result<Self, MetricsError> {
        let handle = recorder()?;
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Self { listener, handle }),
            Err(cause) => Err(MetricsError::Listen { address, cause }),
        }
    }

    /// Answers until `stop`. The caller owns the future.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { listener, handle } = self;
        let rendered = handle.clone();
        let page = Router::new().route("/metrics", get(move || async move { rendered.render() }));
        let serve = axum::serve(listener, page).with_graceful_shutdown(stop.clone().cancelled_owned());
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                handle.run_upkeep();
            }
        };
        tokio::select! {
            ended = serve => {
                if let Err(cause) = ended {
                    tracing::error!(%cause, "metrics are not served any more");
                }
            }
            () = upkeep => {}
        }
    }
}

fn recorder() -> Result<PrometheusHandle, MetricsError> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let wrong = |cause: &dyn std::fmt::Display| MetricsError::Recorder(cause.to_string());
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(|cause| wrong(&cause))?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|cause| wrong(&cause))?;
    describe_counter!(CALLS, "Calls that have ended, by method and status code.");
    describe_histogram!(CALL_SECONDS, metrics::Unit::Seconds, "Duration of unary calls, by method.");
    describe_gauge!(STREAMS, "Streaming calls that are open, by method.");
    describe_gauge!(CONNECTIONS, "Connections that are open.");
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// Counts a call that has ended. The duration is given for unary calls.
pub fn call_ended(method: &Arc<str>, status: &'static str, took: Option<Duration>) {
    counter!(CALLS, "method" => Arc::clone(method), "code" => status).increment(1);
    if let Some(took) = took {
        histogram!(CALL_SECONDS, "method" => Arc::clone(method)).record(took);
    }
}

/// Counts an open stream while it lives.
pub struct OpenStream(metrics::Gauge);

impl OpenStream {
    /// It opens.
    pub fn new(method: &Arc<str>) -> Self {
        let open = gauge!(STREAMS, "method" => Arc::clone(method));
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Counts an open connection while it lives.
pub struct OpenConnection(metrics::Gauge);

impl OpenConnection {
    /// It opens.
    pub fn new() -> Self {
        let open = gauge!(CONNECTIONS);
        open.increment(1.0);
        Self(open)
    }
}

impl Default for OpenConnection {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
