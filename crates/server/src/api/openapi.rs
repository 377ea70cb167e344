//! The description of the API, made from the code that answers.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::problem::Kind;
use super::state::State;

/// What is wrong with a request (RFC 9457). Never holds a value of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// The kind: `/docs#` and a name that stays.
    r#type: String,
    /// The kind, for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened.
    detail: String,
    /// What to do about it.
    hint: String,
}

/// Bytes as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Octets(#[expect(dead_code, reason = "only its description is used")] Vec<u8>);

/// A form whose parts, whatever they are called, are files.
#[derive(ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, Octets>)]
pub(super) struct Form(#[expect(dead_code, reason = "only its description is used")] Vec<Octets>);

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Carelake",
        description = "A healthcare data lake: messages in, answers in SQL. Errors are problems as RFC 9457 has them, with a hint, and never quote a message.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer, &ProblemTypes),
    security(("bearer" = [])),
    tags(
        (name = "messages in", description = "Messages that are kept"),
        (name = "messages out", description = "Messages that were kept, and what became of them"),
        (name = "messages looked at", description = "Messages that are not kept"),
        (name = "errors", description = "What could not be converted"),
        (name = "sql", description = "Questions"),
        (name = "lake", description = "What lies in the lake"),
        (name = "server", description = "How the server is"),
    )
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `carelake token`, or of the identity provider. A server that is open to its own machine alone may need none"))
            .build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Lists the kinds of problems.
struct ProblemTypes;

impl Modify for ProblemTypes {
    fn modify(&self, description: &mut OpenApi) {
        let kinds: Vec<serde_json::Value> = Kind::ALL
            .iter()
            .map(|kind| {
                serde_json::json!({
                    "type": format!("/docs#{}", kind.name()),
                    "title": kind.title(),
                    "status": kind.status().as_u16(),
                })
            })
            .collect();
        let extensions = utoipa::openapi::extensions::Extensions::builder().add("x-problems", kinds).build();
        description.extensions.get_or_insert_default().merge(extensions);
    }
}

/// What the description begins with, before the operations.
pub(super) fn base() -> OpenApi {
    Description::openapi()
}

/// Adds the address that serves the description.
pub(super) fn serve(routes: OpenApiRouter<State>) -> (axum::Router<State>, OpenApi) {
    let (router, description) = routes.split_for_parts();
    let text = text(&description);
    let answer = move || {
        let text = text.clone();
        async move { response(text) }
    };
    (router.route("/openapi.json", get(answer)), description)
}

/// The description as it is served.
pub(super) fn text(description: &OpenApi) -> String {
    description.to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

fn response(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
