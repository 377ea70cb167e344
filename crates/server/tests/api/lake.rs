//! The catalog, and what lies in the zones.

use axum::http::Request;

use crate::{MESSAGE, Server};

#[tokio::test]
async fn the_catalog_is_shown() {
    let server = Server::new().await;
    assert_eq!(server.get("/v1/catalog").await.json()["tables"][0]["name"], "staging");
    assert_eq!(server.get("/v1/catalog/staging").await.json()["columns"][0]["name"], "message_id");
    server.get("/v1/catalog/nothing").await.is_problem("unknown-table", 404);
    // The audit zone is for those who may ask it.
    assert_eq!(server.get("/v1/catalog").await.json()["tables"][1]["name"], "audit");
    assert_eq!(server.get("/v1/catalog/audit").await.status, 200);
    let as_asker =
        async |path: &str| server.send(Request::get(path).header("authorization", "Bearer asker"), "").await;
    assert_eq!(as_asker("/v1/catalog").await.json()["tables"].as_array().unwrap().len(), 1);
    as_asker("/v1/catalog/audit").await.is_problem("unknown-table", 404);
}

#[tokio::test]
async fn a_zone_is_listed_page_by_page() {
    let server = Server::new().await;
    for feed in ["lab", "ward"] {
        server.ingest(feed, MESSAGE).await;
    }
    let all = server.get("/v1/zones/raw").await.json();
    let keys: Vec<_> =
        all["objects"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 4, "two files, two lists of receipts: {keys:?}");
    let page = server.get("/v1/zones/raw?limit=1").await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(next, keys[0]);
    let rest = server.get(&format!("/v1/zones/raw?after={next}")).await.json();
    assert_eq!(rest["objects"].as_array().unwrap().len(), 3);
    assert!(rest.get("next").is_none());
    let lab = server.get("/v1/zones/raw?prefix=lab/").await.json();
    assert_eq!(lab["objects"].as_array().unwrap().len(), 1);
    assert_eq!(lab["objects"][0]["size"], MESSAGE.len());
    assert_eq!(server.get("/v1/zones/refined").await.json()["objects"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn other_places_are_no_zones() {
    let server = Server::new().await;
    for zone in ["_carelake", "..", "Raw"] {
        server.get(&format!("/v1/zones/{zone}")).await.is_problem("unknown-zone", 404);
    }
    let answer = server.get("/v1/zones/raw?prefix=../_carelake/").await;
    assert_eq!(answer.json()["objects"].as_array().unwrap().len(), 0);
    let read = |path: &str| Request::get(path).header("authorization", "Bearer reader");
    assert_eq!(server.send(read("/v1/zones/raw"), "").await.status, 200);
    server.send(read("/v1/zones/audit"), "").await.is_problem("forbidden", 403);
}
