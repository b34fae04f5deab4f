//! In: a configuration, a desk, a hub. Kept: the running server. Out: a bound address.
//! Never knows: what is served.

use crate::access::peer::Peer;
use crate::access::principal::Who;
use crate::access::sign_on::pages as sign_on;
use crate::access::stay::Leave;
use crate::access::{Access, devices, session, tickets};
use crate::certificates::Certificates;
use crate::desk::Desk;
use crate::doorkeeper::Doorkeeper;
use crate::hub::Hub;
use crate::kpis::Pairs;
use crate::limits::Limits;
use crate::lines::{self, Door};
use crate::listener::{self, Listener};
use crate::problem::Problem;
use crate::socket::Room;
use crate::upgrade::grant;
use crate::usher::Rows;
use crate::{
    Error, actions, alerts, boards, contract, customers, definitions, demo, display, events, guard,
    http, kpis, recount, trend, why,
};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Extension, Router};
use hyper::upgrade::OnUpgrade;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// How long an end may take, streams and answers together.
const DRAIN: Duration = Duration::from_secs(2);
/// How often streams are told of recovery and gaps, and certificates are looked at.
const NOTES: Duration = Duration::from_secs(1);

/// How the gateway listens.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Where; loopback only, unless access is closed.
    pub address: SocketAddr,
    /// Whether access will be closed: see [`Gateway::with_access`].
    pub closed: bool,
}

/// A bound gateway that does not serve yet.
pub struct Gateway {
    listener: Listener,
    address: SocketAddr,
    closed: bool,
    limits: Limits,
    certificates: Option<Arc<Certificates>>,
    access: Arc<Access>,
}

#[derive(Clone)]
struct Shared {
    desk: Arc<dyn Desk>,
    hub: Arc<Hub>,
    leave: Leave,
    limits: Arc<Limits>,
    alive: mpsc::Sender<()>,
    access: Arc<Access>,
    rows: Arc<Rows>,
}

impl FromRef<Shared> for Arc<Access> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.access)
    }
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
/// [`Error`]: open access at an address that is not loopback, a busy port (naming the next free one), or the
/// system's own.
pub fn bind(config: Config) -> Result<Gateway, Error> {
    let address = config.address;
    if !config.closed && !address.ip().is_loopback() {
        return Err(Error::OpenToOthers { address });
    }
    let listener = Listener::bind(address)?;
    let address = listener.address().map_err(|source| Error::Listen {
        address: config.address,
        source,
    })?;
    Ok(Gateway {
        listener,
        address,
        closed: config.closed,
        limits: Limits::default(),
        certificates: None,
        access: Arc::new(Access::open()),
    })
}

impl Gateway {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Other limits than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// TLS only. The files are looked at every second: what changed holds for who connects from then on.
    #[must_use]
    pub fn with_certificates(self, certificates: Certificates) -> Self {
        let certificates = Some(Arc::new(certificates));
        Self {
            certificates,
            ..self
        }
    }

    /// What stands before the address: `https` with certificates, else `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.certificates.is_some() {
            return "https";
        }
        "http"
    }

    /// Who may do what; without it access is open.
    #[must_use]
    pub fn with_access(self, access: Arc<Access>) -> Self {
        Self { access, ..self }
    }

    /// Serves until `shutdown`; then says bye to every stream and ends within about 2 s.
    pub async fn serve(
        self,
        desk: Arc<dyn Desk>,
        hub: Arc<Hub>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        // Bound for others, it serves nobody before it knows who may what.
        let known = self.access.is_closed();
        assert!(known || !self.closed, "bound as closed, access is closed");
        let (tell, leave) = watch::channel(false);
        let tell = Arc::new(tell);
        let shown_out = shown_out(self.access.changes(), Arc::clone(&tell));
        let (alive, mut ended) = mpsc::channel(1);
        let mut draining = leave.clone();
        let keeper = Doorkeeper::new(self.limits, Arc::clone(&hub));
        let notes = told(Arc::clone(&desk), Arc::clone(&hub));
        let renewed = renewed(self.certificates.clone());
        let rows = Arc::new(Rows::new());
        let _ushers = rows.ushers(&hub);
        let secured = self.certificates.is_some();
        let mut router = router(Shared {
            desk,
            hub,
            leave,
            limits: Arc::new(self.limits),
            alive,
            access: self.access,
            rows,
        });
        if secured {
            router = router.layer(axum::middleware::map_response(guard::stay));
        }
        let router = router.into_make_service_with_connect_info::<Peer>();
        let door = listener::Door {
            listener: self.listener,
            keeper,
            certificates: self.certificates,
        };
        let served = axum::serve(door, router).with_graceful_shutdown(async move {
            shutdown.await;
            tell.send_replace(true);
        });
        let all_ended = async {
            if let Err(error) = served.await {
                tracing::error!(%error, "gateway");
            }
            // Nothing is ever sent: this ends when the last stream has dropped its end.
            while ended.recv().await.is_some() {}
        };
        let patience = async {
            drop(draining.wait_for(|d| *d).await);
            drop(draining);
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            () = all_ended => {}
            () = notes => {}
            () = shown_out => {}
            () = renewed => {}
            () = patience => tracing::warn!("some connections did not end in 2 s"),
        }
    }
}

/// Has every stream look whether its reader may stay, whenever anybody may have ceased to be who they are.
async fn shown_out(mut changes: watch::Receiver<()>, tell: Arc<watch::Sender<bool>>) {
    while changes.changed().await.is_ok() {
        tell.send_modify(|_| {});
    }
}

