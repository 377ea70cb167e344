//! How the server is: for whoever keeps it running.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::Call;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::Scope;
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(get_healthz)).routes(routes!(get_readyz)).routes(routes!(get_metrics))
}

/// Says that the program runs.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "server",
    security(()),
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain"))
)]
async fn get_healthz() -> &'static str {
    "ok\n"
}

/// Says whether messages can be taken now.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    security(()),
    responses(
        (status = 200, description = "All is well", body = String, content_type = "text/plain"),
        (status = 503, description = "Something stands in the way; `obstacles` says what", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_readyz(call: Call) -> Result<&'static str, Problem> {
    let obstacles = call.state.health.obstacles().await;
    if obstacles.is_empty() {
        return Ok("ready\n");
    }
    Err(Problem::new(
        Kind::NotReady,
        "messages cannot be taken now",
        "the member obstacles says why; the server's log says more",
    )
    .with_member("obstacles", obstacles.into())
    .with_retry_after(1))
}

/// Gives the metrics as OpenMetrics text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "server",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_metrics(call: Call) -> Result<Response, Problem> {
    call.admit(Scope::Any).await?;
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, media)], (call.state.metrics.0)()).into_response())
}
