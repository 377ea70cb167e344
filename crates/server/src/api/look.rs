//! Looking at messages without keeping them: what convert and validate have in common.

use axum::body::Body;
use bytes::Bytes;
use hl7::stream::{PieceKind, pieces};
use pipeline::Reason;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::body::Incoming;
use super::call::Call;
use super::media::{self, Content};
use super::problem::{Kind, Problem};

/// A message, or what should have been one.
pub(super) struct Found<'b> {
    /// Its number in the body, from 1.
    pub(super) number: u64,
    /// Where it begins, in bytes from the start of the body.
    pub(super) offset: u64,
    /// Its bytes, or why there are none.
    pub(super) bytes: Result<&'b [u8], Reason>,
}

/// Why a message was refused; quotes nothing of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusal {
    /// Its number in the body, from 1.
    message: u64,
    /// Where it shows, in bytes from the start of the body.
    offset: u64,
    /// The code, one of a closed list.
    code: String,
    /// What is wrong.
    reason: String,
    /// What a person can do.
    hint: String,
    /// Every place in which it breaks the standard, if it was held to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

/// One way in which a message breaks its version of the standard.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Finding {
    /// Its code, which begins with `strict_`.
    code: &'static str,
    /// The place, such as `OBX[2]-5`.
    path: String,
    /// The place in bytes from the start of the message.
    offset: u64,
    /// What the standard wants there.
    expected: String,
}

impl Refusal {
    pub(super) fn of(found: &Found<'_>, reason: Reason) -> Self {
        let offset = found.offset + reason.offset;
        let (code, findings) = (reason.code.text(), findings(&reason));
        Self { message: found.number, offset, code, reason: reason.text, hint: reason.hint, findings }
    }
}

pub(super) fn findings(reason: &Reason) -> Vec<Finding> {
    let finding = |breach: &pipeline::Breach| Finding {
        code: breach.code,
        path: breach.path.clone(),
        offset: breach.offset as u64,
        expected: breach.expected.clone(),
    };
    reason.breaches.iter().map(finding).collect()
}

/// Reads a body of messages as a whole, and the right to work on it.
pub(super) async fn body(call: &Call, body: Body) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    if media::content(&call.headers)? == Content::Files {
        return Err(media::unsupported("application/hl7-v2, text/plain or application/octet-stream"));
    }
    // Such bodies are in memory as a whole: their number is what bounds it.
    let permit = call.state.looks.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Kind::Overloaded,
            "as many messages are looked at as may at the same time",
            "send it again a little later",
        )
        .with_retry_after(1)
    })?;
    let limits = &call.state.limits;
    let bytes = Incoming::of(&call.headers, body, limits.small_body, limits)?.whole().await?;
    Ok((bytes, permit))
}

/// What is found in a body, in order.
pub(super) fn each(bytes: &[u8], limit_bytes: usize) -> impl Iterator<Item = Found<'_>> {
    let wanted = |kind| matches!(kind, PieceKind::Message | PieceKind::Junk | PieceKind::TooLong);
    let found = pieces(bytes, limit_bytes).filter(move |piece| wanted(piece.kind));
    (1..).zip(found).map(move |(number, piece)| {
        let start = usize::try_from(piece.offset).unwrap_or(usize::MAX);
        let end = usize::try_from(piece.end()).unwrap_or(usize::MAX);
        let bytes = match piece.kind {
            PieceKind::Message => Ok(bytes.get(start..end).unwrap_or_default()),
            PieceKind::Junk => Err(Reason::no_message()),
            _ => Err(Reason::too_long(limit_bytes)),
        };
        Found { number, offset: piece.offset, bytes }
    })
}
