//! Who comes in and who does not, as the audit is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::Request;
use pipeline::Lake;
use server::api::TurnedAway;
use server::auth::{Authenticator, Feeds, NewToken, Oidc, OidcSettings, Scope, Token, Tokens};
use server::gate::TokenGate;

use crate::{MESSAGE, Server};

const CANARY: &str = "Zwitscherhuber";

/// What was noted of those who were turned away: request, cause, who, token.
fn noted(server: &Server) -> Vec<String> {
    let line = |TurnedAway { denial, request, .. }: &TurnedAway| {
        let who = denial.who.as_ref().map_or("-", |who| who.known_as.as_str());
        format!("{request} {} {who} {}", denial.cause, denial.token.as_deref().unwrap_or("-"))
    };
    server.witness.turned_away.lock().unwrap().drain(..).map(|away| line(&away)).collect()
}

#[tokio::test]
async fn whoever_is_turned_away_is_noted_with_the_cause_and_never_with_what_they_sent() {
    let server = Server::new().await;
    let with = |request: axum::http::request::Builder, token: &str| {
        request.header("authorization", format!("Bearer {token}"))
    };
    server
        .send(with(Request::get(format!("/v1/messages/{CANARY}?a={CANARY}")), "bad"), "")
        .await
        .is_problem("unauthenticated", 401);
    server.send(with(Request::post("/v1/sql"), "reader"), "SELECT 1").await.is_problem("forbidden", 403);
    server.send(with(Request::post("/v1/sql"), "lab"), "SELECT 1").await.is_problem("forbidden", 403);
    server
        .send(with(Request::post(format!("/hl7/{CANARY}")), "lab"), MESSAGE)
        .await
        .is_problem("forbidden", 403);
    let foreign =
        Request::post("/v1/sql").header("origin", "https://elsewhere.example").header("host", "here");
    server.send(foreign, "SELECT 1").await.is_problem("foreign-origin", 403);
    assert_eq!(
        noted(&server),
        [
            "GET /v1/messages/{id} refused - -",
            "POST /v1/sql refused - -",
            "POST /v1/sql every_feed lab for people -",
            "POST /hl7/{feed} feed lab for people -",
            "POST /v1/sql foreign_origin - -",
        ]
    );
    // Whoever is let in and asks for what is not there was not turned away.
    server.get(&format!("/v1/{CANARY}")).await.is_problem("no-such-route", 404);
    server.get(&format!("/v1/messages/{CANARY}")).await.is_problem("unknown-message", 404);
    assert!(noted(&server).is_empty());
    assert_eq!(*server.witness.let_in.lock().unwrap(), ["lab", "lab", "all"]);
}

#[tokio::test]
async fn nobody_comes_in_who_cannot_be_noted() {
    let server = Server::new().await;
    server.witness.lets_nobody_in.store(true, Ordering::SeqCst);
    server.post("/hl7", MESSAGE).await.is_problem("store-failed", 503);
    server.post("/v1/convert", MESSAGE).await.is_problem("store-failed", 503);
    assert!(server.intake.bytes().is_empty());
}

#[tokio::test]
async fn the_gate_tells_of_each_token_why_and_whose_it_is() {
    let lake = pipeline::init(pipeline::Location::memory().unwrap()).await.unwrap();
    let soon = pipeline::time::now() + 400_000;
    let (gateway, revoked, expired) = (
        token(&lake, "gateway", None).await,
        token(&lake, "lost", None).await,
        token(&lake, "old", Some(soon)).await,
    );
    assert!(Tokens::of(lake.clone()).revoke(revoked.id()).await.unwrap());
    let wrong_secret = format!("cl_{}_{}", gateway.id(), &revoked.reveal()[20..]);
    // Nobody answers there.
    let provider = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = OidcSettings::new(format!("http://{}", provider.local_addr().unwrap()));
    settings.audiences = vec!["lake".to_owned()];
    settings.scopes = [("reader".to_owned(), [Scope::Read].into())].into();
    drop(provider);
    let oidc = Some(Oidc::open(settings).unwrap());
    let gate = TokenGate::new(Authenticator::required(Tokens::of(lake.clone()), oidc), 1_000);
    let server = Server::with(|seams| seams.gate = Arc::new(gate)).await;
    tokio::time::sleep(Duration::from_millis(450)).await;
    let get = async |token: Option<&str>, status: u16| {
        let mut request = Request::get("/v1/messages");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        assert_eq!(server.send(request, "").await.status.as_u16(), status, "{token:?}");
        noted(&server)
    };
    assert_eq!(get(None, 401).await, ["GET /v1/messages no_token - -"]);
    assert_eq!(get(Some(CANARY), 401).await, ["GET /v1/messages invalid - -"]);
    let unknown = format!("cl_0123456789abcdef_{}", &gateway.reveal()[20..]);
    assert_eq!(get(Some(&unknown), 401).await, ["GET /v1/messages invalid - -"]);
    assert_eq!(get(Some(&revoked.reveal()), 401).await, ["GET /v1/messages revoked lost -"]);
    assert_eq!(get(Some(&expired.reveal()), 401).await, ["GET /v1/messages expired old -"]);
    assert_eq!(get(Some(&gateway.reveal()), 403).await, ["GET /v1/messages scope gateway -"]);
    assert_eq!(get(Some(&wrong_secret), 401).await, [format!("GET /v1/messages invalid - {}", gateway.id())]);
    // {"alg":"RS256","kid":"x"}
    let by_provider = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.c2ln";
    assert_eq!(get(Some(by_provider), 503).await, ["GET /v1/messages unchecked - -"]);
    assert!(server.witness.let_in.lock().unwrap().is_empty());
    let ingest = Request::post("/hl7").header("authorization", format!("Bearer {}", gateway.reveal()));
    assert_eq!(server.send(ingest, MESSAGE).await.status, 200);
    assert_eq!(*server.witness.let_in.lock().unwrap(), [format!("token:{}", gateway.id())]);
}

/// A token to ingest.
async fn token(lake: &Lake, name: &str, expires_at: Option<i64>) -> Token {
    let scopes = [Scope::Ingest].into();
    let new = NewToken { name: name.to_owned(), scopes, feeds: Feeds::All, expires_at };
    Tokens::of(lake.clone()).create(new).await.unwrap().1
}
