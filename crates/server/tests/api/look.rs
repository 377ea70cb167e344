//! Messages that are looked at and not kept.

use std::sync::Arc;

use hl7::Message;
use serde_json::{Value, json};
use server::api::{FlatRows, Limits};

use crate::{MESSAGE, Server, message};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn messages_become_documents() {
    let server = Server::new().await;
    let answer = server.post("/v1/convert", format!("{}{}", message(1), message(2))).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    let documents = lines(answer.text());
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1]["msh"]["message_control_id"], "C2");
    let short = server.post("/v1/convert?names=short", MESSAGE).await;
    assert!(lines(short.text())[0]["PID"]["PID-5"].is_array(), "{}", short.text());
    assert_eq!(server.intake.puts.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_message_that_cannot_be_converted_is_told_in_its_place() {
    let server = Server::new().await;
    let body = format!("MSH|^~\r{}", message(2));
    let answer = server.post("/v1/convert", body).await;
    assert_eq!(answer.status, 200);
    let documents = lines(answer.text());
    assert_eq!(documents[0]["error"]["code"], "truncated_header", "{}", answer.text());
    assert_eq!(documents[1]["msh"]["message_control_id"], "C2");
    let problem = server.post("/v1/convert", "MSH|^~\rPID|1\r").await.is_problem("unreadable-message", 422);
    assert_eq!(
        (&problem["errors"][0]["code"], &problem["errors"][0]["offset"]),
        (&json!("truncated_header"), &json!(0))
    );
    let strict = server.post("/v1/convert?strict=true", MESSAGE.replace("20240101", "yesterday")).await;
    let problem = strict.is_problem("unreadable-message", 422);
    let findings = problem["errors"][0]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["path"] == "MSH-7"), "{problem}");
    server.post("/v1/convert", "").await.is_problem("no-message", 422);
}

#[tokio::test]
async fn a_long_body_is_converted_part_by_part() {
    let server = Server::new().await;
    let body: String = (0..3_000).map(message).collect();
    let answer = server.post("/v1/convert", body).await;
    assert_eq!(lines(answer.text()).len(), 3_000);
}

#[tokio::test]
async fn rows_need_someone_who_writes_them() {
    struct Rows;
    impl FlatRows for Rows {
        fn line(&self, message: &Message<'_>, number: u64, offset: u64) -> Result<Vec<u8>, String> {
            Ok(format!("{}\n", json!([number, offset, message.bytes().len()])).into())
        }
    }
    let server = Server::with(|seams| seams.flat = Some(Arc::new(Rows))).await;
    let answer = server.post("/v1/convert?shape=flat", format!("\r{MESSAGE}")).await;
    assert_eq!(answer.json(), json!([1, 1, MESSAGE.len() - 1]));
    let server = Server::new().await;
    server.post("/v1/convert?shape=flat", MESSAGE).await.is_problem("bad-request", 400);
}

#[tokio::test]
async fn messages_are_held_to_the_standard() {
    let server = Server::new().await;
    let body = format!("junk\r{}{}", MESSAGE.replace("20240101", "yesterday"), message(2));
    let answer = server.post("/v1/validate", body).await;
    assert_eq!(answer.status, 200);
    let validated = answer.json();
    assert_eq!(validated["messages"], 3);
    let first = &validated["reports"][0];
    assert_eq!((&first["message"], &first["refusal"]["code"]), (&json!(1), &json!("no_message")));
    let second = &validated["reports"][1];
    let mut findings = second["findings"].as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["path"] == "MSH-7").unwrap();
    assert_eq!(finding["code"], "strict_format");
    assert_eq!(second["version"], "2.5");
    server.post("/v1/validate", "\r").await.is_problem("no-message", 422);
}

#[tokio::test]
async fn such_bodies_have_a_lower_limit() {
    let limits = Limits { small_body: 1_000, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    for path in ["/v1/convert", "/v1/validate"] {
        server.post(path, "x".repeat(1_001)).await.is_problem("too-large", 413);
    }
}
