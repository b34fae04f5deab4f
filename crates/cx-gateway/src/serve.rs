//! In: a configuration, a desk, a hub. Kept: the running server. Out: a bound address.
//! Never knows: what is served.

use crate::desk::Desk;
use crate::hub::Hub;
use crate::listener::Listener;
use crate::{Error, display, events, http, socket};
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// How the gateway listens.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Where; loopback only.
    pub address: SocketAddr,
}

/// A bound gateway that does not serve yet.
pub struct Gateway {
    listener: Listener,
    address: SocketAddr,
}

#[derive(Clone)]
struct Shared {
    desk: Arc<dyn Desk>,
    hub: Arc<Hub>,
    drain: watch::Receiver<bool>,
}

impl FromRef<Shared> for Arc<dyn Desk> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.desk)
    }
}

impl FromRef<Shared> for Arc<Hub> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.hub)
    }
}

/// Binds the address, so that a busy port is known before anything else starts. Needs a runtime.
///
/// # Errors
/// [`Error`].
pub fn bind(config: Config) -> Result<Gateway, Error> {
    let listener = Listener::bind(config.address)?;
    let address = axum::serve::Listener::local_addr(&listener).map_err(|source| Error::Listen {
        address: config.address,
        source,
    })?;
    Ok(Gateway { listener, address })
}

impl Gateway {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then says bye to every stream and ends within about 2 s.
    pub async fn serve(
        self,
        desk: Arc<dyn Desk>,
        hub: Arc<Hub>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let (tell, drain) = watch::channel(false);
        let mut draining = drain.clone();
        let router = router(Shared { desk, hub, drain });
        let served = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            tell.send_replace(true);
        });
        let patience = async {
            if draining.wait_for(|d| *d).await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            }
        };
        tokio::select! {
            ended = served => if let Err(error) = ended { tracing::error!(%error, "gateway") },
            () = patience => {}
        }
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(display::page))
        .route("/wall/{board}", get(display::page))
        .route("/assets/{*path}", get(display::asset))
        .route("/healthz", get(http::healthz))
        .route("/readyz", get(http::readyz))
        .route("/metrics", get(http::metrics))
        .route("/v1/boards", get(http::boards))
        .route("/v1/boards/{board}", get(http::board))
        .route("/v1/boards/{board}/trend", get(http::trend))
        .route("/v1/kpis", get(http::kpis))
        .route("/v1/kpis/{kpi}", get(http::kpi))
        .route("/v1/events", post(events::post))
        .route("/v1/stream", any(stream))
        .fallback(http::nowhere)
        .method_not_allowed_fallback(http::wrong_method)
        .layer(DefaultBodyLimit::max(events::BODY))
        .layer(axum::middleware::from_fn(http::guard))
        .with_state(shared)
}

/// Opens a stream. The read buffer is small: the default is zero-filled on every attempt.
async fn stream(
    State(shared): State<Shared>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade
            .read_buffer_size(512)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * 1024 * 1024)
            .max_message_size(64 * 1024)
            .max_frame_size(64 * 1024)
            .on_upgrade(move |ws| {
                let desk = shared.desk;
                let now = Box::new(move || desk.now_ms());
                socket::run(ws, shared.hub, now, shared.drain)
            }),
        Err(_) => crate::problem::Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "not a WebSocket",
            "this address speaks WebSocket",
        )
        .at(
            "upgrade",
            "header upgrade",
            "open it with a WebSocket client",
        )
        .into_response(),
    }
}
