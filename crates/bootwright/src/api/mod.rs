//! The control API over a Unix socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::core::Core;
use crate::counter::Counters;
use crate::http::Plane;
use crate::reload::Reloader;

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
}

impl ApiState {
    /// The state of a daemon.
    #[must_use]
    pub fn new(
        core: Arc<Core>,
        counters: Arc<Counters>,
        reloader: Arc<Reloader>,
        plane: &Arc<Plane>,
        data_dir: &Path,
    ) -> Self {
        Self {
            core,
            counters,
            reloader,
            plane: Arc::clone(plane),
            data_dir: data_dir.to_owned(),
        }
    }
}

/// Makes the control socket.
///
/// # Errors
/// When it cannot be made.
pub fn listen(path: &Path) -> std::io::Result<tokio::net::UnixListener> {
    tokio::net::UnixListener::bind(path)
}

/// Serves operators, for as long as the future is polled.
pub async fn serve(listener: tokio::net::UnixListener, state: ApiState) {
    let router = axum::Router::new()
        .route("/api/v1/health", axum::routing::get(|| async { "ok" }))
        .with_state(state);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(why = %error, "the control API has ended");
    }
}
