//! Messages out.

use axum::http::Request;
use pipeline::MessageId;
use serde_json::json;
use server::api::Sight;

use crate::{MESSAGE, Server};

fn id() -> String {
    MessageId::of("lab", MESSAGE.trim_end().as_bytes()).to_string()
}

#[tokio::test]
async fn a_message_is_shown_in_every_form() {
    let server = Server::new().await;
    server.ingest("lab", MESSAGE).await;
    let path = format!("/v1/messages/{}", id());
    let show = async |accept: &str, query: &str| {
        let request = Request::get(format!("{path}{query}"));
        let request = if accept.is_empty() { request } else { request.header("accept", accept) };
        let answer = server.send(request, "").await;
        assert_eq!(answer.status, 200, "{accept} {query}");
        (answer.header("content-type").to_owned(), answer.text().to_owned())
    };
    let lines = MESSAGE.replace('\r', "\n");
    assert_eq!(show("", "").await, ("text/plain".into(), lines.clone()));
    assert_eq!(show("application/json", "?as=er7").await, ("text/plain".into(), lines));
    assert_eq!(show("application/hl7-v2", "").await, ("application/hl7-v2".into(), MESSAGE.into()));
    assert_eq!(show("", "?as=raw").await, ("application/octet-stream".into(), MESSAGE.trim_end().into()));
    let (media, leaves) = show("", "?as=leaves").await;
    assert!(media.starts_with("text/tab-separated-values") && leaves.contains("PID[1]-5[1].1.1\tSTONE\n"));
    let (media, tree) = show("application/json", "").await;
    assert_eq!(media, "application/json");
    let tree: serde_json::Value = serde_json::from_str(&tree).unwrap();
    assert_eq!(tree["msh"]["message_control_id"], "C1");
    let sights = server.witness.sights.lock().unwrap();
    assert_eq!(sights.len(), 6);
    assert!(sights.contains(&Sight::Message { id: id(), form: "leaves" }));
}

#[tokio::test]
async fn what_is_no_message_is_not_found() {
    let server = Server::new().await;
    server.ingest("lab", MESSAGE).await;
    for wrong in ["0".repeat(32), "x".into(), "%27%20OR".into(), "+".repeat(32)] {
        server.get(&format!("/v1/messages/{wrong}")).await.is_problem("unknown-message", 404);
        server.get(&format!("/v1/messages/{wrong}/fate")).await.is_problem("unknown-message", 404);
    }
    server.get(&format!("/v1/messages/{}?as=pdf", id())).await.is_problem("bad-request", 400);
    let request = Request::get(format!("/v1/messages/{}", id())).header("accept", "image/png");
    server.send(request, "").await.is_problem("not-acceptable", 406);
    server.get("/v1/messages/%FF").await.is_problem("bad-request", 400);
}

#[tokio::test]
async fn what_has_no_header_can_be_had_raw() {
    let server = Server::new().await;
    server.ingest("lab", &format!("{MESSAGE}MSH|^~\r")).await;
    let path = format!("/v1/messages/{}", MessageId::of("lab", b"MSH|^~"));
    server.get(&path).await.is_problem("unreadable-message", 422);
    assert_eq!(server.get(&format!("{path}?as=raw")).await.text(), "MSH|^~");
}

#[tokio::test]
async fn other_feeds_are_not_seen() {
    let server = Server::new().await;
    server.ingest("lab", MESSAGE).await;
    server.ingest("ward", MESSAGE).await;
    let other = MessageId::of("ward", MESSAGE.trim_end().as_bytes());
    let see = |id: &str| Request::get(format!("/v1/messages/{id}")).header("authorization", "Bearer lab");
    assert_eq!(server.send(see(&id()), "").await.status, 200);
    server.send(see(&other.to_string()), "").await.is_problem("unknown-message", 404);
    server.sql.rows.lock().unwrap().push(("FROM receipts", json!({"feed": "ward", "fate": "staged"})));
    let fate = format!("{other}/fate");
    assert_eq!(server.get(&format!("/v1/messages/{fate}")).await.status, 200);
    server.send(see(&fate), "").await.is_problem("unknown-message", 404);
}

