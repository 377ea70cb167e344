//! `POST /v1/feeds/{feed}/messages`: messages in, any number in one body.

mod deposit;
mod tally;

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::deposit::Deposit;
use self::tally::{Counts, Taken};
use super::body::Incoming;
use super::call::{Call, Named};
use super::idempotency::{Claim, Record};
use super::media::{self, Content};
use super::problem::{Kind, Problem};
use super::seams::Scope;
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(post_messages))
}

/// Takes messages.
///
/// Answers once every message of the body is durable. The same bytes sent again are told as duplicates and kept once.
#[utoipa::path(
    post,
    path = "/v1/feeds/{feed}/messages",
    tag = "messages in",
    params(
        ("feed" = String, Path, description = "The sender's stream"),
        ("wait" = Option<String>, Query, description = "`staged` waits until it is known what became of each message"),
        ("timeout" = Option<u32>, Query, description = "How long to wait, in seconds"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body gets the same answer again"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
    ),
    request_body(
        description = "Messages one after another, with MLLP blocks, batch lines or blank lines between them; or files of such in a form",
        content(
            (String = "application/hl7-v2"), (String = "text/plain"),
            (inline(super::openapi::Octets) = "application/octet-stream"), (inline(super::openapi::Form) = "multipart/form-data"),
        )
    ),
    responses(
        (status = 200, description = "All messages are durable, and with `wait=staged` all are accounted for", body = Taken),
        (status = 202, description = "All messages are durable; what became of some was not known when the time was over", body = Taken),
        (status = 409, description = "A request with this key is under way", body = super::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body or a message is too large", body = super::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There is no message in the body, or the key was used with another body", body = super::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem; `kept` counts the messages that were kept before it", body = super::openapi::ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_messages(call: Call, Named(feed): Named, request: Request) -> Result<Response, Problem> {
    let caller = call.admit(Scope::Ingest).await?;
    caller.check_feed(&feed)?;
    let wait = wait(&call)?;
    let content = media::content(&call.headers)?;
    let claim = Claim::of(&call, &caller, &feed)?;
    let earlier = match &claim {
        Some(claim) => claim.earlier(&call.state.lake).await?,
        None => None,
    };
    // Of a body that was answered before, nothing but its hash is wanted.
    let mut deposit = Deposit::new(&call.state, &feed, wait, earlier.is_none());
    let outcome = take(&call, content, request, &mut deposit).await;
    // What was kept before something went wrong stays kept, and the sender should know.
    outcome.map_err(|problem| with_kept(problem, deposit.counts()))?;
    if let Some(earlier) = earlier {
        return answer(earlier.for_body(&deposit.hash())?, true);
    }
    let body = deposit.hash();
    let (taken, is_complete) = deposit.finish().await;
    if taken.counts.received == 0 {
        return Err(no_message());
    }
    let status = if is_complete { StatusCode::OK } else { StatusCode::ACCEPTED };
    let Some(claim) = claim else { return Ok((status, Json(taken)).into_response()) };
    let answer_value =
        serde_json::to_value(&taken).map_err(|_| Problem::internal("an answer cannot be written"))?;
    let record = Record { body: body.clone(), status: status.as_u16(), answer: answer_value };
    // Whoever was not told may send it again: then it is a duplicate, and nothing is lost.
    let kept = claim.keep(&call.state.lake, &record).await?;
    answer(kept.for_body(&body)?, false)
}

/// How long to wait for what becomes of the messages; `None` for not at all.
fn wait(call: &Call) -> Result<Option<Duration>, Problem> {
    let parameters = call.parameters(&["wait", "timeout"])?;
    let most = call.state.limits.wait;
    let timeout = parameters.number("timeout", 0..=most.as_secs())?;
    let is_wanted = parameters.choice("wait", &[("staged", ())])?.is_some();
    Ok(is_wanted.then(|| timeout.map_or(most, Duration::from_secs)))
}

/// Reads the body and puts all that is in it.
async fn take(
    call: &Call,
    content: Content,
    request: Request,
    deposit: &mut Deposit<'_>,
) -> Result<(), Problem> {
    let limits = &call.state.limits;
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::of(&call.headers, body, limits.body, limits)?;
    let origin = match call.peer {
        Some(peer) => format!("http:{}", peer.ip()),
        None => "http".to_owned(),
    };
    if content == Content::Messages {
        while let Some(bytes) = incoming.next().await? {
            deposit.add(&origin, &bytes).await?;
        }
        return deposit.end_file(&origin).await;
    }
    let (stream, failure) = incoming.into_stream();
    let files = Request::from_parts(parts, Body::from_stream(stream));
    // The problem that stopped the stream says more than that the form ended early.
    let unreadable = || failure.take().unwrap_or_else(bad_form);
    let mut files = Multipart::from_request(files, &()).await.map_err(|_| unreadable())?;
    while let Some(mut file) = files.next_field().await.map_err(|_| unreadable())? {
        let name = file.file_name().or(file.name()).unwrap_or_default();
        let origin = format!("{origin}/{}", plain(name));
        while let Some(bytes) = file.chunk().await.map_err(|_| unreadable())? {
            deposit.add(&origin, &bytes).await?;
        }
        deposit.end_file(&origin).await?;
    }
    Ok(())
}

/// An answer that is, or was, kept for its key.
fn answer(record: Record, is_again: bool) -> Result<Response, Problem> {
    let status =
        StatusCode::from_u16(record.status).map_err(|_| Problem::internal("a kept answer has no status"))?;
    let mut response = (status, Json(record.answer)).into_response();
    if is_again {
        let name = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn with_kept(problem: Problem, counts: &Counts) -> Problem {
    if counts.received == 0 {
        return problem;
    }
    problem.with_member("kept", serde_json::to_value(counts).unwrap_or(Value::Null))
}

fn no_message() -> Problem {
    Problem::new(
        Kind::NoMessage,
        "there is no message in the body",
        "a message begins with MSH and its delimiters, at the start of a line: MSH|^~\\&|",
    )
}

fn bad_form() -> Problem {
    Problem::new(
        Kind::BadBody,
        "the form cannot be read",
        "send multipart/form-data with its boundary in Content-Type, each file a part of its own",
    )
}

/// A file's name as it may stand in a receipt: its last part, shortened, without characters that mean something elsewhere.
fn plain(name: &str) -> String {
    const LONGEST: usize = 100;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = |character: char| if character.is_control() { '_' } else { character };
    last.chars().take(LONGEST).map(kept).collect()
}
