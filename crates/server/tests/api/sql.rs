//! Questions.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::Request;
use axum::http::request::Builder;
use serde_json::json;
use server::api::{Format, Limits, SqlLimits};

use crate::{Answer, Server};

fn question() -> Builder {
    Request::post("/v1/sql").header("content-type", "application/json")
}

async fn ask(server: &Server, accept: &str, query: &str) -> Answer {
    let request = Request::post("/v1/sql").header("content-type", "text/plain").header("accept", accept);
    server.send(request, query.to_owned()).await
}

#[tokio::test]
async fn an_answer_in_json_ends_with_how_it_ended() {
    let server = Server::new().await;
    let answer = ask(&server, "application/json", "SELECT two rows").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let id = answer.header("x-query-id");
    let expected = json!({"query_id": id, "rows": [{"a": 1}, {"a": 2}], "row_count": 2, "complete": true, "ended": "complete"});
    assert_eq!(answer.json(), expected);
    let answer = ask(&server, "*/*", "SELECT nothing").await;
    assert_eq!((&answer.json()["rows"], &answer.json()["row_count"]), (&json!([]), &json!(0)));
    let answer = ask(&server, "*/*", "SELECT two rows, cut").await;
    assert_eq!((&answer.json()["complete"], &answer.json()["ended"]), (&json!(false), &json!("row_limit")));
    let answer = ask(&server, "*/*", "SELECT two rows, damaged").await;
    assert_eq!((&answer.json()["ended"], &answer.json()["row_count"]), (&json!("failed"), &json!(2)));
    // A row that was cut off is not told as one.
    let answer = ask(&server, "*/*", "SELECT half a row, damaged").await;
    assert_eq!((&answer.json()["ended"], &answer.json()["rows"]), (&json!("failed"), &json!([{"a": 1}])));
    assert_eq!(server.sql.dropped.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn other_formats_tell_it_in_trailers() {
    let server = Server::new().await;
    for (accept, media, format, body) in [
        ("application/x-ndjson", "application/x-ndjson", Format::Ndjson, "{\"a\":1}\n{\"a\":2}\n"),
        ("text/csv", "text/csv; charset=utf-8", Format::Csv, "a\n1\n2\n"),
        (
            "application/vnd.apache.arrow.stream",
            "application/vnd.apache.arrow.stream",
            Format::Arrow,
            "a\n1\n2\n",
        ),
    ] {
        let answer = ask(&server, accept, "SELECT two rows").await;
        assert_eq!((answer.header("content-type"), answer.text()), (media, body));
        assert_eq!(answer.header("trailer"), "x-row-count, x-ended");
        assert_eq!(answer.header("x-row-limit"), "10000");
        assert_eq!((answer.trailer("x-row-count"), answer.trailer("x-ended")), ("2", "complete"));
        assert_eq!(server.sql.asked.lock().unwrap().last().unwrap().1, format);
        let answer = ask(&server, accept, "SELECT two rows, cut").await;
        assert_eq!((answer.trailer("x-ended"), answer.is_broken), ("row_limit", false));
        let answer = ask(&server, accept, "SELECT two rows, damaged").await;
        assert!(answer.is_broken, "an answer that failed does not look whole");
    }
}

#[tokio::test]
async fn only_admins_ask_the_audit_zone() {
    let server = Server::new().await;
    for (token, may) in [("Bearer asker", false), ("Bearer all", true)] {
        let asked =
            Request::post("/v1/sql").header("content-type", "text/plain").header("authorization", token);
        assert_eq!(server.send(asked, "SELECT two rows".to_owned()).await.status.as_u16(), 200);
        assert_eq!(server.sql.asked.lock().unwrap().last().unwrap().2.audit, may, "{token}");
    }
}

#[tokio::test]
async fn a_question_sets_format_and_limits() {
    let server = Server::new().await;
    let body =
        json!({"query": "SELECT two rows", "format": "csv", "row_limit": 7, "time_limit": 1.5}).to_string();
    let answer = server.send(question(), body).await;
    assert_eq!((answer.text(), answer.header("x-row-limit")), ("a\n1\n2\n", "7"));
    let limits = server.sql.asked.lock().unwrap()[0].2;
    assert_eq!(limits, SqlLimits { rows: 7, time: Duration::from_millis(1_500), audit: true });
    for (body, kind) in [
        (json!({"query": "q", "row_limit": 0}), "bad-request"),
        (json!({"query": "q", "row_limit": u64::MAX}), "bad-request"),
        (json!({"query": "q", "time_limit": -1}), "bad-request"),
        (json!({"query": "q", "time_limit": 1e9}), "bad-request"),
        (json!({"query": "q", "format": "pdf"}), "bad-body"),
        (json!({"query": "q", "limit": 1}), "bad-body"),
        (json!({"format": "csv"}), "bad-body"),
        (json!({"query": " "}), "bad-query"),
        (json!({"query": "wrong"}), "bad-query"),
    ] {
        server.send(question(), body.to_string()).await.is_problem(kind, 400);
    }
    server
        .send(question(), json!({"query": "exhausted"}).to_string())
        .await
        .is_problem("query-exhausted", 422);
    server.send(question(), json!({"query": "damaged"}).to_string()).await.is_problem("store-failed", 503);
    let request = Request::post("/v1/sql").header("content-type", "text/html");
    server.send(request, "q").await.is_problem("unsupported-media-type", 415);
    ask(&server, "image/png", "q").await.is_problem("not-acceptable", 406);
    let request = Request::post("/v1/sql").header("content-type", "text/plain");
    server.send(request, vec![0xFF_u8]).await.is_problem("bad-body", 400);
}

#[tokio::test]
async fn a_question_has_so_much_time_and_no_more() {
    let server = Server::new().await;
    let slow = async |query: &str, format: &str| {
        let body = json!({"query": query, "format": format, "time_limit": 0.2}).to_string();
        server.send(question(), body).await
    };
    slow("SELECT hang before", "json").await.is_problem("query-timeout", 504);
    slow("SELECT hang after nothing", "json").await.is_problem("query-timeout", 504);
    let answer = slow("SELECT two rows, hang after", "json").await;
    assert_eq!((&answer.json()["ended"], &answer.json()["row_count"]), (&json!("time_limit"), &json!(2)));
    let answer = slow("SELECT two rows, hang after", "csv").await;
    assert!(answer.is_broken && answer.text() == "a\n1\n2\n");
}

#[tokio::test]
async fn a_question_can_be_cancelled_by_its_owner() {
    let server = Server::new().await;
    let as_caller = |request: Builder, name: &str| request.header("authorization", format!("Bearer {name}"));
    let asking = async |query: &str| {
        let request = as_caller(question(), "asker").header("x-query-id", "q-1");
        server.send(request, json!({"query": query}).to_string()).await
    };
    let cancelling = async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let twice = question().header("x-query-id", "q-1");
        server.send(twice, json!({"query": "q"}).to_string()).await.is_problem("query-id-in-use", 409);
        let delete = || Request::delete("/v1/sql/q-1");
        let stranger = server.send(as_caller(delete(), "asker-two"), "").await;
        stranger.is_problem("unknown-query", 404);
        server.send(as_caller(delete(), "asker"), "").await
    };
    let (asked, cancelled) = tokio::join!(asking("SELECT hang before"), cancelling());
    assert_eq!(cancelled.status, 204);
    asked.is_problem("query-cancelled", 409);
    let (asked, cancelled) = tokio::join!(asking("SELECT two rows, hang after"), cancelling());
    assert_eq!(cancelled.status, 204);
    assert_eq!(asked.json()["ended"], "cancelled");
    assert_eq!(server.sql.dropped.load(Ordering::SeqCst), 1, "the query itself ends");
    let gone = server.send(Request::delete("/v1/sql/q-1"), "").await;
    gone.is_problem("unknown-query", 404);
    let request = question().header("x-query-id", "q 1");
    server.send(request, json!({"query": "q"}).to_string()).await.is_problem("bad-request", 400);
}

#[tokio::test]
async fn questions_are_so_many_at_a_time_and_for_all_feeds() {
    let limits = Limits { queries: 1, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    let first = async {
        let request = question().header("x-query-id", "q-1");
        server.send(request, json!({"query": "hang before"}).to_string()).await
    };
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = server.send(question(), json!({"query": "q"}).to_string()).await;
        answer.is_problem("overloaded", 503);
        server.send(Request::delete("/v1/sql/q-1"), "").await
    };
    let (_, cancelled) = tokio::join!(first, second);
    assert_eq!(cancelled.status, 204);
    let limited = question().header("authorization", "Bearer lab");
    server.send(limited, json!({"query": "q"}).to_string()).await.is_problem("forbidden", 403);
}
