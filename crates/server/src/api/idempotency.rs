//! `Idempotency-Key`: the same request again gets the same answer, for a day at least.
//!
//! What was answered is kept in the lake under a name made of caller, feed and key. Requests of one key at the same time are told
//! apart in memory: the second is to wait for the first.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pipeline::Lake;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Call;
use super::problem::{Kind, Problem};
use super::seams::Caller;

const HEADER: &str = "idempotency-key";
/// Characters of a key, at most.
const LONGEST: usize = 255;

/// The keys of requests that are under way.
#[derive(Default)]
pub(super) struct Claims(Mutex<HashSet<String>>);

/// A key that belongs to one request until it is dropped.
pub(super) struct Claim {
    claims: Arc<Claims>,
    name: String,
}

/// What a key was used for, and what was answered.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// The hash of the body.
    pub(super) body: String,
    pub(super) status: u16,
    pub(super) answer: Value,
}

impl Claim {
    /// Claims the key of a request, if it has one.
    pub(super) fn of(call: &Call, caller: &Caller, feed: &str) -> Result<Option<Self>, Problem> {
        if !call.headers.contains_key(HEADER) {
            return Ok(None);
        }
        let key = call.header(axum::http::HeaderName::from_static(HEADER)).unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST {
            return Err(Problem::new(
                Kind::BadRequest,
                "the header Idempotency-Key cannot be used",
                format!("it wants 1 to {LONGEST} printable characters, such as a UUID"),
            ));
        }
        let name = format!("{}:{} {}:{feed} {key}", caller.name.len(), caller.name, feed.len());
        let claims = call.state.claims.clone();
        let is_free = claims.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        if !is_free {
            return Err(Problem::new(
                Kind::KeyInUse,
                "a request with this Idempotency-Key is under way",
                "wait for its answer, or send this again a little later",
            )
            .with_retry_after(1));
        }
        Ok(Some(Self { claims, name }))
    }

    /// What was answered before.
    pub(super) async fn earlier(&self, lake: &Lake) -> Result<Option<Record>, Problem> {
        let kept = pipeline::kept_answer(lake, &self.name, pipeline::time::now()).await?;
        kept.as_deref().map(read).transpose()
    }

    /// Keeps an answer; gives the one that counts, which is another server's if that was first.
    pub(super) async fn keep(&self, lake: &Lake, record: &Record) -> Result<Record, Problem> {
        let text =
            serde_json::to_vec(record).map_err(|_| Problem::internal("an answer cannot be written"))?;
        let kept = pipeline::keep_answer(lake, &self.name, pipeline::time::now(), Bytes::from(text)).await?;
        read(&kept)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Record {
    /// The answer, if the body is the same as then.
    pub(super) fn for_body(self, body: &str) -> Result<Self, Problem> {
        if self.body == body {
            return Ok(self);
        }
        Err(Problem::new(
            Kind::KeyReused,
            "this Idempotency-Key was used with another body",
            "use a new key for each body; a key is remembered for a day at least",
        ))
    }
}

fn read(text: &[u8]) -> Result<Record, Problem> {
    serde_json::from_slice(text).map_err(|_| Problem::internal("a kept answer is damaged"))
}
