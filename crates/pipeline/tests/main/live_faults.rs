//! A disk or a store that fails at any call of a live lake: when it is well again, what was acknowledged is there once,
//! what was refused is there once or not at all, and the ledger closes.
//!
//! Of each fault so many calls are tried as `CARELAKE_FAULTS` says (6), spread over all there are; `all` tries each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::cast::AsArray;
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::{Answer, Delivery, Fate, FeedRules, Live, LiveSettings, LogSettings, MessageId, Wish, verify};
use storage::{Clock, Lake, Location, ThisMachine, receipts_prefix, wal};

use crate::faulty::{self, Faulty};
use crate::message;
use crate::power::{self, Failing};

/// Sessions at the same time: they wait more than they work.
const AT_ONCE: usize = 8;
/// As long as a lake that lost its disk or its store is left to itself.
const LIFE: Duration = Duration::from_secs(1);

#[test]
fn an_error_at_any_step_of_the_disk() {
    every_step_of_the_disk(power::Fault::Error);
}

#[test]
fn a_step_of_the_disk_that_is_done_and_told_as_failed() {
    every_step_of_the_disk(power::Fault::Untold);
}

#[test]
fn a_disk_that_is_full_from_any_step_on() {
    every_step_of_the_disk(power::Fault::Full);
}

#[test]
fn power_that_fails_at_any_step_of_the_disk() {
    every_step_of_the_disk(power::Fault::Power);
}

#[test]
fn a_write_or_removal_that_the_store_refuses() {
    every_call_of_the_store(faulty::Fault::WriteRefused);
}

#[test]
fn a_write_or_removal_whose_reply_is_lost() {
    every_call_of_the_store(faulty::Fault::ReplyLost);
}

#[test]
fn a_read_that_fails() {
    every_call_of_the_store(faulty::Fault::ReadFails);
}

#[test]
fn a_listing_that_breaks_off() {
    every_call_of_the_store(faulty::Fault::ListingBreaks);
}

#[test]
fn a_store_that_takes_nothing_from_any_write_on() {
    every_call_of_the_store(faulty::Fault::Cut);
}

fn every_step_of_the_disk(fault: power::Fault) {
    let last = matches!(fault, power::Fault::Power | power::Fault::Full);
    let steps = on_a_disk(fault, usize::MAX, false);
    assert!(steps > 100, "a live lake takes many steps, not {steps}");
    at_some_of(steps, |at| _ = on_a_disk(fault, at, last));
}

/// Gives how many steps the disk took.
fn on_a_disk(fault: power::Fault, at: usize, lasts: bool) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let lake_on = |disk| Lake::at(Location::on_disk(folder.path(), disk).unwrap());
    run(async { pipeline::init(Location::parse(folder.path().to_str().unwrap()).unwrap()).await }).unwrap();
    let failing = Arc::new(Failing::at(fault, at));
    let senders = Senders::default();
    run_process(session(&lake_on(failing.clone()), &senders), lasts);
    if fault == power::Fault::Power && failing.has_failed() {
        failing.lose();
    }
    run(senders.are_right(&lake_on(Arc::new(ThisMachine)), &format!("{fault:?} at step {at}")));
    failing.steps()
}

fn every_call_of_the_store(fault: faulty::Fault) {
    let calls = on_a_store(fault, usize::MAX);
    assert!(calls > 10, "{fault:?} can come often, not {calls} times");
    at_some_of(calls, |at| _ = on_a_store(fault, at));
}

/// Gives how many calls of the fault's kind there were.
fn on_a_store(fault: faulty::Fault, at: usize) -> usize {
    let memory = Arc::new(InMemory::new());
    run(pipeline::init(Location::on_store(memory.clone()).unwrap())).unwrap();
    let faulty = Arc::new(Faulty::at(memory.clone(), fault, at));
    let senders = Senders::default();
    let lake = Lake::at(Location::on_store(faulty.clone()).unwrap());
    run_process(session(&lake, &senders), fault == faulty::Fault::Cut && at != usize::MAX);
    // Without locks a process is known to be dead by its age alone.
    let later = Location::on_store(memory).unwrap().by_clock(Arc::new(AnHourLater));
    run(senders.are_right(&Lake::at(later), &format!("{fault:?} at call {at}")));
    faulty.operations()
}

#[derive(Debug)]
struct AnHourLater;

impl Clock for AnHourLater {
    fn now(&self) -> i64 {
        ThisMachine.now() + 3_600_000_000
    }
}

/// Calls each of the numbers below a limit, or some of them.
fn at_some_of(limit: usize, test: impl Fn(usize) + Sync) {
    let wanted = std::env::var("CARELAKE_FAULTS").unwrap_or_else(|_| "6".into());
    let samples = wanted.parse().unwrap_or(limit).clamp(1, limit);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let sample = next.fetch_add(1, Ordering::Relaxed);
                    if sample >= samples {
                        break;
                    }
                    test(sample * limit / samples);
                }
            });
        }
    });
}

/// A process of its own: what it does in the background ends with it.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(work)
}

/// The same, killed after a while if it cannot end by itself.
fn run_process(session: impl Future<Output = ()>, is_killed: bool) {
    let life = if is_killed { LIFE } else { Duration::from_secs(120) };
    let ended = run(async { tokio::time::timeout(life, session).await });
    assert!(ended.is_ok() || is_killed, "it does not recover from a fault that is over");
}

