//! The HTTP API: messages in, messages and answers out.
//!
//! One file for each group of operations. What they need of the rest of the program are small traits in `seams/`, gathered in
//! [`Seams`]; a request goes through `layers.rs`, then [`Gate`], then its operation. Problems never quote what was sent.

mod answer;
mod body;
mod call;
mod catalog;
mod convert;
mod decode;
mod docs;
mod errors;
mod feeds;
mod health;
mod hl7_over_http;
mod idempotency;
mod json;
mod layers;
mod literal;
mod look;
mod lookup;
mod media;
mod messages;
mod openapi;
mod parameters;
mod pieces;
mod problem;
mod queries;
mod seams;
mod search;
mod sql;
mod state;
mod validate;
mod zones;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

pub use problem::{Kind, Problem};
pub use seams::{
    Answer, Caller, Denial, FlatRows, Format, Gate, Health, Identity, Intake, Metrics, Policy, Refused, Rows,
    Scope, Sight, Sql, SqlLimits, SqlProblem, SqlProblemKind, TurnedAway, Witness,
};
pub use state::{Limits, Seams, State};

/// The API, to be served. Give it connections with [`axum::extract::ConnectInfo`] of their peer's address, so that the gate,
/// receipts and audit know it.
pub fn router(state: State) -> Router {
    let (router, _) = openapi::serve(operations());
    router
        .merge(docs::routes())
        .fallback(layers::no_such_route)
        .method_not_allowed_fallback(layers::other_method)
        // `body.rs` has limits of its own, which may be higher.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), layers::around))
        .with_state(state)
}

/// The description of the API in OpenAPI 3.1, as JSON text.
pub fn description() -> String {
    let (_, description) = operations().split_for_parts();
    openapi::text(&description)
}

/// Every operation, with its description.
fn operations() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(feeds::routes())
        .merge(hl7_over_http::routes())
        .merge(convert::routes())
        .merge(validate::routes())
        .merge(messages::routes())
        .merge(search::routes())
        .merge(errors::routes())
        .merge(sql::routes())
        .merge(catalog::routes())
        .merge(zones::routes())
        .merge(health::routes())
}
