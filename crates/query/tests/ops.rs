//! The schema `ops`: counts that add up, what is usual, silence, and what waits.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use pipeline::{FeedRules, Input, ReplayProgress, Rules, Scope, Settings};
use query::{Engine, Feed};
use storage::{Lake, Location, receipts_key, settled_key};

const HOUR: i64 = 3_600_000_000;
const DAY: Duration = Duration::from_secs(86_400);

async fn lake() -> Lake {
    pipeline::init(Location::memory().unwrap()).await.unwrap()
}

fn message(number: usize) -> String {
    format!("MSH|^~\\&|A|B|C|D|2024||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}\r")
}

async fn ingest(lake: &Lake, feed: &str, content: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.hl7");
    std::fs::write(&path, content).unwrap();
    let settings = Settings { feed: FeedRules::named(feed).into(), ..Settings::default() };
    pipeline::ingest(lake, Input::expand(&[path]), &settings, |_| {}).await.unwrap();
}

/// Writes receipts of messages that came on a feed at these moments, and nothing else of them.
async fn receive(lake: &Lake, feed: &str, moments: &[i64]) -> String {
    let begun = moments.iter().max().unwrap();
    let batch = format!("{begun:016x}-{}-000001", "0".repeat(32));
    let schema = tables::receipts_schema();
    let numbers = 0..moments.len() as i64;
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "feed" => Arc::new(StringArray::from_iter_values(moments.iter().map(|_| feed))),
                "received_at" => Arc::new(
                    TimestampMicrosecondArray::from_iter_values(moments.iter().copied()).with_timezone("UTC"),
                ),
                "message_id" => Arc::new(StringArray::from_iter_values(
                    numbers.clone().map(|n| format!("{feed:>16}{n:016x}")),
                )),
                "raw_key" => Arc::new(StringArray::from_iter_values(moments.iter().map(|_| "raw/x"))),
                "raw_offset" => Arc::new(Int64Array::from_iter_values(numbers.clone())),
                _ => new_null_array(field.data_type(), moments.len()),
            }
        })
        .collect();
    let rows = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    writer.write(&rows).unwrap();
    lake.put_new(&receipts_key(&batch), writer.into_inner().unwrap().into()).await.unwrap();
    batch
}

async fn feeds(lake: &Lake, span: Duration) -> Vec<Feed> {
    Engine::open(lake).await.unwrap().feeds(span).await.unwrap()
}

async fn rows(engine: &Engine, query: &str) -> RecordBatch {
    let answer = engine.sql(query).await.unwrap();
    let schema = answer.schema();
    arrow::compute::concat_batches(&schema, &answer.collect().await.unwrap()).unwrap()
}

