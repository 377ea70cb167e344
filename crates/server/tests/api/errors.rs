//! The error zone.

use axum::http::Request;
use pipeline::{FeedRules, MessageId};
use serde_json::json;

use crate::{MESSAGE, Server};

fn id(number: usize) -> String {
    MessageId::of("lab", format!("MSH|{number}").as_bytes()).to_string()
}

async fn server() -> Server {
    let server = Server::new().await;
    for number in 1..=3 {
        server.ingest("lab", &format!("MSH|{number}\r")).await;
    }
    server.ingest("ward", &format!("junk\r{MESSAGE}")).await;
    server
}

#[tokio::test]
async fn errors_are_listed_page_by_page() {
    let server = server().await;
    let all = server.get("/v1/errors").await.json();
    assert_eq!((&all["count"], all["errors"].as_array().unwrap().len()), (&json!(4), 4));
    assert_eq!(all["errors"][0]["message_id"], id(1));
    assert_eq!(all["errors"][0]["code"], "truncated_header");
    let page = server.get("/v1/errors?limit=3").await.json();
    let next = page["next"].as_str().unwrap();
    let rest = server.get(&format!("/v1/errors?after={next}")).await.json();
    assert_eq!(rest["errors"], json!([all["errors"][3]]));
    assert!(rest.get("next").is_none());
    assert_eq!(server.get("/v1/errors?feed=ward").await.json()["count"], 1);
    assert_eq!(server.get("/v1/errors?code=no_message").await.json()["count"], 1);
    server.get("/v1/errors?after=x").await.is_problem("bad-request", 400);
    let request = Request::get("/v1/errors").header("authorization", "Bearer lab");
    assert_eq!(server.send(request, "").await.json()["count"], 3);
}

#[tokio::test]
async fn an_error_has_a_report() {
    let server = server().await;
    let report = server.get(&format!("/v1/errors/{}", id(2))).await;
    assert_eq!((report.status.as_u16(), report.header("content-type")), (200, "application/json"));
    assert_eq!(report.json()["code"], "truncated_header");
    server.get(&format!("/v1/errors/{}", "0".repeat(32))).await.is_problem("unknown-error", 404);
    server.get("/v1/errors/x").await.is_problem("unknown-error", 404);
    let ward = server.get("/v1/errors?feed=ward").await.json()["errors"][0]["message_id"].clone();
    let path = format!("/v1/errors/{}", ward.as_str().unwrap());
    assert_eq!(server.get(&path).await.status, 200);
    let request = Request::get(&path).header("authorization", "Bearer lab");
    server.send(request, "").await.is_problem("unknown-error", 404);
}

#[tokio::test]
async fn errors_are_tried_again() {
    let server = server().await;
    let answer = server.post(&format!("/v1/errors/{}/retry", id(1)), "").await;
    assert_eq!(answer.json(), json!({"retried": 1, "staged": 0, "error": 1}));
    let answer = server.post("/v1/errors/retry", "").await;
    assert_eq!(answer.json(), json!({"retried": 4, "staged": 0, "error": 4}));
    let body = json!({"ids": [id(1), id(2)]}).to_string();
    let request = || Request::post("/v1/errors/retry").header("content-type", "application/json");
    assert_eq!(server.send(request(), body.clone()).await.json()["retried"], 2);
    for (body, kind, status) in [
        (json!({"ids": ["0".repeat(32)]}).to_string(), "unknown-error", 404),
        (json!({"ids": ["x"]}).to_string(), "unknown-error", 404),
        (json!({"id": "x"}).to_string(), "bad-body", 400),
        ("{".to_owned(), "bad-body", 400),
    ] {
        server.send(request(), body).await.is_problem(kind, status);
    }
    let limited = request().header("authorization", "Bearer lab");
    server.send(limited, body).await.is_problem("forbidden", 403);
}

#[tokio::test]
async fn what_a_lenient_retry_can_stage_is_staged() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hl7");
    std::fs::write(&path, MESSAGE.replace("20240101", "yesterday")).unwrap();
    let feed = FeedRules { strict: true, ..FeedRules::default() };
    let settings = pipeline::Settings { feed: feed.into(), ..pipeline::Settings::default() };
    let input = pipeline::Input::expand(&[path]);
    pipeline::ingest(&server.lake, input, &settings, |_| {}).await.unwrap();
    let error = server.get("/v1/errors").await.json()["errors"][0]["message_id"].clone();
    let path = format!("/v1/errors/{}/retry", error.as_str().unwrap());
    let strict = server.post(&format!("{path}?strict=true"), "").await;
    assert_eq!(strict.json(), json!({"retried": 1, "staged": 0, "error": 1}));
    let lenient = server.post(&path, "").await;
    assert_eq!(lenient.json(), json!({"retried": 1, "staged": 1, "error": 0}));
    server.post(&path, "").await.is_problem("unknown-error", 404);
}
