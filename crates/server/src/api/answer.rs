//! An answer on its way to who asked: cut where a limit is, and honest about it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::lookup::told;
use super::problem::{Kind, Problem};
use super::queries::Ticket;
use super::seams::{Rows, SqlProblem};
use crate::traces::Question;

const ROW_COUNT: HeaderName = HeaderName::from_static("x-row-count");
const ENDED: HeaderName = HeaderName::from_static("x-ended");

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Complete,
    RowLimit,
    TimeLimit,
    Cancelled,
    Failed,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::RowLimit => "row_limit",
            Self::TimeLimit => "time_limit",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether the rows that were sent are all that were wanted.
    fn is_whole(self) -> bool {
        matches!(self, Self::Complete | Self::RowLimit)
    }
}

/// An answer that is being told.
pub(super) struct Telling {
    rows: BoxStream<'static, Result<Rows, SqlProblem>>,
    /// The first part, which was waited for before there was a status.
    first: Option<Rows>,
    /// For JSON: lines become members of an array.
    array: Option<Array>,
    deadline: Instant,
    ticket: Ticket,
    row_count: u64,
    is_cut: bool,
    trace: Option<Question>,
}

impl Telling {
    /// Waits for the first rows.
    pub(super) async fn begin(
        rows: BoxStream<'static, Result<Rows, SqlProblem>>,
        is_json: bool,
        ticket: Ticket,
        deadline: Instant,
        query: &str,
    ) -> Result<Self, Problem> {
        // It is asked again behind its end.
        let mut rows = rows.fuse().boxed();
        let first = tokio::select! {
            biased;
            () = ticket.cancelled.cancelled() => return Err(cancelled()),
            () = sleep_until(deadline) => return Err(too_slow()),
            first = rows.next() => first.transpose().map_err(|problem| told(problem, query))?,
        };
        let array = is_json.then(|| Array::new(&ticket.id));
        Ok(Self { rows, first, array, deadline, ticket, row_count: 0, is_cut: false, trace: None })
    }

    /// The same, which is told to its span too.
    pub(super) fn traced(self, trace: Question) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// The body that tells it; whoever drops it cancels the query.
    pub(super) fn into_body(self) -> Body {
        let frames = stream::unfold(Some(Step::Rows(Box::new(self))), |step| async {
            match step? {
                Step::Rows(telling) => Some(telling.next().await),
                Step::Trailers(trailers) => Some((Ok(Frame::trailers(trailers)), None)),
            }
        });
        Body::new(Frames(frames.boxed()))
    }

    /// The next frame, and what comes after it.
    async fn next(mut self: Box<Self>) -> (io::Result<Frame<Bytes>>, Option<Step>) {
        loop {
            let ended = match self.part().await {
                Ok(Rows::Encoded { bytes, rows }) => {
                    self.row_count += rows;
                    self.trace.iter_mut().for_each(|trace| trace.rows = self.row_count);
                    let bytes = self.array.as_mut().map_or(bytes.clone(), |array| array.add(&bytes));
                    if bytes.is_empty() {
                        continue;
                    }
                    return (Ok(Frame::data(bytes)), Some(Step::Rows(self)));
                }
                Ok(Rows::Cut) => {
                    self.is_cut = true;
                    continue;
                }
                Err(ended) => ended,
            };
            return (*self).end(ended);
        }
    }

    async fn part(&mut self) -> Result<Rows, Ended> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let part = tokio::select! {
            biased;
            () = self.ticket.cancelled.cancelled() => return Err(Ended::Cancelled),
            () = sleep_until(self.deadline) => return Err(Ended::TimeLimit),
            part = self.rows.next() => part,
        };
        match part {
            Some(Ok(rows)) => Ok(rows),
            None if self.is_cut => Err(Ended::RowLimit),
            None => Err(Ended::Complete),
            Some(Err(problem)) => {
                // What was said may quote the question, which is for the audit and not for the log.
                tracing::warn!(query_id = self.ticket.id, kind = ?problem.kind, "an answer could not be finished");
                Err(Ended::Failed)
            }
        }
    }

    fn end(mut self, ended: Ended) -> (io::Result<Frame<Bytes>>, Option<Step>) {
        if let Some(mut trace) = self.trace.take() {
            trace.ended = ended.word();
        }
        let mut trailers = HeaderMap::new();
        trailers.insert(ROW_COUNT, self.row_count.into());
        trailers.insert(ENDED, HeaderValue::from_static(ended.word()));
        match self.array {
            Some(array) => {
                let end = array.end(self.row_count, ended);
                (Ok(Frame::data(end)), Some(Step::Trailers(trailers)))
            }
            None if ended.is_whole() => (Ok(Frame::trailers(trailers)), None),
            // A connection that breaks off is the one way to say it that every client understands.
            None => (Err(io::Error::other(format!("the answer ended early: {}", ended.word()))), None),
        }
    }
}

enum Step {
    Rows(Box<Telling>),
    Trailers(HeaderMap),
}

/// Puts lines of JSON into an array inside of an object.
struct Array {
    /// What comes before the next row.
    before: String,
    /// A line that has not ended: only whole ones are sent, so that the object is whole however the answer ends.
    line: BytesMut,
}

impl Array {
    fn new(query_id: &str) -> Self {
        Self { before: format!("{{\"query_id\":{},\"rows\":[\n", json!(query_id)), line: BytesMut::new() }
    }

    fn add(&mut self, lines: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(lines.len() + lines.len() / 16);
        for part in lines.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.row(&mut out);
                }
                None => self.line.extend_from_slice(part),
            }
        }
        out.freeze()
    }

    fn row(&mut self, out: &mut BytesMut) {
        if !self.line.is_empty() {
            out.extend_from_slice(self.before.as_bytes());
            out.extend_from_slice(&self.line);
            self.before.replace_range(.., ",\n");
            self.line.clear();
        }
    }

    fn end(mut self, row_count: u64, ended: Ended) -> Bytes {
        let mut out = BytesMut::new();
        if ended.is_whole() {
            self.row(&mut out);
        }
        let start = if self.before == ",\n" { "\n" } else { &self.before };
        let (is_complete, word) = (ended == Ended::Complete, ended.word());
        let end =
            format!("{start}],\"row_count\":{row_count},\"complete\":{is_complete},\"ended\":\"{word}\"}}\n");
        out.extend_from_slice(end.as_bytes());
        out.freeze()
    }
}

/// A stream of frames as a body.
struct Frames(BoxStream<'static, io::Result<Frame<Bytes>>>);

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

pub(super) fn too_slow() -> Problem {
    Problem::new(
        Kind::QueryTimeout,
        "the query found no row within its time limit",
        "ask for less, such as a day instead of a year, or allow more time with time_limit",
    )
}

pub(super) fn cancelled() -> Problem {
    Problem::new(Kind::QueryCancelled, "the query was cancelled", "ask again if that was not meant")
}
