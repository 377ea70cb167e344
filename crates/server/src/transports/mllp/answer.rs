//! The acknowledgment of a message, when it is known what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use hl7::ack::{Fault, Outcome, Reply, Request};
use pipeline::{Fate, Kept, Refused, Underway};

use super::Shared;
use crate::feeds::{Acknowledge, Feed};
use crate::traces::{AnsweredMessage, Began};

/// A message that is to be answered.
pub(super) struct Due {
    /// The message, or its beginning.
    pub(super) header: Bytes,
    pub(super) feed: Option<Arc<Feed>>,
    pub(super) kept: Result<Underway, Refused>,
    pub(super) began: Instant,
    /// If it is one of those that are traced.
    pub(super) traced: Option<Began>,
}

/// Waits until a message is safe, or converted if its feed wants that, and gives the frame of its answer; nothing if its
/// sender wants none.
pub(super) async fn answer(due: Due, shared: &Shared) -> Vec<u8> {
    let Due { header, feed, kept, began, traced } = due;
    let kept = match kept {
        Ok(underway) => underway.safe().await,
        Err(refused) => Err(refused),
    };
    let durable = (traced.is_some() && kept.is_ok()).then(SystemTime::now);
    let converted = feed.as_ref().is_some_and(|feed| feed.acknowledge == Acknowledge::Converted);
    let feed_name = feed.as_ref().map(|feed| feed.rules.name.clone());
    let (outcome, fault) = judge(kept, converted).await;
    let request = Request::read(&header);
    let code = request.code(outcome);
    shared.metrics.acknowledged(feed_name.as_deref(), code.map(hl7::ack::Code::as_str), began.elapsed());
    if let Some(began) = traced {
        shared.settings.traces.message(&AnsweredMessage {
            began,
            durable,
            door: &shared.settings.name,
            feed: feed_name.as_deref(),
            bytes: header.len(),
            answer: code.map(hl7::ack::Code::as_str),
            is_accepted: outcome == Outcome::Accepted,
        });
    }
    let (mut message, mut out) = (Vec::with_capacity(256), Vec::new());
    if let Some(code) = code {
        acknowledge(&request, code, fault.as_ref(), &mut message);
        hl7::mllp::frame(&message, &mut out);
    }
    out
}

/// Writes an acknowledgment with a time and control ID of its own.
pub(crate) fn acknowledge(
    request: &Request<'_>,
    code: hl7::ack::Code,
    fault: Option<&Refusal>,
    out: &mut Vec<u8>,
) {
    let now = pipeline::time::now();
    let fault = fault.map(|refusal| Fault {
        code: refusal.code,
        name: refusal.name,
        text: &refusal.text,
        place: refusal.is_header.then_some(("MSH", [1, 0, 0, 0, 0])),
    });
    request.write(code, &Reply { time: &time(now), control_id: &control_id(now), fault }, out);
}

/// Why a message is not accepted, in the words of table 0357 and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: u16,
    name: &'static str,
    pub(crate) text: String,
    /// Whether it is the header's fault.
    is_header: bool,
}

impl Refusal {
    fn internal(text: &str) -> Self {
        Self { code: 207, name: "Application error", text: text.into(), is_header: false }
    }
}

/// What a sender is told.
pub(crate) async fn judge(kept: Result<Kept, Refused>, converted: bool) -> (Outcome, Option<Refusal>) {
    let kept = match kept {
        Ok(kept) => kept,
        Err(refused) => return refusal(&refused),
    };
    if !kept.messages.iter().any(|message| message.is_message) {
        let text = "no message in these bytes; they wait in the error zone".to_owned();
        let refusal = Refusal { code: 100, name: "Segment sequence error", text, is_header: true };
        return (Outcome::Rejected, Some(refusal));
    }
    let Some(fates) = kept.fates.filter(|_| converted) else { return (Outcome::Accepted, None) };
    let Ok(fates) = fates.await else {
        return (Outcome::Failed, Some(Refusal::internal("the lake closed; send it again")));
    };
    let failed = fates.iter().find_map(|fate| match fate {
        Fate::Error(reason) => Some(reason),
        Fate::Staged | Fate::Duplicate | Fate::Filtered => None,
    });
    match failed {
        None => (Outcome::Accepted, None),
        Some(reason) => {
            let text = format!("{}: {}", reason.code.text(), reason.text);
            (Outcome::Failed, Some(Refusal::internal(&text)))
        }
    }
}

fn refusal(refused: &Refused) -> (Outcome, Option<Refusal>) {
    let text = match refused {
        Refused::TooLong { limit_bytes } => {
            let text = format!("longer than {limit_bytes} bytes");
            return (Outcome::Rejected, Some(Refusal::internal(&text)));
        }
        Refused::Full => "the lake's disk is full; send it again later",
        Refused::Overloaded => "too many messages wait; send it again later",
        Refused::Closed => "the lake takes no more now; send it again later",
        Refused::Failed(_) => "it could not be stored; send it again later",
    };
    (Outcome::Failed, Some(Refusal::internal(text)))
}

/// MSH-7: `20260131120000.000+0000`.
fn time(now: i64) -> String {
    let text = pipeline::time::rfc3339_milliseconds(now.div_euclid(1_000));
    let digits: String =
        text.chars().filter(|character| character.is_ascii_digit() || *character == '.').collect();
    format!("{digits}+0000")
}

/// MSH-10: twenty characters at most, another one each time.
fn control_id(now: i64) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{:x}{:04x}", now, NUMBER.fetch_add(1, Ordering::Relaxed) & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_control_ids_are_those_of_the_standard() {
        assert_eq!(time(1_780_000_000_123_456), "20260528202640.123+0000");
        assert!(control_id(i64::MAX).len() <= 20);
        assert_ne!(control_id(1), control_id(1));
    }
}