fn numbers(rows: &RecordBatch, column: usize) -> Vec<i64> {
    rows.column(column).as_primitive::<Int64Type>().values().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_feed_is_counted_once() {
    let lake = lake().await;
    ingest(&lake, "adt", &(message(1) + &message(2) + &message(1) + "MSH|\rPID|1\r")).await;
    ingest(&lake, "adt", &message(2)).await;
    ingest(&lake, "lab", &message(1)).await;
    let engine = Engine::open(&lake).await.unwrap();
    let found = engine.feeds(DAY).await.unwrap();
    let counts: Vec<_> = found
        .iter()
        .map(|feed| {
            (feed.name.as_str(), feed.received, feed.staged, feed.error, feed.duplicate, feed.pending)
        })
        .collect();
    assert_eq!(counts, [("adt", 5, 2, 1, 2, 0), ("lab", 1, 1, 0, 0, 0)]);
    for feed in &found {
        assert_eq!(feed.lag_messages, feed.staged);
        assert!(
            feed.lag_p95 >= Some(0.0) && feed.lag_p95 <= feed.lag_most && feed.lag_most < Some(60.0),
            "{feed:?}"
        );
        assert!(feed.last_message_age < 60.0 && feed.last_hour == feed.received, "{feed:?}");
        assert!(feed.usual.is_none() && !feed.silence.is_unusual, "{feed:?}");
    }
    // What SQL tells is the same, and what single receipts tell adds up to it.
    let told = rows(&engine, "SELECT received, staged, error, duplicate FROM ops.feeds ORDER BY feed").await;
    let told: Vec<_> = (0..4).map(|column| numbers(&told, column)).collect();
    assert_eq!(told, [[5, 1], [2, 1], [1, 0], [2, 0]]);
    let fates =
        "SELECT fate, count(*), count(visible_at), count(*) FILTER (WHERE lag_seconds BETWEEN 0 AND 60)
        FROM ops.receipts WHERE feed = 'adt' GROUP BY fate ORDER BY fate";
    let fates = rows(&engine, fates).await;
    let fates: Vec<_> = (1..4).map(|column| numbers(&fates, column)).collect();
    assert_eq!(fates, [[2, 1, 2], [0, 0, 2], [0, 0, 2]], "duplicate, error, staged");
    assert!(feeds(&lake, Duration::ZERO).await.iter().all(|feed| feed.received == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_moved_do_not_tell_how_fast_they_were() {
    let lake = lake().await;
    ingest(&lake, "adt", &(message(1) + &message(2))).await;
    pipeline::replay(&lake, &Scope::default(), &Rules::default(), &Arc::<ReplayProgress>::default())
        .await
        .unwrap();
    ingest(&lake, "adt", &message(3)).await;
    let engine = Engine::open(&lake).await.unwrap();
    let feed = &engine.feeds(DAY).await.unwrap()[0];
    assert_eq!((feed.received, feed.staged, feed.lag_messages), (3, 3, 1));
    let told =
        rows(&engine, "SELECT count(visible_at), count(*) FILTER (WHERE fate = 'staged') FROM ops.receipts")
            .await;
    assert_eq!((numbers(&told, 0), numbers(&told, 1)), (vec![1], vec![3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_ceased_is_told_by_its_weeks_and_an_old_message_that_waits_by_its_batch() {
    let lake = lake().await;
    let now = pipeline::time::now();
    // Twenty each hour for nine weeks, and nothing for the last five hours.
    let moments = |hours: std::ops::Range<i64>| -> Vec<i64> {
        hours.flat_map(|hour| (0..20).map(move |part| now - hour * HOUR - part * HOUR / 20)).collect()
    };
    let old = receive(&lake, "lab", &moments(30..1_512)).await;
    receive(&lake, "lab", &moments(5..30)).await;
    let engine = Engine::open(&lake).await.unwrap();
    let feed = &engine.feeds(DAY).await.unwrap()[0];
    let usual = feed.usual.unwrap();
    assert!((usual.mean - 20.0).abs() < 0.5 && usual.weeks == 8 && usual.deviation < 1.0, "{usual:?}");
    assert!(feed.last_hour == 0 && usual.z(0) < -4.0, "{feed:?}");
    assert!(feed.silence.is_unusual && feed.silence.missed > Some(75.0), "{:?}", feed.silence);
    assert!((5.0 * 3_600.0..5.1 * 3_600.0).contains(&feed.last_message_age), "{feed:?}");
    // Neither batch is settled: of the one that is older than the span, too, some messages wait.
    assert!((375..=381).contains(&feed.received), "{feed:?}");
    assert!(feed.pending > 2 * feed.received && feed.pending_age > Some(50.0 * 3_600.0), "{feed:?}");

    let volume =
        rows(&engine, "SELECT messages, z, hour_to FROM ops.feed_volume ORDER BY hour_to DESC").await;
    let messages = numbers(&volume, 0);
    assert_eq!((messages.len(), messages[..5].to_vec()), (168, vec![0; 5]));
    assert!(messages[6..].iter().all(|messages| (19..=21).contains(messages)), "{messages:?}");
    let odd = rows(&engine, "SELECT count(*) FROM ops.feed_volume WHERE abs(z) > 3").await;
    assert_eq!(numbers(&odd, 0), [5]);
    let newest = volume.column(2).as_primitive::<TimestampMicrosecondType>().value(0);
    assert!((now..now + 600_000_000).contains(&newest));

    // When that is settled, only the span is looked at.
    lake.put_new(&settled_key(&old), "\n".into()).await.unwrap();
    let feed = &feeds(&lake, DAY).await[0];
    assert_eq!(feed.pending, feed.received);
    assert!(feed.pending_age < Some(86_401.0), "{feed:?}");
}
