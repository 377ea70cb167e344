//! The contract of the HTTP API: each operation and each kind of problem, in one process and without a network.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod canary;
mod errors;
mod fakes;
mod feeds;
mod hl7_over_http;
mod lake;
mod layers;
mod look;
mod messages;
mod openapi;
mod sql;
mod traces;
mod turned_away;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use pipeline::{FeedRules, Input, Lake, Location, Rules, Settings};
use serde_json::Value;
use server::api::{Limits, Metrics, Seams, State, router};
use server::traces::Traces;
use tower::ServiceExt;

use fakes::{Book, Guard, Pulse, Storehouse, Tables};

const MESSAGE: &str =
    "MSH|^~\\&|ADT|NORTH|LAB|SOUTH|20240101||ADT^A08^ADT_A01|C1|P|2.5\rPID|1||P1^^^NORTH^MR||STONE^ANNA\r";

/// A server with fakes around a lake in memory.
struct Server {
    lake: Lake,
    intake: Arc<Storehouse>,
    sql: Arc<Tables>,
    witness: Arc<Book>,
    health: Arc<Pulse>,
    router: Router,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
    /// Whether the body broke off.
    is_broken: bool,
}

impl Server {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server of which something is other than usual.
    async fn with(change: impl FnOnce(&mut Seams)) -> Self {
        let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
        let (intake, sql) = (Arc::new(Storehouse::default()), Arc::new(Tables::default()));
        let (witness, health) = (Arc::new(Book::default()), Arc::new(Pulse::default()));
        let mut seams = Seams {
            lake: lake.clone(),
            sql: sql.clone(),
            intake: intake.clone(),
            gate: Arc::new(Guard),
            witness: witness.clone(),
            health: health.clone(),
            metrics: Metrics(Arc::new(|| "# EOF\n".to_owned())),
            traces: Traces::default(),
            flat: None,
            rules: Rules::default(),
            hosts: Vec::new(),
            limits: Limits::default(),
        };
        change(&mut seams);
        Self { lake, intake, sql, witness, health, router: router(State::new(seams)) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path), body).await
    }

    async fn send(&self, request: Builder, body: impl Into<Body>) -> Answer {
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, mut body) = response.into_parts();
        let mut answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: Vec::new(),
            trailers: HeaderMap::new(),
            is_broken: false,
        };
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(data)) => answer.body.extend_from_slice(&data),
                Ok(Err(frame)) => answer.trailers = frame.into_trailers().unwrap_or_default(),
                Err(_) => {
                    answer.is_broken = true;
                    break;
                }
            }
        }
        answer
    }

    /// Fills the lake with a file.
    async fn ingest(&self, feed: &str, content: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.hl7");
        std::fs::write(&path, content).unwrap();
        let settings = Settings { feed: FeedRules::named(feed).into(), ..Settings::default() };
        let accounting =
            pipeline::ingest(&self.lake, Input::expand(&[path]), &settings, |_| {}).await.unwrap();
        assert!(accounting.is_complete());
    }
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn trailer(&self, name: &str) -> &str {
        self.trailers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem of a kind, whole and well-formed.
    #[track_caller]
    fn is_problem(&self, kind: &str, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/docs#{kind}"));
        assert_eq!(problem["status"], status);
        for member in ["title", "detail", "hint"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        problem
    }
}

/// Another message for each number.
fn message(number: usize) -> String {
    MESSAGE.replace("|C1|", &format!("|C{number}|"))
}
