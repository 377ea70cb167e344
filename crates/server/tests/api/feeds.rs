//! Messages in.

use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::json;
use server::api::{Limits, Refused};

use crate::{MESSAGE, Server, message};

const MESSAGES: &str = "/v1/feeds/lab/messages";

#[tokio::test]
async fn messages_are_kept_counted_and_named() {
    let server = Server::new().await;
    let body = format!("{}{}{}", message(1), message(2), message(1));
    let answer = server.post(MESSAGES, body.clone()).await;
    assert_eq!(answer.status, 200);
    let taken = answer.json();
    for (count, expected) in [("received", 3), ("pending", 2), ("duplicate", 1), ("staged", 0), ("error", 0)]
    {
        assert_eq!(taken[count], expected, "{count}");
    }
    assert_eq!(taken["feed"], "lab");
    assert_eq!(taken["all_listed"], true);
    let first = &taken["messages"][0];
    let id = pipeline::MessageId::of("lab", message(1).trim_end().as_bytes()).to_string();
    assert_eq!(
        *first,
        json!({"message_id": id, "control_id": "C1", "kind": "message", "outcome": "pending"})
    );
    assert_eq!(taken["messages"][2]["outcome"], "duplicate");
    assert_eq!(server.intake.bytes(), body.as_bytes());
}

#[tokio::test]
async fn whoever_waits_is_told_what_became_of_each() {
    let server = Server::new().await;
    let body = format!("junk\r{}{}{}", message(1), message(2).replace("ANNA", "BROKEN"), message(1));
    let answer = server.post("/v1/feeds/lab/messages?wait=staged", body).await;
    assert_eq!(answer.status, 200);
    let taken = answer.json();
    let outcomes: Vec<_> = taken["messages"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["error", "staged", "error", "duplicate"], "{taken}");
    assert_eq!(taken["messages"][0]["kind"], "junk");
    assert_eq!(taken["messages"][2]["code"], "limit");
    assert_eq!((&taken["staged"], &taken["error"], &taken["pending"]), (&json!(1), &json!(2), &json!(0)));
}

