//! A lake whose doors are open: what is still in the write-ahead log is seen too.

use std::sync::Arc;

use pipeline::{Answer, Delivery, FeedRules, Live, LiveSettings, Wish};
use query::Engine;
use storage::{Lake, Location};

async fn line(lake: &Lake, question: &str) -> String {
    let engine = Engine::open(lake).await.unwrap();
    let batches = engine.sql(question).await.unwrap().collect().await.unwrap();
    let options = arrow::util::display::FormatOptions::default();
    let mut values = Vec::new();
    for batch in &batches {
        for column in batch.columns() {
            let shown = arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
            values.extend((0..batch.num_rows()).map(|row| shown.value(row).to_string()));
        }
    }
    values.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_rows_and_raw_bytes_of_an_open_log_are_those_of_a_sealed_one() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
    let lake = pipeline::init(location).await.unwrap();
    let (live, _) = Live::open(&lake, LiveSettings::default()).await.unwrap();
    let filters = vec!["ACK".parse().unwrap()];
    let feed = Arc::new(FeedRules { name: "lab".into(), filters, ..FeedRules::default() });
    for text in [
        "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C1|P|2.5\rPID|1||P1\r",
        "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C1|P|2.5\rPID|1||P1\r",
        "MSH|^~\\&|A|B|C|D|2026||ACK|C2|P|2.5\rMSA|AA|1\r",
        "hello",
    ] {
        let delivery = Delivery {
            feed: feed.clone(),
            origin: "test".into(),
            bytes: text.into(),
            wish: Wish::Staged,
            answer: Answer { accepted: Some("CA"), no_message: Some("CR") },
        };
        live.put(delivery).await.unwrap().fates.unwrap().await.unwrap();
    }
    let fates =
        "SELECT string_agg(fate, ' ' ORDER BY fate) FROM receipts WHERE feed = 'lab' AND origin = 'test'";
    let answers = "SELECT string_agg(answer, ' ' ORDER BY answer) FROM receipts";
    let bytes = "SELECT raw_length * 2 = length(encode(raw, 'hex')), starts_with(encode(raw, 'hex'), '4d53487c') FROM staging";
    assert_eq!(line(&lake, fates).await, "duplicate error filtered staged");
    assert_eq!(line(&lake, answers).await, "CA CA CA CR");
    assert_eq!(line(&lake, bytes).await, "true true");
    assert_eq!(line(&lake, "SELECT count(*) FROM raw_objects").await, "0");
    live.close().await;
    assert_eq!(line(&lake, fates).await, "duplicate error filtered staged");
    assert_eq!(line(&lake, answers).await, "CA CA CA CR");
    assert_eq!(line(&lake, bytes).await, "true true");
    assert_eq!(line(&lake, "SELECT feed, bytes > 100 FROM raw_objects").await, "lab true");
    assert_eq!(
        line(&lake, "SELECT count(*) FROM receipts WHERE received_at > now() - INTERVAL '1 hour' LIMIT 1")
            .await,
        "4"
    );
}
