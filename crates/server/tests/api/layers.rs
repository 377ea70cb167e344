//! What every request goes through.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;
use server::api::{Limits, Metrics};

use crate::{MESSAGE, Server};

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let server = Server::new().await;
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    assert_eq!(server.get("/readyz").await.text(), "ready\n");
    server.health.obstacles.lock().unwrap().push("the disk is full".into());
    let problem = server.get("/readyz").await.is_problem("not-ready", 503);
    assert_eq!(problem["obstacles"][0], "the disk is full");
    assert_eq!(server.get("/healthz").await.status, 200);
    let metrics = server.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert_eq!(metrics.text(), "# EOF\n");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let server = Server::new().await;
    for path in ["/", "/v1", "/v1/messages/a/b", "/v1/feeds/lab", "/docs/other.js", "/hl7/a/b"] {
        server.get(path).await.is_problem("no-such-route", 404);
    }
    let answer = server.get("/v1/sql").await;
    answer.is_problem("method-not-allowed", 405);
    assert_eq!(answer.header("allow"), "POST");
    let answer = server.send(Request::delete("/v1/errors"), "").await;
    answer.is_problem("method-not-allowed", 405);
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let answer = server.send(Request::options("/v1/errors"), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, "GET,HEAD"));
    let answer = server.send(Request::head("/healthz"), "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    server.send(Request::post("/docs"), "").await.is_problem("method-not-allowed", 405);
}

#[tokio::test]
async fn every_answer_is_kept_from_browsers_that_guess() {
    let server = Server::new().await;
    for path in ["/healthz", "/v1/errors", "/nothing", "/openapi.json", "/docs"] {
        let answer = server.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let server = Server::with(|seams| seams.hosts = vec!["localhost".into(), "[::1]".into()]).await;
    let request = |host: &str| Request::post("/v1/feeds/lab/messages").header("host", host);
    assert_eq!(server.send(request("localhost:8080"), MESSAGE).await.status, 200);
    assert_eq!(server.send(request("[::1]:8080"), MESSAGE).await.status, 200);
    let own = request("localhost:8080").header("origin", "http://localhost:8080");
    assert_eq!(server.send(own, MESSAGE).await.status, 200);
    for host in ["evil.example:8080", "localhost.evil.example", ""] {
        server.send(request(host), MESSAGE).await.is_problem("unknown-host", 421);
    }
    for origin in ["http://evil.example", "http://localhost:9", "null"] {
        let foreign = request("localhost:8080").header("origin", origin);
        server.send(foreign, MESSAGE).await.is_problem("foreign-origin", 403);
    }
    let sent = |mode: &str| {
        let request = Request::get("/docs").header("host", "localhost");
        request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", mode.to_owned())
    };
    server.send(sent("no-cors"), "").await.is_problem("foreign-origin", 403);
    assert_eq!(server.send(sent("navigate"), "").await.status, 200);
    assert_eq!(server.intake.puts.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn requests_are_so_many_at_a_time() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    let slow = Body::from_stream(stream::once(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, Infallible>(Bytes::from_static(MESSAGE.as_bytes()))
    }));
    let (first, ()) = tokio::join!(server.post("/v1/feeds/lab/messages", slow), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = server.get("/v1/errors").await;
        answer.is_problem("overloaded", 503);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(server.get("/readyz").await.status, 200, "how it is, is always told");
    });
    assert_eq!(first.status, 200);
    assert_eq!(server.get("/v1/errors").await.status, 200, "the place is free again");
}

#[tokio::test]
async fn a_panic_is_an_answer_too() {
    let metrics = Metrics(Arc::new(|| panic!("on purpose")));
    let server = Server::with(|seams| seams.metrics = metrics).await;
    server.get("/metrics").await.is_problem("internal", 500);
    assert_eq!(server.get("/healthz").await.status, 200);
}