/// Tells all streams what stands beside the numbers, for ever.
async fn told(desk: Arc<dyn Desk>, hub: Arc<Hub>) {
    let mut every = tokio::time::interval(NOTES);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let ready = desk.ready();
        let recovering = ready.recovering.map(|r| {
            let (read, of) = (r.read, r.of);
            format!(
                "the log is being read: {read} of {of} records, {} %",
                r.percent
            )
        });
        hub.note("recovering", recovering);
        let gaps = ready.data_gaps.iter();
        let gaps = gaps.map(|g| format!("partition {} lacks {} to {}", g.partition, g.from, g.to));
        let gaps: Vec<String> = gaps.collect();
        hub.note("data_gap", (!gaps.is_empty()).then(|| gaps.join("; ")));
    }
}

/// Takes changed certificates, for ever.
async fn renewed(certificates: Option<Arc<Certificates>>) {
    let Some(certificates) = certificates else {
        return std::future::pending().await;
    };
    let mut every = tokio::time::interval(NOTES);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match certificates.renew() {
            Ok(true) => tracing::info!("other certificates hold for new connections"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "certificates; the former ones hold"),
        }
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(display::page))
        .route("/wall/{board}", get(display::page))
        .route("/glossary", get(display::glossary))
        .route("/sign-in", get(display::sign_in))
        .route("/healthz", get(http::healthz))
        .route("/readyz", get(http::readyz))
        .route("/metrics", get(http::metrics))
        .route("/openapi.json", get(contract::file))
        .route("/asyncapi.yaml", get(contract::file))
        .route("/client-frame.schema.json", get(contract::file))
        .route("/server-frame.schema.json", get(contract::file))
        .route("/v1/boards", get(boards::all))
        .route("/v1/boards/{board}", get(boards::one))
        .route("/v1/boards/{board}/trend", get(trend::show))
        .route("/v1/kpis", get(kpis::all))
        .route("/v1/kpis/{kpi}", get(kpis::one))
        .route("/v1/kpis/{kpi}/why", get(why::why))
        .route("/v1/alerts", get(alerts::show))
        .route("/v1/customers/lookup", post(customers::lookup))
        .route("/v1/customers/{id}", get(customers::one))
        .route("/v1/events", post(events::post))
        .route("/v1/actions", post(actions::post))
        .route(
            "/v1/definitions",
            get(definitions::show).post(definitions::govern),
        )
        .route("/v1/definitions/preview", get(definitions::preview))
        .route("/v1/definitions/{definition}", get(definitions::one))
        .route("/v1/demo", get(demo::show))
        .route("/v1/demo/{gesture}", post(demo::play))
        .route("/v1/recount", get(recount::show).post(recount::begin))
        .route("/v1/screens", get(http::screens))
        .route(
            "/v1/session",
            get(session::show).post(session::begin).delete(session::end),
        )
        .route("/v1/sign-in", get(sign_on::ways))
        .route("/v1/sign-in/issuer", get(sign_on::begin))
        .route("/v1/sign-in/issuer/callback", get(sign_on::callback))
        .route("/v1/tickets", post(tickets::issue))
        .route("/v1/pairings", post(devices::begin))
        .route("/v1/pairings/claim", post(devices::claim))
        .route("/v1/devices", get(devices::list).post(devices::confirm))
        .route("/v1/devices/{id}", delete(devices::revoke))
        .route("/v1/stream", any(stream))
        .fallback(display::file)
        .method_not_allowed_fallback(http::wrong_method)
        .layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            guard::guard,
        ))
        .with_state(shared)
}

/// Opens a stream: WebSocket on upgrade, else server-sent events or lines of JSON by `Accept`.
async fn stream(
    State(shared): State<Shared>,
    Extension(who): Who,
    method: Method,
    headers: HeaderMap,
    query: Pairs,
    upgrade: Option<Extension<OnUpgrade>>,
    checked: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let door = Door::of(&headers).filter(|_| method == Method::GET);
    let upgrade = upgrade.filter(|_| checked.is_ok());
    if upgrade.is_none() && door.is_none() {
        return not_a_stream();
    }
    if shared.hub.connections() >= shared.limits.streams {
        shared.hub.counts().refuse("too_many_streams");
        return full(shared.limits.streams);
    }
    let room = Room {
        hub: shared.hub,
        desk: shared.desk,
        leave: shared.leave,
        limits: shared.limits,
        alive: shared.alive,
        access: shared.access,
        rows: shared.rows,
        who,
    };
    match (upgrade, door) {
        (Some(Extension(upgrade)), _) => grant(&headers, upgrade, room),
        (None, Some(door)) => match kpis::pairs(query) {
            Ok(pairs) => lines::open(door, &headers, &pairs, room),
            Err(problem) => problem.into_response(),
        },
        (None, None) => not_a_stream(),
    }
}

fn full(streams: u64) -> Response {
    let detail = format!("{streams} streams are open, which is the limit of one process");
    let title = "too many streams";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail)
        .at("stream", "path", "close some, or come back later")
        .into_response()
}

fn not_a_stream() -> Response {
    let detail = "this address speaks WebSocket, server-sent events and lines of JSON";
    let mut response = Problem::new(StatusCode::UPGRADE_REQUIRED, "not a WebSocket", detail)
        .at(
            "upgrade",
            "header upgrade",
            "open it with a WebSocket client, or send Accept: text/event-stream or Accept: application/x-ndjson and ?board=NAME",
        )
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
}
