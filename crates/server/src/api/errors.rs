//! `/v1/errors`: what is in the error zone, why, and trying it again.

use axum::Json;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use pipeline::time::rfc3339_milliseconds;
use pipeline::{ErrorEntry, MessageId, Retried, Rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Incoming;
use super::call::{Call, Named, message_id};
use super::json;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::{Scope, Sight};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(get_errors))
        .routes(routes!(get_error))
        .routes(routes!(post_retry_of_one))
        .routes(routes!(post_retry))
}

const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1_000;

/// Open errors, oldest first.
#[derive(Serialize, ToSchema)]
struct OpenErrors {
    errors: Vec<OpenError>,
    /// How many fit, on all pages.
    count: u64,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One line of the error zone.
#[derive(Serialize, ToSchema)]
struct OpenError {
    /// The id of what failed.
    message_id: String,
    /// When it was received.
    received_at: String,
    /// The sender's stream.
    feed: String,
    /// The code, one of a closed list.
    code: String,
    /// What is wrong.
    reason: String,
    /// Where it shows, in bytes from the start of what failed.
    offset: i64,
    /// Where it came from.
    origin: String,
}

/// What became of the messages that were tried again.
#[derive(Serialize, ToSchema)]
struct RetryOutcome {
    /// How many there were.
    retried: u64,
    /// Staged now.
    staged: u64,
    /// Still in error.
    error: u64,
}

/// What to try again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RetryWanted {
    /// Ids, as listed; all open errors if there is none.
    ids: Vec<String>,
    /// Refuse messages that break their own version of the standard.
    strict: bool,
}

