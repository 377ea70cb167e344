//! Requests and questions as spans, as a collector has them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, status};
use prost::Message;
use server::traces::{Settings, Traces};

use crate::{MESSAGE, Server};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const CANARY: &str = "Zwitscherhuber";

/// What arrived: headers and body of each delivery.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    /// Takes spans at an address.
    async fn open() -> (Self, String) {
        let collector = Self::default();
        let taken = collector.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            taken.0.lock().unwrap().push((headers, body));
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        (collector, address)
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.0.lock().unwrap();
        let requests = taken.iter().map(|(_, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        resources.flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect()
    }
}

fn traces(endpoint: &str, sample: f64) -> Traces {
    let token = Some("hush".to_owned());
    Traces::to(&Settings { endpoint: endpoint.to_owned(), token, sample }).unwrap()
}

/// The attributes of a span as `key=value`, in the order of their names.
fn attributes(span: &Span) -> Vec<String> {
    let value = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.clone()) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let mut all: Vec<String> = span
        .attributes
        .iter()
        .map(|KeyValue { key, value: of, .. }| format!("{key}={}", value(of)))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn requests_and_questions_are_spans_that_continue_those_of_their_callers() {
    let (collector, address) = Collector::open().await;
    let traces = traces(&address, 0.0);
    let server = Server::with(|seams| seams.traces = traces.clone()).await;
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let question = format!("{{\"query\": \"SELECT two rows '{CANARY}'\", \"format\": \"ndjson\"}}");
    let ask = Request::post("/v1/sql").header("content-type", "application/json");
    let answer = server.send(ask.header("traceparent", parent), question).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.get(&format!("/v1/messages/{CANARY}?x={CANARY}")).await;
    server
        .send(Request::builder().method(Method::from_bytes(CANARY.as_bytes()).unwrap()).uri("/v1/sql"), "")
        .await;
    server.get(&format!("/{CANARY}")).await;
    // Not traced: what tells how the server is, messages beyond the share, and callers who are not traced.
    server.get("/healthz").await;
    server.post("/hl7", MESSAGE).await;
    server
        .send(Request::get("/openapi.json").header("traceparent", format!("00-{TRACE}-{SPAN}-00")), "")
        .await;
    traces.close().await;

    let spans = collector.spans();
    let mut told: Vec<(String, Vec<String>)> =
        spans.iter().map(|span| (span.name.clone(), attributes(span))).collect();
    told.sort();
    let expected = [
        ("GET", vec!["http.request.method=GET", "http.response.status_code=404"]),
        (
            "GET /v1/messages/{id}",
            vec!["http.request.method=GET", "http.response.status_code=400", "http.route=/v1/messages/{id}"],
        ),
        (
            "POST /v1/sql",
            vec!["http.request.method=POST", "http.response.status_code=200", "http.route=/v1/sql"],
        ),
        (
            "_OTHER /v1/sql",
            vec!["http.request.method=_OTHER", "http.response.status_code=405", "http.route=/v1/sql"],
        ),
        ("sql", vec!["carelake.sql.ended=complete", "carelake.sql.format=ndjson", "carelake.sql.rows=2"]),
    ];
    let expected = expected.map(|(name, attributes)| {
        (name.to_owned(), attributes.into_iter().map(str::to_owned).collect::<Vec<_>>())
    });
    assert_eq!(told, expected);
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (request, sql) = (of("POST /v1/sql"), of("sql"));
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.into(), SPAN.into()));
    assert_eq!((&sql.trace_id, &sql.parent_span_id), (&request.trace_id, &request.span_id));
    assert!(sql.start_time_unix_nano >= request.start_time_unix_nano);
    assert_ne!(hex(&of("GET").trace_id), TRACE);
    for (headers, body) in collector.0.lock().unwrap().iter() {
        assert_eq!(
            (&headers["authorization"], &headers["content-type"]),
            (&"Bearer hush".parse().unwrap(), &"application/x-protobuf".parse().unwrap())
        );
        assert!(!String::from_utf8_lossy(body).contains(CANARY));
    }
}

#[tokio::test]
async fn a_question_that_fails_or_is_left_says_so_and_a_share_of_the_messages_is_traced() {
    let (collector, address) = Collector::open().await;
    let traces = traces(&address, 0.5);
    let server = Server::with(|seams| seams.traces = traces.clone()).await;
    for question in ["SELECT wrong", "SELECT two rows damaged"] {
        let ask = Request::post("/v1/sql").header("content-type", "text/plain");
        server.send(ask, question).await;
    }
    for _ in 0..4 {
        server.post("/hl7", MESSAGE).await;
    }
    *server.intake.refused.lock().unwrap() = Some(server::api::Refused::Failed);
    for _ in 0..2 {
        server.post("/hl7", MESSAGE).await;
    }
    traces.close().await;
    let spans = collector.spans();
    let named = |name: &'static str| spans.iter().filter(move |span| span.name == name);
    let ended: Vec<String> = named("sql").map(|span| attributes(span)[0].clone()).collect();
    assert_eq!(ended, ["carelake.sql.ended=bad-query", "carelake.sql.ended=failed"]);
    let is_failed =
        |span: &Span| span.status.as_ref().is_some_and(|of| of.code == i32::from(status::StatusCode::Error));
    assert_eq!(named("POST /hl7").map(is_failed).collect::<Vec<_>>(), [false, false, true]);
}

#[tokio::test]
async fn a_collector_that_is_not_there_holds_nothing_up() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let traces = traces(&address, 1.0);
    let server = Server::with(|seams| seams.traces = traces.clone()).await;
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(server.post("/hl7", MESSAGE).await.status, 200);
    }
    traces.close().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
