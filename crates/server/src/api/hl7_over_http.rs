//! HL7 over HTTP: one message in, its acknowledgment out.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hl7::ack::{Code, Fault, Outcome, Reply, Request};
use hl7::stream::{PieceKind, pieces};
use pipeline::{Fate, Kept, time};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Incoming;
use super::call::{Call, Named};
use super::media;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::queries::random_id;
use super::seams::{Policy, Scope};
use super::state::State;
use crate::feeds::Acknowledge;
use crate::promise::acknowledgment;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(post_hl7)).routes(routes!(post_hl7_to_feed))
}

/// Table 0357.
const INTERNAL_ERROR: (u16, &str) = (207, "Application internal error");
const SEQUENCE_ERROR: (u16, &str) = (100, "Segment sequence error");

/// Takes one message, and answers with its acknowledgment.
///
/// The feed is the one that the configuration assigns the message to.
#[utoipa::path(
    post,
    path = "/hl7",
    tag = "messages in",
    request_body(description = "One message", content((String = "application/hl7-v2"), (String = "text/plain"), (inline(super::openapi::Octets) = "application/octet-stream"))),
    responses(
        (status = 200, description = "AA or CA: the message is durable", body = String, content_type = "application/hl7-v2"),
        (status = 202, description = "The message is durable, and its sender wants no acknowledgment"),
        (status = 400, description = "AR or CR: it will not be taken however often it is sent", body = String, content_type = "application/hl7-v2"),
        (status = 500, description = "AE or CE: it was not taken, and may be sent again", body = String, content_type = "application/hl7-v2"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_hl7(call: Call, body: Body) -> Result<Response, Problem> {
    receive(&call, None, body).await
}

/// Takes one message of a feed, and answers with its acknowledgment.
#[utoipa::path(
    post,
    path = "/hl7/{feed}",
    tag = "messages in",
    params(("feed" = String, Path, description = "The sender's stream")),
    request_body(description = "One message", content((String = "application/hl7-v2"), (String = "text/plain"), (inline(super::openapi::Octets) = "application/octet-stream"))),
    responses(
        (status = 200, description = "AA or CA: the message is durable", body = String, content_type = "application/hl7-v2"),
        (status = 202, description = "The message is durable, and its sender wants no acknowledgment"),
        (status = 400, description = "AR or CR: it will not be taken however often it is sent", body = String, content_type = "application/hl7-v2"),
        (status = 500, description = "AE or CE: it was not taken, and may be sent again", body = String, content_type = "application/hl7-v2"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_hl7_to_feed(call: Call, Named(feed): Named, body: Body) -> Result<Response, Problem> {
    receive(&call, Some(feed), body).await
}

async fn receive(call: &Call, feed: Option<String>, body: Body) -> Result<Response, Problem> {
    let caller = call.admit(Scope::Ingest).await?;
    if let Some(feed) = &feed {
        caller.check_feed(feed)?;
    }
    call.parameters(&[])?;
    let media = media::of_body(&call.headers);
    if !(media::is_hl7(&media) || matches!(media.as_str(), "" | "text/plain" | "application/octet-stream")) {
        return Err(media::unsupported(media::HL7));
    }
    let limits = &call.state.limits;
    let most = call.state.rules.options.limits.message_bytes as u64;
    let bytes = Incoming::of(&call.headers, body, most.min(limits.body), limits)?.whole().await?;
    let answer_media = if media::is_hl7(&media) { media } else { media::HL7.to_owned() };
    let message = match the_message(&bytes) {
        Ok(message) => message,
        Err(text) => {
            let fault = Fault { code: SEQUENCE_ERROR.0, name: SEQUENCE_ERROR.1, text, place: None };
            return acknowledge(&bytes, Outcome::Rejected, Some(fault), &answer_media);
        }
    };
    let feed = feed.unwrap_or_else(|| call.state.intake.assign(&message));
    caller.check_feed(&feed)?;
    let origin = call.peer.map_or_else(|| "http".to_owned(), |peer| format!("http:{}", peer.ip()));
    let policy = call.state.intake.policy(&feed);
    let answer = acknowledgment(
        &message,
        match policy {
            Policy::Durable => Acknowledge::Durable,
            Policy::Converted => Acknowledge::Converted,
        },
    );
    match call.state.intake.put(&feed, origin, bytes, answer).await {
        Ok(kept) => {
            let refused = match policy {
                Policy::Durable => None,
                Policy::Converted => not_converted(call, kept).await,
            };
            match refused {
                None => acknowledge(&message, Outcome::Accepted, None, &answer_media),
                Some(text) => {
                    let fault =
                        Fault { code: INTERNAL_ERROR.0, name: INTERNAL_ERROR.1, text: &text, place: None };
                    acknowledge(&message, Outcome::Failed, Some(fault), &answer_media)
                }
            }
        }
        Err(refused) => {
            let problem = Problem::from(refused);
            let outcome = match problem.kind() {
                Kind::UnknownFeed | Kind::TooLarge => Outcome::Rejected,
                _ => Outcome::Failed,
            };
            let text = problem.detail().to_owned();
            let fault = Fault { code: INTERNAL_ERROR.0, name: INTERNAL_ERROR.1, text: &text, place: None };
            if Request::read(&message).code(outcome).is_none() {
                return Err(problem);
            }
            let mut response = acknowledge(&message, outcome, Some(fault), &answer_media)?;
            for (name, value) in problem.headers().iter().filter(|(name, _)| name == RETRY_AFTER) {
                response.headers_mut().insert(name, value.clone());
            }
            Ok(response)
        }
    }
}

/// The only message of a body.
fn the_message(bytes: &Bytes) -> Result<Bytes, &'static str> {
    let mut messages = pieces(bytes, usize::MAX >> 1).filter(|piece| piece.kind == PieceKind::Message);
    let Some(piece) = messages.next() else { return Err("there is no message in the body") };
    if messages.next().is_some() {
        return Err("there are several messages in the body; a batch goes to /v1/feeds/FEED/messages");
    }
    let start = usize::try_from(piece.offset).unwrap_or_default();
    Ok(bytes.slice(start..start + usize::try_from(piece.length).unwrap_or_default()))
}

/// Why the message was not converted, if that is known in time; it is kept all the same.
async fn not_converted(call: &Call, kept: Kept) -> Option<String> {
    let fates = tokio::time::timeout(call.state.limits.wait, kept.fates?).await;
    match fates {
        Ok(Ok(fates)) => fates.into_iter().find_map(|fate| match fate {
            Fate::Error(reason) => Some(format!("{}: {}", reason.code.text(), reason.text)),
            _ => None,
        }),
        Ok(Err(_)) | Err(_) => Some("the message is kept, and was not converted in time".to_owned()),
    }
}

fn acknowledge(
    message: &[u8],
    outcome: Outcome,
    fault: Option<Fault<'_>>,
    media: &str,
) -> Result<Response, Problem> {
    let request = Request::read(message);
    let Some(code) = request.code(outcome) else {
        // Nobody waits for an acknowledgment, but HTTP has an answer to everything.
        return match outcome {
            Outcome::Accepted => Ok(StatusCode::ACCEPTED.into_response()),
            Outcome::Rejected => Ok(StatusCode::BAD_REQUEST.into_response()),
            Outcome::Failed => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        };
    };
    // YYYYMMDDHHMMSS.SSS of 2026-01-31T12:00:00.000Z
    let now = time::rfc3339_milliseconds(time::now().div_euclid(1_000));
    let mut moment: String =
        now.chars().filter(|character| character.is_ascii_digit() || *character == '.').collect();
    moment.push_str("+0000");
    let id = random_id()?;
    // MSH-10 has 20 characters before 2.7.
    let reply = Reply { time: &moment, control_id: id.get(..20).unwrap_or(&id), fault };
    let mut body = Vec::new();
    request.write(code, &reply, &mut body);
    let status = match code {
        Code::AA | Code::CA => StatusCode::OK,
        Code::AR | Code::CR => StatusCode::BAD_REQUEST,
        Code::AE | Code::CE => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let media = HeaderValue::from_str(media).unwrap_or(HeaderValue::from_static(media::HL7));
    Ok((status, [(CONTENT_TYPE, media)], body).into_response())
}