/// Lists what is in error, oldest first.
#[utoipa::path(
    get,
    path = "/v1/errors",
    tag = "errors",
    params(
        ("feed" = Option<String>, Query, description = "Of this feed alone"),
        ("code" = Option<String>, Query, description = "With this code alone"),
        ("after" = Option<String>, Query, description = "What `next` said on the page before"),
        ("limit" = Option<u64>, Query, description = "How many, 1000 at most", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "The errors", body = OpenErrors),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_errors(call: Call) -> Result<Json<OpenErrors>, Problem> {
    let caller = call.admit(Scope::Read).await?;
    let parameters = call.parameters(&["feed", "code", "after", "limit"])?;
    let limit = parameters.number("limit", 1..=MOST)?.unwrap_or(DEFAULT_LIMIT);
    let after = parameters.text("after").map(place).transpose()?;
    call.note(&caller, Sight::Errors).await?;
    let mut entries = pipeline::errors(&call.state.lake).await?;
    entries.retain(|entry| {
        caller.has_feed(&entry.feed)
            && parameters.text("feed").is_none_or(|feed| feed == entry.feed)
            && parameters.text("code").is_none_or(|code| code == entry.code)
    });
    let count = entries.len() as u64;
    if let Some((received_at, id)) = after {
        entries.retain(|entry| (entry.received_at, entry.message_id.as_str()) > (received_at, id));
    }
    let is_last = entries.len() <= limit;
    entries.truncate(limit);
    let last = entries.last().filter(|_| !is_last);
    let next = last.map(|entry| format!("{}-{}", entry.received_at, entry.message_id));
    Ok(Json(OpenErrors { errors: entries.into_iter().map(shown).collect(), count, next }))
}

/// Shows the report of one error.
#[utoipa::path(
    get,
    path = "/v1/errors/{id}",
    tag = "errors",
    params(("id" = String, Path, description = "Its id, as listed")),
    responses(
        (status = 200, description = "The report: code, place, reason, hint, raw bytes, feed", body = Value),
        (status = 404, description = "There is no such error", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_error(call: Call, Named(id): Named) -> Result<Response, Problem> {
    let caller = call.admit(Scope::Read).await?;
    call.parameters(&[])?;
    let id = message_id(&id).map_err(|_| unknown())?;
    let report = pipeline::error_report(&call.state.lake, id).await;
    let report = report.map_err(|error| match error {
        pipeline::Error::UnknownMessage { .. } => unknown(),
        other => other.into(),
    })?;
    let object: Value =
        serde_json::from_slice(&report).map_err(|_| Problem::internal("an error report is damaged"))?;
    if !object["feed"].as_str().is_none_or(|feed| caller.has_feed(feed)) {
        return Err(unknown());
    }
    call.note(&caller, Sight::Error { id: id.to_string() }).await?;
    Ok(([(CONTENT_TYPE, "application/json")], report).into_response())
}

/// Tries one error again, after what stood in the way is mended.
#[utoipa::path(
    post,
    path = "/v1/errors/{id}/retry",
    tag = "errors",
    params(
        ("id" = String, Path, description = "Its id, as listed"),
        ("strict" = Option<bool>, Query, description = "Refuse it if it breaks its own version of the standard"),
    ),
    responses(
        (status = 200, description = "What became of it", body = RetryOutcome),
        (status = 404, description = "There is no such error", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_retry_of_one(call: Call, Named(id): Named) -> Result<Json<RetryOutcome>, Problem> {
    let caller = call.admit(Scope::Admin).await?;
    caller.check_all_feeds()?;
    let strict = call.parameters(&["strict"])?.flag("strict")?;
    let id = message_id(&id).map_err(|_| unknown())?;
    call.note(&caller, Sight::Retry { ids: vec![id.to_string()] }).await?;
    retry(&call.state, vec![id], strict).await
}

/// Tries errors again, all or those that are named.
#[utoipa::path(
    post,
    path = "/v1/errors/retry",
    tag = "errors",
    request_body(content = Option<RetryWanted>, description = "Which ones; without a body, all"),
    responses(
        (status = 200, description = "What became of them", body = RetryOutcome),
        (status = 404, description = "One of them is no open error; none was tried", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_retry(call: Call, body: Body) -> Result<Json<RetryOutcome>, Problem> {
    let caller = call.admit(Scope::Admin).await?;
    caller.check_all_feeds()?;
    call.parameters(&[])?;
    let limits = &call.state.limits;
    let body = Incoming::of(&call.headers, body, limits.small_body / 16, limits)?.whole().await?;
    let wanted = if body.is_empty() { RetryWanted::default() } else { json::read(&call.headers, &body)? };
    let ids: Result<Vec<MessageId>, Problem> = wanted.ids.iter().map(|id| message_id(id)).collect();
    let ids = ids.map_err(|_| unknown())?;
    let named = ids.iter().map(ToString::to_string).collect();
    call.note(&caller, Sight::Retry { ids: named }).await?;
    retry(&call.state, ids, wanted.strict).await
}

/// Tries them again, to the end even if the caller goes away.
async fn retry(state: &State, ids: Vec<MessageId>, strict: bool) -> Result<Json<RetryOutcome>, Problem> {
    let (lake, turn) = (state.lake.clone(), state.retrying.clone());
    let rules = Rules { strict, ..state.rules.clone() };
    let task = tokio::spawn(async move {
        let _turn = turn.lock().await;
        pipeline::retry(&lake, &ids, &rules).await
    });
    let outcome = task.await.map_err(|_| Problem::internal("a retry ended early"))?;
    let Retried { retried, staged, error } = outcome?;
    Ok(Json(RetryOutcome { retried, staged, error }))
}

fn shown(entry: ErrorEntry) -> OpenError {
    OpenError {
        message_id: entry.message_id,
        received_at: rfc3339_milliseconds(entry.received_at.div_euclid(1_000)),
        feed: entry.feed,
        code: entry.code,
        reason: entry.reason,
        offset: entry.offset,
        origin: entry.origin,
    }
}

/// The place between two errors that `next` named.
fn place(text: &str) -> Result<(i64, &str), Problem> {
    let parts = text.rsplit_once('-').and_then(|(moment, id)| Some((moment.parse().ok()?, id)));
    parts.ok_or_else(|| Problem::parameter("after", "what next said on the page before"))
}

fn unknown() -> Problem {
    Problem::new(
        Kind::UnknownError,
        "no error has this id",
        "GET /v1/errors lists what is in error now; an id is 32 hex digits",
    )
}
