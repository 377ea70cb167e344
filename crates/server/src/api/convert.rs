//! `POST /v1/convert`: messages as JSON documents; nothing is kept.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use hl7::json::{Names, TreeWriter};
use hl7::{Parser, Validator};
use pipeline::{Reason, Rules};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::Call;
use super::look::{self, Found, Refusal};
use super::media;
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::{FlatRows, Scope};
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(post_convert))
}

/// Bytes of the answer that are sent together, about.
const PART: usize = 64 << 10;
/// Refusals that a problem lists.
const MOST_REFUSALS: usize = 100;

/// Converts messages to JSON, one document a line.
///
/// Nothing is kept. A message that cannot be converted has a line `{"error": …}` in its place; if none can be, the answer is a problem.
#[utoipa::path(
    post,
    path = "/v1/convert",
    tag = "messages looked at",
    params(
        ("shape" = Option<String>, Query, description = "`tree` (groups and segments nested) or `flat` (the row of the staging table)"),
        ("names" = Option<String>, Query, description = "How positions are called in a tree: `canonical`, `standard` (of the message's own version) or `short` (`PID-5`)"),
        ("strict" = Option<bool>, Query, description = "Refuse messages that break their own version of the standard"),
    ),
    request_body(description = "Messages one after another", content((String = "application/hl7-v2"), (String = "text/plain"), (inline(super::openapi::Octets) = "application/octet-stream"))),
    responses(
        (status = 200, description = "One JSON document a line", body = String, content_type = "application/x-ndjson"),
        (status = 422, description = "No message can be converted; `errors` says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_convert(call: Call, body: Body) -> Result<Response, Problem> {
    call.admit(Scope::Any).await?;
    let parameters = call.parameters(&["shape", "names", "strict"])?;
    let is_flat = parameters.choice("shape", &[("tree", false), ("flat", true)])?.unwrap_or(false);
    let names = [("canonical", Names::Canonical), ("standard", Names::Standard), ("short", Names::Short)];
    let names = parameters.choice("names", &names)?.unwrap_or_default();
    let flat = match (is_flat, &call.state.flat) {
        (false, _) => None,
        (true, Some(flat)) => Some(flat.clone()),
        (true, None) => return Err(Problem::parameter("shape", "tree: this server writes no rows")),
    };
    let strict = parameters.flag("strict")?;
    let (bytes, permit) = look::body(&call, body).await?;
    let rules = Rules { strict, ..call.state.rules.clone() };
    let (parts, mut received) = mpsc::channel(4);
    let (begin, begun) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        Conversion::new(names, flat, rules, begin, parts).run(&bytes);
        drop(permit);
    });
    begun.await.unwrap_or_else(|_| Err(Problem::internal("a conversion ended early")))?;
    let lines = stream::poll_fn(move |context| {
        received.poll_recv(context).map(|part| part.map(Ok::<_, std::io::Error>))
    });
    Ok(([(CONTENT_TYPE, media::NDJSON)], Body::from_stream(lines)).into_response())
}

struct Conversion {
    parser: Parser,
    validator: Validator,
    writer: TreeWriter,
    flat: Option<Arc<dyn FlatRows>>,
    rules: Rules,
    /// Tells once that there is an answer, or why there is none.
    begin: Option<oneshot::Sender<Result<(), Problem>>>,
    parts: mpsc::Sender<Bytes>,
    /// What is not sent yet.
    part: Vec<u8>,
    /// What was refused before the first message could be converted.
    refusals: Vec<Value>,
}

impl Conversion {
    fn new(
        names: Names,
        flat: Option<Arc<dyn FlatRows>>,
        rules: Rules,
        begin: oneshot::Sender<Result<(), Problem>>,
        parts: mpsc::Sender<Bytes>,
    ) -> Self {
        Self {
            parser: Parser::new(rules.options.clone()),
            validator: Validator::default(),
            writer: TreeWriter::new(names, &rules.options),
            flat,
            rules,
            begin: Some(begin),
            parts,
            part: Vec::new(),
            refusals: Vec::new(),
        }
    }

    fn run(mut self, bytes: &[u8]) {
        for found in look::each(bytes, self.rules.options.limits.message_bytes) {
            match self.convert(&found) {
                Ok(line) => {
                    if let Some(begin) = self.begin.take() {
                        for refusal in std::mem::take(&mut self.refusals) {
                            self.add(format!("{refusal}\n").as_bytes());
                        }
                        let _ = begin.send(Ok(()));
                    }
                    self.add(&line);
                }
                Err(reason) => {
                    let refusal = json!({ "error": Refusal::of(&found, reason) });
                    if self.begin.is_none() {
                        self.add(format!("{refusal}\n").as_bytes());
                    } else {
                        self.refusals.push(refusal);
                    }
                }
            }
            // Whoever asked went away.
            if self.part.len() >= PART && self.send().is_err() {
                return;
            }
        }
        match self.begin.take() {
            Some(begin) => drop(begin.send(Err(none_converted(&self.refusals)))),
            None => drop(self.send()),
        }
    }

    /// The line of a message.
    fn convert(&mut self, found: &Found<'_>) -> Result<Vec<u8>, Reason> {
        let bytes = found.bytes.as_ref().map_err(Clone::clone)?;
        let message = self.parser.parse(bytes)?;
        if self.rules.strict
            && let Some(reason) = Reason::strict(&message, self.validator.validate(&message))
        {
            return Err(reason);
        }
        if let Some(flat) = &self.flat {
            return flat.line(&message, found.number, found.offset).map_err(|text| Reason {
                code: pipeline::Code::Internal,
                text,
                ..Reason::no_message()
            });
        }
        let mut line = self.writer.write(&message).to_vec();
        line.push(b'\n');
        Ok(line)
    }

    fn add(&mut self, line: &[u8]) {
        self.part.extend_from_slice(line);
    }

    fn send(&mut self) -> Result<(), ()> {
        self.parts.blocking_send(std::mem::take(&mut self.part).into()).map_err(drop)
    }
}

fn none_converted(refusals: &[Value]) -> Problem {
    if refusals.is_empty() {
        let reason = Reason::no_message();
        return Problem::new(Kind::NoMessage, "there is no message in the body", reason.hint);
    }
    let listed = refusals.iter().take(MOST_REFUSALS).map(|refusal| refusal["error"].clone()).collect();
    Problem::new(
        Kind::UnreadableMessage,
        "none of the messages in the body can be converted",
        "the member errors says of each what is wrong and where",
    )
    .with_member("errors", Value::Array(listed))
}