/// What senders sent and were told.
#[derive(Default)]
struct Senders {
    messages: Mutex<BTreeMap<MessageId, Told>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    is_message: bool,
    sent: usize,
    acknowledged: usize,
}

/// What is sent: the feed, and the messages of one delivery.
fn deliveries() -> Vec<(&'static str, Vec<String>, Wish)> {
    vec![
        ("lab", vec![message(0)], Wish::Safe),
        ("lab", vec![message(1), message(2), message(0)], Wish::Counted),
        ("adt", vec![message(0)], Wish::Safe),
        ("lab", vec!["nothing to see".into()], Wish::Staged),
        ("adt", vec![message(3), message(3)], Wish::Staged),
        ("lab", vec![message(1)], Wish::Counted),
        ("adt", vec!["nothing to see".into()], Wish::Safe),
        ("adt", vec![message(4)], Wish::Staged),
    ]
}

/// Doors are opened, messages come, doors are closed, and opened once more.
async fn session(lake: &Lake, senders: &Senders) {
    let mut deliveries = deliveries();
    let last = deliveries.split_off(6);
    for deliveries in [deliveries, last] {
        // Whoever runs a server that could not start starts it again.
        let live = match Live::open(lake, settings()).await {
            Ok((live, _)) => live,
            Err(_) => match Live::open(lake, settings()).await {
                Ok((live, _)) => live,
                Err(_) => return,
            },
        };
        for (feed, messages, wish) in deliveries {
            senders.send(&live, feed, &messages, wish).await;
        }
        live.close().await;
    }
}

/// So that segments close and are sealed while messages come.
fn settings() -> LiveSettings {
    let log = LogSettings { segment_bytes: 1_000, ..LogSettings::default() };
    LiveSettings { gather: Duration::from_millis(2), log, ..LiveSettings::default() }
}

impl Senders {
    /// Sends a delivery, and once more if it was refused.
    async fn send(&self, live: &Live, feed: &str, messages: &[String], wish: Wish) {
        let rules = Arc::new(FeedRules { name: feed.into(), ..FeedRules::default() });
        for attempt in 0..2 {
            let (origin, bytes) = ("a test".into(), messages.concat().into());
            self.tell(feed, messages, |told| told.sent += 1);
            let Ok(kept) = live
                .put(Delivery { feed: rules.clone(), origin, bytes, wish, answer: Answer::default() })
                .await
            else {
                continue;
            };
            assert_eq!(kept.messages.len(), messages.len());
            self.tell(feed, messages, |told| told.acknowledged += 1);
            if let Some(fates) = kept.fates {
                let fates = fates.await.unwrap();
                // What a fault delays, or makes seem to fail, ends as what it is.
                for (position, fate) in fates.iter().enumerate() {
                    let is_message = messages[position].starts_with("MSH");
                    let is_right = match fate {
                        Fate::Staged => is_message && position == 0,
                        Fate::Duplicate => is_message && (position > 0 || attempt > 0),
                        Fate::Error(_) => !is_message,
                        Fate::Filtered => false,
                    };
                    assert!(is_right, "{position} of attempt {attempt}: {fate:?}");
                }
            }
            return;
        }
    }

    fn tell(&self, feed: &str, messages: &[String], tell: impl Fn(&mut Told)) {
        let mut all = self.messages.lock().unwrap();
        for message in messages {
            let told = all.entry(MessageId::of(feed, message.trim_end().as_bytes())).or_default();
            told.is_message = message.starts_with("MSH");
            tell(told);
        }
    }

    /// Opens the lake as it is now, which finishes what was begun, and holds it against what senders were told.
    async fn are_right(&self, lake: &Lake, when: &str) {
        let (live, _) = Live::open(lake, settings()).await.unwrap();
        live.close().await;
        let verified = verify(lake).await.unwrap();
        assert!(verified.problems.is_empty(), "{when}: {:?}", verified.problems);
        assert_eq!(verified.summary.pending, 0, "{when}");
        assert!(wal::segments(lake).await.unwrap().is_empty(), "{when}: all is sealed");
        let received = receipts(lake).await;
        let staged = crate::staged_ids(lake).await;
        let errors = pipeline::errors(lake).await.unwrap();
        for (id, told) in self.messages.lock().unwrap().iter() {
            let (receipts, when) = (received.get(id).copied().unwrap_or(0), format!("{when}: {id} {told:?}"));
            assert!((told.acknowledged..=told.sent).contains(&receipts), "{when}: {receipts} receipts");
            let rows = usize::from(staged.contains(&id.to_string()));
            let in_error = errors.iter().filter(|entry| entry.message_id == id.to_string()).count();
            let found = if told.is_message { (rows, in_error) } else { (in_error, rows) };
            assert_eq!(found, (receipts.min(1), 0), "{when}");
        }
        let known = self.messages.lock().unwrap().len();
        assert!(received.len() <= known && staged.len() + errors.len() == received.len(), "{when}");
    }
}

/// How many receipts each message has.
async fn receipts(lake: &Lake) -> BTreeMap<MessageId, usize> {
    let mut receipts = BTreeMap::new();
    for object in lake.list(&receipts_prefix()).await.unwrap() {
        let file = lake.read(&object.key).await.unwrap();
        for rows in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let rows = rows.unwrap();
            for id in rows.column_by_name("message_id").unwrap().as_string::<i32>() {
                *receipts.entry(MessageId::parse(id.unwrap()).unwrap()).or_default() += 1;
            }
        }
    }
    receipts
}