#[tokio::test]
async fn the_fate_tells_receipts_rows_and_errors() {
    let server = Server::new().await;
    let receipt = json!({"feed": "lab", "fate": "error"});
    server.sql.rows.lock().unwrap().push(("FROM receipts", receipt.clone()));
    server.sql.rows.lock().unwrap().push(("FROM errors", json!({"feed": "lab", "code": "limit"})));
    let answer = server.get(&format!("/v1/messages/{}/fate", id())).await;
    assert_eq!(answer.status, 200);
    let fate = answer.json();
    assert_eq!((&fate["receipts"], &fate["rows"]), (&json!([receipt]), &json!([])));
    assert_eq!(fate["errors"][0]["code"], "limit");
    assert_eq!(fate["commit"], json!(null), "what has no row was not put anywhere");
    server.ingest("lab", MESSAGE).await;
    server.sql.rows.lock().unwrap().push(("FROM staging", json!({"feed": "lab"})));
    let fate = server.get(&format!("/v1/messages/{}/fate", id())).await.json();
    assert_eq!(fate["commit"]["how"], "staged");
    assert!(
        fate["commit"]["version"].as_u64() > Some(0) && fate["commit"]["at"].as_str().unwrap().ends_with('Z')
    );
    let asked = server.sql.asked.lock().unwrap();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|(query, ..)| query.contains(&format!("message_id = '{}'", id()))));
}

#[tokio::test]
async fn a_search_is_a_question_whose_texts_stay_texts() {
    let server = Server::new().await;
    for number in 0..3 {
        server.sql.rows.lock().unwrap().push(("FROM staging", json!({"message_id": number})));
    }
    let answer = server
        .get("/v1/messages?control_id=C'1&mrn=P%27%20OR%20%271&type=ADT%5EA01&from=2026-01-31&to=2026-02-01T00:00:00Z&limit=2")
        .await;
    assert_eq!(answer.json(), json!({"messages": [{"message_id": 0}, {"message_id": 1}], "more": true}));
    let asked = server.sql.asked.lock().unwrap()[0].0.clone();
    for part in [
        "control_id = 'C''1'",
        "identifier.id_number = 'P'' OR ''1'",
        "message_type = 'ADT' AND trigger_event = 'A01'",
        "received_at >= arrow_cast(1769817600000000,",
        "received_at < arrow_cast(1769904000000000,",
        "LIMIT 3",
    ] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
    let request = Request::get("/v1/messages?feed=ward").header("authorization", "Bearer lab");
    server.send(request, "").await;
    let asked = server.sql.asked.lock().unwrap()[1].0.clone();
    assert!(asked.contains("feed = 'ward' AND feed IN ('lab')"), "{asked}");
    for query in ["from=yesterday", "limit=0", "limit=1001", "limit=x", "name=x"] {
        server.get(&format!("/v1/messages?{query}")).await.is_problem("bad-request", 400);
    }
}

#[tokio::test]
async fn nothing_is_shown_that_cannot_be_noted() {
    let server = Server::new().await;
    server.ingest("lab", MESSAGE).await;
    server.witness.is_full.store(true, std::sync::atomic::Ordering::SeqCst);
    for path in [format!("/v1/messages/{}", id()), format!("/v1/messages/{}/fate", id())] {
        server.get(&path).await.is_problem("store-failed", 503);
    }
    for path in ["/v1/messages", "/v1/errors", "/v1/zones/raw"] {
        server.get(path).await.is_problem("store-failed", 503);
    }
    let request = Request::post("/v1/sql").header("content-type", "text/plain");
    server.send(request, "SELECT two rows").await.is_problem("store-failed", 503);
    assert_eq!(server.sql.asked.lock().unwrap().len(), 0);
}
