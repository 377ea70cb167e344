//! `GET /v1/messages`: the messages that fit, newest first.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::Call;
use super::literal::quote;
use super::lookup;
use super::openapi::ProblemBody;
use super::parameters::Parameters;
use super::problem::Problem;
use super::seams::{Caller, Scope, Sight};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(get_messages))
}

const PARAMETERS: [&str; 7] = ["control_id", "mrn", "type", "feed", "from", "to", "limit"];
const DEFAULT_LIMIT: u64 = 100;
const MOST: u64 = 1_000;

/// The messages that fit.
#[derive(Serialize, ToSchema)]
struct Fitting {
    /// Newest first.
    messages: Vec<Value>,
    /// Whether there are more than `limit` allows.
    more: bool,
}

/// Finds messages, newest first.
///
/// Each has its id, feed, times, type, control ID and version. Conditions are all to be met.
#[utoipa::path(
    get,
    path = "/v1/messages",
    tag = "messages out",
    params(
        ("control_id" = Option<String>, Query, description = "MSH-10"),
        ("mrn" = Option<String>, Query, description = "An identifier of the patient: PID-3.1 in any repetition, of any PID"),
        ("type" = Option<String>, Query, description = "MSH-9: `ADT`, or `ADT^A01`"),
        ("feed" = Option<String>, Query, description = "The sender's stream"),
        ("from" = Option<String>, Query, description = "Received then or later: `2026-01-31`, `2026-01-31T12:00:00Z`"),
        ("to" = Option<String>, Query, description = "Received earlier"),
        ("limit" = Option<u64>, Query, description = "How many, 1000 at most", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "The messages", body = Fitting),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_messages(call: Call) -> Result<Json<Fitting>, Problem> {
    let caller = call.admit(Scope::Read).await?;
    let parameters = call.parameters(&PARAMETERS)?;
    let limit = parameters.number("limit", 1..=MOST)?.unwrap_or(DEFAULT_LIMIT);
    let query = query(&parameters, &caller, limit + 1)?;
    call.note(&caller, Sight::Search { text: parameters.line() }).await?;
    let mut messages = lookup::rows(&call.state, &query, limit + 1).await?;
    let more = messages.len() as u64 > limit;
    messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(Fitting { messages, more }))
}

fn query(parameters: &Parameters, caller: &Caller, limit: u64) -> Result<String, Problem> {
    let mut conditions = Vec::new();
    if let Some(control_id) = parameters.text("control_id") {
        conditions.push(format!("control_id = {}", quote(control_id)));
    }
    if let Some(mrn) = parameters.text("mrn") {
        conditions.push(format!(
            "message_id IN (SELECT message_id FROM segments.pid \
             WHERE any_match(patient_identifier_list, identifier -> identifier.id_number = {}))",
            quote(mrn)
        ));
    }
    if let Some(message_type) = parameters.text("type") {
        let mut parts = message_type.split(['^', '_']);
        let code = parts.next().unwrap_or_default();
        conditions.push(format!("message_type = {}", quote(code)));
        if let Some(trigger) = parts.next().filter(|trigger| !trigger.is_empty()) {
            conditions.push(format!("trigger_event = {}", quote(trigger)));
        }
    }
    if let Some(feed) = parameters.text("feed") {
        conditions.push(format!("feed = {}", quote(feed)));
    }
    if let Some(feeds) = &caller.feeds {
        let feeds: Vec<String> = feeds.iter().map(|feed| quote(feed)).collect();
        let own =
            if feeds.is_empty() { "false".to_owned() } else { format!("feed IN ({})", feeds.join(", ")) };
        conditions.push(own);
    }
    for (name, comparison) in [("from", ">="), ("to", "<")] {
        if let Some(moment) = parameters.moment(name)? {
            conditions.push(format!(
                "received_at {comparison} arrow_cast({moment}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
            ));
        }
    }
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    Ok(format!(
        "SELECT message_id, feed, received_at, sequence, message_type, trigger_event, control_id, hl7_version, \
         message_time, sending_application, sending_facility FROM staging WHERE {conditions} \
         ORDER BY received_at DESC, sequence DESC, message_id LIMIT {limit}"
    ))
}