#[tokio::test]
async fn who_waits_too_long_gets_what_is_known() {
    let limits = Limits { wait: Duration::from_millis(100), ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    server.intake.never_converts.store(true, Ordering::SeqCst);
    let answer = server.post("/v1/feeds/lab/messages?wait=staged", MESSAGE).await;
    assert_eq!(answer.status, 202);
    assert_eq!((&answer.json()["pending"], &answer.json()["received"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let server = Server::new().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(MESSAGE.as_bytes()).unwrap();
    for (coding, body) in [
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::encode_all(MESSAGE.as_bytes(), 1).unwrap()),
        ("identity", MESSAGE.into()),
    ] {
        server.intake.puts.lock().unwrap().clear();
        let answer = server.send(Request::post(MESSAGES).header("content-encoding", coding), body).await;
        assert_eq!(answer.status, 200, "{coding}");
        assert_eq!(server.intake.bytes(), MESSAGE.as_bytes(), "{coding}");
    }
    let request = || Request::post(MESSAGES).header("content-encoding", "br");
    let answer = server.send(request(), MESSAGE).await;
    answer.is_problem("unsupported-encoding", 415);
    assert_eq!(answer.header("accept-encoding"), "gzip, zstd, identity");
    let answer = server.send(Request::post(MESSAGES).header("content-encoding", "gzip"), MESSAGE).await;
    answer.is_problem("bad-body", 400);
}

#[tokio::test]
async fn a_long_body_is_kept_in_pieces_and_never_as_a_whole() {
    let limits = Limits { piece: 20_000, listed: 10, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    let body: String = (0..2_000).map(message).collect();
    let chunks: Vec<_> = body.as_bytes().chunks(5_000).map(Bytes::copy_from_slice).collect();
    let chunks = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let answer = server.post("/v1/feeds/lab/messages?wait=staged", Body::from_stream(chunks)).await;
    assert_eq!(answer.status, 200);
    let taken = answer.json();
    assert_eq!((&taken["received"], &taken["staged"]), (&json!(2_000), &json!(2_000)));
    assert_eq!(taken["messages"].as_array().unwrap().len(), 10);
    assert_eq!(taken["all_listed"], false);
    assert_eq!(server.intake.bytes(), body.as_bytes());
    let lengths: Vec<_> =
        server.intake.puts.lock().unwrap().iter().map(|(_, _, bytes)| bytes.len()).collect();
    assert!(lengths.len() > 5 && lengths.iter().all(|length| *length < 40_000), "{lengths:?}");
}

#[tokio::test]
async fn what_was_kept_before_a_refusal_is_told() {
    let limits = Limits { piece: 20_000, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    *server.intake.refused.lock().unwrap() =
        Some(Refused::Overloaded { retry_after: Duration::from_secs(7) });
    server.intake.taken_first.store(1, Ordering::SeqCst);
    let body: String = (0..1_000).map(message).collect();
    let chunks: Vec<_> = body.as_bytes().chunks(5_000).map(Bytes::copy_from_slice).collect();
    let chunks = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let answer = server.post(MESSAGES, Body::from_stream(chunks)).await;
    let problem = answer.is_problem("overloaded", 503);
    assert_eq!(answer.header("retry-after"), "7");
    let kept = problem["kept"]["received"].as_u64().unwrap();
    assert!((100..1_000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn refusals_have_kinds_of_their_own() {
    for (refused, kind, status) in [
        (Refused::Overloaded { retry_after: Duration::ZERO }, "overloaded", 503),
        (Refused::Full, "full", 503),
        (Refused::TooLarge, "too-large", 413),
        (Refused::UnknownFeed, "unknown-feed", 404),
        (Refused::Stopping, "stopping", 503),
        (Refused::Failed, "store-failed", 503),
    ] {
        let server = Server::new().await;
        *server.intake.refused.lock().unwrap() = Some(refused);
        let answer = server.post(MESSAGES, MESSAGE).await;
        answer.is_problem(kind, status);
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{kind}");
    }
}

#[tokio::test]
async fn files_of_a_form_are_taken_one_by_one() {
    let server = Server::new().await;
    let part = |name: &str, content: &str| {
        format!(
            "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        )
    };
    // The first file lacks its last line end.
    let body = format!(
        "{}{}--XX--\r\n",
        part("C:\\in\\one.hl7", message(1).trim_end()),
        part("two.hl7", &message(2))
    );
    let request = || Request::post(MESSAGES).header("content-type", "multipart/form-data; boundary=XX");
    let answer = server.send(request(), body.clone()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["received"]), (200, &json!(2)), "{}", answer.text());
    let origins: Vec<_> =
        server.intake.puts.lock().unwrap().iter().map(|(_, origin, _)| origin.clone()).collect();
    assert_eq!(origins, ["http/one.hl7", "http/two.hl7"]);
    let long: String = (0..40_000).map(message).collect();
    let body_of_many = format!("{}--XX--\r\n", part("many.hl7", &long));
    let answer = server.send(request(), body_of_many).await;
    assert_eq!(answer.json()["received"], 40_000, "{}", answer.text());
    server.send(request(), body[..body.len() - 30].to_owned()).await.is_problem("bad-body", 400);
    let request = Request::post(MESSAGES).header("content-type", "multipart/form-data");
    server.send(request, body).await.is_problem("bad-body", 400);
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer() {
    let server = Server::new().await;
    let request = || Request::post(MESSAGES).header("idempotency-key", "k-1");
    let first = server.send(request(), MESSAGE).await;
    assert_eq!(first.status, 200);
    let again = server.send(request(), MESSAGE).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(server.intake.puts.lock().unwrap().len(), 1, "nothing is put again");
    // However it is packed, it is the same body.
    let packed = zstd::encode_all(MESSAGE.as_bytes(), 1).unwrap();
    let packed = server.send(request().header("content-encoding", "zstd"), packed).await;
    assert_eq!(packed.json(), first.json());
    server.send(request(), message(2)).await.is_problem("key-reused", 422);
    // A key belongs to a caller and a feed.
    let other = server.send(request().header("authorization", "Bearer lab"), message(2)).await;
    assert_eq!(other.status, 200);
    let request = Request::post("/v1/feeds/other/messages").header("idempotency-key", "k-1");
    assert_eq!(server.send(request, message(2)).await.status, 200);
    let empty = server.send(Request::post(MESSAGES).header("idempotency-key", ""), MESSAGE).await;
    empty.is_problem("bad-request", 400);
}

#[tokio::test]
async fn a_key_is_free_again_after_a_failure_and_busy_meanwhile() {
    let server = Server::new().await;
    let request = || Request::post(MESSAGES).header("idempotency-key", "k-1");
    *server.intake.refused.lock().unwrap() = Some(Refused::Full);
    server.send(request(), MESSAGE).await.is_problem("full", 503);
    *server.intake.refused.lock().unwrap() = None;
    let slow = Body::from_stream(stream::once(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, Infallible>(Bytes::from_static(MESSAGE.as_bytes()))
    }));
    let (first, second) = tokio::join!(server.send(request(), slow), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.send(request(), MESSAGE).await
    });
    assert_eq!(first.status, 200);
    second.is_problem("key-in-use", 409);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = Limits { body_pause: Duration::from_millis(200), ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    server.post(MESSAGES, silent).await.is_problem("slow-body", 408);
    // One byte now and then keeps no connection either.
    let trickle = stream::repeat(()).then(|()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(Bytes::from_static(b"M"))
    });
    server.post(MESSAGES, Body::from_stream(trickle)).await.is_problem("slow-body", 408);
}

#[tokio::test]
async fn bodies_have_limits() {
    let limits = Limits { body: 10_000, ..Limits::default() };
    let server = Server::with(|seams| seams.limits = limits).await;
    let answer = server.send(Request::post(MESSAGES).header("content-length", "10001"), "").await;
    answer.is_problem("too-large", 413);
    let long = "x".repeat(10_001);
    server.post(MESSAGES, long.clone()).await.is_problem("too-large", 413);
    let bomb = zstd::encode_all(&vec![b' '; 50 << 20][..], 3).unwrap();
    assert!(bomb.len() < 10_000);
    let answer = server.send(Request::post(MESSAGES).header("content-encoding", "zstd"), bomb).await;
    answer.is_problem("too-large", 413);
}

#[tokio::test]
async fn other_bodies_and_feeds_are_refused() {
    let server = Server::new().await;
    server.post(MESSAGES, "").await.is_problem("no-message", 422);
    server.post(MESSAGES, "\r\n\r\n").await.is_problem("no-message", 422);
    let answer = server.send(Request::post(MESSAGES).header("content-type", "image/png"), MESSAGE).await;
    answer.is_problem("unsupported-media-type", 415);
    server.post("/v1/feeds/unknown/messages", MESSAGE).await.is_problem("unknown-feed", 404);
    for query in ["wait=soon", "wait=staged&timeout=99999", "weight=1", "wait=staged&wait=staged"] {
        server.post(&format!("{MESSAGES}?{query}"), MESSAGE).await.is_problem("bad-request", 400);
    }
    let limited = |path: &str| Request::post(path).header("authorization", "Bearer lab");
    assert_eq!(server.send(limited(MESSAGES), MESSAGE).await.status, 200);
    server.send(limited("/v1/feeds/other/messages"), MESSAGE).await.is_problem("forbidden", 403);
    let media = ["application/hl7-v2; charset=utf-8", "application/hl7-v2+er7", "text/plain"];
    for media in media {
        let answer = server.send(Request::post(MESSAGES).header("content-type", media), MESSAGE).await;
        assert_eq!(answer.status, 200, "{media}");
    }
}
