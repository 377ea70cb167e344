//! The clock is set back an hour and forward a year while a lake is live.

use std::path::Path as FilePath;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::{
    Answer, Delivery, FeedRules, Live, LiveEvent, LiveSettings, LogSettings, MessageId, Wish, verify,
};
use storage::{Clock, Lake, Location, ThisMachine, receipts_prefix, wal};

use crate::message;

const HOUR: i64 = 3_600_000_000;
const YEAR: i64 = 365 * 24 * HOUR;
/// What is added to the time, in turn.
const SETTINGS: [i64; 6] = [0, -HOUR, YEAR, 0, -HOUR, YEAR];
/// Far more than anything takes here, and far less than the clock is set.
const SOON: Duration = Duration::from_secs(60);

/// This machine's clock, with what was added to it.
#[derive(Debug, Default)]
struct Set(AtomicI64);

impl Set {
    fn to(&self, added: i64) {
        self.0.store(added, Ordering::SeqCst);
    }
}

impl Clock for Set {
    fn now(&self) -> i64 {
        ThisMachine.now() + self.0.load(Ordering::SeqCst)
    }
}

async fn lake_in(folder: &FilePath, clock: &Arc<Set>) -> Lake {
    let location = Location::parse(folder.to_str().unwrap()).unwrap();
    pipeline::init(location.by_clock(clock.clone())).await.unwrap()
}

fn settings(log: LogSettings) -> LiveSettings {
    LiveSettings { gather: Duration::from_millis(2), log, ..LiveSettings::default() }
}

async fn put(live: &Live, feed: &str, number: usize, wish: Wish) {
    let feed = Arc::new(FeedRules { name: feed.into(), ..FeedRules::default() });
    let delivery = Delivery {
        feed,
        origin: "a test".into(),
        bytes: message(number).into(),
        wish,
        answer: Answer::default(),
    };
    if let Some(fates) = live.put(delivery).await.unwrap().fates {
        fates.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_keep_their_order_and_their_ages_are_true() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(Set::default()));
    let lake = lake_in(folder.path(), &clock).await;
    let ages = Arc::new(Mutex::new(Vec::new()));
    let told = ages.clone();
    let tell = Arc::new(move |event| {
        if let LiveEvent::Committed(commit) = event {
            told.lock().unwrap().extend(commit.ages);
        }
    });
    // A segment takes three messages or so: the clock is set in the middle of some and between others.
    let log = LogSettings { segment_bytes: 1_000, ..LogSettings::default() };
    let (live, _) = Live::open(&lake, LiveSettings { tell, ..settings(log) }).await.unwrap();
    for number in 0..30 {
        clock.to(SETTINGS[number / 5]);
        let wish = if number % 4 == 0 { Wish::Staged } else { Wish::Safe };
        put(&live, "lab", number, wish).await;
        assert!(live.waiting_since().is_none_or(|since| since < SOON));
    }
    live.close().await;
    let ages = ages.lock().unwrap().clone();
    assert_eq!(ages.len(), 30);
    assert!(ages.iter().all(|age| *age < SOON), "{ages:?}");

    let ids: Vec<_> = (0..30)
        .map(|number| MessageId::of("lab", message(number).trim_end().as_bytes()).to_string())
        .collect();
    let mut receipts = receipts(&lake).await;
    receipts.sort_by(|one, other| (&one.key, one.sequence).cmp(&(&other.key, other.sequence)));
    assert_eq!(receipts.iter().map(|receipt| receipt.id.clone()).collect::<Vec<_>>(), ids);
    assert!(
        receipts.is_sorted_by_key(|receipt| receipt.received_at),
        "later is never earlier by its receipt"
    );
    let keys: std::collections::BTreeSet<_> = receipts.iter().map(|receipt| &receipt.key).collect();
    assert!(keys.len() > 6, "{} segments", keys.len());
    is_right(&lake, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_as_old_as_they_are_whatever_the_clock_says() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(Set::default()));
    let lake = lake_in(folder.path(), &clock).await;
    let (live, _) = Live::open(&lake, settings(LogSettings::default())).await.unwrap();
    for (number, added) in SETTINGS.into_iter().enumerate() {
        clock.to(added);
        put(&live, "lab", number, Wish::Staged).await;
    }
    assert_eq!(wal::segments(&lake).await.unwrap().len(), 1, "a year forward makes none of them old");
    live.close().await;

    clock.to(0);
    let log = LogSettings { segment_age: Duration::from_millis(20), ..LogSettings::default() };
    let (live, _) = Live::open(&lake, settings(log)).await.unwrap();
    put(&live, "lab", 100, Wish::Safe).await;
    clock.to(-HOUR);
    let sealed = async {
        while !wal::segments(&lake).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, sealed).await.expect("an hour back makes none of them younger");
    live.close().await;
    is_right(&lake, SETTINGS.len() + 1).await;
}

/// On a lake without locks, who has been silent for long is taken for dead; here it is the clock that says so.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_process_that_is_taken_for_dead_everything_is_there_once() {
    let clock = Arc::new(Set::default());
    let location = Location::memory().unwrap().by_clock(clock.clone());
    let lake = pipeline::init(location).await.unwrap();
    // Long enough for the other to find everything as it was received.
    let slow = LiveSettings { gather: Duration::from_millis(200), ..settings(LogSettings::default()) };
    let (one, _) = Live::open(&lake, slow).await.unwrap();
    for number in 0..5 {
        put(&one, "lab", number, Wish::Safe).await;
    }
    clock.to(YEAR);
    let (other, recovered) = Live::open(&lake, settings(LogSettings::default())).await.unwrap();
    assert_eq!(recovered.received, 5);
    for number in 3..8 {
        put(&one, "lab", number, Wish::Safe).await;
        put(&other, "lab", number + 2, Wish::Safe).await;
    }
    tokio::join!(one.close(), other.close());
    is_right(&lake, 10).await;
}

async fn is_right(lake: &Lake, messages: usize) {
    assert_eq!(crate::staged_ids(lake).await.len(), messages);
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!(verified.summary.pending, 0);
}

#[derive(Debug)]
struct Receipt {
    id: String,
    key: String,
    sequence: i64,
    received_at: i64,
}

async fn receipts(lake: &Lake) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for object in lake.list(&receipts_prefix()).await.unwrap() {
        let file = lake.read(&object.key).await.unwrap();
        for rows in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let rows = rows.unwrap();
            let text = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>();
            let sequences = rows.column_by_name("sequence").unwrap().as_primitive::<Int64Type>();
            let times =
                rows.column_by_name("received_at").unwrap().as_primitive::<TimestampMicrosecondType>();
            receipts.extend((0..rows.num_rows()).map(|row| Receipt {
                id: text("message_id").value(row).into(),
                key: text("raw_key").value(row).into(),
                sequence: sequences.value(row),
                received_at: times.value(row),
            }));
        }
    }
    receipts
}
