//! A name in every body, path, parameter and header, and in no problem.

use axum::http::{Method, Request};
use serde_json::{Value, json};
use server::api::{Limits, Refused};

use crate::{Server, message};

const CANARY: &str = "Zwitscherhuber";

/// Bodies that break in different places.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let message = message(1).replace("STONE", CANARY);
    let packed = zstd::encode_all(message.as_bytes(), 1).unwrap();
    vec![
        ("application/hl7-v2", message.clone().into()),
        ("application/hl7-v2", format!("MSH|^~\rPID|1||{CANARY}\r").into()),
        ("text/plain", format!("{CANARY}\rmore {CANARY}").into()),
        ("text/plain", format!("SELECT wrong FROM x WHERE name = '{CANARY}' AND other = \"{CANARY}\"").into()),
        ("application/json", json!({"query": format!("SELECT wrong '{CANARY}")}).to_string().into()),
        ("application/json", json!({"ids": [CANARY]}).to_string().into()),
        ("application/json", json!({"query": "q", "format": CANARY}).to_string().into()),
        ("application/json", json!({CANARY: 1}).to_string().into()),
        ("application/json", format!("{{\"query\": {CANARY}").into()),
        ("multipart/form-data; boundary=XX", format!("--XX\r\nContent-Disposition: {CANARY}\r\n\r\n{CANARY}").into()),
        ("multipart/form-data; boundary=XX", format!("--XX\r\nContent-Disposition: form-data; name=\"{CANARY}\"; filename=\"{CANARY}\"\r\n\r\n{message}").into()),
        ("application/Zwitscherhuber", message.into()),
        ("application/octet-stream", packed),
    ]
}

/// Each body, and one of them with each header that is read.
fn requests() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    const HEADERS: [&str; 5] = ["accept", "content-encoding", "idempotency-key", "x-query-id", "origin"];
    let bodies = bodies();
    let (media, body) = bodies[0].clone();
    let with_headers = HEADERS.map(|header| (media, body.clone(), header));
    bodies.into_iter().map(|(media, body)| (media, body, "")).chain(with_headers).collect()
}

#[tokio::test]
async fn no_problem_tells_what_was_sent() {
    let mut kinds = std::collections::BTreeSet::new();
    for refused in [None, Some(Refused::Full), Some(Refused::UnknownFeed)] {
        let limits = Limits { small_body: 4_000, ..Limits::default() };
        let server = Server::with(|seams| seams.limits = limits).await;
        server.ingest("lab", &format!("MSH|{CANARY}\r")).await;
        *server.intake.refused.lock().unwrap() = refused;
        let description = server.get("/openapi.json").await.json();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse().unwrap();
                for path in addresses(path, operation) {
                    for (media, body, header) in requests() {
                        let request = Request::builder().method(method.clone()).uri(&path);
                        let request = request.header("content-type", media).header("cookie", CANARY);
                        let request =
                            if header.is_empty() { request } else { request.header(header, CANARY) };
                        let answer = server.send(request, body).await;
                        if answer.header("content-type") != "application/problem+json" {
                            continue;
                        }
                        let text = format!("{}{:?}", answer.text(), answer.headers).to_lowercase();
                        assert!(
                            !text.contains(&CANARY.to_lowercase()),
                            "{method} {path} {media} {header}: {text}"
                        );
                        kinds.insert(answer.json()["type"].as_str().unwrap().to_owned());
                    }
                }
            }
        }
        for path in [format!("/{CANARY}"), format!("/docs/{CANARY}"), format!("/v1/sql?{CANARY}={CANARY}")] {
            let answer = server.get(&path).await;
            assert!(answer.status.is_client_error() && !answer.text().contains(CANARY), "{path}");
        }
    }
    assert!(kinds.len() >= 14, "the requests made {} kinds of problems: {kinds:?}", kinds.len());
}

/// The addresses of an operation with the canary in its names, and in each of its parameters.
fn addresses(path: &str, operation: &Value) -> Vec<String> {
    let parts = path.split('/').map(|part| if part.starts_with('{') { CANARY } else { part });
    let path = parts.collect::<Vec<_>>().join("/");
    let mut addresses = vec![path.clone(), format!("{path}?{CANARY}=1")];
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap();
            addresses.push(format!("{path}?{name}={CANARY}"));
        }
    }
    addresses
}
