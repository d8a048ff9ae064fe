//! The table of the API's routes: everything that there is, and whom it takes.
//!
//! The router is made from it, and whatever has to know all routes (the tests of roles, the API's description) reads it too.
//! So there is no route that is not in it.

use axum::routing::{MethodRouter, get, post};
use bootwright_proto::http::api::Role;

use super::{ApiState, command, event, explain, host, lease, proposal, reload, site};

/// A route.
pub(super) struct Route {
    /// Below `/api/v1`, with names in braces.
    pub(super) path: &'static str,
    /// The least role that may ask.
    pub(super) role: Role,
    /// What answers.
    pub(super) handler: MethodRouter<ApiState>,
}

/// All routes.
pub(super) fn all() -> Vec<Route> {
    use Role::{Admin, Operator, Viewer};
    let route = |path, role, handler| Route { path, role, handler };
    vec![
        route("/health", Viewer, get(site::health)),
        route("/status", Viewer, get(site::status)),
        route("/hosts", Viewer, get(host::list)),
        route("/hosts/{host}", Viewer, get(host::show)),
        route("/hosts/{host}/explain", Viewer, get(explain::explain)),
        route("/hosts/{host}/command", Operator, post(command::command)),
        route("/leases", Viewer, get(lease::list)),
        route("/events", Viewer, get(event::events)),
        route("/pause", Operator, post(site::pause)),
        route("/resume", Operator, post(site::resume)),
        route("/proposals", Viewer, get(proposal::list)),
        route("/apply", Operator, post(proposal::apply)),
        route("/reload", Admin, post(reload::reload)),
        route("/check", Operator, post(reload::check)),
    ]
}
