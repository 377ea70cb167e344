//! The description, and the page that shows it.

use axum::http::{Method, Request};
use serde_json::Value;

use crate::Server;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// `UPDATE_EXPECT=1` writes the file anew.
#[test]
fn the_description_is_the_one_in_docs() {
    let description = server::api::description();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(GOLDEN, &description).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(
        description == golden,
        "docs/openapi.json is not what the code says: UPDATE_EXPECT=1 writes it anew"
    );
}

/// Every operation: its method, and its path with names filled in.
async fn operations(server: &Server) -> Vec<(Method, String, Value)> {
    let description = server.get("/openapi.json").await.json();
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            operations.push((method.to_uppercase().parse().unwrap(), path, operation.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn every_operation_is_served_and_guarded() {
    let server = Server::new().await;
    let operations = operations(&server).await;
    assert!(operations.len() >= 20);
    for (method, path, operation) in operations {
        let request = Request::builder().method(method.clone()).uri(&path);
        let answer = server.send(request.header("authorization", "Bearer bad"), "").await;
        if operation["security"].as_array().is_some_and(|needs| needs.contains(&serde_json::json!({}))) {
            assert_eq!(answer.status, 200, "{method} {path}");
        } else {
            answer.is_problem("unauthenticated", 401);
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
        }
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
    }
}

#[tokio::test]
async fn every_schema_that_is_named_is_there() {
    let description: Value = serde_json::from_str(&server::api::description()).unwrap();
    let text = description.to_string();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for named in text.split("#/components/schemas/").skip(1) {
        let name = named.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    assert_eq!(description["x-problems"].as_array().unwrap().len(), server::api::Kind::ALL.len());
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let server = Server::new().await;
    let page = server.get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let page = page.text().to_owned();
    let mut parts = 0;
    for address in page.split(" src=\"").skip(1).chain(page.split(" href=\"").skip(1)) {
        let address = address.split('"').next().unwrap();
        assert_eq!(server.get(address).await.status, 200, "{address}");
        parts += 1;
    }
    assert_eq!(parts, 3);
    // The policy would not let them run.
    let is_handler =
        |rest: &str| rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).starts_with('=');
    assert!(
        !page.contains("<style") && !page.contains("<script>") && !page.split(" on").skip(1).any(is_handler)
    );
    let script = server.get("/docs/docs.js").await;
    assert!(!script.text().contains("http") && !script.text().contains("innerHTML"));
}
