//! `/docs`: a page that lists the operations and lets one try them. It loads nothing from elsewhere.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::state::State;

/// Nothing but this server's own script and style, and requests to itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/docs", get(async || page("text/html; charset=utf-8", include_str!("page/docs.html"))))
        .route(
            "/docs/docs.js",
            get(async || page("text/javascript; charset=utf-8", include_str!("page/docs.js"))),
        )
        .route("/docs/docs.css", get(async || page("text/css; charset=utf-8", include_str!("page/docs.css"))))
}

fn page(media: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, media), (CONTENT_SECURITY_POLICY, POLICY)], text).into_response()
}
