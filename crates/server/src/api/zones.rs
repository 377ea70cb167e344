//! `GET /v1/zones/{zone}`: what lies in the lake, by key.

use axum::Json;
use pipeline::{Zone, zone_page};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::{Call, Named};
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::{Scope, Sight};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(get_zone))
}

const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1_000;

/// Some objects of a zone.
#[derive(Serialize, ToSchema)]
struct Objects {
    /// Sorted by key.
    objects: Vec<StoredObject>,
    /// What to give as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One object.
#[derive(Serialize, ToSchema)]
struct StoredObject {
    /// Its key in the lake.
    key: String,
    /// Its size in bytes.
    size: u64,
    /// When it was written.
    written_at: String,
}

/// Lists the objects of a zone.
#[utoipa::path(
    get,
    path = "/v1/zones/{zone}",
    tag = "lake",
    params(
        ("zone" = String, Path, description = "`raw`, `staging`, `error`, `refined` or, for admins, `audit`"),
        ("prefix" = Option<String>, Query, description = "How their keys go on behind the zone's name"),
        ("after" = Option<String>, Query, description = "What `next` said on the page before"),
        ("limit" = Option<u64>, Query, description = "How many, 1000 at most", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "The objects", body = Objects),
        (status = 404, description = "There is no such zone", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_zone(call: Call, Named(name): Named) -> Result<Json<Objects>, Problem> {
    let zone = Zone::parse(&name);
    let scope = if zone == Some(Zone::Audit) { Scope::Admin } else { Scope::Read };
    let caller = call.admit(scope).await?;
    caller.check_all_feeds()?;
    let zone = zone.ok_or_else(|| {
        let names: Vec<&str> = Zone::ALL.into_iter().map(Zone::name).collect();
        let hint = format!("there are: {}", names.join(", "));
        Problem::new(Kind::UnknownZone, "no zone has this name", hint)
    })?;
    let parameters = call.parameters(&["prefix", "after", "limit"])?;
    let limit = parameters.number("limit", 1..=MOST)?.unwrap_or(DEFAULT_LIMIT);
    let prefix = parameters.text("prefix").unwrap_or_default();
    call.note(&caller, Sight::Zone { zone: zone.name(), prefix: prefix.to_owned() }).await?;
    let page = zone_page(&call.state.lake, zone, prefix, parameters.text("after"), limit).await?;
    let shown = |object: pipeline::ZoneObject| StoredObject {
        key: object.key,
        size: object.size,
        written_at: object.written_at,
    };
    Ok(Json(Objects { objects: page.objects.into_iter().map(shown).collect(), next: page.next }))
}
