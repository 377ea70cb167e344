//! `/v1/catalog`: what there is to ask.

use axum::Json;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::{Call, Named};
use super::lookup::told;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::Scope;
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(get_catalog)).routes(routes!(get_table))
}

/// Lists the tables; `audit` to who has the scope `admin` as well.
#[utoipa::path(
    get,
    path = "/v1/catalog",
    tag = "sql",
    responses(
        (status = 200, description = "What each table is called, holds, and how many rows it has", body = Value),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_catalog(call: Call) -> Result<Json<Value>, Problem> {
    let caller = call.admit(Scope::Sql).await?;
    caller.check_all_feeds()?;
    call.parameters(&[])?;
    Ok(Json(call.state.sql.catalog(caller.is_admin).await?))
}

/// Lists the columns of a table.
#[utoipa::path(
    get,
    path = "/v1/catalog/{table}",
    tag = "sql",
    params(("table" = String, Path, description = "Its name, as listed")),
    responses(
        (status = 200, description = "The columns: name, HL7 path, type, how often seen", body = Value),
        (status = 404, description = "There is no such table", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_table(call: Call, Named(table): Named) -> Result<Json<Value>, Problem> {
    let caller = call.admit(Scope::Sql).await?;
    caller.check_all_feeds()?;
    call.parameters(&[])?;
    let quoted = format!("\"{table}\"");
    let columns =
        call.state.sql.table(&table, caller.is_admin).await.map_err(|problem| told(problem, &quoted))?;
    columns.map(Json).ok_or_else(|| {
        Problem::new(Kind::UnknownTable, "no table has this name", "GET /v1/catalog lists the tables")
    })
}
