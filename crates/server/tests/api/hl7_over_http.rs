//! One message in, its acknowledgment out.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::Request;
use server::api::{Limits, Refused};

use crate::{MESSAGE, Server, message};

#[tokio::test]
async fn a_message_is_acknowledged_in_its_own_media_type() {
    let server = Server::new().await;
    for media in ["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"] {
        let request = Request::post("/hl7/lab").header("content-type", format!("{media}; charset=UTF-8"));
        let answer = server.send(request, MESSAGE).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), media);
        let text = answer.text();
        assert!(
            text.starts_with("MSH|^~\\&|LAB|SOUTH|ADT|NORTH|2") && text.ends_with("\rMSA|AA|C1\r"),
            "{text:?}"
        );
    }
    let puts = server.intake.puts.lock().unwrap();
    assert!(puts.iter().all(|(feed, _, bytes)| feed == "lab" && bytes == MESSAGE));
}

#[tokio::test]
async fn without_a_feed_the_message_is_assigned_to_one() {
    let server = Server::new().await;
    assert_eq!(server.post("/hl7", MESSAGE).await.status, 200);
    assert_eq!(server.intake.puts.lock().unwrap()[0].0, "adt");
    // Whoever is limited to a feed cannot get around it so.
    let request = Request::post("/hl7").header("authorization", "Bearer lab");
    server.send(request, MESSAGE).await.is_problem("forbidden", 403);
}

#[tokio::test]
async fn the_sender_gets_the_acknowledgment_it_asked_for() {
    let server = Server::new().await;
    let with = |accept: &str| MESSAGE.replace("|P|2.5", &format!("|P|2.5|||{accept}|"));
    let answer = server.post("/hl7/lab", with("AL")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("\rMSA|CA|C1"));
    let answer = server.post("/hl7/lab", with("NE")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    server.post("/hl7/lab", MESSAGE).await;
    server.post("/v1/feeds/lab/messages", MESSAGE).await;
    // The receipts have it.
    assert_eq!(*server.intake.answers.lock().unwrap(), [Some("CA"), Some("none"), Some("AA"), Some("http")]);
    *server.intake.refused.lock().unwrap() = Some(Refused::Full);
    let answer = server.post("/hl7/lab", with("AL")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("\rMSA|CE|C1"));
    // Nothing is answered as if it were kept.
    server.post("/hl7/lab", with("NE")).await.is_problem("full", 503);
}

#[tokio::test]
async fn a_message_that_is_not_kept_is_not_acknowledged() {
    let server = Server::new().await;
    let refused = Refused::Overloaded { retry_after: Duration::from_secs(3) };
    *server.intake.refused.lock().unwrap() = Some(refused);
    let answer = server.post("/hl7/lab", MESSAGE).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (500, "3"));
    assert!(
        answer.text().contains("\rMSA|AE|C1|") && answer.text().contains("\rERR||"),
        "{:?}",
        answer.text()
    );
    let answer = server.post("/hl7/unknown", MESSAGE).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("\rMSA|AR|C1|"));
}

#[tokio::test]
async fn what_is_not_one_message_is_rejected() {
    let server = Server::new().await;
    for body in ["", "no message", &format!("{}{}", message(1), message(2))] {
        let answer = server.post("/hl7/lab", body.to_owned()).await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert!(answer.text().contains("\rMSA|AR|"), "{body:?}");
    }
    assert_eq!(server.intake.puts.lock().unwrap().len(), 0);
    let request = Request::post("/hl7/lab").header("content-type", "application/json");
    server.send(request, MESSAGE).await.is_problem("unsupported-media-type", 415);
}

#[tokio::test]
async fn a_feed_may_want_its_messages_converted_first() {
    let limits = Limits { wait: Duration::from_millis(100), ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    server.intake.converts_first.store(true, Ordering::SeqCst);
    assert!(server.post("/hl7/lab", MESSAGE).await.text().contains("MSA|AA|"));
    let answer = server.post("/hl7/lab", MESSAGE.replace("ANNA", "BROKEN")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("MSA|AE|C1|limit: "), "{:?}", answer.text());
    server.intake.never_converts.store(true, Ordering::SeqCst);
    assert_eq!(server.post("/hl7/lab", message(2)).await.status, 500);
}
