//! `GET /v1/messages/{id}`: one message, and what became of it.

use axum::Json;
use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use hl7::Parser;
use hl7::json::TreeWriter;
use pipeline::{MessageId, Rules};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::{Call, Named, message_id};
use super::literal::quote;
use super::lookup;
use super::media;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::{Caller, Scope, Sight};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(get_message)).routes(routes!(get_fate))
}

/// Receipts, rows and errors of one message that its fate lists.
const MOST_ROWS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Segments ended by carriage returns, as the standard has it.
    Er7,
    /// One segment a line, for people.
    Lines,
    Json,
    Leaves,
    Raw,
}

impl Form {
    const WORDS: [(&'static str, Self); 4] =
        [("er7", Self::Lines), ("json", Self::Json), ("leaves", Self::Leaves), ("raw", Self::Raw)];
    const MEDIA: [(&'static str, Self); 5] = [
        ("text/plain", Self::Lines),
        (media::HL7, Self::Er7),
        ("application/json", Self::Json),
        ("text/tab-separated-values", Self::Leaves),
        ("application/octet-stream", Self::Raw),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Er7 | Self::Lines => "er7",
            Self::Json => "json",
            Self::Leaves => "leaves",
            Self::Raw => "raw",
        }
    }

    fn media(self) -> &'static str {
        match self {
            Self::Er7 => media::HL7,
            Self::Lines => "text/plain",
            Self::Json => "application/json",
            Self::Leaves => "text/tab-separated-values; charset=utf-8",
            Self::Raw => "application/octet-stream",
        }
    }
}

/// Shows a message.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    tag = "messages out",
    params(
        ("id" = String, Path, description = "Its id, 32 hex digits"),
        ("as" = Option<String>, Query, description = "`er7` (a segment a line), `json` (the tree), `leaves` (a value a line, with its path) or `raw` (the bytes received); goes before Accept"),
    ),
    responses(
        (status = 200, description = "The message", content(
            (String = "text/plain"), (String = "application/hl7-v2"), (Value = "application/json"),
            (String = "text/tab-separated-values"), (inline(super::openapi::Octets) = "application/octet-stream"),
        )),
        (status = 404, description = "There is no such message", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It can only be shown raw", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_message(call: Call, Named(id): Named) -> Result<Response, Problem> {
    let caller = call.admit(Scope::Read).await?;
    let form = match call.parameters(&["as"])?.choice("as", &Form::WORDS)? {
        Some(form) => form,
        None => media::accepted(&call.headers, &Form::MEDIA)?,
    };
    let id = message_id(&id)?;
    let bytes = pipeline::message_bytes(&call.state.lake, id).await?;
    check_feed(&caller, id, &bytes)?;
    call.note(&caller, Sight::Message { id: id.to_string(), form: form.word() }).await?;
    let rules = call.state.rules.clone();
    let shown = tokio::task::spawn_blocking(move || shown(bytes, form, &rules)).await;
    let shown = shown.map_err(|_| Problem::internal("showing a message ended early"))??;
    Ok(([(CONTENT_TYPE, form.media()), (VARY, "accept")], shown).into_response())
}

/// The feed is part of the id: bytes of a feed that the caller may see have the id under its name.
fn check_feed(caller: &Caller, id: MessageId, bytes: &[u8]) -> Result<(), Problem> {
    let is_own = |feed: &String| MessageId::of(feed, bytes) == id;
    let is_allowed = caller.feeds.as_ref().is_none_or(|feeds| feeds.iter().any(is_own));
    if is_allowed { Ok(()) } else { Err(Problem::unknown_message()) }
}

fn shown(bytes: Bytes, form: Form, rules: &Rules) -> Result<Bytes, Problem> {
    if form == Form::Raw {
        return Ok(bytes);
    }
    let mut parser = Parser::new(rules.options.clone());
    let message = parser.parse(&bytes).map_err(|error| {
        Problem::new(Kind::UnreadableMessage, error.to_string(), "?as=raw shows the bytes as they are")
    })?;
    let mut out = Vec::new();
    match form {
        Form::Er7 | Form::Lines | Form::Raw => {
            let end = if form == Form::Er7 { b'\r' } else { b'\n' };
            for segment in message.segments() {
                out.extend_from_slice(segment.raw());
                out.push(end);
            }
        }
        Form::Json => {
            out.extend_from_slice(TreeWriter::default().write(&message));
            out.push(b'\n');
        }
        Form::Leaves => {
            let mut leaves = String::new();
            message.write_leaves(&mut leaves);
            out = leaves.into_bytes();
        }
    }
    Ok(out.into())
}

/// What became of a message.
#[derive(Serialize, ToSchema)]
struct MessageFate {
    /// Its id.
    message_id: String,
    /// Each time it was received, what its sender was to be answered (`answer`: `AA`, `CA`, `AR`, `CR`, `none` wanted,
    /// `after conversion` or `http`; null for files), and what became of that.
    receipts: Vec<Value>,
    /// Its row of the staging table, without the segments.
    rows: Vec<Value>,
    /// The commit that put the row where it is: the table's `version`, when (`at`), and `how`: `staged`, `replayed` (built anew
    /// from raw) or `compacted` (moved as it was). Null if it has no row, or the table's log does not reach back so far.
    commit: Option<Value>,
    /// What is wrong with it, if it is in error.
    errors: Vec<Value>,
}

/// Tells what became of a message: receipts with what their senders were to be answered, rows and the commit that made them, errors.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}/fate",
    tag = "messages out",
    params(("id" = String, Path, description = "Its id, 32 hex digits")),
    responses(
        (status = 200, description = "What became of it", body = MessageFate),
        (status = 404, description = "There is no such message", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_fate(call: Call, Named(id): Named) -> Result<Json<MessageFate>, Problem> {
    let caller = call.admit(Scope::Read).await?;
    call.parameters(&[])?;
    let known = message_id(&id)?;
    let id = known.to_string();
    call.note(&caller, Sight::Message { id: id.clone(), form: "fate" }).await?;
    let of = async |(table, columns)| {
        let query =
            format!("SELECT {columns} FROM {table} WHERE message_id = {} ORDER BY received_at", quote(&id));
        let mut rows = lookup::rows(&call.state, &query, MOST_ROWS).await?;
        rows.retain(|row| row["feed"].as_str().is_none_or(|feed| caller.has_feed(feed)));
        Ok::<_, Problem>(rows)
    };
    let [receipts, rows, errors] = pipeline::FATE;
    let (receipts, rows, errors) = (of(receipts).await?, of(rows).await?, of(errors).await?);
    if receipts.is_empty() && rows.is_empty() && errors.is_empty() {
        return Err(Problem::unknown_message());
    }
    // Of a row that the caller may see.
    let commit = if rows.is_empty() { None } else { pipeline::row_commit(&call.state.lake, known).await? };
    let commit = commit.map(|commit| commit.to_json());
    Ok(Json(MessageFate { message_id: id, receipts, rows, commit, errors }))
}
