//! `/v1/sql`: questions, and cancelling them.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, TRAILER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{self, Telling};
use super::body::Incoming;
use super::call::{Call, Named};
use super::json;
use super::lookup::told;
use super::media;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::{Format, Scope, Sight, SqlLimits};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(post_sql)).routes(routes!(delete_sql))
}

pub(super) const QUERY_ID: HeaderName = HeaderName::from_static("x-query-id");
const ROW_LIMIT: HeaderName = HeaderName::from_static("x-row-limit");

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The SQL.
    query: String,
    /// `json`, `ndjson`, `csv` or `arrow`; without it, what Accept says.
    format: Option<Written>,
    /// Rows of the answer, at most.
    row_limit: Option<u64>,
    /// How long it may take, in seconds.
    time_limit: Option<f64>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Written {
    /// One object, with the rows and how they ended.
    Json,
    /// One object a line.
    Ndjson,
    /// A header, then a line a row.
    Csv,
    /// A stream of Arrow IPC.
    Arrow,
}

impl Written {
    const MEDIA: [(&'static str, Self); 5] = [
        ("application/json", Self::Json),
        (media::NDJSON, Self::Ndjson),
        ("application/ndjson", Self::Ndjson),
        ("text/csv", Self::Csv),
        (media::ARROW, Self::Arrow),
    ];

    fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => media::NDJSON,
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => media::ARROW,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Json | Self::Ndjson => Format::Ndjson,
            Self::Csv => Format::Csv,
            Self::Arrow => Format::Arrow,
        }
    }
}

/// Answers a question in SQL, row by row as they are found.
///
/// Who has the scope `admin` as well may ask the table `audit`.
///
/// In JSON the last members say how many rows there are and how they ended; in the other formats the trailers `X-Row-Count` and
/// `X-Ended` do, for clients that ask for them with `TE: trailers`. `X-Row-Limit` tells the limit. An answer that cannot be finished, other than in
/// JSON, is cut off in a way that clients see. Whoever goes away cancels the query.
#[utoipa::path(
    post,
    path = "/v1/sql",
    tag = "sql",
    params(
        ("X-Query-Id" = Option<String>, Header, description = "What to cancel it by: letters, digits, '-' and '_'. Without it, one is made up"),
        ("Accept" = Option<String>, Header, description = "How the answer is written, unless the question says"),
    ),
    request_body(content((Question = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "The answer", content(
            (Value = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (inline(super::openapi::Octets) = "application/vnd.apache.arrow.stream"),
        )),
        (status = 400, description = "The question cannot be answered", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long before the first row", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_sql(call: Call, body: Body) -> Result<Response, Problem> {
    let caller = call.admit(Scope::Sql).await?;
    caller.check_all_feeds()?;
    call.parameters(&[])?;
    let question = question(&call, body).await?;
    let written = match question.format {
        Some(written) => written,
        None => media::accepted(&call.headers, &Written::MEDIA)?,
    };
    let limits = SqlLimits { audit: caller.is_admin, ..limits(&call.state, &question)? };
    let id = call.headers.get(QUERY_ID).map(|id| id.to_str().unwrap_or_default());
    let ticket = call.state.queries.begin(id, &caller.name)?;
    call.note(&caller, Sight::Query { id: ticket.id.clone(), text: question.query.clone() }).await?;
    let id = HeaderValue::from_str(&ticket.id).map_err(|_| Problem::internal("an id is no header"))?;
    let deadline = Instant::now() + limits.time;
    let mut trace = call.trace.question(written.word());
    let begun = async {
        let begun = call.state.sql.run(&question.query, written.format(), limits);
        let rows = tokio::select! {
            () = ticket.cancelled.cancelled() => return Err(answer::cancelled()),
            () = tokio::time::sleep_until(deadline) => return Err(answer::too_slow()),
            begun = begun => begun.map_err(|problem| told(problem, &question.query))?.stream(),
        };
        // What goes wrong before the first row is still told with a status.
        Telling::begin(rows, written == Written::Json, ticket, deadline, &question.query).await
    };
    let telling = match begun.await {
        Ok(telling) => telling.traced(trace),
        Err(problem) => {
            trace.ended = problem.kind().name();
            return Err(problem);
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(written.media())),
        (QUERY_ID, id),
        (ROW_LIMIT, limits.rows.into()),
        (TRAILER, HeaderValue::from_static("x-row-count, x-ended")),
    ];
    Ok((headers, telling.into_body()).into_response())
}

/// Cancels a query that is running.
#[utoipa::path(
    delete,
    path = "/v1/sql/{id}",
    tag = "sql",
    params(("id" = String, Path, description = "The X-Query-Id that it was asked with or answered under")),
    responses(
        (status = 204, description = "It is cancelled"),
        (status = 404, description = "No such query is running", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete_sql(call: Call, Named(id): Named) -> Result<StatusCode, Problem> {
    let caller = call.admit(Scope::Sql).await?;
    call.parameters(&[])?;
    let unknown = || {
        Problem::new(
            Kind::UnknownQuery,
            "no query of this id is running",
            "the answer's header X-Query-Id has the id; a query that has ended cannot be cancelled",
        )
    };
    let owner = call.state.queries.owner(&id).ok_or_else(unknown)?;
    // Whose it is is nobody's business.
    if owner != caller.name && !caller.is_admin {
        return Err(unknown());
    }
    if call.state.queries.cancel(&id) { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

async fn question(call: &Call, body: Body) -> Result<Question, Problem> {
    let limits = &call.state.limits;
    let bytes = Incoming::of(&call.headers, body, limits.small_body / 16, limits)?.whole().await?;
    let question = match media::of_body(&call.headers).as_str() {
        "text/plain" | "application/sql" => {
            let query = String::from_utf8(bytes.into()).map_err(|_| {
                Problem::new(Kind::BadBody, "the body is no text", "send the question as UTF-8")
            })?;
            Question { query, format: None, row_limit: None, time_limit: None }
        }
        "application/json" => json::read(&call.headers, &bytes)?,
        _ => return Err(media::unsupported("application/json or text/plain")),
    };
    if question.query.trim().is_empty() {
        return Err(Problem::new(
            Kind::BadQuery,
            "there is no question",
            "such as: SELECT count(*) FROM staging",
        ));
    }
    Ok(question)
}

fn limits(state: &State, question: &Question) -> Result<SqlLimits, Problem> {
    let limits = &state.limits;
    let rows = question.row_limit.unwrap_or(limits.rows);
    if !(1..=limits.most_rows).contains(&rows) {
        return Err(Problem::parameter("row_limit", &format!("a number from 1 to {}", limits.most_rows)));
    }
    let time = match question.time_limit {
        None => limits.query_time,
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|time| !time.is_zero() && *time <= limits.query_time)
            .ok_or_else(|| {
                let most = limits.query_time.as_secs();
                Problem::parameter("time_limit", &format!("a number of seconds above 0, {most} at most"))
            })?,
    };
    Ok(SqlLimits { rows, time, audit: false })
}
