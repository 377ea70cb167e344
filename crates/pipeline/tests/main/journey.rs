//! What becomes of messages, duplicates and everything that is no message.

use pipeline::{Accounting, FeedRules, Input, MessageId, Settings, ingest};
use storage::{Location, error_bytes_key, receipts_prefix};

use crate::{Files, lake_in_memory, message, staged_ids, take};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_staged_once_and_counted_each_time() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let twice = files.add("twice.hl7", format!("{}{}{}", message(1), message(2), message(1)));
    let first = take(&lake, &twice).await;
    assert_eq!(first, Accounting { received: 3, staged: 2, duplicate: 1, ..Accounting::default() });
    let again = take(&lake, &twice).await;
    assert_eq!(again, Accounting { received: 3, duplicate: 3, ..Accounting::default() });
    assert_eq!(staged_ids(&lake).await.len(), 2);
    assert_eq!(lake.list(&receipts_prefix()).await.unwrap().len(), 2, "receipts are kept of duplicates too");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_error_twice_is_two_errors_whenever_it_comes() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    files.add("a.hl7", "MSH|");
    files.add("b.hl7", "MSH|");
    let both = Accounting { received: 2, error: 2, ..Accounting::default() };
    assert_eq!(take(&lake, files.path()).await, both);
    assert_eq!(take(&lake, files.path()).await, both);
    assert_eq!(pipeline::errors(&lake).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_feed_is_another_message() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let file = files.add("one.hl7", message(1));
    take(&lake, &file).await;
    let settings = Settings { feed: FeedRules::named("other").into(), ..Settings::default() };
    let accounting = ingest(&lake, Input::expand(&[file]), &settings, |_| {}).await.unwrap();
    assert_eq!(accounting, Accounting { received: 1, staged: 1, ..Accounting::default() });
    assert_eq!(staged_ids(&lake).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_waits_in_the_error_zone_with_its_bytes() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    files.add("1_text.txt", "no message here");
    files.add("2_truncated.hl7", "MSH|");
    files.add("3_early.hl7", format!("junk\r{}", message(1)));
    files.add("4_empty.hl7", "");
    let accounting = take(&lake, files.path()).await;
    assert_eq!(accounting, Accounting { received: 4, staged: 1, error: 3, ..Accounting::default() });
    let errors = pipeline::errors(&lake).await.unwrap();
    let mut codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["no_message", "no_message", "truncated_header"]);
    let id = MessageId::of("default", b"no message here");
    assert_eq!(lake.read(&error_bytes_key(&id.to_string())).await.unwrap().as_ref(), b"no message here");
    let report = pipeline::error_report(&lake, id).await.unwrap();
    assert!(!String::from_utf8_lossy(&report).contains("no message here"), "a report never quotes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_feed_refuses_by_code_and_takes_the_message_when_it_is_lenient_again() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let file = files.add("odd.hl7", "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1\r");
    let feed = FeedRules { strict: true, ..FeedRules::default() };
    let strict = Settings { feed: feed.into(), ..Settings::default() };
    let accounting =
        ingest(&lake, Input::expand(std::slice::from_ref(&file)), &strict, |_| {}).await.unwrap();
    assert_eq!(accounting, Accounting { received: 1, error: 1, ..Accounting::default() });
    let errors = pipeline::errors(&lake).await.unwrap();
    assert_eq!(errors[0].code, "strict_required");
    let id = MessageId::parse(&errors[0].message_id).unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&pipeline::error_report(&lake, id).await.unwrap()).unwrap();
    let listed: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [
            ("strict_required", "MSH-10"),
            ("strict_missing_segment", "MSH"),
            ("strict_missing_segment", "PID"),
            ("strict_required", "PID-3"),
            ("strict_required", "PID-5"),
        ]
    );
    assert_eq!(take(&lake, &file).await.staged, 1);
    assert!(pipeline::errors(&lake).await.unwrap().is_empty(), "a staged message is in error no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_named_by_where_it_lies() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let long = format!("{}NTE|1||{}\r", message(1), "x".repeat(5_000));
    let file = files.add("long.hl7", format!("{}{long}{}", message(2), message(3)));
    let mut settings = Settings::default();
    settings.limits.message_bytes = 4_000;
    let accounting = ingest(&lake, Input::expand(&[file]), &settings, |_| {}).await.unwrap();
    assert_eq!(accounting, Accounting { received: 3, staged: 2, error: 1, ..Accounting::default() });
    let errors = pipeline::errors(&lake).await.unwrap();
    assert_eq!(errors[0].code, "limit");
    let id = MessageId::parse(&errors[0].message_id).unwrap();
    let bytes = pipeline::message_bytes(&lake, id).await.unwrap();
    assert_eq!(bytes.as_ref(), long.trim_end().as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_larger_than_memory_is_meant_to_be_goes_through_in_pieces() {
    let files = Files::new();
    let lake =
        pipeline::init(Location::parse(files.path().join("lake").to_str().unwrap()).unwrap()).await.unwrap();
    let padding = "x".repeat(2_000);
    let content: String = (0..6_000).map(|number| format!("{}NTE|1||{padding}\r", message(number))).collect();
    assert!(content.len() > 12 << 20);
    let accounting = take(&lake, &files.add("large.hl7", &content)).await;
    assert_eq!(accounting, Accounting { received: 6_000, staged: 6_000, ..Accounting::default() });
    let wanted = format!("{}NTE|1||{padding}", message(4_321));
    let shown = pipeline::message_bytes(&lake, MessageId::of("default", wanted.as_bytes())).await.unwrap();
    assert_eq!(shown.as_ref(), wanted.as_bytes());
}

#[tokio::test]
async fn a_control_id_that_a_sender_uses_again_for_other_content_is_staged_and_told() {
    let lake = lake_in_memory().await;
    let files = Files::new();
    let sent = |sender: &str, control_id: usize, name: &str| {
        format!(
            "MSH|^~\\&|{sender}|NORTH|LAB|SOUTH|20240101||ADT^A08^ADT_A01|C{control_id}|P|2.5\rPID|1||P1||{name}\r"
        )
    };
    let reused = async |content: String, feed: &str| {
        let path = files.add("next.hl7", content);
        let mut reused = 0;
        let settings = Settings { feed: FeedRules::named(feed).into(), ..Settings::default() };
        let accounting = ingest(&lake, Input::expand(&[path]), &settings, |event| {
            if let pipeline::Event::ReusedControlIds(messages) = event {
                reused = messages;
            }
        });
        (accounting.await.unwrap().staged, reused)
    };
    assert_eq!(reused(sent("ADT", 1, "ANN") + &sent("ADT", 2, "BEA"), "adt").await, (2, 0));
    assert_eq!(reused(sent("ADT", 1, "ANN"), "adt").await, (0, 0), "the same bytes are a duplicate");
    assert_eq!(reused(sent("ADT", 1, "EVE"), "adt").await, (1, 1), "known from an earlier run");
    assert_eq!(reused(sent("ADT", 3, "ANN") + &sent("ADT", 3, "BEA"), "adt").await, (2, 1), "in one batch");
    assert_eq!(reused(sent("LAB", 1, "ANN"), "adt").await, (1, 0), "another application");
    assert_eq!(reused(sent("ADT", 1, "ANN"), "other").await, (1, 0), "another feed");
    let without = |name: &str| sent("ADT", 1, name).replace("|C1|", "||");
    assert_eq!(reused(without("ANN") + &without("BEA"), "adt").await, (2, 0), "none is not the same");
}
