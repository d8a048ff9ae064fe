//! The control API: the documents of `bootwright_proto::http::api` over HTTP, for operators on a Unix socket.
//!
//! [`router`] is the whole of it and knows nothing of where it listens: whoever accepts connections says who asks, by an
//! [`Operator`] in each request.

mod access;
mod backup;
mod body;
mod check;
mod command;
mod config;
pub mod diagnostic;
mod document;
mod event;
mod explain;
mod fault;
mod follow;
mod here;
mod host;
mod image;
mod lease;
mod listen;
mod moment;
mod openapi;
mod operator;
mod profile;
mod proposal;
mod query;
mod rehearsal;
mod reload;
mod repeat;
mod route;
mod server;
mod site;
mod version;
mod view;
mod wake;
mod webhook;
mod word;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bootwright_console::access::Access;
use bootwright_console::door::Door;
use bootwright_net::environment::Environment;
use bootwright_proto::http::api::{PREFIX, Role};
use bootwright_store::{Reader, SqliteReader, StoreError};

pub(crate) use event::event_view;
pub use listen::{listen, serve};
pub use openapi::document as openapi;

use crate::core::Core;
use crate::counter::Counters;
use crate::http::Plane;
use crate::metrics;
use crate::mishap::contain_async;
use crate::reload::Reloader;
use crate::webhook::Webhooks;
use moment::Moments;

/// No document that is sent to us is longer.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The record's file in the data directory.
pub(crate) const DATABASE: &str = "bootwright.db";

/// What the API answers from.
#[derive(Clone)]
pub struct ApiState {
    /// The engine.
    pub core: Arc<Core>,
    /// The counters.
    pub counters: Arc<Counters>,
    /// Reads the configuration again.
    pub reloader: Arc<Reloader>,
    /// The machine plane, which renders what machines would be answered.
    pub plane: Arc<Plane>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Reads the record. One question at a time, on a thread that may wait for the disk.
    pub reader: Arc<Mutex<Box<dyn Reader>>>,
    /// Who may log in.
    pub access: Arc<Access>,
    /// The door for browsers, if there is one.
    pub door: Option<Arc<Door>>,
    /// Those who are told of events.
    pub webhooks: Arc<Webhooks>,
    /// Where we run, as it was at the start.
    environment: Environment,
    moments: Moments,
}

impl ApiState {
    /// The state of a daemon that starts now.
    ///
    /// # Errors
    /// When the record in the data directory cannot be read.
    pub fn new(
        core: Arc<Core>,
        counters: Arc<Counters>,
        reloader: Arc<Reloader>,
        plane: &Arc<Plane>,
        data_dir: &Path,
        (access, door): (Arc<Access>, Option<Arc<Door>>),
        webhooks: &Arc<Webhooks>,
    ) -> Result<Self, StoreError> {
        let reader: Box<dyn Reader> = Box::new(SqliteReader::open(&data_dir.join(DATABASE))?);
        let moments = Moments::new(Arc::clone(&core));
        Ok(Self {
            core,
            counters,
            reloader,
            plane: Arc::clone(plane),
            data_dir: data_dir.to_owned(),
            reader: Arc::new(Mutex::new(reader)),
            access,
            door,
            webhooks: Arc::clone(webhooks),
            environment: Environment::detect().unwrap_or(Environment::Box),
            moments,
        })
    }
}

/// What programs that watch us ask, outside of the API's own paths. That we live, and whether we serve, is told to anybody.
fn monitoring() -> Router<ApiState> {
    let demand = axum::middleware::from_fn_with_state(Role::Viewer, operator::demand);
    Router::new()
        .route("/metrics", get(metrics::answer).layer(demand))
        .route("/healthz", get(metrics::health))
        .route("/readyz", get(metrics::readiness))
}

/// The API, of which a request that panics costs itself alone.
pub fn contained(state: ApiState) -> Router {
    async fn contain(State(counters): State<Arc<Counters>>, request: Request, next: Next) -> Response {
        let answered = contain_async(&counters, "api", next.run(request)).await;
        answered.unwrap_or_else(|| fault::Fault::internal("this request made the daemon stumble").into_response())
    }
    let counters = Arc::clone(&state.counters);
    router(state).layer(axum::middleware::from_fn_with_state(counters, contain))
}

/// The API. Requests without an [`Operator`](bootwright_console::Operator) are refused, and so are those that their
/// operator's role does not cover.
pub fn router(state: ApiState) -> Router {
    let repeats = repeat::Repeats::default();
    let routes = route::all().into_iter().fold(Router::new(), |router, route| {
        let fits = axum::middleware::from_fn_with_state(check::Asked::from(&route), check::fits);
        let demand = axum::middleware::from_fn_with_state(route.role, operator::demand);
        let mut handler = route.handler;
        if route.repeatable {
            handler = handler.route_layer(axum::middleware::from_fn_with_state(repeats.clone(), repeat::once));
        }
        // The last one is asked first.
        router.route(route.path, handler.route_layer(fits).route_layer(demand))
    });
    Router::new()
        .nest(PREFIX, routes)
        .merge(monitoring())
        .fallback(fault::no_route)
        .method_not_allowed_fallback(fault::no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}
