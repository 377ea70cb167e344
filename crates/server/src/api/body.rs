//! Reading a body: unpacked, never longer than a limit, never waited for longer than it is worth.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, timeout};

use super::decode::Decoder;
use super::problem::{Kind, Problem};
use super::state::Limits;

/// A body on its way.
pub(super) struct Incoming {
    stream: BodyDataStream,
    decoder: Decoder,
    /// What has come and is not unpacked yet.
    packed: Bytes,
    at_end: bool,
    /// Bytes, as sent and as unpacked, that may still come.
    packed_room: u64,
    room: u64,
    /// Bytes that have come, and how long they were waited for.
    received: u64,
    waited: Duration,
    pause: Duration,
    rate: u64,
}

impl Incoming {
    /// A body of at most `most` bytes.
    pub(super) fn of(headers: &HeaderMap, body: Body, most: u64, limits: &Limits) -> Result<Self, Problem> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > most) {
            return Err(too_large());
        }
        Ok(Self {
            stream: body.into_data_stream(),
            decoder: Decoder::of(headers)?,
            packed: Bytes::new(),
            at_end: false,
            packed_room: most,
            room: most,
            received: 0,
            waited: Duration::ZERO,
            pause: limits.body_pause,
            rate: limits.body_rate,
        })
    }

    /// The next bytes, unpacked; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let bytes = self.decoder.step(&mut self.packed)?;
            if !bytes.is_empty() {
                return self.count(bytes).map(Some);
            }
            if self.at_end {
                return Ok(None);
            }
            match self.receive().await? {
                Some(packed) => self.packed = packed,
                None => {
                    self.at_end = true;
                    let rest = self.decoder.finish()?;
                    if !rest.is_empty() {
                        return self.count(rest).map(Some);
                    }
                }
            }
        }
    }

    /// All of it.
    pub(super) async fn whole(mut self) -> Result<Bytes, Problem> {
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let mut whole = BytesMut::from(first);
        while let Some(more) = self.next().await? {
            whole.extend_from_slice(&more);
        }
        Ok(whole.freeze())
    }

    /// The bytes as a stream, for what reads streams, and the problem that may end it early.
    pub(super) fn into_stream(self) -> (BoxStream<'static, io::Result<Bytes>>, Failure) {
        let failure = Failure::default();
        let told = failure.clone();
        let stream = stream::try_unfold(self, move |mut body| {
            let told = told.clone();
            async move {
                match body.next().await {
                    Ok(bytes) => Ok(bytes.map(|bytes| (bytes, body))),
                    Err(problem) => {
                        told.tell(problem);
                        Err(io::Error::other("the body ended early"))
                    }
                }
            }
        });
        (stream.boxed(), failure)
    }

    /// The next bytes as sent.
    async fn receive(&mut self) -> Result<Option<Bytes>, Problem> {
        let begun = Instant::now();
        let received = timeout(self.pause, self.stream.next()).await.map_err(|_| slow())?;
        self.waited += begun.elapsed();
        let Some(bytes) = received else { return Ok(None) };
        let bytes = bytes.map_err(|_| {
            Problem::new(
                Kind::BadBody,
                "the body ended before it was complete",
                "send it again: nothing is doubled",
            )
        })?;
        let length = bytes.len() as u64;
        self.packed_room = self.packed_room.checked_sub(length).ok_or_else(too_large)?;
        self.received += length;
        // A body that trickles is as bad as one that pauses.
        if self.waited > self.pause && (self.received as f64) < self.waited.as_secs_f64() * self.rate as f64 {
            return Err(slow());
        }
        Ok(Some(bytes))
    }

    fn count(&mut self, bytes: Bytes) -> Result<Bytes, Problem> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        Ok(bytes)
    }
}

/// Where a stream leaves the problem that ended it.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<Problem>>>);

impl Failure {
    /// The problem, if there was one.
    pub(super) fn take(&self) -> Option<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn tell(&self, problem: Problem) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }
}

fn too_large() -> Problem {
    Problem::new(
        Kind::TooLarge,
        "the body, or what it unpacks to, has more bytes than the limit allows",
        "send it in several requests, or raise the limit",
    )
}

fn slow() -> Problem {
    Problem::new(
        Kind::SlowBody,
        "the body came too slowly, or not at all",
        "send it again over a better line: nothing is doubled",
    )
}
